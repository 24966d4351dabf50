"""The numbers of destinations: given by the database, once and for ever."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from supervisor.model.remembered import DestinationName
from supervisor.store.database import reading
from supervisor.store.schema import DESTINATIONS

_CATCH_UP: Final = sa.text(  # what PostgreSQL gives next is beyond what is there; SQLite looks by itself
    "SELECT setval(sequence, greatest(nextval(sequence), (SELECT max(id) FROM destinations)))"
    " FROM pg_get_serial_sequence('destinations', 'id') AS sequence"
)


class Numbers:
    """`known` is for all threads, and is replaced when there is more to know. The rest but `want` is the store's own.

    What has been shown stays as it is as long as neverdark runs, whatever becomes of the database: where a new one is
    begun, it gets the numbers that are known; what stands in another one and would contradict them, counts only later.
    """

    def __init__(self) -> None:
        self.known: Mapping[DestinationName, int] = {}
        self._wanted: Sequence[DestinationName] = ()

    def want(self, names: Sequence[DestinationName]) -> bool:
        """From now on each of these is to have one. Returns whether one has none yet; from any thread."""
        self._wanted = names
        known = self.known
        return any(name not in known for name in names)

    def read(self, connection: sa.Connection) -> None:
        """Called for every connection before anything is given: see what stands there, put back what should."""
        with reading(connection):
            there = _rows(connection)
        taken = set(there.values())
        if lost := [
            {"id": number, "stream": stream, "name": name}
            for (stream, name), number in self.known.items()
            if (stream, name) not in there and number not in taken
        ]:
            with connection.begin():
                connection.execute(DESTINATIONS.insert(), lost)
                _catch_up(connection)
        self._learn(there)

    def give(self, connection: sa.Connection) -> None:
        """Give one to those that are wanted and have none."""
        wanted, known = self._wanted, self.known
        missing = [name for name in wanted if name not in known]
        if not missing:
            return
        try:
            with connection.begin():
                there = _rows(connection)
                new = [{"stream": stream, "name": name} for stream, name in missing if (stream, name) not in there]
                if new:
                    connection.execute(DESTINATIONS.insert(), new)
                    there = _rows(connection)
        except IntegrityError:  # somebody has put rows there by hand
            with connection.begin():
                _catch_up(connection)
            raise
        self._learn(there)

    def _learn(self, there: Mapping[DestinationName, int]) -> None:
        taken = set(self.known.values())
        self.known = {name: number for name, number in there.items() if number not in taken} | dict(self.known)


def _catch_up(connection: sa.Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(_CATCH_UP)


def _rows(connection: sa.Connection) -> dict[DestinationName, int]:
    columns = DESTINATIONS.c
    rows = connection.execute(sa.select(columns.stream, columns.name, columns.id))
    return {(stream, name): number for stream, name, number in rows}
