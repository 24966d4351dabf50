"""Reads a configuration file: YAML, `${VAR}`, the environment's overrides; all mistakes at once."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict

from supervisor.config import Config, Policies, base_dir
from supervisor.config_rules import broken_rules
from supervisor.config_yaml import Document, NotYaml, Path_, read
from supervisor.secrecy import HIDDEN, names_a_secret, show_destination, show_url

ENV_PREFIX = "NEVERDARK_"
_VARIABLE = re.compile(r"\$(?:\$\{|\{([^}]*)\})")
_SECRET_KEYS = {"key", "api_token", "options", "command"}
_SHOWN_CHARACTERS = 60
_NOT_TEXT = re.compile(r"[\0\ud800-\udfff]")  # no argument, path or terminal can hold these


class _Overrides(BaseSettings, Config):
    """What the environment may override: everything, as `NEVERDARK_LISTEN` or `NEVERDARK_DEFAULTS__STALL__TIMEOUT`."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_nested_delimiter="__", enable_decoding=False, frozen=True
    )


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where it stands, what stands there (secrets hidden), what was expected."""

    path: str
    value: str | None
    expected: str

    def __str__(self) -> str:
        shown = f" {self.value}:" if self.value is not None else ""
        return f"{self.path}:{shown} {self.expected}" if self.path else self.expected


class ConfigError(Exception):
    """A configuration that cannot be used, with every problem that was found."""

    def __init__(self, file: Path, problems: list[Problem]) -> None:
        self.file = file
        self.problems = problems
        super().__init__("\n".join(f"{file}: {problem}" for problem in problems))


@dataclass(frozen=True, slots=True)
class Loaded:
    """A valid configuration, the files it was read from, and the secrets that came from the environment."""

    config: Config
    files: tuple[Path, ...]
    variables: frozenset[str] = field(repr=False)


def load(path: Path) -> Loaded:
    """The configuration in `path`, under the environment's overrides. Raises `ConfigError` with all problems."""
    document = _read(path)
    secrets: set[str] = set()
    token = base_dir.set(path.absolute().parent)
    try:
        config, problems = _judge(document.tree, secrets)
        for copy in document.duplicates:
            where = _dotted(copy.path)
            lines = f"lines {copy.first_line} and {copy.line}"
            problems.append(Problem(where, None, f"expected once, but it stands on {lines}"))
            # The copy that loses may have mistakes of its own.
            _, others = _judge(_replaced(document.tree, copy.path, copy.value), set())
            problems += [p for p in others if p.path.startswith(where) and p not in problems]
    finally:
        base_dir.reset(token)
    if problems or config is None:
        raise ConfigError(path, sorted(problems, key=lambda problem: problem.path))
    return Loaded(config, (path, *_secret_files(config)), frozenset(secrets))


def _judge(written: Any, secrets: set[str]) -> tuple[Config | None, list[Problem]]:
    """The configuration that `written` asks for, unless it has problems. Adds to `secrets` what variables hide."""
    if not isinstance(written, dict):
        return None, [Problem("", None, "expected keys and values at the top level")]
    expansion = _Expansion(secrets)
    tree = _overridden(expansion.of(written), EnvSettingsSource(_Overrides)())
    seen = _Seen(written, tree)
    problems, spoilt = list(expansion.problems), expansion.spoilt
    config: Config | None = None
    try:
        config = Config.model_validate(tree)
    except ValidationError as error:
        problems += [seen.explained(item) for item in error.errors() if item["loc"] not in spoilt]
    for rule in broken_rules(tree):
        if rule.path not in spoilt:
            problems.append(seen.problem(rule.path, rule.expected, show=rule.show))
    return config, problems


def peek(path: Path, key: str) -> object:
    """One top-level value of a file that need not be valid: a client must not fail on what only `run` needs."""
    try:
        tree = _read(path).tree
    except ConfigError:
        return None
    return tree.get(key) if isinstance(tree, dict) else None


def _secret_files(config: Config) -> Iterator[Path]:
    if config.api_token_file:
        yield config.api_token_file.path
    for stream in config.streams.values():
        for destination in stream.destinations.values():
            if destination.key_file:
                yield destination.key_file.path


# --- the tree --------------------------------------------------------------------------------------


def _read(path: Path) -> Document:
    try:
        return read(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise ConfigError(path, [Problem("", None, f"cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError:
        raise ConfigError(path, [Problem("", None, "expected UTF-8 text")]) from None
    except NotYaml as error:
        raise ConfigError(path, [Problem(error.where, None, f"expected YAML: {error.reason}")]) from None


class _Expansion:
    """Replaces `${VAR}` everywhere; `$${` stands for a plain `${`."""

    def __init__(self, secrets: set[str]) -> None:
        self.problems: list[Problem] = []
        self.spoilt: set[Path_] = set()  # where a value is missing, so that nothing else can be said of it
        self._secrets = secrets

    def of(self, value: Any, path: Path_ = ()) -> Any:
        """`value` with the environment's values in it."""
        if isinstance(value, dict):
            return {key: self.of(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.of(item, (*path, index)) for index, item in enumerate(value)]
        if not isinstance(value, str):
            return value
        expanded = _VARIABLE.sub(lambda match: self._value(match.group(1), path), value)
        if _NOT_TEXT.search(expanded):
            self._complain(path, None, "expected text without NUL and other characters that are none")
            return "spoilt"
        return expanded

    def _value(self, name: str | None, path: Path_) -> str:
        if name is None:
            return "${"
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            self._complain(path, None, "expected the name of a variable between ${ and }; $${ stands for a plain ${")
            return ""
        if name not in os.environ:
            self._complain(path, f"${{{name}}}", f"expected the environment variable {name} to be set")
            return ""
        if names_a_secret(name):
            self._secrets.add(os.environ[name])
        return os.environ[name]

    def _complain(self, path: Path_, shown: str | None, expected: str) -> None:
        self.problems.append(Problem(_dotted(path), shown, expected))
        self.spoilt.add(path)


def _overridden(tree: Any, overrides: Any) -> Any:
    if not isinstance(tree, dict) or not isinstance(overrides, dict):
        return overrides
    return {**tree, **{key: _overridden(tree.get(key), value) for key, value in overrides.items()}}


def _replaced(tree: Any, path: Path_, value: Any) -> Any:
    if not path:
        return value
    if isinstance(tree, dict) and path[0] in tree:
        return {**tree, path[0]: _replaced(tree[path[0]], path[1:], value)}
    if isinstance(tree, list) and isinstance(path[0], int) and path[0] < len(tree):
        return [_replaced(item, path[1:], value) if n == path[0] else item for n, item in enumerate(tree)]
    return tree


# --- problems --------------------------------------------------------------------------------------


def _dotted(path: Iterable[str | int]) -> str:
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            name = part if part.isprintable() and len(part) <= _SHOWN_CHARACTERS + 4 else _shortened(repr(part))
            text += f".{name}" if text else name
    return text


@dataclass(frozen=True, slots=True)
class _Seen:
    """The tree as it was written, with `${VAR}`, and as it is in force: to say what is wrong where."""

    written: Any
    tree: Any

    def explained(self, item: Any) -> Problem:
        """A pydantic error in our words."""
        path: Path_ = tuple(item["loc"])
        kind, expected = item["type"], _expected(item)
        if path and path[-1] == "[key]":
            return Problem(_dotted(path[:-1]), None, expected)
        if kind == "extra_forbidden":
            return Problem(_dotted(path) + _from(path), None, _unknown_key(path))
        return self.problem(path, expected, show=kind != "missing", kind_only=kind in _KINDS)

    def problem(self, path: Path_, expected: str, *, show: bool, kind_only: bool = False) -> Problem:
        """A problem at `path`, with the value that stands there unless that is secret or tells nothing."""
        value = _at(self.written, path)
        source = _from(path)
        if source:
            value = _at(self.tree, path)
        kind_only = kind_only and path[0] == "streams" and path[-1] not in Policies.model_fields
        shown = (_kind(value) if kind_only else _shown(path, value)) if show else None
        return Problem(_dotted(path) + source, shown, expected)


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


def _from(path: Path_) -> str:
    """The variable that a wrong value came from, if it did not come from the file."""
    for length in range(len(path), 0, -1):
        name = ENV_PREFIX + "__".join(str(part) for part in path[:length])
        for variable in os.environ:
            if variable.upper() == name.upper():
                return f" (from {variable})"
    return ""


def _at(tree: Any, path: Path_) -> Any:
    for part in path:
        try:
            tree = tree[part]
        except (KeyError, IndexError, TypeError):
            return None
    return tree


def _shown(path: Path_, value: Any) -> str:
    if value is None or isinstance(value, dict | list):
        return _kind(value)
    if isinstance(value, bool):
        return str(value).lower()
    if any(part in _SECRET_KEYS for part in path):
        return HIDDEN
    if not isinstance(value, str):
        return str(value)
    text = value
    if "destinations" in path and path[-1] == "url":
        text = show_destination(text)
    elif path[-1] == "url" or "://" in text:
        text = show_url(text)
    elif str(path[-1]).endswith("_file") and "/" not in text and "." not in text:
        return HIDDEN  # more likely the key itself than the name of its file
    return _shortened(repr(text))


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


def _unknown_key(path: Path_) -> str:
    known = sorted(_keys_of(path[:-1]))
    close = difflib.get_close_matches(str(path[-1]), known, n=1)
    return f"unknown key; did you mean {close[0]}?" if close else f"unknown key; expected one of {', '.join(known)}"


def _keys_of(path: Path_) -> set[str]:
    """The keys that the section at `path` may have, found by walking the models."""
    model: type[BaseModel] = Config
    names = iter(path)
    for name in names:
        annotation = model.model_fields[str(name)].annotation
        candidates = [annotation, *get_args(annotation)]
        found = next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)
        if found is None:
            return set()
        if annotation is not found and found.__name__ in {"Stream", "Destination"}:
            next(names, None)  # a dictionary: the next part is a name of the owner's
        model = found
    return set(model.model_fields)
