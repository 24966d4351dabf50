"""What a database's errors mean for us, and how they are told: no value and no password ever. Pure."""

from __future__ import annotations

import sqlite3
from typing import Final

import sqlalchemy.exc

_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_LONGEST: Final = 300


class NewerDatabase(Exception):  # noqa: N818 - it names the state
    """A later version of neverdark has made this database into something that this one does not know."""


class InUse(Exception):  # noqa: N818 - it names the state
    """Another neverdark has the database."""


# One of these is about what was to be written, and no other record need suffer for it.
OF_A_RECORD: Final = (
    sqlalchemy.exc.DataError,
    sqlalchemy.exc.IntegrityError,
    sqlalchemy.exc.StatementError,
    ValueError,
    TypeError,
    OverflowError,
)


def is_of_a_record(error: Exception) -> bool:
    """Whether the database is well, and only what was to be written is not."""
    if isinstance(error, sqlalchemy.exc.DBAPIError):
        return isinstance(error, sqlalchemy.exc.DataError | sqlalchemy.exc.IntegrityError)
    return isinstance(error, OF_A_RECORD)


def is_damaged(error: Exception) -> bool:
    """Whether an SQLite file is certainly no database any more: not when it only cannot be read or written."""
    known = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) else error
    return isinstance(known, sqlite3.DatabaseError) and (getattr(known, "sqlite_errorcode", 0) & 0xFF) in _DAMAGED


def words_of(error: Exception) -> str:
    """An error in one line. SQLAlchemy's own text would repeat the statement and what was to be written."""
    known = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) and error.orig else error
    if isinstance(known, sqlalchemy.exc.SQLAlchemyError):
        return type(known).__name__
    text = " ".join(str(known).split()) or type(known).__name__
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
