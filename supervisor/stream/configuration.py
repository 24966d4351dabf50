"""The configuration in force: what it makes of the streams, and how another one takes its place."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from supervisor.config.file import Loaded
from supervisor.config.problems import ConfigError, ConfigWarning, Problem
from supervisor.config.shape import Config
from supervisor.desired.maintenance import Planned
from supervisor.desired.plan import StreamSpec, adapted, maintenance, plan, sourceless
from supervisor.desired.removal import removal
from supervisor.ffmpeg.opening import Traits
from supervisor.machine.data_dir import DataDir
from supervisor.machine.ffmpeg_binary import Binary
from supervisor.machine.machine import Machine
from supervisor.machine.media_links import MediaLinks, NoFreePort
from supervisor.model.snapshot import ConfigState

Read = tuple[Loaded, tuple[ConfigWarning, ...]]
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


@dataclass(frozen=True, slots=True)
class Home:
    """What stays the same while neverdark runs; `ca_file` has the certificates that are trusted."""

    file: Path  # the configuration
    binary: Binary
    data_dir: DataDir
    ca_file: str


@dataclass(frozen=True, slots=True)
class Fresh:
    """A configuration that can be put in force."""

    loaded: Loaded
    specs: dict[str, StreamSpec]
    warnings: tuple[str, ...]


Problems = tuple[str, ...]  # in words


class Configuration:
    """Reads the file again, and puts what it says in force or rejects it."""

    def __init__(self, home: Home, loaded: Loaded, machine: Machine, links: MediaLinks, warnings: int) -> None:
        """`warnings` is how many `loaded` gave."""
        self.loaded = loaded
        self.state = ConfigState(machine.wall(), warnings=warnings)
        self.reading = False
        self.home = home
        self._machine = machine
        self._links = links
        self._at_start = loaded.config

    # --- what it makes of the streams --------------------------------------------------------------

    def plan(self, loaded: Loaded | None = None) -> dict[str, StreamSpec]:
        """The streams of a configuration, or else of the one in force. Raises `NoFreePort`."""
        of = loaded or self.loaded
        return plan(of.config, self.home.binary, self._links.port, ca_file=self.home.ca_file, variables=of.variables)

    def maintenance(self) -> list[Planned]:
        """The maintenance windows of the configuration in force."""
        return maintenance(self.loaded.config)

    def adapted(self, stream: str, traits: Traits) -> tuple[str, ...]:
        """The command line of an encoder that is made for what is known of its source."""
        return adapted(self.loaded.config, stream, self.home.binary, self._links.port, traits)

    def sourceless(self, stream: str) -> tuple[str, ...]:
        """The same, but that its source is not there: for drills."""
        return sourceless(self.loaded.config, stream, self.home.binary, self._links.port)

    # --- another one -------------------------------------------------------------------------------

    async def read_again(
        self, read: Callable[[], Read], spare: Callable[[], Collection[str]] | None
    ) -> Fresh | Problems:
        """What the file says now; `read` blocks. It may not end most of the streams to `spare`, if any are named."""
        self.reading = True
        try:
            loaded, warnings = await self._machine.in_a_thread(read)
            if spare and (too_much := removal(spare(), loaded.config, self.loaded.fragments)):
                return ConfigError(self.home.file, [Problem("streams", None, too_much)]).told
            return Fresh(loaded, self.plan(loaded), tuple(map(str, warnings)))
        except ConfigError as error:
            return error.told
        except NoFreePort as error:
            return (str(error),)
        finally:
            self.reading = False

    @property
    def in_force(self) -> tuple[Loaded, ConfigState]:
        """What holds; to be set again where another one could not be put in force after all."""
        return self.loaded, self.state

    @in_force.setter
    def in_force(self, before: tuple[Loaded, ConfigState]) -> None:
        self.loaded, self.state = before

    def refuse(self, problems: Problems) -> bool:
        """The file as it stands is not taken. Returns whether that is news."""
        news = problems != self.state.problems
        self.state = self.state.refuse(problems, self._machine.wall())
        return news

    def accept(self, fresh: Fresh) -> tuple[str, ...]:
        """This one is in force. Returns the keys that it has changed and that only a new start of neverdark changes."""
        before, self.loaded = self.loaded.config, fresh.loaded
        waiting = _not_yet(self._at_start, fresh.loaded.config)
        self.state = ConfigState(self._machine.wall(), warnings=len(fresh.warnings), need_restart=waiting)
        return _not_yet(before, fresh.loaded.config)


def _not_yet(old: Config, new: Config) -> tuple[str, ...]:
    """The keys that differ and take effect only when neverdark is started anew."""
    return tuple(key for key in _ONLY_AT_START if getattr(old, key) != getattr(new, key))
