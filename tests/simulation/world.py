"""The world around one engine: processes, ingests, sources, the line, clocks; and the truth about them."""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

import apscheduler.executors.base
import apscheduler.job
import apscheduler.schedulers.base
import apscheduler.triggers.interval

from supervisor.engine import Engine
from supervisor.ffmpeg.parameters import Parameters
from supervisor.model import events
from supervisor.model.quantities import Address
from supervisor.model.snapshot import Snapshot
from supervisor.model.terms import ProcessKey, Role
from supervisor.process import reports
from tests.simulation import ladders, settings
from tests.simulation.causes import Causes, Happened
from tests.simulation.channel import Channel
from tests.simulation.fault import REMEMBERED, Fault
from tests.simulation.hours import NIGHTS
from tests.simulation.ladders import Ladder, Plan
from tests.simulation.line import Ingest, Line, Source, Troubled
from tests.simulation.lives import Lives, Watcher
from tests.simulation.loop import BEGINNING, Agenda, VirtualLoop
from tests.simulation.orders import Orders
from tests.simulation.processes import PARAMETERS
from tests.simulation.studio import Studio
from tests.simulation.table import Table
from tests.simulation.wires import Wires, parsed
from tests.simulation.wishes import Wishes

__all__ = ["Happened", "World", "run"]

WALL = 1_800_000_000.0  # when the world begins, by the wall clock
_SETTLED = 60.0
_MEMORY = Path("/dev/shm")  # noqa: S108 - a directory below it is ours: what is written to it waits for no disk
_PLACE = _MEMORY if os.access(_MEMORY, os.W_OK) else None
_AFTER_A_CRASH = 0.3  # so many worlds begin with what an earlier neverdark left behind
_READ_TIMEOUT_SHARE = 0.8
_SCHEDULERS = (
    apscheduler.schedulers.base,
    apscheduler.executors.base,
    apscheduler.job,
    apscheduler.triggers.interval,
)


class World:
    """Everything around one engine. All that is by chance comes from `seed`."""

    def __init__(self, seed: int, streams: int, *, fallbacks: bool | Plan = False, youtube: bool = False) -> None:
        """`fallbacks`: some of the streams have some; of a plan, the first one that can. `youtube`: some go there."""
        self.seed = seed
        self.chance = Random(f"world {seed}")
        self.jitter = Random(f"jitter {seed}")
        self.facts: list[tuple[float, Any]] = []  # virtual seconds, payload of supervisor.model.events
        self.version = self.chance.choice(("5.1", "9.0"))
        self.wall_offset = WALL - BEGINNING
        self.night: float | None = None  # when the local clock is set (wall clock)
        self.memory_kills = 0
        self.out_of_processes = False
        self.looks_fail = False
        self.changed = 0.0  # when anything last happened in the world (virtual)
        self.agenda = Agenda()
        self.loop = VirtualLoop(self.agenda)
        self.wires = Wires(self.loop)
        self.doom: Callable[[], None] | None = None  # neverdark dies of the next process that it starts
        self.table = Table(self)
        self.wires.connected = self.table.connected
        self.line = Line()
        self.database = Troubled()
        self.remembers = False  # neverdark has a store: to simulate it takes time
        self.settings = settings.draw(self.chance, streams)
        self.ladders: Mapping[str, Ladder] = {}
        if isinstance(fallbacks, Plan):
            self.settings, self.ladders = ladders.build(fallbacks, self.settings)
        elif fallbacks:
            self.settings, self.ladders = ladders.draw(seed, self.settings)
        self.stubborn = Counter[tuple[str, str]]()  # how another encoder cannot take over, and of which stream
        self.slates_gone = Counter[str]()  # streams whose slate's file is not there
        self.orders = Orders(self)
        self._folder = tempfile.TemporaryDirectory(prefix="neverdark-simulation-", dir=_PLACE)
        self.place = Path(self._folder.name)
        self.file = self.place / "neverdark.yaml"
        self.youtube = Channel(self) if youtube else None
        self.write(self.settings.tree)
        self.sources = {name: Source(name, kind) for name, kind in self.settings.sources.items()}
        self.ingests = self._ingests()
        self.near = [ingest for ingest in self.ingests.values() if ingest.near]
        self._by_address = {ingest.address: ingest for ingest in self.ingests.values()}
        self.causes = Causes(self)
        self.wishes = Wishes(self)
        self._leave_behind()
        self.listeners: list[Callable[[Any], None]] = [self._hear]  # to facts, of every life
        self.watchers: list[Watcher] = [self.wishes, self.orders]
        self.studio = Studio(self.youtube) if self.youtube else None
        self.lives = Lives(self)

    def _leave_behind(self) -> None:
        """What an earlier neverdark did not end."""
        for name in self.ingests if self.chance.random() < _AFTER_A_CRASH else ():
            stream, _, destination = name.partition("/")
            self.table.leave_behind(ProcessKey(stream, Role.PUSHER, destination), "20270101T000000.000Z-1")

    def write(self, tree: Mapping[str, Any] | str) -> None:
        """Write the configuration's file."""
        self.file.write_text(tree if isinstance(tree, str) else settings.text(tree))

    def _ingests(self) -> dict[str, Ingest]:
        found = {}
        for stream, keys in self.settings.tree["streams"].items():
            for destination, known in keys["destinations"].items():
                name = f"{stream}/{destination}"
                host, _, port = known["url"].removeprefix("rtmp://").partition("/")[0].partition(":")
                near = name in self.settings.near
                found[name] = Ingest(name, Address(host, int(port)), near, self.line, known.get("required", True))
        return found

    def _hear(self, fact: Any) -> None:
        what = getattr(fact, "what", fact)
        self.facts.append((self.now, what))
        if self.ladders and isinstance(what, events.StreamWanted) and not what.wanted:
            self.orders.end(what.stream)

    # --- what one may ask --------------------------------------------------------------------------

    @property
    def now(self) -> float:
        """Virtual seconds since the world began."""
        return self.agenda.now - BEGINNING

    def wall(self) -> float:
        """Seconds since 1970, as the machine's clock is set."""
        return self.agenda.now + self.wall_offset

    @property
    def engine(self) -> Engine:
        """That of the neverdark that lives, or lived last."""
        return self.lives.latest.engine

    @property
    def site(self) -> dict[str, list[str]]:
        """The streams, and to which destinations each goes."""
        return {name: list(keys["destinations"]) for name, keys in self.settings.tree["streams"].items()}

    @property
    def faults(self) -> list[Happened]:
        """Those that were carried out, in order."""
        return self.causes.happened

    def cause(self, fault: Fault) -> None:
        """Carry out a fault now, and end it when it has lasted."""
        self.loop.woken = True
        self.causes.begin(fault)

    async def snapshot(self) -> Snapshot:
        """What the engine shows."""
        return await self.engine.snapshot()

    def publishers(self, url_key: str) -> int:
        """How many live that publish on a key, or are about to; a key is "STREAM/DESTINATION"."""
        return self.table.publishers(url_key)

    def truth(self, stream: str) -> bool:
        """Whether all that a stream needs from the world is there, so that it could be on air."""
        ways = [ingest for ingest in self.ingests.values() if ingest.name.startswith(f"{stream}/")]
        needed = [ingest for ingest in ways if ingest.required]
        usable = all(one.usable for one in needed) if needed else any(one.usable for one in ways)
        return usable and self.sources[stream].well

    def arrives(self, stream: str, destination: str) -> bool:
        """Whether the media of a stream arrives at a destination right now."""
        ingest = self.ingests[f"{stream}/{destination}"]
        return any(sender.on_air for sender in ingest.publishing)

    def alive(self) -> list[str]:
        """The simulated processes that live."""
        return [f"{process.key} (pid {process.pid})" for process in self.table.of("")]

    def pids(self) -> list[int]:
        """The pids of those that live."""
        return [process.pid for process in self.table.of("")]

    def open_descriptors(self) -> list[str]:
        """What of the wires neverdark has not closed; links it keeps to its end."""
        wires = self.wires
        kinds: dict[str, Mapping[Any, object]] = {"progress": wires.reports, "output": wires.outlets, "tap": wires.taps}
        left = [f"{kind} {key}" for kind, table in kinds.items() for key in map(str, table)]
        living = {process.pidfd for process in self.table.of("")}
        return [*left, *(f"reader {fd}" for fd in self.loop.readers() if fd not in living)]

    def begin_before_a_night(self, seconds: float) -> None:
        """In two of three worlds the local clock is set in the middle of that time: forward, or back."""
        chance = Random(f"night {self.seed}")
        self.night = chance.choice((*NIGHTS, None))
        if self.night:
            self.wall_offset = self.night - seconds * chance.uniform(0.2, 0.8) - BEGINNING

    @property
    def settled(self) -> bool:
        """Nothing lasts, and nothing has happened for a minute."""
        return self.now - self.changed > _SETTLED and all(one.ended is not None for one in self.faults)

    def settings_of(self, stream: str) -> object:
        """What the file says of a stream, as a value to compare."""
        return self.settings.tree["streams"].get(stream)

    # --- what the simulated parts ask ---------------------------------------------------------------

    def ingest_at(self, address: Address) -> Ingest:
        """The ingest with that address."""
        return self._by_address[address]

    def source_at(self, host: str) -> Source:
        """The camera of that name."""
        return self.sources[host.removeprefix("camera.").removesuffix(".example")]

    def source_of(self, key: ProcessKey) -> Source:
        """What an encoder reads."""
        return self.sources[self.ladders[key.stream].sources[key.rung] if key.rung else key.stream]

    def parameters(self, stream: str) -> Parameters:
        """What a stream's picture is made of."""
        del stream
        return PARAMETERS

    def read_timeout(self, stream: str) -> float:
        """After how long without media an encoder ends by itself."""
        return self.engine.loaded.config.policies_of(stream).stall.timeout * _READ_TIMEOUT_SHARE

    def second(self) -> None:
        """A second is over."""
        if self.studio:
            self.studio.second()
        if self.remembers:
            for stream in self.wishes.second():
                self.cause(Fault(self.now, "switch", stream))

    def close(self) -> None:
        """Let go of what is real."""
        self.lives.close()
        self.loop.close()
        self._folder.cleanup()


def run(
    world: World, faults: Sequence[Fault], seconds: float, on_second: Callable[[World], None] | None = None
) -> None:
    """Run the engine for so many virtual seconds with these faults, then stop it in order."""
    agenda = world.agenda
    world.remembers = any(fault.kind in REMEMBERED for fault in faults)
    if any(fault.kind == "hours" for fault in faults):
        world.begin_before_a_night(seconds)
    if world.studio:
        world.studio.begin()

    def cause(fault: Fault) -> Callable[[], None]:
        return lambda: world.cause(fault)

    for fault in faults:
        agenda.at(BEGINNING + fault.at, cause(fault))

    def each_second() -> None:
        if on_second or world.remembers or world.studio:
            agenda.later(1.0, each_second)
        world.second()
        if on_second:
            on_second(world)

    agenda.at(BEGINNING + 1.003, each_second)
    agenda.at(BEGINNING + seconds, world.lives.finish)
    agenda.at(BEGINNING + 0.25, world.table.tick)
    with _seams_of(world):
        try:
            world.lives.run()
        finally:
            logging.getLogger("apscheduler").setLevel(logging.NOTSET)


@contextlib.contextmanager
def _seams_of(world: World) -> Iterator[None]:
    """APScheduler reads the wall clock by `datetime.now`: let it be the world's. And see `wires.parsed`."""

    class WorldTime(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.fromtimestamp(world.wall(), tz)

    with contextlib.ExitStack() as patches:
        for module in _SCHEDULERS:
            if hasattr(module, "datetime"):
                patches.enter_context(mock.patch.object(module, "datetime", WorldTime))
        patches.enter_context(mock.patch.object(reports, "parse_report", parsed))
        yield
