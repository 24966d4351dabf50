"""Rows into a database: a batch is a transaction, and what cannot be written at all spoils no other row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from supervisor.model.remembered import Account
from supervisor.store.database import Database, reading
from supervisor.store.records import EVERYWHERE, Into, Record, account_of
from supervisor.store.schema import ACCOUNTS, BOOTS, INCIDENTS, MAINTENANCE, ORDERED_SOURCES, RUNS, WANTED
from supervisor.store.trouble import is_of_a_record

ENDED = "neverdark ended"
WHOLE = (WANTED, ORDERED_SOURCES, MAINTENANCE)  # what operators have said: kept as a whole
Kept = Mapping[str, Mapping[str, Any]]  # rows by their key


class Rows:
    """Writes records by way of a connection."""

    def __init__(self, database: Database) -> None:
        self._statements: Mapping[Into, sa.Executable] = {
            into: database.upsert(into.table, into.changed, into.again_after) for into in EVERYWHERE
        }
        self._keep = {
            table: database.upsert(table, [column.name for column in table.columns if not column.primary_key])
            for table in WHOLE
        }

    def write(self, connection: sa.Connection, records: Sequence[Record]) -> int:
        """All of them in one transaction; returns how many could not be written, ever."""
        try:
            with connection.begin():
                self._write(connection, records)
        except Exception as error:
            if not is_of_a_record(error):
                raise
            return self._one_by_one(connection, records)
        return 0

    def _write(self, connection: sa.Connection, records: Sequence[Record]) -> None:
        for into, statement in self._statements.items():
            if rows := [record.row for record in records if record.into is into]:
                connection.execute(statement, rows)

    def _one_by_one(self, connection: sa.Connection, records: Sequence[Record]) -> int:
        lost = 0
        for record in records:
            try:
                with connection.begin():
                    self._write(connection, [record])
            except Exception as error:
                if not is_of_a_record(error):
                    raise
                lost += 1
        return lost

    def keep(self, connection: sa.Connection, table: sa.Table, before: Kept | None, now: Kept) -> None:
        """What a table holds is `now` this; `before`: what is known to stand there (None: nothing is known)."""
        (key,) = table.primary_key
        new = [
            {key.name: identity, **row}
            for identity, row in now.items()
            if before is None or before.get(identity) != row
        ]
        with connection.begin():
            if before is None:
                connection.execute(table.delete())
            for gone in (before or {}).keys() - now.keys():
                connection.execute(table.delete().where(key == gone))
            if new:
                connection.execute(self._keep[table], new)


def kept_in(connection: sa.Connection, table: sa.Table) -> Kept:
    """What a table holds that is kept as a whole."""
    (key,) = table.primary_key
    with reading(connection):
        rows = [dict(row) for row in connection.execute(sa.select(table)).mappings()]
    return {row.pop(key.name): row for row in rows}


def accounts_in(connection: sa.Connection) -> dict[str, Account]:
    """What the neverdark that noted something last has noted of each stream."""
    with reading(connection):
        last = sa.select(ACCOUNTS.c.boot).order_by(ACCOUNTS.c.at.desc()).limit(1).scalar_subquery()
        rows = connection.execute(sa.select(ACCOUNTS).where(ACCOUNTS.c.boot == last)).mappings().all()
    return {row["stream"]: account for row in rows if (account := account_of(row["body"]))}


def close_what_was_left_open(connection: sa.Connection, boot: str) -> None:
    """An earlier neverdark was killed: what it left open ended when it was last known to be alive, at the latest."""
    for table, opened, closed in ((INCIDENTS, "opened", "closed"), (RUNS, "started", "ended")):
        began, end = table.c[opened], table.c[closed]
        last = sa.func.coalesce(sa.select(BOOTS.c.alive).where(BOOTS.c.boot == table.c.boot).scalar_subquery(), began)
        values: dict[str, Any] = {closed: sa.case((last > began, last), else_=began)}
        values["ended_by" if table is INCIDENTS else "cause"] = sa.literal(ENDED)
        connection.execute(table.update().where(end.is_(None), table.c.boot != boot).values(values))
