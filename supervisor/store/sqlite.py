"""The database that is there without a word: one SQLite file in the data_dir, in WAL mode."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import stat
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from supervisor.store.database import conflict_free, reading
from supervisor.store.schema import HEAD
from supervisor.store.trouble import is_damaged
from supervisor.store.upgrade import check_known, holds_data, revision_of, upgrade

FILE: Final = "neverdark.db"
KEPT_COPIES: Final = 3  # of each kind
_PATIENCE: Final = 1.0  # seconds for who else has the lock: records wait in memory, and need not wait here
_BESIDE: Final = ("-wal", "-shm")
_NEW: Final = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class SqliteFile:
    """See `Database`. `path` is in a directory that nobody else can change."""

    def __init__(self, path: Path, wall: Callable[[], float] = time.time) -> None:
        self.path = path
        self._wall = wall
        self._opened: tuple[int, int] | None = None  # which file that is, while a connection writes to it
        self._writer = _engine(path, "BEGIN IMMEDIATE", ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"))
        self._reader = _engine(path, "BEGIN", ("query_only=ON",))

    @property
    def name(self) -> str:
        """The file."""
        return str(self.path)

    def open(self) -> sa.Connection:
        """The file is made if there is none, and of one that is older a copy before it is changed."""
        self._opened = _made(self.path)
        connection = self._writer.connect()
        try:
            with reading(connection):
                revision = revision_of(connection)
                check_known(revision)
                worth_a_copy = revision not in {None, HEAD} and holds_data(connection)
            if worth_a_copy:
                self._copy_to(connection, self._aside(f"before-{HEAD}"))
            if revision != HEAD:
                with connection.begin():
                    upgrade(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def read(self) -> sa.Connection:
        """In WAL mode whoever reads waits for nobody."""
        return self._reader.connect()

    def look_after(self, connection: sa.Connection) -> str | None:
        """Where somebody has removed the file, all that was in it is still open, and is put back."""
        here = _identity(self.path)
        if here == self._opened:
            return None
        if here is not None:
            return "another file has taken its place, and is used from now on"
        for beside in _BESIDE:  # of a file that is gone: they must not be taken for the next one's
            self.path.with_name(self.path.name + beside).unlink(missing_ok=True)
        self._copy_to(connection, self.path)
        return "its file had been removed, and was written again"

    def mend(self, error: Exception) -> str | None:
        """What is no database any more is moved aside, for whoever wants to look at it."""
        if not is_damaged(error) or _identity(self.path) is None:
            return None
        aside = self._aside("damaged")
        for beside in _BESIDE:
            with contextlib.suppress(FileNotFoundError):
                self.path.with_name(self.path.name + beside).rename(aside.with_name(aside.name + beside))
        self.path.rename(aside)
        return f"it is damaged, and is kept as {aside.name}; a new one is begun"

    def upsert(self, table: sa.Table, changed: Sequence[str], again_after: float | None = None) -> sa.Executable:
        """See `conflict_free`."""
        return conflict_free(insert(table), table, changed, again_after)

    def _aside(self, why: str) -> Path:
        """A new name beside the file, which sorts by time; the oldest of its kind make room for it."""
        pattern = f"{self.path.name}.{why.partition('-')[0]}-*"
        earlier = sorted(path for path in self.path.parent.glob(pattern) if not path.name.endswith(_BESIDE))
        for old in earlier[: max(0, len(earlier) - KEPT_COPIES + 1)]:
            for name in (old.name, *(old.name + beside for beside in _BESIDE)):
                old.with_name(name).unlink(missing_ok=True)
        now = datetime.fromtimestamp(self._wall(), UTC)
        return self.path.with_name(f"{self.path.name}.{why}-{now:%Y%m%dT%H%M%S}.{now.microsecond // 1000:03}Z")

    def _copy_to(self, connection: sa.Connection, place: Path) -> None:
        """Copy what `connection` sees. The copy is there as a whole, or not at all."""
        source: Any = connection.connection.dbapi_connection
        draft = place.with_name(place.name + ".part")
        draft.unlink(missing_ok=True)
        _made(draft)
        try:
            with contextlib.closing(sqlite3.connect(draft)) as copy:
                source.backup(copy)
            draft.rename(place)
        finally:
            draft.unlink(missing_ok=True)


def _engine(path: Path, begin: str, pragmas: Sequence[str]) -> sa.Engine:
    """`begin`: how a transaction does. Python's own way would leave tables half made, and lock too late."""

    def connect() -> sqlite3.Connection:
        uri = f"{path.absolute().as_uri()}?mode=rw"  # only `_made` makes one
        connection = sqlite3.connect(uri, _PATIENCE, isolation_level=None, check_same_thread=False, uri=True)
        try:
            for pragma in pragmas:
                connection.execute(f"PRAGMA {pragma}").close()
        except BaseException:
            connection.close()
            raise
        return connection

    engine = sa.create_engine("sqlite://", creator=connect, poolclass=sa.NullPool)

    @sa.event.listens_for(engine, "begin")
    def begun(connection: sa.Connection) -> None:
        only_reads = connection.get_execution_options().get("only_reads")
        connection.exec_driver_sql("BEGIN" if only_reads else begin)

    return engine


def _made(path: Path) -> tuple[int, int]:
    """Which file that is, made if there is none: ours alone to read. Raises OSError for what is not ours, or no file.

    In a directory with the sticky bit others may have put it there.
    """
    for beside in _BESIDE:
        with contextlib.suppress(FileNotFoundError):
            _examine(path.with_name(path.name + beside).lstat())
    descriptor = os.open(path, _NEW, 0o600)
    try:
        status = os.fstat(descriptor)
        _examine(status)
        os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)
    return status.st_dev, status.st_ino


def _examine(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
        raise PermissionError(errno.EPERM, "expected a file of neverdark's own")


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino
