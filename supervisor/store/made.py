"""The streams that were made by API, in the database: written before anybody is told that they are made."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

import sqlalchemy as sa

from supervisor.model.edits import Bodies, OutOfReach
from supervisor.store.database import Database, reading
from supervisor.store.made_copy import MadeCopy
from supervisor.store.schema import BOOTS, STREAMS

PATIENCE: Final = 3.0  # seconds for an order to be taken up; one that has been, is waited for


class _Order:
    """Let these be all."""

    def __init__(self, made: Bodies) -> None:
        self.made = made
        self.taken = False
        self.written = False
        self.over = threading.Event()


class Made:
    """`known` and `make` are for all threads; the rest is the store's own.

    What was not written for certain counts as not made: should the database have it after all, the next write removes
    it. So a database that is begun anew gets all that is known.
    """

    def __init__(self, database: Database, wall: Callable[[], float], copy: MadeCopy) -> None:
        self.known: Bodies | None = None
        self.copied: Bodies = copy.load() or {}  # as they were when they were known last, before this start
        self._copy = copy
        self._wall = wall
        self._write = database.upsert(STREAMS, ("body", "changed"))
        self._there: Bodies | None = None  # what stands in the database, if that is known
        self._lock = threading.Lock()
        self._order: _Order | None = None

    # --- for all threads ---------------------------------------------------------------------------

    def make(self, made: Bodies, hurry: Callable[[], None], patience: float = PATIENCE) -> None:
        """From now on these are all. Returns when that is written; raises `OutOfReach`, and then it never will be."""
        if self.known is None:
            raise OutOfReach("the database is out of reach, so it is not known which streams were made")
        order = _Order(made)
        with self._lock:
            if self._order is not None:
                raise OutOfReach("the database is still writing another change")
            self._order = order
        try:
            hurry()
            if not order.over.wait(patience):
                with self._lock:
                    if not order.taken:
                        self._order = None  # nobody will
                if order.taken:
                    order.over.wait()  # the database has a time limit of its own
        finally:
            with self._lock:
                self._order = None
        if not order.written:
            raise OutOfReach("the database is out of reach, so nothing was changed")

    # --- for the store's thread ---------------------------------------------------------------------

    def read(self, connection: sa.Connection) -> None:
        """Called for each new connection: what stands there. The first time, that is all there is."""
        with reading(connection):
            rows = connection.execute(
                sa.select(STREAMS.c.name, STREAMS.c.body).order_by(STREAMS.c.added, STREAMS.c.name)
            )
            self._there = {name: body if isinstance(body, dict) else {} for name, body in rows}
            is_new = not self._there and connection.scalar(sa.select(sa.func.count()).select_from(BOOTS)) == 0
        if self.known is None:
            # One that was begun anew, because it was damaged or is another one, gets what the last one had.
            self.known = self.copied if is_new else self._there
            self._copy.save(self.known)

    def write(self, connection: sa.Connection) -> None:
        """Make the database have what is known, or what is ordered. What fails raises, and the order is over."""
        with self._lock:
            order = self._order if self._order and not self._order.over.is_set() else None
            if order:
                order.taken = True
        if order is None:
            if self.known is not None:
                self._make(connection, self.known)
            return
        try:
            self._make(connection, order.made)
            self._copy.save(order.made)
            self.known, order.written = order.made, True
        finally:
            order.over.set()

    def _make(self, connection: sa.Connection, made: Bodies) -> None:
        there = self._there
        if there is None:
            self.read(connection)
            there = self._there or {}
        if made == there:
            return
        self._there = None  # until it is certain
        now = self._wall()
        new = [
            {"name": name, "body": body, "added": now, "changed": now}
            for name, body in made.items()
            if there.get(name) != body
        ]
        with connection.begin():
            if gone := there.keys() - made.keys():
                connection.execute(STREAMS.delete().where(STREAMS.c.name.in_(gone)))
            if new:
                connection.execute(self._write, new)
        self._there = made
