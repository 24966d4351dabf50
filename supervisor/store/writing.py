"""Rows into a database: a batch is a transaction, and what cannot be written at all spoils no other row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from supervisor.model.remembered import Word
from supervisor.store.database import Database, reading
from supervisor.store.records import EVERYWHERE, Into, Record
from supervisor.store.schema import BOOTS, INCIDENTS, RUNS, WANTED
from supervisor.store.trouble import is_of_a_record

ENDED = "neverdark ended"


class Rows:
    """Writes records by way of a connection."""

    def __init__(self, database: Database) -> None:
        self._statements: Mapping[Into, sa.Executable] = {
            into: database.upsert(into.table, into.changed, into.again_after) for into in EVERYWHERE
        }
        columns = [column.name for column in WANTED.columns if not column.primary_key]
        self._keep_word = database.upsert(WANTED, columns)

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

    def keep_words(self, connection: sa.Connection, before: Mapping[str, Word] | None, now: Mapping[str, Word]) -> None:
        """Operators' words are `now` these; `before`: what is known to stand there (None: nothing is known)."""
        new = [
            {"stream": stream, "by": "operator", **word._asdict()}
            for stream, word in now.items()
            if before is None or before.get(stream) != word
        ]
        with connection.begin():
            if before is None:
                connection.execute(WANTED.delete())
            for gone in (before or {}).keys() - now.keys():
                connection.execute(WANTED.delete().where(WANTED.c.stream == gone))
            if new:
                connection.execute(self._keep_word, new)


def words_in(connection: sa.Connection) -> dict[str, Word]:
    """The operators' words that are kept."""
    with reading(connection):
        rows = connection.execute(sa.select(WANTED)).mappings().all()
    return {row["stream"]: Word(**{name: row[name] for name in Word._fields}) for row in rows}


def close_what_was_left_open(connection: sa.Connection, boot: str) -> None:
    """An earlier neverdark was killed: what it left open ended when it was last known to be alive, at the latest."""
    for table, opened, closed in ((INCIDENTS, "opened", "closed"), (RUNS, "started", "ended")):
        began, end = table.c[opened], table.c[closed]
        last = sa.func.coalesce(sa.select(BOOTS.c.alive).where(BOOTS.c.boot == table.c.boot).scalar_subquery(), began)
        values: dict[str, Any] = {closed: sa.case((last > began, last), else_=began)}
        values["ended_by" if table is INCIDENTS else "cause"] = sa.literal(ENDED)
        connection.execute(table.update().where(end.is_(None), table.c.boot != boot).values(values))
