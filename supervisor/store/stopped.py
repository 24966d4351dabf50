"""The watchdogs that operators have stopped, as they are kept."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from supervisor.model.remembered import DestinationName
from supervisor.store.database import reading
from supervisor.store.schema import STOPPED_WATCHDOGS


class StoppedWatchdogs:
    """`recalled` and `keep` are for all threads, the rest is the store's own. Times are seconds since 1970."""

    def __init__(self) -> None:
        self.recalled: Mapping[DestinationName, float] | None = None  # as it was at the start
        self._there: Mapping[DestinationName, float] | None = None  # what stands in the database, if that is known
        self._now: Mapping[DestinationName, float] | None = None  # what counts, as soon as somebody has said so

    def keep(self, now: Mapping[DestinationName, float]) -> None:
        """These are all that are stopped."""
        self._now = now

    def read(self, connection: sa.Connection) -> None:
        """Called for each new connection."""
        with reading(connection):
            rows = connection.execute(sa.select(STOPPED_WATCHDOGS))
            self._there = {(stream, destination): since for stream, destination, since in rows}
        if self.recalled is None and self._now is None:
            self.recalled = self._there

    def write(self, connection: sa.Connection) -> None:
        """Make the database have what counts: they are few, and change by hand."""
        now = self._now
        if now is None or now == self._there:
            return
        with connection.begin():
            connection.execute(STOPPED_WATCHDOGS.delete())
            if now:
                rows = [{"stream": name[0], "destination": name[1], "since": since} for name, since in now.items()]
                connection.execute(STOPPED_WATCHDOGS.insert(), rows)
        self._there = now
