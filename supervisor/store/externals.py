"""Programs that have announced themselves, as they are kept: a few rows, written only when one of them changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from supervisor.store.database import reading
from supervisor.store.schema import EXTERNALS

External = Mapping[str, Any]  # see `model.external.kept`


class KeptExternals:
    """`recalled` and `keep` are for all threads, the rest is the store's own."""

    def __init__(self) -> None:
        self.recalled: Mapping[str, External] | None = None  # by name, as it was at the start
        self._there: Mapping[str, External] | None = None  # what stands in the database, if that is known
        self._now: Mapping[str, External] | None = None  # what counts, as soon as somebody has said so

    def keep(self, now: Mapping[str, External]) -> None:
        """These are all that have announced themselves."""
        self._now = now

    def read(self, connection: sa.Connection) -> None:
        """Called for each new connection."""
        with reading(connection):
            rows = connection.execute(sa.select(EXTERNALS).order_by(EXTERNALS.c.name)).mappings().all()
        self._there = {row["name"]: row["body"] for row in rows}
        if self.recalled is None and self._now is None:
            self.recalled = self._there

    def write(self, connection: sa.Connection) -> None:
        """Make the database have what counts."""
        now = self._now
        if now is None or now == self._there:
            return
        with connection.begin():
            connection.execute(EXTERNALS.delete())
            if now:
                connection.execute(EXTERNALS.insert(), [{"name": name, "body": body} for name, body in now.items()])
        self._there = now
