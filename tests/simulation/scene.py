"""What the checks see: the world, the engine in it, what has happened, and what fell on which stream."""

from __future__ import annotations

from collections import deque
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from supervisor.engine import Engine
from supervisor.model.incidents import Incident
from supervisor.model.policies import Policies
from supervisor.model.snapshot import Snapshot
from tests.simulation.bounds import RETURNS, bound, memory
from tests.simulation.expected import touches
from tests.simulation.fault import Fault
from tests.simulation.world import Happened, World

_LAST_FACTS = 25
T = TypeVar("T")


class Failure(NamedTuple):
    """What a check found, at a virtual time; `facts` are the last ones before it."""

    check: str
    at: float
    text: str
    facts: tuple[str, ...]


class Broken(Exception):  # noqa: N818 - it names the state
    """A check has found something: the run ends here."""


@dataclass(slots=True)
class Told:
    """An incident as it was last seen, and at which virtual times it was first, and closed, or its neverdark ended.

    `life` is the number of that one.
    """

    incident: Incident
    opened: float
    closed: float | None = None
    life: int = 0


class Spell(NamedTuple):
    """A time in which a fault explains what goes wrong in a stream."""

    fault: Fault
    began: float
    ended: float
    until: float  # from then on all must be as if it had never been


def payload(fact: Any) -> Any:
    """What happened, without number and subject."""
    return getattr(fact, "what", fact)


def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of what waits for nothing but its turn."""
    while True:
        try:
            coroutine.send(None)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]


@dataclass(slots=True)
class Scene:
    """Kept up to date by `Judge`."""

    world: World
    failures: list[Failure] = field(default_factory=list)
    told: dict[str, Told] = field(default_factory=dict)
    on_air: dict[str, bool] = field(default_factory=dict)
    on_air_turns: dict[str, list[tuple[float, bool]]] = field(default_factory=dict)
    wanted: dict[str, bool] = field(default_factory=dict)
    recent: deque[str] = field(default_factory=lambda: deque(maxlen=_LAST_FACTS))
    _ids: set[str] = field(default_factory=set)
    _engine: Engine | None = None  # the latest one that has streams
    _spells: dict[str, tuple[object, list[Spell]]] = field(default_factory=dict)

    def fail(self, check: str, text: str, at: float | None = None) -> None:
        """Note a failure."""
        when = self.world.now if at is None else at
        self.failures.append(Failure(check, when, text, tuple(self.recent)))

    def was_on_air(self, stream: str, at: float) -> bool:
        """Whether a stream was on air at a time, as far as the engine told."""
        before = [on_air for when, on_air in self.on_air_turns.get(stream, []) if when < at]
        return bool(before) and before[-1]

    def arrives(self, stream: str) -> list[str]:
        """The destinations at which a stream's media arrives."""
        return [name for name in self.destinations(stream) if self.world.arrives(stream, name)]

    @property
    def engine(self) -> Engine:
        """The one that lives; while it is only starting, or there is none, the one before."""
        latest = self.world.engine
        if latest.streams or self._engine is None:
            self._engine = latest
        return self._engine

    @property
    def streams(self) -> list[str]:
        """All streams that the engine has."""
        return list(self.engine.streams)

    def destinations(self, stream: str) -> list[str]:
        """Where a stream goes."""
        return [one.name for one in self.engine.streams[stream].spec.destinations]

    def far(self) -> list[str]:
        """The streams that go over our line."""
        near = self.world.settings.near
        return [one for one in self.streams if not all(f"{one}/{name}" in near for name in self.destinations(one))]

    def is_command(self, stream: str) -> bool:
        """Whether a stream is one program of its owner's."""
        return self.engine.streams[stream].spec.is_command

    def policies(self, stream: str) -> Policies:
        """The policies of a stream; those of its destinations are the same in this world."""
        return next(process.policies for process in self.engine.streams[stream].spec.processes)

    def snapshot(self) -> Snapshot:
        """What the engine shows now."""
        return drive(self.world.snapshot())

    @property
    def ever_told(self) -> int:
        """How many incidents there have been, those included that became parts of others."""
        return len(self._ids)

    def read_incidents(self) -> None:
        """Keep the incidents that the engine knows; those that became a part of another one are none any more."""
        now, known = self.world.now, self.world.engine.incidents(None)
        assert known is not None
        ids = {one.id for one in known}
        for one in known:
            self._ids.add(one.id)
            told = self.told.setdefault(one.id, Told(one, now, life=self.world.lives.count))
            told.incident = one
            if one.closed is None:
                told.closed = None
            elif told.closed is None:
                told.closed = now
        for gone in [one for one, told in self.told.items() if one not in ids and told.closed is None]:
            del self.told[gone]

    def life_over(self) -> None:
        """neverdark has ended: nobody says that a stream is on air, and what was open ends with it."""
        now = self.world.now
        self.read_incidents()
        for told in self.told.values():
            told.closed = now if told.closed is None else told.closed
        for stream, on_air in self.on_air.items():
            if on_air:
                self.on_air_turns.setdefault(stream, []).append((now, False))
        self.on_air.clear()
        self.wanted.clear()
        self.recent.append(f"{now:.3f} neverdark ends")

    # --- what explains -----------------------------------------------------------------------------

    def spells(self, stream: str) -> list[Spell]:
        """The times in which something on a stream's path is explained by what was done to it, oldest first."""
        faults, now = self.world.faults, self.world.now
        running = sum(one.ended is None for one in faults)
        known = len(faults), running, now if running else 0.0
        cached = self._spells.get(stream)
        if cached is None or cached[0] != known:
            cached = self._spells[stream] = known, self._find_spells(stream)
        return cached[1]

    def _find_spells(self, stream: str) -> list[Spell]:
        policies, spells, chain = self.policies(stream), list[Spell](), list[Happened]()
        until = 0.0
        for happened in self.world.faults:
            if not touches(happened.fault, stream):
                continue
            if happened.began > until + memory(policies):
                chain = []
            chain.append(happened)
            ends = [self.world.now if one.ended is None else one.ended for one in chain]
            returns = ladder.longest_wait + RETURNS if (ladder := self.world.ladders.get(stream)) else 0.0
            until = max(until, max(ends) + bound(policies, [one.fault for one in chain]) + returns)
            spells.append(Spell(happened.fault, happened.began, ends[-1], until))
        return spells

    def covering(self, stream: str, began: float, ended: float | None = None) -> Iterator[Spell]:
        """All spells that cover a moment, or some of a time."""
        last = began if ended is None else ended
        return (one for one in self.spells(stream) if one.began - 1.0 <= last and began <= one.until)

    def is_calm(self, stream: str, at: float, before: float) -> bool:
        """Whether nothing has been done to a stream for so long, and all that was is over."""
        return all(one.until + before < at for one in self.spells(stream))


def words(fact: Any) -> str:
    """A fact in one line, the same in every run."""
    what = payload(fact)
    shown = [f"{name}={_short(getattr(what, name))}" for name in what.__slots__ if name not in {"last_words", "at"}]
    return f"{type(what).__name__}({', '.join(shown)})"


def named(incident: Incident) -> str:
    """An incident in a few words."""
    where = f"{incident.stream}/{incident.destination or ''}"
    return f"{where} {incident.segment} {incident.cause}{' (drill)' if incident.drill else ''}"


def _short(value: Any) -> str:
    if isinstance(value, Incident):
        return f"{value.id} {named(value)}"
    if isinstance(value, float):
        return f"{value:.3f}"
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."
