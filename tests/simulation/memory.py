"""What remembers, simulated: the real store over a real SQLite file, in virtual time, with a database that fails."""

from __future__ import annotations

import errno
import os
import sqlite3
import tempfile
import threading
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import sqlalchemy as sa

from supervisor.model import events
from supervisor.model.facts import Fact
from supervisor.model.remembered import PastIncident, Question
from supervisor.store.database import Database
from supervisor.store.inbox import Inbox
from supervisor.store.made import Made
from supervisor.store.records import KEPT
from supervisor.store.schema import FACTS
from supervisor.store.sqlite import FILE, SqliteFile
from supervisor.store.store import MOST_WAITING, Store
from supervisor.store.writer import Item, Life, Pace, Writer

if TYPE_CHECKING:
    from tests.simulation.loop import Agenda
    from tests.simulation.world import World

_GATHERS = 0.5  # seconds in which more may come
_PULSE = 60.0
_FLUSH = 2.0
_FEW = 12  # that a store may keep waiting in some worlds, so that some are dropped
_SLOW = 20.0  # seconds that one turn of writing takes
_DAYS = 400.0
_ROWS = KEPT - {
    events.ProcessStarted,
    events.ProcessAdopted,
    events.ProcessExited,
    events.IncidentOpened,
    events.FindingEntered,
    events.IncidentClosed,
    events.OrderGiven,
}
_WORDS = {"database_locked": "database is locked", "database_full": "database or disk is full"}


class SimulatedFile(SqliteFile):
    """A real file, made of one that is up to date; what happens to it comes from the world's troubles."""

    def __init__(self, path: Path, world: World) -> None:
        if not path.exists():
            path.write_bytes(_empty())
            path.chmod(0o600)
        super().__init__(path, world.wall)
        self._world = world
        for name in ("do_execute", "do_executemany"):
            sa.event.listen(self._writer, name, self._execute)

    @property
    def name(self) -> str:
        """The same in every run."""
        return FILE

    def open(self) -> sa.Connection:
        if self._world.database.has("database_gone"):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return super().open()

    def _execute(self, cursor: object, statement: str, *of: object) -> None:
        del cursor, of
        trouble = self._world.database
        if trouble.well:
            return
        if trouble.has("database_gone"):
            raise sqlite3.OperationalError("disk I/O error")
        if trouble.has("database_locked") and statement.startswith("BEGIN IMMEDIATE"):
            raise sqlite3.OperationalError(_WORDS["database_locked"])
        if trouble.has("database_full") and statement.startswith(("INSERT", "UPDATE")):
            raise sqlite3.OperationalError(_WORDS["database_full"])


@lru_cache(maxsize=1)
def _empty() -> bytes:
    """What a new database is: to make one takes longer than to simulate an hour."""
    with tempfile.TemporaryDirectory(prefix="neverdark-simulation-") as place:
        path = Path(place, FILE)
        connection = SqliteFile(path).open()
        connection.close()
        return path.read_bytes()


class _Inbox(Inbox[Item]):
    """Has the writer come, instead of waking its thread."""

    def __init__(self, most: int, come: Callable[[float], None], now: Callable[[], None]) -> None:
        super().__init__(most)
        self._come = come
        self._at_once = now

    def put(self, item: Item) -> None:
        super().put(item)
        self._come(_GATHERS)

    def hurry(self) -> None:
        self._come(0.0)

    def flush(self, seconds: float) -> bool:
        del seconds
        ticket = threading.Event()
        self._tickets.append(ticket)
        self._at_once()
        return ticket.is_set()


def _no_pause(seconds: float) -> None:
    """The world stands still while the writer is at work; how long that takes is its own figure."""
    del seconds


class SteppedWriter(Writer):
    """Does what its thread would do, when the world's time has come for it."""

    def __init__(  # noqa: PLR0913 - as the real one
        self,
        world: World,
        database: Database,
        life: Life,
        days: float,
        most: int,
        tell: Callable[[events.Payload], None],
        wall: Callable[[], float],
        *,
        made: Made,
    ) -> None:
        self._agenda: Agenda = world.agenda
        self._world = world
        pace = Pace(lambda: self._agenda.now, _no_pause)
        super().__init__(database, life, days, most, tell, wall, made=made, pace=pace)
        self.inbox = _Inbox(most, self._come, self._step)
        self.dead = False
        self.boot = life.boot
        self.written_until = -1.0  # all that was known at that time (virtual) is written
        self._due: float | None = None
        self._busy_until = 0.0

    def start(self) -> None:
        self._step()

    def close(self, seconds: float) -> bool:
        self._close_by = self._agenda.now + seconds
        self._step()
        self.die()
        return self.queue == 0

    def die(self) -> None:
        """Nothing is written any more."""
        self.dead = True
        self._disconnect()

    def _come(self, seconds: float) -> None:
        when = max(self._agenda.now + seconds, self._busy_until)
        if self.dead or (self._due is not None and self._due <= when):
            return
        self._due = when
        self._agenda.at(when, lambda: self._fire(when))

    def _fire(self, when: float) -> None:
        if self._due == when and not self.dead:
            self._due = None
            self._step()

    def _step(self) -> None:
        now = self._agenda.now
        if self.dead or now < self._busy_until:
            return
        if self._world.database.has("database_slow"):
            self._busy_until = now + _SLOW
        wait = self.step()
        if self.up and not self.queue:
            self.written_until = self._world.now
        if wait is not None:
            self._come(wait)


class SimulatedStore(Store):
    """That of one life."""

    def __init__(self, world: World, directory: Path) -> None:
        few = Random(f"memory {world.seed}").random() < 0.5
        self.most = _FEW if few else MOST_WAITING
        self._world = world
        self._heard = 0  # facts, each of which becomes a row of its own
        file = SimulatedFile(directory / FILE, world)
        super().__init__(file, "1.0", _DAYS, world.wall, self.most, writer=partial(SteppedWriter, world))
        self.open(0.0)

    @property
    def writer(self) -> SteppedWriter:
        """What writes."""
        assert isinstance(self._writer, SteppedWriter)
        return self._writer

    def beat(self) -> None:
        """From now on, say every minute that neverdark lives."""
        if not self.writer.dead:
            self.pulse(self._world.engine.incidents(None) or ())
            self._world.agenda.later(_PULSE, self.beat)

    def past(self) -> list[PastIncident]:
        """Every incident that is kept."""
        found, question = list[PastIncident](), Question()
        while page := self.incidents(question):
            found += page.incidents
            if page.next is None:
                break
            question = question._replace(after=page.next)
        return found

    def __call__(self, fact: Fact) -> None:
        super().__call__(fact)
        self._heard += type(fact.what) in _ROWS

    @property
    def missing(self) -> int | None:
        """How many facts of this life have no row; None while it cannot be known."""
        if self.state.queue or not self.state.up:
            return None
        rows = sa.select(sa.func.count()).select_from(FACTS).where(FACTS.c.boot == self.writer.boot)
        with self._database.read() as connection, connection.begin():
            return self._heard - (connection.scalar(rows) or 0)

    def write_now(self) -> None:
        """Whoever gets an answer relies on it."""
        self.flush(_FLUSH)
