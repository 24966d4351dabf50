"""Mistakes of a configuration in words: where, what stands there, what was expected. Never with a secret.

A slip of the hand puts a secret where a name or a word belongs (`key:abcd` without a space is a key of that name), and
what is printed here gets into tickets and journals. So below sources and destinations nothing is repeated but what
cannot be one.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from supervisor.config.fields import NAME, absolute
from supervisor.config.shape import Config
from supervisor.config.sound import SECTION, WORD
from supervisor.config.yaml_nodes import Path_
from supervisor.model.policies import Policies
from supervisor.secrets.secrecy import HIDDEN, show_destination, show_url

ENV_PREFIX = "NEVERDARK_"
_SECRET_KEYS = {"key", "passphrase", "api_token", "database_url", "options", "command"}
_SECRETIVE = {*_SECRET_KEYS, "source", "destinations", "key_file", "api_token_file"}  # and all that stands below them
_SHOWN_CHARACTERS = 60
_MOST_TOLD = 50

# What is shown of the owner's own words: an unknown key, a stream's name, a destination's, a value below `_SECRETIVE`.
_HARMLESS_KEY = re.compile(r"[a-z0-9_]{1,24}")
_NEAR_KEY = re.compile(r"[A-Za-z_]+")
_NEAR_EXTRA = 3  # characters more than the key that is meant
_HARMLESS_STREAM = re.compile(r"[\w -]{0,64}")
_HARMLESS_DESTINATION = re.compile(r"[A-Za-z_ ]{0,20}")
_HARMLESS_VALUE = re.compile(r"[-+]?[0-9.]{1,6} ?[A-Za-z/]{0,5}|[A-Za-z_ ]{0,12}")
# YAML takes a key without a space after its colon for more of the value on the line before.
_NEXT_LINE = re.compile(r"(?<!\s)\s+\S*:.*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where it stands, what stands there (secrets hidden), what was expected."""

    path: str
    value: str | None
    expected: str
    file: Path | None = None  # where that is not the configuration's own file: then the path is one in there

    def __str__(self) -> str:
        file = f"{self.file}: " if self.file else ""
        value = f" {self.value}:" if self.value is not None else ""
        return file + (f"{self.path}:{value} {self.expected}" if self.path else self.expected)


@dataclass(frozen=True, slots=True)
class ConfigWarning:
    """What it is about, and what to know or do."""

    about: str
    text: str
    file: Path | None = None  # see `Problem`

    def __str__(self) -> str:
        return f"{self.file}: {self.about}: {self.text}" if self.file else f"{self.about}: {self.text}"


class ConfigError(Exception):
    """A configuration that cannot be used, with every problem that was found."""

    def __init__(self, file: Path, problems: list[Problem]) -> None:
        self.file = file
        self.problems = problems
        super().__init__("\n".join(str(problem) if problem.file else f"{file}: {problem}" for problem in problems))

    @property
    def told(self) -> tuple[str, ...]:
        """The problems in words, no more than a journal should hold."""
        more = len(self.problems) - _MOST_TOLD
        first = tuple(map(str, self.problems[:_MOST_TOLD]))
        return (*first, f"and {more} more: neverdark check names them") if more > 0 else first


# --- where -----------------------------------------------------------------------------------------


def dotted(path: Path_) -> str:
    """A place in words, such as `streams.a.command[1]`; a name in it that may be a secret is `***`."""
    text = ""
    for part in _shown_parts(path):
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def _shown_parts(path: Path_) -> Iterator[str | int]:
    for index, part in enumerate(path):
        section, named = _section(path[:index])
        secretive = any(above in _SECRETIVE for above in path[:index])
        if isinstance(part, int) or part in _fields(section):
            yield part
        elif named:
            harmless = _HARMLESS_DESTINATION if secretive else _HARMLESS_STREAM
            yield part if NAME.fullmatch(part) or harmless.fullmatch(part) else HIDDEN
        else:
            meant = near(part, _keys(section)) or ""
            slip = meant and _NEAR_KEY.fullmatch(part) and len(part) <= len(meant) + _NEAR_EXTRA
            yield part if slip or (not secretive and _HARMLESS_KEY.fullmatch(part)) else HIDDEN


def _section(path: Path_) -> tuple[type[BaseModel] | None, type[BaseModel] | None]:
    """What stands at `path`: a section with keys of ours, or such sections under names of the owner's."""
    section: type[BaseModel] | None = Config
    named: type[BaseModel] | None = None
    for part in path:
        if named:
            section, named = named, None
        elif isinstance(part, int) and section:
            continue  # one of a list of such sections
        elif part in _fields(section):
            annotation = _fields(section)[str(part)].annotation
            # Of a key that may be a word or a section, each is annotated once more.
            candidates = [annotation, *(get_args(arg)[0] if get_args(arg) else arg for arg in get_args(annotation))]
            found = next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)
            section, named = (None, found) if get_origin(annotation) is dict else (found, None)
        else:
            return None, None
    return section, named


def _keys(section: type[BaseModel] | None) -> list[str]:
    return sorted(_fields(section))


def _fields(section: type[BaseModel] | None) -> dict[str, FieldInfo]:
    """Its keys, as they stand in the file."""
    return {field.alias or name: field for name, field in section.model_fields.items()} if section else {}


def near(word: str, known: Iterable[str], like: float = 0.6) -> str | None:
    """What is known and most like `word`; None if nothing is, by a measure from 0 to 1."""
    return next(iter(difflib.get_close_matches(word, known, n=1, cutoff=like)), None)


def _unknown_key(path: Path_) -> str:
    part, known = str(path[-1]), _keys(_section(path[:-1])[0])
    key, colon, _ = part.partition(":")
    if colon and key in known:
        return f"unknown key; expected a space behind the colon of {key}"
    close = near(part, known)
    return "unknown key; " + (f"did you mean {close}?" if close else f"expected one of {', '.join(known)}")


# --- what ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Seen:
    """The tree as it was written, with `${VAR}`, and as it is in force: to say what is wrong where.

    `lines` tells on which line each key of the file stands.
    """

    written: Any
    tree: Any
    lines: Mapping[Path_, int]

    def explained(self, item: Any) -> Problem:
        """A pydantic error in our words."""
        path: Path_ = tuple(part for part in item["loc"] if part not in {SECTION, WORD})
        kind, expected = item["type"], _expected(item)
        if path == ("streams",) and kind in {"missing", *_KINDS}:
            expected += "; is the file empty or half saved? streams: {} says that none are wanted"
        if kind in _KINDS:
            expected += _form(path)
        if path and path[-1] == "[key]":
            return Problem(self._place(path[:-1]), None, expected)
        if kind == "extra_forbidden":
            return Problem(self._place(path), None, _unknown_key(path))
        return self.problem(path, expected, show=kind != "missing", kind_only=kind in _KINDS)

    def problem(self, path: Path_, expected: str, *, show: bool, kind_only: bool = False) -> Problem:
        """A problem at `path`, with the value that stands there unless that is secret or tells nothing."""
        value = _at(self.tree if _variable_of(path) else self.written, path)
        kind_only = kind_only and path[0] == "streams" and path[-1] not in Policies.model_fields
        said = (_kind(value) if kind_only else shown(path, value)) if show else None
        return Problem(self._place(path), said, expected)

    def _place(self, path: Path_) -> str:
        """Where it stands: the variable if it is not the file, and the line if a name is not shown."""
        where = dotted(path)
        if variable := _variable_of(path):
            return f"{where} (from {variable})"
        return f"{where} (line {self.lines[path]})" if HIDDEN in where and path in self.lines else where


_KINDS = {"model_type", "model_attributes_type", "dict_type", "tuple_type", "list_type"}
_EXPECTED = {
    **dict.fromkeys(("model_type", "model_attributes_type", "dict_type"), "expected keys and values"),
    **dict.fromkeys(("tuple_type", "list_type"), "expected a list, such as [-a, b]"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "expected true or false"),
    **dict.fromkeys(("string_type", "string_sub_type", "string_unicode"), "expected text"),
    "path_type": "expected a path",
    "missing": "expected a value: this key is required",
    "string_pattern_mismatch": "expected nothing but letters, digits and _",
    "greater_than": "expected more than {gt:g}",
    "greater_than_equal": "expected at least {ge:g}",
    "less_than": "expected less than {lt:g}",
    "less_than_equal": "expected at most {le:g}",
}


def _expected(item: Any) -> str:
    kind, context = item["type"], item.get("ctx", {})
    if kind in {"string_too_short", "too_short"}:
        return "expected something, but it is empty"
    if kind == "literal_error":
        return "expected one of " + str(context["expected"]).replace("'", "").replace(" or ", ", ")
    if kind in _EXPECTED:
        return _EXPECTED[kind].format(**context)
    return str(item["msg"]).removeprefix("Value error, ")


def _form(path: Path_) -> str:
    """What to write where something of another form stands, of what is most often written in another form."""
    match path:
        case ("streams", _, "fallback"):
            return ": write fallback: [{slate: true}]"
        case ("streams", _, "source") | ("streams", _, "fallback", int(), "source"):
            return ": write source: {url: …}"
        case ("streams", _, "destinations"):
            return ": write destinations: {NAME: {url: …, key_file: …}}"
        case ("streams", _, "destinations", _):
            return ": write NAME: {url: …, key_file: …}"
        case ("streams", _, "command"):
            return ": each argument is an item of its own, command: [ffmpeg, -i, …]"
        case _:
            return ""


def _kind(value: Any) -> str:
    """What stands where a section or a list should: in a word, for it may be a secret in the wrong place."""
    if value is None:
        return "nothing"
    names = {
        dict: "keys and values",
        list: "a list",
        bool: "true or false",
        int: "a number",
        float: "a number",
    }
    return names.get(type(value), "text")


def _variable_of(path: Path_) -> str | None:
    """The variable that a wrong value came from, if it did not come from the file."""
    for length in range(len(path), 0, -1):
        name = ENV_PREFIX + "__".join(str(part) for part in path[:length])
        for variable in os.environ:
            if variable.upper() == name.upper():
                return variable
    return None


def _at(tree: Any, path: Path_) -> Any:
    for part in path:
        try:
            tree = tree[part]
        except (KeyError, IndexError, TypeError):
            return None
    return tree


def shown(path: Path_, value: Any) -> str:
    """The value at `path` as it may be repeated."""
    if value is None or isinstance(value, dict | list):
        return _kind(value)
    if isinstance(value, bool):
        return str(value).lower()
    if not _may_be_shown(path, value):
        return HIDDEN
    if not isinstance(value, str):
        return str(value)
    text, rest = _NEXT_LINE.sub("", value), _NEXT_LINE.search(value)
    if "destinations" in path and path[-1] == "url":
        text = show_destination(text)
    elif path[-1] == "url" or "://" in text:
        text = show_url(text)
    return _shortened(repr(f"{text} {HIDDEN}" if rest else text))


def _may_be_shown(path: Path_, value: object) -> bool:
    if any(part in _SECRET_KEYS for part in path):
        return False
    if str(path[-1]).endswith("_file"):
        return isinstance(value, str) and _is_path(value)
    if path[-1] == "url" and isinstance(value, str):
        return True  # without its secrets
    return not any(part in _SECRETIVE for part in path) or _HARMLESS_VALUE.fullmatch(str(value)) is not None


def _is_path(value: str) -> bool:
    """Whether it is the name of a secret's file rather than the secret itself."""
    if len(value.split()) != 1 or "/" not in value:
        return False
    try:
        return value[0] in "/.~" or absolute(Path(value)).parent.is_dir()
    except (OSError, ValueError):
        return False


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"
