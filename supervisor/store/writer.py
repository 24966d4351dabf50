"""The store's own thread: opens the database, writes what waits, and tries again where it cannot."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import sqlalchemy as sa

from supervisor.model import events
from supervisor.model.availability import AirHour
from supervisor.model.facts import Fact
from supervisor.model.incidents import Incident
from supervisor.model.notifications import Notification
from supervisor.model.remembered import Account, DestinationName
from supervisor.store import retention
from supervisor.store.database import Database
from supervisor.store.few_rows import External, externals, stopped_watchdogs
from supervisor.store.inbox import Inbox
from supervisor.store.made import Made
from supervisor.store.numbers import Numbers
from supervisor.store.outage import Outage
from supervisor.store.pending import Pending
from supervisor.store.records import (
    Record,
    account_record,
    air_record,
    boot_record,
    record_of,
    records_of,
    told_record,
)
from supervisor.store.trouble import NewerDatabase, words_of
from supervisor.store.writing import WHOLE, Kept, Rows, accounts_in, close_what_was_left_open, kept_in

BATCH: Final = 200
_BREATH: Final = 0.002  # between two batches, for the loop to have the interpreter
_IDLE: Final = 60.0


class Life(NamedTuple):
    """This life of neverdark."""

    boot: str
    started: float
    version: str
    pid: int


class Pace(NamedTuple):
    """How time goes for the thread: monotonic seconds, and a pause of so many."""

    now: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep


REAL: Final = Pace()


class Pulse(NamedTuple):
    """neverdark lives, these incidents go on, and so long streams were on air."""

    open: tuple[Incident, ...]
    air: tuple[AirHour, ...] = ()


class Said(NamedTuple):
    """Somebody was told of something."""

    told: tuple[Notification, ...]


class Noted(NamedTuple):
    """The accounts of these streams are these now."""

    accounts: Mapping[str, Account]


Item = Fact | Pulse | Said | Noted


class Writer:
    """What is not said to be for all threads is the thread's own."""

    def __init__(  # noqa: PLR0913 - what it writes, where, for how long, and by which clocks
        self,
        database: Database,
        life: Life,
        days: float,
        most: int,
        tell: Callable[[events.Payload], None],
        wall: Callable[[], float],
        *,
        made: Made,
        pace: Pace = REAL,
    ) -> None:
        self.inbox: Inbox[Item] = Inbox(most)  # for all threads, as are the next eight
        self.numbers = Numbers()
        self.stopped = stopped_watchdogs()
        self.made = made
        self.externals = externals()
        self.pending = Pending(most)
        self.written = 0
        self.looked = threading.Event()  # the database has been read for the first time, or refused
        self.recalled: dict[sa.Table, Kept] | None = None  # what operators had said, by table
        self.accounts: dict[str, Account] = {}  # as they were at the start
        self.refused: NewerDatabase | None = None
        self._database = database
        self._life = life
        self._days = days
        self._wall = wall
        self._now, self._pause = pace
        self._rows = Rows(database)
        self._outage = Outage(database.name, tell)
        self._connection: sa.Connection | None = None
        self._said: dict[sa.Table, Kept] = {}  # what operators have said, as soon as somebody has told
        self._kept: dict[sa.Table, Kept] = {}  # what of it stands in the database, as far as that is known
        self._lost = 0  # could not be written, whatever the database's state
        self._clear_at = self._now() + _IDLE
        self._retry_at = 0.0
        self._close_by: float | None = None
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)

    # --- for all threads ---------------------------------------------------------------------------

    @property
    def up(self) -> bool:
        """Whether the latest attempt to write succeeded."""
        return not self._outage.lasts

    @property
    def error(self) -> str:
        """Why it failed, if it did."""
        return self._outage.error

    @property
    def dropped(self) -> int:
        """Records that will never be written."""
        return self.inbox.lost + self.pending.dropped + self._lost

    @property
    def queue(self) -> int:
        """Records, and what will be some, that wait to be written."""
        return len(self.inbox) + len(self.pending)

    def start(self) -> None:
        """Open the database, and write from now on."""
        self._thread.start()

    def keep(self, table: sa.Table, now: Kept) -> None:
        """What operators have said is this."""
        self._said[table] = now
        self.inbox.hurry()

    def number(self, destinations: Sequence[DestinationName]) -> None:
        """Each of these is to have a number."""
        if self.numbers.want(destinations):
            self.inbox.hurry()

    def keep_stopped(self, now: Mapping[DestinationName, float]) -> None:
        """These watchdogs are stopped."""
        self.stopped.keep(now)
        self.inbox.hurry()

    def keep_externals(self, now: Mapping[str, External]) -> None:
        """These programs have announced themselves."""
        self.externals.keep(now)
        self.inbox.hurry()

    def close(self, seconds: float) -> bool:
        """Write what waits, but not for ever. Returns whether all of it is written."""
        self._close_by = self._now() + seconds
        self.inbox.hurry()
        self._thread.join(seconds)
        return not self._thread.is_alive() and self.queue == 0

    # --- the thread --------------------------------------------------------------------------------

    def _run(self) -> None:
        while (seconds := self.step()) is not None:
            self.inbox.wait(seconds)

    def step(self) -> float | None:
        """Write what waits, or try to. Returns after how many seconds to come again at the latest; None: it is over."""
        tickets = self.inbox.tickets()
        self._take_in()
        self._outage.lost(self.dropped)
        closing = self._close_by is not None
        done = self._turn(ended=closing)
        if done:
            for ticket in tickets:
                ticket.set()
        now = self._now()
        if closing and (done or self.refused or now >= (self._close_by or 0.0) - 1.0):
            self._disconnect()
            return None
        return max(0.05, (min(self._clear_at, now + _IDLE) if done else self._retry_at) - now)

    def _take_in(self) -> None:
        """Make records of what was heard, with pauses: the loop may need the interpreter."""
        while items := self.inbox.take(BATCH):
            for item in items:
                try:
                    self.pending.add(self._records_of(item))
                except Exception:  # noqa: BLE001 - one that we cannot make a row of must not be the last one
                    self._lost += 1
            if len(items) == BATCH:
                self._pause(_BREATH)

    def _records_of(self, item: Item) -> list[Record]:
        match item:
            case Fact():
                return records_of(item, self._life.boot)
            case Pulse():
                boot = self._life.boot
                going_on = [record_of(incident, boot) for incident in item.open]
                return going_on + [air_record(hour, boot) for hour in item.air]
            case Said():
                return [told_record(one) for one in item.told]
            case Noted():
                return [account_record(stream, of, self._life.boot) for stream, of in item.accounts.items()]

    def _turn(self, *, ended: bool) -> bool:
        """Write everything that waits. Returns whether that could be done."""
        if not self._still_there():
            return False
        try:
            connection = self._opened()
            self.made.write(connection)
            self._keep_what_was_said(connection)
            self.numbers.give(connection)
            self.stopped.write(connection)
            self.externals.write(connection)
            self._write(connection, ended=ended)
            if self._now() >= self._clear_at:
                more = retention.clear_some(connection, self._wall(), self._days)
                self._clear_at = self._now() + (0.1 if more else retention.EVERY)
        except Exception as error:  # noqa: BLE001 - whatever it is, streams go on and it is tried again
            self._fail(error)
            return False
        self._outage.over(self._now())
        return True

    def _still_there(self) -> bool:
        """Whether what is open is what it was; if not it is let go, unless it is the only copy that there is."""
        try:
            if self._connection and (moved := self._database.look_after(self._connection)):
                self._outage.failed(moved, self._now(), at_once=True)
                self._disconnect()
        except Exception as error:  # noqa: BLE001 - as below
            self._note(words_of(error))
            return False
        return True

    def _opened(self) -> sa.Connection:
        """The connection; made, if there is none."""
        if self._connection is None:
            self._connection = connection = self._database.open()
            self.made.read(connection)
            self._kept = {table: kept_in(connection, table) for table in WHOLE}
            self.numbers.read(connection)
            self.stopped.read(connection)
            self.externals.read(connection)
            if not self.looked.is_set():
                self.recalled, self.accounts = dict(self._kept), accounts_in(connection)
                try:
                    self.numbers.give(connection)  # who starts may show them from the first moment on
                finally:
                    self.looked.set()
            with connection.begin():
                close_what_was_left_open(connection, self._life.boot)
        return self._connection

    def _keep_what_was_said(self, connection: sa.Connection) -> None:
        for table in WHOLE:
            now, kept = self._said.get(table), self._kept.get(table)
            if now is not None and now != kept:
                self._rows.keep(connection, table, kept, now)
                self._kept[table] = now

    def _write(self, connection: sa.Connection, *, ended: bool) -> None:
        alive = self._wall()
        self._rows.write(connection, [boot_record(*self._life, alive=alive, ended=alive if ended else None)])
        while records := self.pending.first(BATCH):
            lost = self._rows.write(connection, records)
            self.pending.done(records)
            self._lost += lost
            self.written += len(records) - lost
            self._pause(_BREATH)

    def _fail(self, error: Exception) -> None:
        self._disconnect()
        told = words_of(error)
        at_once = False
        if isinstance(error, NewerDatabase):
            at_once, self.refused = True, self.refused or error
            self.looked.set()
        with contextlib.suppress(Exception):  # then it is as it was
            if mended := self._database.mend(error):
                at_once, told = True, mended
        self._note(told, at_once=at_once)

    def _note(self, told: str, *, at_once: bool = False) -> None:
        now = self._now()
        self._retry_at = now + self._outage.failed(told, now, at_once=at_once)

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):  # it may be broken
                connection.close()
