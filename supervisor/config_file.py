"""Reads a configuration file: YAML, `${VAR}`, the environment's overrides; all mistakes at once."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_settings import SettingsError

from supervisor.config import ENV_PREFIX, Config, Restart, base_dir
from supervisor.quantities import parse_duration
from supervisor.secrecy import HIDDEN, Redactor, names_a_secret, secrets_of_url, show_url

Path_ = tuple[str | int, ...]
_VARIABLE = re.compile(r"\$(?:\$\{|\{([^}]*)\})")
_SECRET_KEYS = {"key", "api_token", "options", "command"}
_SHOWN_CHARACTERS = 60


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
    variables: frozenset[str]


def load(path: Path, environ: Mapping[str, str] | None = None) -> Loaded:
    """The configuration in `path`. Raises `ConfigError` with all of its problems."""
    environ = os.environ if environ is None else environ
    problems: list[Problem] = []
    written = _read_yaml(path, problems)
    used: set[str] = set()
    tree = _expanded(written, environ, problems, used)
    token = base_dir.set(path.absolute().parent)
    config: Config | None = None
    try:
        config = Config(**tree)
    except ValidationError as error:
        problems += [_explained(item, written, tree, environ) for item in error.errors()]
    except SettingsError as error:
        problems.append(Problem("environment", None, str(error)))
    finally:
        base_dir.reset(token)
    problems += _contradictions(tree)
    if problems or config is None:
        raise ConfigError(path, sorted(problems, key=lambda problem: problem.path))
    return Loaded(config, (path, *_secret_files(config)), frozenset(used))


def peek(path: Path, key: str) -> object:
    """One top-level value of a file that need not be valid: a client must not fail on what only `run` needs."""
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None
    return tree.get(key) if isinstance(tree, dict) else None


def _secret_files(config: Config) -> Iterator[Path]:
    if config.api_token_file:
        yield config.api_token_file.path
    for stream in config.streams.values():
        for destination in stream.destinations.values():
            if destination.key_file:
                yield destination.key_file.path


# --- YAML ------------------------------------------------------------------------------------------


def _read_yaml(path: Path, problems: list[Problem]) -> dict[str, Any]:
    try:
        loader = yaml.SafeLoader(path.read_text(encoding="utf-8"))
        node = loader.get_single_node()
        if node is None:
            return {}
        problems += _duplicates(node, ())
        tree = loader.construct_document(node)
    except OSError as error:
        raise ConfigError(path, [Problem("", None, f"cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError:
        raise ConfigError(path, [Problem("", None, "expected UTF-8 text")]) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        reason = getattr(error, "problem", None) or "not YAML"
        raise ConfigError(path, [Problem(where, None, f"expected YAML: {reason}")]) from None
    if not isinstance(tree, dict):
        raise ConfigError(path, [Problem("", None, "expected keys and values at the top level")])
    return {str(key): value for key, value in tree.items()}


def _duplicates(node: yaml.Node, path: Path_) -> Iterator[Problem]:
    """PyYAML lets the last of two equal keys win in silence: a stream would vanish."""
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _duplicates(item, (*path, index))
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in seen:
                yield Problem(_dotted((*path, name)), None, f"named twice, on lines {seen[name]} and {line}")
            seen.setdefault(name, line)
            yield from _duplicates(value, (*path, name))


def _expanded(
    value: Any, environ: Mapping[str, str], problems: list[Problem], used: set[str], path: Path_ = ()
) -> Any:
    """`value` with `${VAR}` replaced everywhere; `$${` stands for a plain `${`."""
    if isinstance(value, dict):
        return {str(k): _expanded(v, environ, problems, used, (*path, str(k))) for k, v in value.items()}
    if isinstance(value, list):
        return [_expanded(v, environ, problems, used, (*path, i)) for i, v in enumerate(value)]
    if not isinstance(value, str):
        return value

    def replace(match: re.Match[str]) -> str:
        name = match.group(1)
        if name is None:
            return "${"
        if name not in environ:
            problems.append(
                Problem(_dotted(path), f"${{{name}}}", f"expected the environment variable {name} to be set")
            )
            return "unset"
        if names_a_secret(name):
            used.add(environ[name])
        return environ[name]

    return _VARIABLE.sub(replace, value)


# --- problems --------------------------------------------------------------------------------------


def _dotted(path: Path_) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _explained(item: Any, written: Any, tree: Any, environ: Mapping[str, str]) -> Problem:
    """A pydantic error in our words. The value shown is the written one: `${VAR}` stays `${VAR}`."""
    path = tuple(part for part in item["loc"] if part != "[key]")
    expected = str(item["msg"]).removeprefix("Value error, ")
    expected = re.sub(r"^Input should", "should", expected)
    expected = re.sub(r"^should (be|have)\b", r"expected", expected)
    if item["type"] == "extra_forbidden":
        return Problem(_dotted(path), None, _unknown_key(path))
    if item["type"] == "missing":
        return Problem(_dotted(path), None, "expected a value: this key is required")
    value = _at(written, path)
    if item["loc"] and item["loc"][-1] == "[key]":
        value = path[-1]
    shown = None if value is None or isinstance(value, dict) else _shown(path, value)
    variable = ENV_PREFIX + "__".join(str(part) for part in path).upper()
    source = f" (from {variable})" if variable in environ and _at(tree, path) is None else ""
    return Problem(_dotted(path) + source, shown, expected)


def _at(tree: Any, path: Path_) -> Any:
    for part in path:
        try:
            tree = tree[part]
        except (KeyError, IndexError, TypeError):
            return None
    return tree


def _shown(path: Path_, value: Any) -> str:
    if any(part in _SECRET_KEYS for part in path):
        return HIDDEN
    text = str(value)
    if path[-1] == "url" or "://" in text:
        text = Redactor(secrets_of_url(text)).clean(show_url(text))
    text = text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"
    return repr(text) if isinstance(value, str) else text


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


# --- what no single key can tell -------------------------------------------------------------------


def _contradictions(tree: dict[str, Any]) -> Iterator[Problem]:
    """Checks across sections, on the raw tree: they must speak even when some other key is wrong."""
    yield from _delays_out_of_order(("defaults", "restart"), [tree.get("defaults")])
    publishers: dict[tuple[str, str], str] = {}
    for stream_name, stream in _mappings(tree.get("streams")):
        layers = [tree.get("defaults"), stream]
        yield from _delays_out_of_order(("streams", stream_name, "restart"), layers)
        for name, destination in _mappings(stream.get("destinations")):
            path = ("streams", stream_name, "destinations", name)
            yield from _delays_out_of_order((*path, "restart"), [*layers, destination])
            target = (str(destination.get("url")), str(destination.get("key") or destination.get("key_file")))
            if str(destination.get("url")).startswith(("rtmp", "srt")) and stream.get("enabled", True) is not False:
                if target in publishers:
                    yield Problem(_dotted(path), None, f"publishes to the same place as {publishers[target]}")
                publishers.setdefault(target, _dotted(path))


def _mappings(value: object) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict):
        yield from ((name, item) for name, item in value.items() if isinstance(item, dict))


def _delays_out_of_order(path: Path_, layers: list[Any]) -> Iterator[Problem]:
    """Reports at the innermost layer that touches a delay, and only there."""
    own = layers[-1].get("restart") if isinstance(layers[-1], dict) else None
    if not isinstance(own, dict) or not {"initial_delay", "max_delay"} & own.keys():
        return
    values = {name: getattr(Restart(), name) for name in ("initial_delay", "max_delay")}
    for layer in layers:
        restart = layer.get("restart") if isinstance(layer, dict) else None
        if not isinstance(restart, dict):
            continue
        for name in values.keys() & restart.keys():
            try:
                values[name] = parse_duration(restart[name])
            except ValueError:
                return  # already reported where it stands
    if values["initial_delay"] > values["max_delay"]:
        key = "max_delay" if "max_delay" in own else "initial_delay"
        yield Problem(
            _dotted((*path, key)), str(own[key]), "expected initial_delay to be no longer than max_delay"
        )


