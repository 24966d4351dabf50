"""Streams that were made by API beside those of the file: validated by the same rules, and joined to one configuration.

A made stream that does not go with the file any more, because the file has changed, is kept as it was. IO: key files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from supervisor.config.fields import Name, base_dir
from supervisor.config.file import Loaded, secret_files
from supervisor.config.problems import ConfigWarning, Problem, Seen, dotted
from supervisor.config.rules import broken_rules
from supervisor.config.shape import Config, DefaultsSection, StreamSection
from supervisor.config.variables import VARIABLE
from supervisor.config.yaml_nodes import Path_
from supervisor.model.edits import API, FILE, Bodies, Body, Origin

_SECTIONS: Final = TypeAdapter[dict[str, StreamSection]](dict[Name, StreamSection])
_NOT_TEXT: Final = re.compile(r"[\0\ud800-\udfff]")
_VARIABLES: Final = (
    "expected no ${…}: what comes by API cannot read the environment; write the value itself, or a key_file "
    "($${ stands for a plain ${)"
)


@dataclass(frozen=True, slots=True)
class Joined:
    """The file and the streams that were made by API.

    `loaded` has both, `file` the file alone. `held` are the made ones that do not go with the file, each with the
    configuration that it keeps; `left_out` those that cannot run at all, with the reasons.
    """

    file: Loaded
    made: Bodies
    loaded: Loaded
    held: Mapping[str, Config] = field(default_factory=dict)
    left_out: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)
    warnings: tuple[ConfigWarning, ...] = ()

    def config_of(self, stream: str) -> Config:
        """The configuration by which a stream runs."""
        return self.held.get(stream, self.loaded.config)

    @property
    def configs(self) -> Iterator[Config]:
        """All of these, each with the streams that run by it."""
        streams = self.loaded.config.streams
        yield _with(self.loaded.config, {name: streams[name] for name in streams if name not in self.held})
        yield from self.held.values()

    def origin(self, stream: str) -> Origin | None:
        """Where a stream is configured; None: nowhere."""
        if stream in self.made:
            return API
        return FILE if stream in self.file.config.streams else None

    def problems(self, stream: str) -> tuple[str, ...]:
        """What is wrong with a made stream, in words."""
        return tuple(map(str, self.left_out.get(stream, ()))) or tuple(
            warning.text for warning in self.warnings if warning.about == f"streams.{stream}" and stream in self.held
        )


def alone(file: Loaded) -> Joined:
    """A file, and nothing made."""
    return Joined(file, {}, file)


def join(file: Loaded, made: Bodies, folder: Path, before: Joined | None = None) -> Joined:
    """Both together; `before` is what is in force. Relative paths are those of `folder`. Never fails."""
    if not made:
        return alone(file)
    token = base_dir.set(folder)
    try:
        return _Joining(file, made).joined(before)
    finally:
        base_dir.reset(token)


def judge(
    file: Loaded, made: Bodies, stream: str, folder: Path, before: Joined | None
) -> tuple[Joined, tuple[Problem, ...]]:
    """The same, and everything that is wrong with one of the made streams, beside the file and the others."""
    token = base_dir.set(folder)
    try:
        # It is looked at last, so that it is this one that is told of what it shares with another.
        others = {name: body for name, body in made.items() if name != stream}
        joining = _Joining(file, {**others, stream: made[stream]})
        joined = joining.joined(before)
    finally:
        base_dir.reset(token)
    streams = joined.loaded.config.streams
    order = {name: streams[name] for name in dict.fromkeys([*file.config.streams, *made]) if name in streams}
    loaded = replace(joined.loaded, config=_with(joined.loaded.config, order))
    return replace(joined, made=made, loaded=loaded), tuple(joining.problems.get(stream, ()))


class _Joining:
    def __init__(self, file: Loaded, made: Bodies) -> None:
        self._file = file
        self._made = made
        self._trees: dict[str, Any] = {}
        self._sections: dict[str, StreamSection] = {}
        self._seen: dict[str, Seen] = {}
        self._spoilt: set[Path_] = set()
        self.problems: dict[str, list[Problem]] = {}
        for name, body in made.items():
            if found := self._read(name, body):
                self.problems[name] = found
        self._rules(file.tree, self.problems)

    def joined(self, before: Joined | None) -> Joined:
        """What can run, as it can."""
        streams = {name: stream for name, stream in self._file.config.streams.items() if name not in self._made}
        held: dict[str, Config] = {}
        left_out: dict[str, tuple[Problem, ...]] = {}
        warnings = [_shadowed(name) for name in self._file.config.streams if name in self._made]
        for name in self._made:
            problems = self.problems.get(name)
            config = self._held(name, before) if problems else None
            if not problems:
                streams[name] = self._sections[name]
            elif config:
                held[name], streams[name] = config, config.streams[name]
            else:
                left_out[name] = tuple(problems)
            if problems:
                warnings.append(_does_not_go(name, problems, runs=config is not None))
        config = _with(self._file.config, streams)
        files = dict(self._file.files) | {secret.path: secret.stamp for secret in secret_files(config)}
        loaded = replace(self._file, config=config, files=files)
        return Joined(self._file, self._made, loaded, held, left_out, tuple(warnings))

    def _held(self, name: str, before: Joined | None) -> Config | None:
        """The configuration by which a stream may go on that does not go with the file."""
        if before and name in before.loaded.config.streams and before.made.get(name) == self._made[name]:
            known = before.config_of(name)
            return _with(known, {name: known.streams[name]})
        if name not in self._sections:
            return None
        # With the defaults of the program: what an owner changed in the file's may be all that is wrong.
        again: dict[str, list[Problem]] = {}
        self._rules({key: value for key, value in self._file.tree.items() if key != "defaults"}, again)
        if name in again:
            return None
        bare = self._file.config.model_copy(update={"defaults": DefaultsSection()})
        return _with(bare, {name: self._sections[name]})

    def _read(self, name: str, body: Body) -> list[Problem]:
        path: Path_ = ("streams", name)
        found: list[tuple[Path_, str]] = []
        self._trees[name] = tree = _without_variables(body, path, found)
        self._seen[name] = seen = Seen({"streams": {name: body}}, {"streams": {name: tree}}, {})
        spoilt = {where for where, _ in found}
        self._spoilt |= spoilt  # nothing else can be said of it
        problems = [Problem(dotted(where), None, expected) for where, expected in found]
        try:
            self._sections[name] = _SECTIONS.validate_python({name: tree})[name]
        except ValidationError as error:
            items = [{**item, "loc": ("streams", *item["loc"])} for item in error.errors()]
            problems += [seen.explained(item) for item in items if item["loc"] not in spoilt]
        return problems

    def _rules(self, tree: Mapping[str, Any], found: dict[str, list[Problem]]) -> None:
        """What they break of the rules between keys, beside the streams of the file."""
        others = tree.get("streams")
        others = others if isinstance(others, Mapping) else {}
        streams = {name: stream for name, stream in others.items() if name not in self._made} | self._trees
        for rule in broken_rules({**tree, "streams": streams}):
            name = str(rule.path[1]) if rule.path[0] == "streams" and len(rule.path) > 1 else ""
            if name in self._made and rule.path not in self._spoilt:
                problem = self._seen[name].problem(rule.path, rule.expected, show=rule.show)
                found.setdefault(name, []).append(problem)


def _without_variables(value: Any, path: Path_, found: list[tuple[Path_, str]]) -> Any:
    """`value` with `$${` as a plain `${`; adds to `found` where a variable stands, or what is no text."""
    if isinstance(value, Mapping):
        return {key: _without_variables(item, (*path, key), found) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_variables(item, (*path, index), found) for index, item in enumerate(value)]
    if not isinstance(value, str):
        return value
    if any(match.group(1) is not None for match in VARIABLE.finditer(value)):
        found.append((path, _VARIABLES))
        return "spoilt"
    if _NOT_TEXT.search(value):
        found.append((path, "expected text without NUL and other characters that are none"))
        return "spoilt"
    return VARIABLE.sub("${", value)


def _with(config: Config, streams: Mapping[str, StreamSection]) -> Config:
    return config.model_copy(update={"streams": dict(streams)})


def _shadowed(name: str) -> ConfigWarning:
    return ConfigWarning(
        f"streams.{name}",
        "a stream of this name was made by API, and runs on as that; what stands here counts once that one is deleted "
        f"(DELETE /api/streams/{name})",
    )


def _does_not_go(name: str, problems: list[Problem], *, runs: bool) -> ConfigWarning:
    what = "is kept as it was" if runs else "cannot run"
    return ConfigWarning(
        f"streams.{name}", f"made by API, {what}: it does not go with this file: {'; '.join(map(str, problems))}"
    )
