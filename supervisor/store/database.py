"""What the store asks of a database, whichever it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import sqlalchemy as sa


class Database(Protocol):
    """One place where records are kept. What fails raises SQLAlchemy's errors, OSError, `InUse` or `NewerDatabase`."""

    @property
    def name(self) -> str:
        """For people; without a password."""

    def open(self) -> sa.Connection:
        """The one connection that writes, to a database that this version knows: migrated, if it was older."""

    def read(self) -> sa.Connection:
        """One more connection, to read by; any thread may ask for it, and closes it."""

    def look_after(self, connection: sa.Connection) -> str | None:
        """Called before something is written. Where it has to be opened anew, says why; None: all is well."""

    def mend(self, error: Exception) -> str | None:
        """Called when the connection has been closed because of `error`. Says what was done about it, if anything."""

    def upsert(self, table: sa.Table, changed: Sequence[str], again_after: float | None = None) -> sa.Executable:
        """Insert rows, and of those whose key is there change these columns; none: leave them as they are.

        With `again_after`, one that is there is counted in `times` if its `last` is so many seconds later; the columns
        are only changed where there is nothing.
        """


def conflict_free(
    insert: Any, table: sa.Table, changed: Sequence[str], again_after: float | None = None
) -> sa.Executable:
    """An insert of a dialect that knows ON CONFLICT, made so that the same may be said twice."""
    keys = [column.name for column in table.primary_key]
    new: Mapping[str, Any] = {name: insert.excluded[name] for name in changed}
    if again_after is not None:
        here = table.c
        missing = {name: sa.func.coalesce(here[name], insert.excluded[name]) for name in changed}
        is_later = insert.excluded.last - here.last > again_after
        counted: sa.Executable = insert.on_conflict_do_update(
            index_elements=keys, set_={**missing, "times": here.times + 1, "last": insert.excluded.last}, where=is_later
        )
        return counted
    made: sa.Executable = (
        insert.on_conflict_do_update(index_elements=keys, set_=new)
        if new
        else insert.on_conflict_do_nothing(index_elements=keys)
    )
    return made


@contextmanager
def reading(connection: sa.Connection) -> Iterator[None]:
    """A transaction that changes nothing: it need not wait for who writes."""
    connection.execution_options(only_reads=True)
    try:
        with connection.begin():
            yield
    finally:
        connection.execution_options(only_reads=False)
