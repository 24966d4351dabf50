"""The store as others use it: it hears facts and remembers, and never keeps anybody waiting.

Facts go into a queue without a lock; a thread of the store's own makes rows of them and writes these. It waits until
nothing has come for a moment: while a thousand processes are replaced at once, the interpreter is theirs.
"""

from __future__ import annotations

import os
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from supervisor.model import events
from supervisor.model.availability import AirHour, Availability
from supervisor.model.edits import Bodies
from supervisor.model.facts import Fact
from supervisor.model.fallback import SourceOrder
from supervisor.model.incidents import Incident
from supervisor.model.maintenance import Maintenance
from supervisor.model.notifications import Notification
from supervisor.model.remembered import Account, DestinationName, Page, PastIncident, Question, StoreState, Word
from supervisor.store import history
from supervisor.store.database import Database
from supervisor.store.made import Made
from supervisor.store.made_copy import MadeCopy
from supervisor.store.records import KEPT, row_of_source, row_of_window, row_of_word, source_of, window_of, word_of
from supervisor.store.schema import MAINTENANCE, ORDERED_SOURCES, WANTED
from supervisor.store.writer import Life, Noted, Pulse, Said, Writer
from supervisor.store.writing import Kept

MOST_WAITING: Final = 10_000
_RECALL_SECONDS: Final = 3.0
_HELD_BACK: Final = 100


class Store:
    """A listener to facts, and what is asked of the past. Every method may be called from any thread."""

    def __init__(
        self,
        database: Database,
        version: str,
        days: float,
        wall: Callable[[], float] = time.time,
        most: int = MOST_WAITING,
        *,
        copy: Path | None = None,
        writer: Callable[..., Writer] = Writer,
    ) -> None:
        """`copy` is the file that tells of streams made by API at a start at which the database is out of reach.

        `writer` makes what has the thread: a simulation has another one.
        """
        self._database = database
        self._untold: deque[events.Payload] = deque(maxlen=_HELD_BACK)
        self._listener: Callable[[events.Payload], None] | None = None
        self._recalled: Mapping[sa.Table, Kept] = {}
        self._accounts: Mapping[str, Account] = {}
        self._stopped: Mapping[DestinationName, float] = {}
        self._recalled_externals: Mapping[str, Mapping[str, Any]] = {}
        life = Life(secrets.token_hex(16), wall(), version, os.getpid())
        self._writer = writer(database, life, days, most, self._tell, wall, made=Made(database, wall, MadeCopy(copy)))
        self._hear = self._writer.inbox.put

    # --- its life ----------------------------------------------------------------------------------

    def open(self, seconds: float = _RECALL_SECONDS) -> None:
        """Begin, and read what was remembered; if that takes longer, nothing was. Raises `NewerDatabase`."""
        self._writer.start()
        if not self._writer.looked.wait(seconds):
            self._writer.looked.set()  # from now on it is too late: what an operator says now counts
            words = "what operators asked for before is not known, the configuration counts"
            error = self._writer.error or "it does not answer"
            self._tell(events.StoreTrouble(self._database.name, f"{error}: {words}"))
        if self._writer.refused:
            raise self._writer.refused
        self._recalled, self._accounts = self._writer.recalled or {}, self._writer.accounts
        self._stopped = self._writer.stopped.recalled or {}
        self._recalled_externals = self._writer.externals.recalled or {}

    def close(self, seconds: float) -> int:
        """Write what waits, but not for ever. Returns how many records are not written."""
        return 0 if self._writer.close(seconds) else max(1, self._writer.queue)

    def tell_by(self, listener: Callable[[events.Payload], None]) -> None:
        """Who hears of the store's own troubles, called in its thread; also of those until now."""
        self._listener = listener
        while self._untold:
            listener(self._untold.popleft())

    # --- what happens ------------------------------------------------------------------------------

    def __call__(self, fact: Fact) -> None:
        """Hear a fact."""
        if type(fact.what) in KEPT:
            self._hear(fact)

    def pulse(self, incidents: Iterable[Incident], air: Iterable[AirHour] = ()) -> None:
        """We live, these are our incidents, and so long streams were on air.

        To be called now and then: by this, an end is known.
        """
        self._hear(Pulse(tuple(incident for incident in incidents if incident.closed is None), tuple(air)))

    def told(self, notifications: Iterable[Notification]) -> None:
        """Somebody was told of something."""
        self._hear(Said(tuple(notifications)))

    def flush(self, seconds: float) -> bool:
        """Wait until what is known now is written, but not for ever. Returns whether it is."""
        return self._writer.inbox.flush(seconds)

    # --- what outlives a restart: see `Memory` -------------------------------------------------------

    def recall(self) -> Mapping[str, Word]:
        """The words of operators that stood there at the start."""
        return {stream: word_of(row) for stream, row in self._recalled.get(WANTED, {}).items()}

    def keep(self, words: Mapping[str, Word]) -> None:
        """From now on these are all there are."""
        self._writer.keep(WANTED, {stream: row_of_word(word) for stream, word in words.items()})

    def recall_sources(self) -> Mapping[str, SourceOrder]:
        """What operators wanted viewers to see, as it stood there at the start."""
        return {stream: source_of(row) for stream, row in self._recalled.get(ORDERED_SOURCES, {}).items()}

    def keep_sources(self, ordered: Mapping[str, SourceOrder]) -> None:
        """From now on these are all there are."""
        self._writer.keep(ORDERED_SOURCES, {stream: row_of_source(order) for stream, order in ordered.items()})

    def recall_windows(self) -> Sequence[Maintenance]:
        """The maintenance windows that stood there at the start."""
        return [window_of(identity, row) for identity, row in self._recalled.get(MAINTENANCE, {}).items()]

    def keep_windows(self, windows: Sequence[Maintenance]) -> None:
        """From now on these are all there are."""
        self._writer.keep(MAINTENANCE, {window.id: row_of_window(window) for window in windows})

    def recall_accounts(self) -> Mapping[str, Account]:
        """What the neverdark before this one has noted last of each stream."""
        return self._accounts

    def note_accounts(self, accounts: Mapping[str, Account]) -> None:
        """Those of some streams are these now."""
        self._hear(Noted(accounts))

    # --- streams made by API: see `Shelf` ------------------------------------------------------------

    def made(self) -> Bodies | None:
        """All of them; None while the database was never read."""
        return self._writer.made.known

    def meanwhile(self) -> Bodies:
        """As they were when they were known last."""
        return self._writer.made.copied

    def make(self, made: Bodies) -> None:
        """Blocks until it is written. Raises `OutOfReach`."""
        self._writer.made.make(made, self._writer.inbox.hurry)

    # --- the numbers of destinations: see `Memory` ---------------------------------------------------

    def number(self, destinations: Sequence[DestinationName]) -> None:
        """Those that have none get one as soon as the database can be written."""
        self._writer.number(destinations)

    def numbers(self) -> Mapping[DestinationName, int]:
        """What is known of them."""
        return self._writer.numbers.known

    # --- the watchdogs that are stopped: see `Memory` ------------------------------------------------

    def stopped_watchdogs(self) -> Mapping[DestinationName, float]:
        """What stood there at the start."""
        return self._stopped

    def keep_stopped_watchdogs(self, stopped: Mapping[DestinationName, float]) -> None:
        """From now on these are all there are."""
        self._writer.keep_stopped(dict(stopped))

    def recall_externals(self) -> Mapping[str, Mapping[str, Any]]:
        """What stood there at the start."""
        return self._recalled_externals

    def keep_externals(self, externals: Mapping[str, Mapping[str, Any]]) -> None:
        """From now on these are all there are."""
        self._writer.keep_externals(dict(externals))

    # --- what it shows -----------------------------------------------------------------------------

    @property
    def state(self) -> StoreState:
        """How it does."""
        writer = self._writer
        return StoreState(writer.up, writer.queue, writer.written, writer.dropped)

    def incidents(self, question: Question) -> Page | None:
        """See `history.incidents`; None if they cannot be read. Blocks."""
        try:
            return history.incidents(self._database, question)
        except (SQLAlchemyError, OSError):
            return None

    def incident(self, identity: str) -> PastIncident | None:
        """See `history.incident`; None also if it cannot be read. Blocks."""
        try:
            return history.incident(self._database, identity)
        except (SQLAlchemyError, OSError):
            return None

    def notifications(self, since: float, until: float | None, limit: int) -> list[Notification] | None:
        """See `history.notifications`; None if they cannot be read. Blocks."""
        try:
            return history.notifications(self._database, since, until, limit)
        except (SQLAlchemyError, OSError):
            return None

    def availability(self, since: float, until: float, stream: str | None = None) -> Availability | None:
        """See `history.availability`; None if it cannot be read. Blocks."""
        try:
            return history.availability(self._database, since, until, stream)
        except (SQLAlchemyError, OSError):
            return None

    def _tell(self, what: events.Payload) -> None:
        if self._listener:
            self._listener(what)
        else:
            self._untold.append(what)
