"""Reads a configuration file: YAML, `${VAR}`, the environment's overrides; all mistakes at once."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict

from supervisor.config.addresses import Addresses
from supervisor.config.documents import read_document
from supervisor.config.fields import Directory, Included, SecretFile, Written, base_dir
from supervisor.config.include import Fragments, fragments_of, merged
from supervisor.config.problems import ENV_PREFIX, ConfigError, Problem, Seen, dotted
from supervisor.config.rules import broken_rules
from supervisor.config.shape import Config
from supervisor.config.stamp import Stamp
from supervisor.config.variables import VARIABLE, Named, named
from supervisor.config.yaml_nodes import Document, Path_
from supervisor.secrets.secrecy import names_a_secret

_DATA_DIR = TypeAdapter[Path](Directory)
_INCLUDED = TypeAdapter[Path](Included)
_NOT_TEXT = re.compile(r"[\0\ud800-\udfff]")  # no argument, path or terminal can hold these


class _Overrides(BaseSettings, Config):
    """What the environment may override: everything, as `NEVERDARK_LISTEN` or `NEVERDARK_DEFAULTS__STALL__TIMEOUT`."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_nested_delimiter="__", enable_decoding=False, frozen=True
    )


@dataclass(frozen=True, slots=True)
class Loaded:
    """A valid configuration, and what is known of how it was written.

    `files` are those that it was read from, each as it was before it was read; `variables` the secrets that came from
    the environment; `written` is the tree of all of them, with `${VAR}`; `named` what it names of the environment;
    `fragments` are the streams that stand in files of their own; `tree` has the values of all, secrets included.
    """

    config: Config
    files: Mapping[Path, Stamp]
    variables: frozenset[str] = field(repr=False)
    written: Any = field(repr=False)
    named: Named = field(repr=False)
    tree: Mapping[str, Any] = field(repr=False)
    fragments: Fragments = field(repr=False, default_factory=Fragments)


def load(path: Path) -> Loaded:
    """The configuration in `path`, under the environment's overrides. Raises `ConfigError` with all problems."""
    document, stamp = read_document(path)
    secrets: set[str] = set()
    token = base_dir.set(path.absolute().parent)
    try:
        whole, fragments, wrong = _included(path, document, stamp.size)
        addresses = Addresses(Config.model_fields["data_dir"].default)
        config, problems = _judge(whole.tree, whole.lines, secrets, fragments, addresses)
        found = dict.fromkeys(problems)
        for copy in whole.duplicates:
            where = dotted(copy.path)
            lines = f"lines {copy.first_line} and {copy.line}"
            found[Problem(where, None, f"expected once, but it stands on {lines}")] = None
            if copy.judged:  # the copy that loses may have mistakes of its own
                _, others = _judge(_replaced(whole.tree, copy.path, copy.value), {}, set(), fragments, addresses)
                found |= dict.fromkeys(other for other in others if other.path.startswith(where))
    finally:
        base_dir.reset(token)
    if found or wrong or config is None:
        raise ConfigError(path, [*fragments.problems(sorted(found, key=lambda problem: problem.path)), *wrong])
    files = {path: stamp} | {fragment.file: fragment.stamp for fragment in fragments.values()}
    files |= {secret.path: secret.stamp for secret in secret_files(config)}
    files |= addresses.files
    names = named(whole.tree, EnvSettingsSource(_Overrides)())
    tree = _valued(whole.tree, _Expansion(set()), fragments, addresses)
    return Loaded(config, files, frozenset(secrets), whole.tree, names, tree, fragments)


def _included(path: Path, document: Document, size: int) -> tuple[Document, Fragments, list[Problem]]:
    """The configuration as if all its streams stood in one file, those that do not, and what is wrong with these.

    What is wrong with the directory itself is told with the key, by whoever looks at that.
    """
    nothing = Fragments()
    if not isinstance(document.tree, dict):
        return document, nothing, []
    asked = _overridden(document.tree, EnvSettingsSource(_Overrides)()).get("include")
    if asked is None:
        return document, nothing, []
    expansion = _Expansion(set())
    value = expansion.of(asked)
    try:
        directory = None if expansion.problems else _INCLUDED.validate_python(value)
    except ValidationError:
        directory = None
    if directory is None:
        return merged(document, nothing), nothing, []
    try:
        fragments, problems = fragments_of(directory, path, document.lines, size)
    except OSError as error:
        fragments, problems = nothing, [Problem("include", None, f"expected a directory of streams: {error.strerror}")]
    return merged(document, fragments), fragments, problems


def _judge(
    written: Any, lines: Mapping[Path_, int], secrets: set[str], fragments: Fragments, addresses: Addresses
) -> tuple[Config | None, list[Problem]]:
    """The configuration that `written` asks for, unless it has problems. Adds to `secrets` what variables hide."""
    if not isinstance(written, dict):
        return None, [Problem("", None, "expected keys and values at the top level")]
    expansion = _Expansion(secrets)
    tree = _valued(written, expansion, fragments, addresses)
    seen = Seen(written, tree, lines)
    problems, spoilt = list(expansion.problems), expansion.spoilt
    config: Config | None = None
    try:
        config = Config.model_validate(tree)
    except ValidationError as error:
        problems += [seen.explained(item) for item in error.errors() if item["loc"] not in spoilt]
    for rule in broken_rules(tree, {name: fragment.file for name, fragment in fragments.items()}):
        if rule.path not in spoilt:
            problems.append(seen.problem(rule.path, rule.expected, show=rule.show))
    return config, problems


def _valued(
    written: dict[str, Any], expansion: _Expansion, fragments: Fragments, addresses: Addresses
) -> dict[str, Any]:
    """The tree with the environment's values in it; relative paths in a fragment are those of its directory."""
    tree: dict[str, Any] = _overridden(expansion.of(written), EnvSettingsSource(_Overrides)())
    addresses.fill_in(tree)
    streams: Any = tree.get("streams")
    if isinstance(streams, dict):
        for name, fragment in fragments.items():
            if isinstance(streams.get(name), dict):
                streams[name] = Written(streams[name], fragment.file.parent)
    return tree


def peek(path: Path, key: str) -> object:
    """One top-level value of a file that need not be valid: a client must not fail on what only `run` needs."""
    try:
        tree = read_document(path)[0].tree
    except ConfigError:
        return None
    expansion = _Expansion(set())
    value = expansion.of(tree.get(key)) if isinstance(tree, dict) else None
    return tree.get(key) if expansion.problems else value


def data_dir_of(path: Path) -> Path:
    """The data_dir of a configuration, of which the rest need not be valid. Raises `ConfigError`."""
    variable = os.environ.get(f"{ENV_PREFIX}DATA_DIR")
    value = variable
    if variable is None:
        tree = read_document(path)[0].tree
        expansion = _Expansion(set())
        value = expansion.of(tree.get("data_dir"), ("data_dir",)) if isinstance(tree, dict) else None
        if expansion.problems:
            raise ConfigError(path, expansion.problems)
    token = base_dir.set(path.absolute().parent)
    try:
        return _DATA_DIR.validate_python(Config.model_fields["data_dir"].default if value is None else value)
    except ValidationError as error:
        reason = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
        raise ConfigError(path, [Problem("data_dir", repr(value), reason)]) from None
    finally:
        base_dir.reset(token)


def secret_files(config: Config) -> Iterator[SecretFile]:
    """Every secret that stands in a file of its own."""
    if config.api_token_file:
        yield config.api_token_file
    for account in config.youtube.accounts.values():
        yield from account.secret_files
    for stream in config.streams.values():
        for source in stream.sources.values():
            yield from source.secret_files
        for destination in stream.destinations.values():
            if destination.key_file:
                yield destination.key_file


# --- the tree --------------------------------------------------------------------------------------


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
        expanded = VARIABLE.sub(lambda match: self._value(match.group(1), path), value)
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
        self.problems.append(Problem(dotted(path), shown, expected))
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
