"""YAML as people write it into a configuration: plain values only, and nothing is dropped without a word. Pure.

YAML 1.1 has surprises that a stream must not end by: `0123` is the number 83, `1:30` is 90, `no` is false, and of
two equal keys the last wins. Here a number is one only if it is written as Python would write it, everything else
is text, keys are text always, and of two equal keys both are known. Tags, anchors and aliases are not taken: they are a
secret without quotes more often than meant, and `defaults` says once what holds for all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

Path_ = tuple[str | int, ...]
_TAG = "tag:yaml.org,2002:"
_MAX_NODES = 200_000  # a thousand streams with a hundred keys each
_TOO_MANY = f"no more than {_MAX_NODES} values"
_MOST_COPIES = 10  # keys that stand twice, of which the copy that loses is looked at too
_NEEDS_QUOTES = "no tags, anchors and aliases; quotes around what begins with !, & or *"
_NO_TAB = "spaces where this TAB stands"
_TOKEN_IN_QUOTES = re.compile(r"'(?:[^']|<[a-z ]+>)'")  # such as ']' and '<stream end>': words of YAML's own
_QUOTED = re.compile(r" *(?:'.*'|\".*\")", re.DOTALL)


class NotYaml(Exception):  # noqa: N818 - it names the state
    """The text cannot be read; `where` is its place in words, if it is known. Nothing of the text is in it."""

    def __init__(self, where: str, reason: str) -> None:
        self.where = where
        self.reason = reason
        super().__init__(reason)


@dataclass(slots=True)
class Duplicate:
    """A key that stands twice: where, on which lines, and what the copy that loses says if `judged`."""

    path: Path_
    first_line: int
    line: int
    value: Any
    judged: bool


@dataclass(slots=True)
class Document:
    """What a text says, which of its keys stand twice, and on which line each key stands."""

    tree: Any
    duplicates: list[Duplicate] = field(default_factory=list)
    lines: dict[Path_, int] = field(default_factory=dict)


class _Loader(yaml.SafeLoader):
    """Null, true and false, plain numbers, text, lists and mappings."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own way
    nodes = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Refuse what a slip of the hand makes of a secret: `*Secret`, `&Secret`, `!Secret`."""
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if event.anchor is not None or getattr(event, "tag", None) is not None:
            raise NotYaml(_place(event.start_mark), _NEEDS_QUOTES)
        self.nodes += 1
        if self.nodes > _MAX_NODES:
            raise NotYaml(_place(event.start_mark), _TOO_MANY)
        return super().compose_node(parent, index)


for _name, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"0|-?[1-9][0-9]{0,17}", list("-0123456789")),
    ("float", r"-?(?:0|[1-9][0-9]{0,14})\.[0-9]{0,14}[1-9]|-?(?:0|[1-9][0-9]{0,14})\.0", list("-0123456789")),
):
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(rf"^(?:{_pattern})$"), _first)


def read(text: str) -> Document:
    """The one document in `text`; an empty mapping if there is none. Raises `NotYaml`."""
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        document = Document({})
        if node is None or node.tag == _TAG + "null":
            return document
        for path, first, line, lost in _Walk(document.lines).through(node, ()):
            judged = len(document.duplicates) < _MOST_COPIES
            value = loader.construct_object(lost, deep=True) if judged else None
            document.duplicates.append(Duplicate(path, first, line, value, judged))
        document.tree = loader.construct_document(node)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = str(getattr(error, "problem", None) or "it holds characters that YAML does not allow")
        if re.search(r"\b(?:alias|anchor|tag)\b", f"{getattr(error, 'context', '')} {reason}"):
            reason = _NEEDS_QUOTES
        if r"'\t'" in reason:
            raise NotYaml(_place(mark), _NO_TAB) from None
        raise NotYaml(_place(mark) if mark else "", _unquoted(reason)) from None
    except RecursionError:
        raise NotYaml("", "it is nested too deeply") from None
    return document


def _place(mark: Any) -> str:
    return f"line {mark.line + 1}, column {mark.column + 1}"


def _unquoted(reason: str) -> str:
    """What PyYAML says, without what it quotes of the text: that may be a secret in the wrong place."""
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(match.group())
        return "\0"

    bare = _QUOTED.sub("", _TOKEN_IN_QUOTES.sub(keep, reason))
    for token in kept:
        bare = bare.replace("\0", token, 1)
    return bare


@dataclass(slots=True)
class _Walk:
    """Through all nodes."""

    lines: dict[Path_, int]

    def through(self, node: yaml.Node, path: Path_) -> Iterator[tuple[Path_, int, int, yaml.Node]]:
        """Make every key text, note its line, and find those that stand twice."""
        if isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                yield from self.through(item, (*path, index))
        if not isinstance(node, yaml.MappingNode):
            return
        seen: dict[str, yaml.Node] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise NotYaml(f"line {line}", "a key must be plain text")
            key.tag = _TAG + "str"
            place = (*path, key.value)
            if key.value in seen:
                yield place, self.lines[place], line, seen[key.value]
            else:
                self.lines[place] = line
            seen[key.value] = value
            yield from self.through(value, place)
