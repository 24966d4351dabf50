"""A table of a few rows that change by hand or seldom: kept as a whole, written only when one of them changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from supervisor.model.remembered import DestinationName
from supervisor.store.database import reading
from supervisor.store.schema import EXTERNALS, STOPPED_WATCHDOGS

External = Mapping[str, Any]  # see `model.external.kept`
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class FewRows(Generic[_Key, _Value]):
    """`recalled` and `keep` are for all threads, the rest is the store's own."""

    def __init__(
        self,
        table: sa.Table,
        row_of: Callable[[_Key, _Value], Mapping[str, Any]],
        entry_of: Callable[[Mapping[Any, Any]], tuple[_Key, _Value]],
    ) -> None:
        """`row_of` makes a row of a key and its value, `entry_of` both of a row."""
        self.recalled: Mapping[_Key, _Value] | None = None  # as it was at the start
        self._table = table
        self._row_of = row_of
        self._entry_of = entry_of
        self._there: Mapping[_Key, _Value] | None = None  # what stands in the database, if that is known
        self._now: Mapping[_Key, _Value] | None = None  # what counts, as soon as somebody has said so

    def keep(self, now: Mapping[_Key, _Value]) -> None:
        """These are all there are."""
        self._now = now

    def read(self, connection: sa.Connection) -> None:
        """Called for each new connection."""
        with reading(connection):
            rows = connection.execute(sa.select(self._table).order_by(*self._table.primary_key)).mappings().all()
        self._there = dict(self._entry_of(dict(row)) for row in rows)
        if self.recalled is None and self._now is None:
            self.recalled = self._there

    def write(self, connection: sa.Connection) -> None:
        """Make the database have what counts."""
        now = self._now
        if now is None or now == self._there:
            return
        with connection.begin():
            connection.execute(self._table.delete())
            if now:
                connection.execute(self._table.insert(), [self._row_of(key, value) for key, value in now.items()])
        self._there = now


def stopped_watchdogs() -> FewRows[DestinationName, float]:
    """The watchdogs that operators have stopped, since when (seconds since 1970)."""
    return FewRows(
        STOPPED_WATCHDOGS,
        lambda name, since: {"stream": name[0], "destination": name[1], "since": since},
        lambda row: ((row["stream"], row["destination"]), row["since"]),
    )


def externals() -> FewRows[str, External]:
    """Programs that have announced themselves, by name."""
    return FewRows(
        EXTERNALS,
        lambda name, body: {"name": name, "body": body},
        lambda row: (row["name"], row["body"]),
    )
