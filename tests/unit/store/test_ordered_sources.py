"""What operators want viewers to see is remembered as they said it."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from supervisor.model.fallback import SourceOrder
from supervisor.store import upgrade
from supervisor.store.sqlite import SqliteFile
from tests.unit.store.test_externals import opened

ORDERED = {
    "cam": SourceOrder("fallback1", "lens is cleaned", 1000.5, 1600.5),
    "häfen": SourceOrder("primary", "operator", 1000.5, None),
}


def test_the_next_neverdark_knows_them_and_none_that_is_over(tmp_path: Path) -> None:
    file = tmp_path / "neverdark.db"
    first = opened(file)
    assert first.recall_sources() == {}
    first.keep_sources(ORDERED)
    assert first.close(20) == 0
    second = opened(file)
    assert second.recall_sources() == ORDERED
    second.keep_sources({"häfen": ORDERED["häfen"]})
    assert second.close(20) == 0
    third = opened(file)
    assert list(third.recall_sources()) == ["häfen"]
    third.close(20)


def test_a_database_from_before_there_were_any_gets_a_table(tmp_path: Path) -> None:
    file = tmp_path / "neverdark.db"
    connection = SqliteFile(file).open()
    with connection.begin():
        here = sa.MetaData()
        here.reflect(connection)
        here.drop_all(connection)
        upgrade.upgrade(connection, "0006")
        assert not sa.inspect(connection).has_table("ordered_sources")
    connection.close()
    store = opened(file)
    store.keep_sources(ORDERED)
    assert store.close(20) == 0
    assert opened(file).recall_sources() == ORDERED
