"""A look at a database before a neverdark opens it: nothing in it is changed, and beside it nothing is made."""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from pathlib import Path
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from supervisor.store.postgres import Postgres
from supervisor.store.schema import HEAD
from supervisor.store.trouble import NewerDatabase, is_damaged, words_of
from supervisor.store.upgrade import check_known, revision_of

_WHOLE_SECONDS: Final = 1.0  # to look through the whole file; what has not been read by then counts as sound
_OPERATIONS: Final = 10_000  # of SQLite's machine between two looks at the time
_KEPT: Final = "neverdark keeps it aside and begins a new one"


class Found(NamedTuple):
    """What is to be known of a database, in words without a password; `refused`: no neverdark starts with it."""

    text: str
    refused: bool = False


def examine_sqlite(path: Path) -> Found | None:
    """The file of a data_dir. None: it is well, is not there yet, or not for us to look at."""
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            return Found("expected a plain file: nothing can be remembered in it")
        if status.st_uid != os.geteuid() and os.geteuid() != 0:
            return None
        with _engine(path).connect() as connection:
            return _damage(connection) or _schema(connection)
    except FileNotFoundError:
        return None
    except (sa.exc.SQLAlchemyError, sqlite3.Error, OSError) as error:
        if is_damaged(error):
            return Found(f"it is damaged ({words_of(error)}): {_KEPT}")
        return Found(f"it cannot be read now: {words_of(error)}")


def examine_postgres(url: str) -> Found | None:
    """The database at a URL. None: it is well. Raises ValueError for a URL that is none."""
    database = Postgres(url)
    try:
        with database.read() as connection:
            return _schema(connection) or _rights(connection)
    except (sa.exc.SQLAlchemyError, OSError) as error:
        return Found(f"{database.name} cannot be reached now: {words_of(error)}")


def _schema(connection: sa.Connection) -> Found | None:
    revision = revision_of(connection)
    try:
        check_known(revision)
    except NewerDatabase as error:
        return Found(str(error), refused=True)
    if revision is None and (tables := sa.inspect(connection).get_table_names()):
        return Found(f"expected a database of neverdark's own, but something else is in it (table {min(tables)})")
    if revision not in {None, HEAD}:
        return Found(f"an older version made it what it is ({revision}): a start brings it to {HEAD}")
    return None


def _rights(connection: sa.Connection) -> Found | None:
    """A new database in which nothing can be made."""
    if revision_of(connection) is not None:
        return None
    may = connection.scalar(sa.text("SELECT has_schema_privilege(current_schema(), 'CREATE')"))
    return None if may else Found("its user may not make tables in it: GRANT CREATE ON SCHEMA public TO that user")


def _damage(connection: sa.Connection) -> Found | None:
    known: Any = connection.connection.dbapi_connection
    until = time.monotonic() + _WHOLE_SECONDS
    known.set_progress_handler(lambda: time.monotonic() > until, _OPERATIONS)
    try:
        said = known.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        said = "ok"
    finally:
        known.set_progress_handler(None, 0)
    return None if said == "ok" else Found(f"it is damaged: when that shows, {_KEPT}")


def _engine(path: Path) -> sa.Engine:
    """To read by. Of a file that nobody has open we say that it cannot change: else SQLite would make files beside it.

    They would be of whoever looks, and neverdark would not touch them.
    """
    is_open = path.with_name(f"{path.name}-shm").exists()
    uri = f"{path.absolute().as_uri()}?{'mode=ro' if is_open else 'immutable=1'}"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(uri, _WHOLE_SECONDS, isolation_level=None, check_same_thread=False, uri=True)

    return sa.create_engine("sqlite://", creator=connect, poolclass=sa.NullPool)
