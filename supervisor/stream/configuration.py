"""The configuration in force: what it makes of the streams, and how another one takes its place."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from supervisor.config.file import Loaded
from supervisor.config.made import Joined, join
from supervisor.config.problems import ConfigError, ConfigWarning, Problem
from supervisor.config.pushed import pushed_to
from supervisor.config.shape import Config
from supervisor.desired.external import external_spec
from supervisor.desired.maintenance import Planned
from supervisor.desired.plan import MediaPort, StreamSpec, adapted, maintenance, plan, sourceless
from supervisor.desired.redirected import Redirection, holds, redirected
from supervisor.desired.removal import removal
from supervisor.desired.rungs import rung_encoder, rungs_of, slate_encoder, with_fallbacks
from supervisor.ffmpeg.opening import Traits
from supervisor.ffmpeg.slate import Still
from supervisor.machine.data_dir import DataDir
from supervisor.machine.ffmpeg_binary import Binary
from supervisor.machine.machine import Machine
from supervisor.machine.media_links import MediaLinks, NoFreePort
from supervisor.model.edits import Bodies, Shelf
from supervisor.model.external import External
from supervisor.model.snapshot import ConfigState

Read = tuple[Loaded, tuple[ConfigWarning, ...]]
_NO_PORT = -1
_ONLY_AT_START = (
    "listen",
    "metrics_listen",
    "tls",
    "data_dir",
    "database_url",
    "history_days",
    "api_token",
    "api_token_file",
    "ffmpeg",
    "ports",
)


Examine = Callable[[Config, str], Collection[Problem]]


@dataclass(frozen=True, slots=True)
class Workshop:
    """What making streams by API needs: where they are kept, and what this machine lacks for one of a configuration."""

    shelf: Shelf
    examine: Examine


@dataclass(frozen=True, slots=True)
class Home:
    """What stays the same while neverdark runs; `ca_file` has the certificates that are trusted."""

    file: Path  # the configuration
    binary: Binary
    data_dir: DataDir
    ca_file: str
    workshop: Workshop | None = None  # None: no streams are made by API


@dataclass(frozen=True, slots=True)
class Fresh:
    """A configuration that can be put in force."""

    joined: Joined
    specs: dict[str, StreamSpec]
    warnings: tuple[str, ...]


Problems = tuple[str, ...]  # in words


class Configuration:
    """Reads the file again, and puts what it says in force or rejects it."""

    def __init__(self, home: Home, loaded: Loaded, machine: Machine, links: MediaLinks, warnings: int) -> None:
        """`warnings` is how many `loaded` gave."""
        made = home.workshop.shelf.made() if home.workshop else {}
        self.made_known = made is not None
        self.home = home
        if made is None and home.workshop:
            made = home.workshop.shelf.meanwhile()
        self.joined = self.join(loaded, made or {}, None)
        self.state = ConfigState(machine.wall(), warnings=warnings + len(self.joined.warnings))
        self.reading = False
        self._machine = machine
        self._links = links
        self._at_start = loaded.config
        self._redirections: dict[tuple[str, str], Redirection] = {}
        self.slates = machine.slates(home.data_dir, home.binary)

    @property
    def loaded(self) -> Loaded:
        """The configuration in force, with the streams that were made by API."""
        return self.joined.loaded

    def join(self, loaded: Loaded, made: Bodies, before: Joined | None) -> Joined:
        """What the file says and what was made. Blocks: key files are read."""
        return join(loaded, made, self.folder, before)

    @property
    def folder(self) -> Path:
        """Where the file is."""
        return self.home.file.absolute().parent

    # --- what it makes of the streams --------------------------------------------------------------

    def plan(self, joined: Joined | None = None) -> dict[str, StreamSpec]:
        """The streams of a configuration, or else of the one in force. Raises `NoFreePort`."""
        of = joined or self.joined
        specs: dict[str, StreamSpec] = {}
        for config in of.configs:
            specs |= self._planned(config, of, self._links.port)
        return {name: specs[name] for name in of.loaded.config.streams}

    def plan_change(self, joined: Joined, known: Mapping[str, StreamSpec]) -> dict[str, StreamSpec]:
        """The same, but what stays as it is in force is as `known`: a thousand would keep an exit waiting."""
        if joined.file is not self.joined.file:
            return self.plan(joined)
        kept = {name for name in joined.loaded.config.streams if name in known and self._stays(joined, name)}
        specs: dict[str, StreamSpec] = {}
        for config in joined.configs:
            if rest := {name: stream for name, stream in config.streams.items() if name not in kept}:
                specs |= self._planned(config.model_copy(update={"streams": rest}), joined, self._links.port)
        return {name: specs[name] if name in specs else known[name] for name in joined.loaded.config.streams}

    def _stays(self, joined: Joined, stream: str) -> bool:
        before, after = self.joined.config_of(stream), joined.config_of(stream)
        return before.streams.get(stream) == after.streams[stream] and before.defaults == after.defaults

    def plan_one(self, joined: Joined, stream: str) -> StreamSpec | None:
        """One stream as it would be. Nothing is taken for it: the ports of its new destinations are not real."""
        streams, known = joined.loaded.config.streams, self.loaded.config.streams
        if stream not in streams:
            return None
        there = known[stream].destinations if stream in known else {}
        config = joined.config_of(stream)
        only = config.model_copy(update={"streams": {stream: streams[stream]}})
        port = self._links.port
        return self._planned(only, joined, lambda *of: port(*of) if of[1] in there else _NO_PORT)[stream]

    def _planned(self, config: Config, joined: Joined, port: MediaPort) -> dict[str, StreamSpec]:
        ca_file, variables = self.home.ca_file, joined.loaded.variables
        config = redirected(config, self._redirections)
        specs = plan(config, self.home.binary, port, ca_file=ca_file, variables=variables)
        font = self.slates.font
        return {name: with_fallbacks(spec, config, self.home.binary, port, font=font) for name, spec in specs.items()}

    def send_elsewhere(self, place: tuple[str, str], address: str | None) -> StreamSpec | None:
        """A destination is to be sent to another address, with its own key; None: to its own again.

        Returns what its stream is to be now; None: nothing of it can be, or is, sent elsewhere.
        """
        config = self.joined.config_of(place[0])
        destination, before = pushed_to(config, place), self._redirections.pop(place, None)
        if destination is None or (address is None and before is None):
            return None
        if address is not None:
            self._redirections[place] = Redirection(destination.url, address)
        only = config.model_copy(update={"streams": {place[0]: config.streams[place[0]]}})
        return self._planned(only, self.joined, self._links.port)[place[0]]

    def sent_elsewhere(self, place: tuple[str, str]) -> str | None:
        """The address that a destination is sent to instead of the configured one."""
        one = self._redirections.get(place)
        if one and not holds(self.joined.config_of(place[0]), place, one):
            one = None
            del self._redirections[place]
        return one.address if one else None

    def external(self, external: External) -> StreamSpec:
        """The stream of a program that runs its own FFmpeg. Raises ValueError for what cannot be one."""
        joined = self.joined
        return external_spec(
            joined.loaded.config, external, lambda config: self._planned(config, joined, self._links.port)
        )

    def maintenance(self) -> list[Planned]:
        """The maintenance windows of the configuration in force."""
        return maintenance(self.loaded.config)

    def adapted(self, stream: str, traits: Traits) -> tuple[str, ...]:
        """The command line of an encoder that is made for what is known of its source."""
        return adapted(self.joined.config_of(stream), stream, self.home.binary, self._links.port, traits)

    def adapted_rung(self, stream: str, rung: int, traits: Traits, own: Traits) -> tuple[str, ...]:
        """The same of a fallback that is a source; `traits` are those of the stream's own source."""
        config = self.joined.config_of(stream)
        links = {name: self._links.port(stream, name) for name in config.streams[stream].destinations}
        found = rungs_of(config, stream)[rung - 1]
        return rung_encoder(config, stream, found, self.home.binary, links, traits, own).argv

    def slate(self, stream: str, traits: Traits) -> Still | None:
        """What a stream's slate is to show; None: it has none."""
        rungs = rungs_of(self.joined.config_of(stream), stream, traits)
        return next((rung.still for rung in rungs if rung.still), None)

    def frame_every(self, stream: str) -> float | None:
        """How often a frame is taken for the slate of a stream; None: its slate shows none."""
        rungs = self.joined.config_of(stream).streams[stream].fallback
        return next((rung.slate.every for rung in rungs if rung.slate and rung.slate.last_frame), None)

    def slate_argv(self, stream: str, still: Still, path: Path | None) -> tuple[str, ...]:
        """The command line of its encoder, from the file that was made; None: it is drawn while it is sent."""
        config, binary = self.joined.config_of(stream), self.home.binary
        links = {name: self._links.port(stream, name) for name in config.streams[stream].destinations}
        file = None if path is None else str(path)
        return slate_encoder(config, stream, still, file, binary, links, font=self.slates.font).argv

    def sourceless(self, stream: str) -> tuple[str, ...]:
        """The same, but that its source is not there: for drills."""
        return sourceless(self.joined.config_of(stream), stream, self.home.binary, self._links.port)

    # --- another one -------------------------------------------------------------------------------

    async def read_again(
        self,
        read: Callable[[], Read],
        spare: Callable[[], Collection[str]] | None,
        switched_off: Callable[[Mapping[str, StreamSpec]], Collection[str]],
    ) -> Fresh | Problems:
        """What the file says now; `read` blocks. It may not end most of the streams to `spare`, if any are named.

        `switched_off` tells which of some streams other hours on air would end.
        """
        self.reading = True
        try:
            loaded, warnings = await self._machine.in_a_thread(read)
            while True:
                before = self.joined
                joined = await self._machine.in_a_thread(partial(self.join, loaded, before.made, before))
                if self.joined is before:  # nobody has made another stream meanwhile
                    break
            specs = self.plan(joined)
            fragments = self.loaded.fragments
            if spare and (too_much := removal(spare(), loaded.config, fragments, switched_off(specs))):
                return ConfigError(self.home.file, [Problem("streams", None, too_much)]).told
            return Fresh(joined, specs, tuple(map(str, (*warnings, *joined.warnings))))
        except ConfigError as error:
            return error.told
        except NoFreePort as error:
            return (str(error),)
        finally:
            self.reading = False

    @property
    def in_force(self) -> tuple[Joined, ConfigState]:
        """What holds; to be set again where another one could not be put in force after all."""
        return self.joined, self.state

    @in_force.setter
    def in_force(self, before: tuple[Joined, ConfigState]) -> None:
        self.joined, self.state = before

    def follow(self, joined: Joined) -> tuple[str, ...]:
        """Other streams than before were made by API. Returns what is new to be told of them and the file."""
        before, self.joined = self.joined.warnings, joined
        count = self.state.warnings - len(before) + len(joined.warnings)
        self.state = self.state._replace(warnings=count)
        return tuple(str(one) for one in joined.warnings if one not in before)

    def refuse(self, problems: Problems) -> bool:
        """The file as it stands is not taken. Returns whether that is news."""
        news = problems != self.state.problems
        self.state = self.state.refuse(problems, self._machine.wall())
        return news

    def accept(self, fresh: Fresh) -> tuple[str, ...]:
        """This one is in force. Returns the keys that it has changed and that only a new start of neverdark changes."""
        before, self.joined = self.loaded.config, fresh.joined
        waiting = _not_yet(self._at_start, self.loaded.config)
        self.state = ConfigState(self._machine.wall(), warnings=len(fresh.warnings), need_restart=waiting)
        return _not_yet(before, self.loaded.config)


def _not_yet(old: Config, new: Config) -> tuple[str, ...]:
    """The keys that differ and take effect only when neverdark is started anew."""
    return tuple(key for key in _ONLY_AT_START if getattr(old, key) != getattr(new, key))
