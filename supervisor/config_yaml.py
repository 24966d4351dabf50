"""YAML as people write it into a configuration: plain values only, and nothing that vanishes in silence. IO-free.

YAML 1.1 has surprises that a stream must not end by: `0123` is the number 83, `1:30` is 90, `no` is false, and of
two equal keys the last wins. Here a number is one only if it is written as Python would write it, everything else
is text, keys are text always, and of two equal keys both are known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

Path_ = tuple[str | int, ...]
_TAG = "tag:yaml.org,2002:"
_MAX_NODES = 200_000  # a thousand streams with a hundred keys each, and no bomb of aliases


class NotYaml(Exception):  # noqa: N818 - it names the state
    """The text cannot be read; `where` is its place in words, if it is known."""

    def __init__(self, where: str, reason: str) -> None:
        self.where = where
        self.reason = reason
        super().__init__(reason)


@dataclass(slots=True)
class Duplicate:
    """A key that stands twice: where, on which lines, and what the copy that loses says."""

    path: Path_
    first_line: int
    line: int
    value: Any


@dataclass(slots=True)
class Document:
    """What a text says, and which of its keys stand twice."""

    tree: Any
    duplicates: list[Duplicate] = field(default_factory=list)


class _Loader(yaml.SafeLoader):
    """Null, true and false, plain numbers, text, lists and mappings."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own way
    yaml_constructors = {  # noqa: RUF012
        tag: construct
        for tag, construct in yaml.SafeLoader.yaml_constructors.items()
        if tag is None or tag.removeprefix(_TAG) in {"null", "bool", "int", "float", "str", "seq", "map"}
    }


for _name, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"0|-?[1-9][0-9]{0,17}", list("-0123456789")),
    ("float", r"-?(?:0|[1-9][0-9]{0,14})\.[0-9]{0,14}[1-9]|-?(?:0|[1-9][0-9]{0,14})\.0", list("-0123456789")),
    ("merge", r"<<", ["<"]),
):
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(rf"^(?:{_pattern})$"), _first)


def read(text: str) -> Document:
    """The one document in `text`. Raises `NotYaml`."""
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return Document({})
        found = list(_walk(node, (), [0], ()))
        duplicates = [
            Duplicate(path, first, line, loader.construct_object(lost, deep=True)) for path, first, line, lost in found
        ]
        return Document(loader.construct_document(node), duplicates)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        reason = getattr(error, "problem", None) or "it holds characters that YAML does not allow"
        raise NotYaml(where, str(reason).replace(r"'\t'", "TAB")) from None
    except RecursionError:
        raise NotYaml("", "it is nested too deeply") from None
    except (ValueError, LookupError, TypeError, AttributeError):
        # PyYAML's own constructors, given a tag such as !!int before something else.
        raise NotYaml("", "a value does not fit the !!tag before it") from None


def _walk(
    node: yaml.Node, path: Path_, count: list[int], above: tuple[int, ...]
) -> Iterator[tuple[Path_, int, int, yaml.Node]]:
    """Make every key text, find those that stand twice, and refuse what would never end."""
    count[0] += 1
    if id(node) in above or count[0] > _MAX_NODES:
        raise NotYaml(f"line {node.start_mark.line + 1}", "an alias that leads into itself, or far too many values")
    above = (*above, id(node))
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _walk(item, (*path, index), count, above)
    if not isinstance(node, yaml.MappingNode):
        return
    seen: dict[str, tuple[int, yaml.Node]] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise NotYaml(f"line {key.start_mark.line + 1}", "a key must be plain text")
        line = key.start_mark.line + 1
        if key.tag == _TAG + "merge":
            yield from _walk(value, path, count, above)
            continue
        key.tag = _TAG + "str"
        if key.value in seen:
            first, lost = seen[key.value]
            yield (*path, key.value), first, line, lost
            seen[key.value] = (first, value)
        else:
            seen[key.value] = (line, value)
        yield from _walk(value, (*path, key.value), count, above)
