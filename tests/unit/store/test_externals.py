"""Programs that have announced themselves are remembered as they said it."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from supervisor.model.external import External, Recovery, kept, recalled
from supervisor.store import schema, upgrade
from supervisor.store.sqlite import SqliteFile
from supervisor.store.store import Store

SHOW = External("show", 4711, 12, "boot", 1000.5, "rtmp://h/a/k", "/p", "", Recovery(("sh", "-c", "x"), "", 5.0), None)
OVER = External("over", 5, 6, "boot", 1.0, "srt://h:1", "", "http://h/p", Recovery((), "http://h/x", 30.0), 2.0)
BARE = External("bare", 7, 8, "", 1.0, "/tmp/a.flv")  # noqa: S108 - named, not used
ALL = {one.name: kept(one) for one in (SHOW, OVER, BARE)}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "neverdark.db"


def opened(file: Path) -> Store:
    store = Store(SqliteFile(file), "1.0", 400)
    store.open(20)
    return store


def test_the_next_neverdark_knows_them_and_none_that_is_forgotten(file: Path) -> None:
    first = opened(file)
    assert first.recall_externals() == {}
    first.keep_externals(ALL)
    assert first.close(20) == 0
    second = opened(file)
    found = {name: recalled(body) for name, body in second.recall_externals().items()}
    assert found == {"show": SHOW, "over": OVER, "bare": BARE}
    second.keep_externals({"over": kept(OVER)})
    assert second.flush(20)
    second.keep({})
    assert second.close(20) == 0
    third = opened(file)
    assert list(third.recall_externals()) == ["over"]
    assert third.close(20) == 0
    fourth = opened(file)
    assert list(fourth.recall_externals()) == ["over"], "who says nothing of them changes nothing"
    fourth.close(20)


@pytest.mark.parametrize(
    "body", [{}, {"name": "show"}, {**kept(BARE), "more": 1}, {**kept(BARE), "recovery": {"x": 1}}]
)
def test_what_another_version_has_written_is_none(body: dict[str, object]) -> None:
    assert recalled(body) is None


def test_a_database_from_before_there_were_any_gets_a_table(file: Path) -> None:
    database = SqliteFile(file)
    connection = database.open()
    with connection.begin():
        here = sa.MetaData()
        here.reflect(connection)
        here.drop_all(connection)
        upgrade.upgrade(connection, "0002")
        assert not sa.inspect(connection).has_table("externals")
    connection.close()
    store = opened(file)
    store.keep_externals(ALL)
    assert store.close(20) == 0
    connection = database.open()
    with connection.begin():
        assert connection.scalar(sa.select(sa.func.count()).select_from(schema.EXTERNALS)) == 3
    connection.close()
