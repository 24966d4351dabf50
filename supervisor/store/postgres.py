"""A PostgreSQL database, by its URL: for who has one, and wants to ask it about several neverdarks at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from supervisor.store.database import conflict_free
from supervisor.store.schema import HEAD
from supervisor.store.trouble import InUse
from supervisor.store.upgrade import check_known, revision_of, upgrade

_CONNECT_SECONDS: Final = 3
_LOCK: Final = 0x6E657665726461726B & 0x7FFFFFFFFFFFFFFF  # "neverdark": one at a time writes
# A server that went away without a word must not hold the loop's records, nor our lock on it, for two hours.
_SETTINGS: Final = (
    "-c lock_timeout=5s -c statement_timeout=30s "
    "-c tcp_keepalives_idle=15 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
)
_OURS: Final = {"keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 15_000}


class Postgres:
    """See `Database`."""

    def __init__(self, url: str) -> None:
        """Raises ValueError for a URL that is none."""
        self._url = _parsed(url)
        options = {"connect_timeout": _CONNECT_SECONDS, "application_name": "neverdark", **_OURS}
        settings = " ".join(filter(None, (str(self._url.query.get("options", "")), _SETTINGS)))
        self._engine = sa.create_engine(
            self._url, poolclass=sa.NullPool, connect_args={**options, "options": settings}, hide_parameters=True
        )

    @property
    def name(self) -> str:
        """Host and database."""
        host = self._url.host or self._url.query.get("host") or "the local socket"
        return f"PostgreSQL database {self._url.database} at {host}"

    def open(self) -> sa.Connection:
        """The database has to be there; the tables are made."""
        connection = self._engine.connect()
        try:
            with connection.begin():
                revision = revision_of(connection)
                check_known(revision)
                _take_for_us_alone(connection)
                if revision != HEAD:
                    upgrade(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def read(self) -> sa.Connection:
        """One more connection."""
        return self._engine.connect()

    def look_after(self, connection: sa.Connection) -> None:
        """Nothing can be seen from here."""
        del connection

    def mend(self, error: Exception) -> None:
        """Nor mended."""
        del error

    def upsert(self, table: sa.Table, changed: Sequence[str], again_after: float | None = None) -> sa.Executable:
        """See `conflict_free`."""
        return conflict_free(insert(table), table, changed, again_after)


def _take_for_us_alone(connection: sa.Connection) -> None:
    if not connection.scalar(sa.select(sa.func.pg_try_advisory_lock(_LOCK))):
        raise InUse("another neverdark writes to it: each needs a database of its own")


def _parsed(url: str) -> URL:
    try:
        return make_url(url).set(drivername="postgresql+psycopg")
    except (ArgumentError, ValueError):  # their texts would repeat the password
        raise ValueError("expected postgresql://USER:PASSWORD@HOST/DATABASE") from None
