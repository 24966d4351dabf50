"""Which environment variables a configuration names, and where. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

VARIABLE = re.compile(r"\$(?:\$\{|\{([^}]*)\})")  # `${NAME}`; `$${` is a plain `${`
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Named:
    """What is named in the text of a configuration, as it was written."""

    used: frozenset[str]  # the variables that `${NAME}` stands for, anywhere
    words: Mapping[str, frozenset[str]]  # of each command stream, everything in its text that may be a variable's name


def named(written: Any, overrides: Any) -> Named:
    """What a file says, and what the environment's overrides say."""
    used = {match.group(1) for text in _texts(written) for match in VARIABLE.finditer(text)}
    words: dict[str, frozenset[str]] = {}
    for tree in (written, overrides):
        for name, stream in _section(_section(tree).get("streams")).items():
            found = {word for text in _texts(stream) for word in _WORD.findall(text)}
            words[name] = words.get(name, frozenset()) | found
    return Named(frozenset(used - {None}), words)


def _section(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(tree: Any) -> Iterator[str]:
    match tree:
        case str():
            yield tree
        case dict():
            for value in tree.values():
                yield from _texts(value)
        case list():
            for item in tree:
                yield from _texts(item)
