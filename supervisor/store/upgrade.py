"""Brings a database to what this version knows: forward only, at the start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from supervisor.store.schema import HEAD, METADATA, VERSION_TABLE
from supervisor.store.trouble import NewerDatabase

if TYPE_CHECKING:  # to load it takes as long as SQLAlchemy, and it is hardly ever needed
    from alembic.config import Config


def revision_of(connection: sa.Connection) -> str | None:
    """The step that a database is at; None for one that neverdark has not seen yet."""
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    revision: str | None = connection.scalar(sa.text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608 - ours
    return revision


def check_known(revision: str | None) -> None:
    """Raises `NewerDatabase` where only a later version can know what stands in it."""
    if revision in {None, HEAD}:
        return
    if revision not in steps():
        raise NewerDatabase(
            f"expected a database of this version of neverdark ({HEAD}) or of an older one, but a newer one made it "
            f"what it is ({revision}): start that one, or put a backup back"
        )


def steps() -> list[str]:
    """All of them, the latest first."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    return [step.revision for step in ScriptDirectory.from_config(_config()).walk_revisions()]


def holds_data(connection: sa.Connection) -> bool:
    """Whether there is anything in it that could be lost."""
    here = sa.MetaData()
    here.reflect(connection)
    tables = (table for table in here.tables.values() if table.name != VERSION_TABLE)
    return any(connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first() for table in tables)


def upgrade(connection: sa.Connection, to: str = "head") -> None:
    """Take every step that is missing, in the transaction of `connection`.

    A database without anything of ours gets the tables as they are now, which is what all steps come to: a new one
    needs no Alembic, whose loading costs the first start 0.3 s and 10 MiB for as long as neverdark runs.
    """
    if to == "head" and revision_of(connection) is None and not _has_tables_of_ours(connection):
        _make_anew(connection)
        return
    from alembic import command  # noqa: PLC0415

    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, to)


def _has_tables_of_ours(connection: sa.Connection) -> bool:
    return any(sa.inspect(connection).has_table(table) for table in METADATA.tables)


def _make_anew(connection: sa.Connection) -> None:
    version = sa.Table(VERSION_TABLE, sa.MetaData(), sa.Column("version_num", sa.String(32), primary_key=True))
    version.create(connection, checkfirst=True)
    METADATA.create_all(connection)
    connection.execute(version.insert().values(version_num=HEAD))


def _config() -> Config:
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "supervisor.store:migrations")
    return config
