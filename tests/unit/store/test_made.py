"""The streams made by API in the database: written before anybody is told, or never."""

from __future__ import annotations

import errno
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from supervisor.model.edits import OutOfReach
from supervisor.store.made_copy import MadeCopy
from supervisor.store.sqlite import SqliteFile
from supervisor.store.store import Store

CAM = {"cam": {"source": {"url": "rtsp://h/x"}, "destinations": {"b": {}, "a": {"key": "bait-key"}}}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "neverdark.db"


@pytest.fixture
def store(file: Path) -> Iterator[Store]:
    made = opened(file)
    yield made
    made.close(10)


def opened(file: Path) -> Store:
    store = Store(SqliteFile(file), "1.0", 400)
    store.open(20)
    return store


def rows(file: Path) -> dict[str, object]:
    with sa.create_engine(f"sqlite:///{file}", poolclass=sa.NullPool).connect() as connection:
        return {row.name: row.body for row in connection.exec_driver_sql("SELECT name, body FROM streams")}


def test_what_was_made_is_written_when_make_returns_and_known_after_a_start(store: Store, file: Path) -> None:
    assert store.made() == {}
    store.make(CAM)
    assert rows(file).keys() == {"cam"}
    more = {**CAM, "more": {}, "again": {}}
    store.make(more)
    another = opened(file)
    try:
        known = another.made()
        assert known == more
        assert known is not None
        assert list(known["cam"]["destinations"]) == ["b", "a"], "in their order"
    finally:
        another.close(10)
    store.make({"more": {"enabled": False}})
    assert rows(file) == {"more": '{"enabled": false}'}


def test_the_file_with_keys_in_it_is_ours_alone_to_read(store: Store, file: Path) -> None:
    store.make(CAM)
    found = sorted(file.parent.glob("neverdark.db*"))
    assert len(found) >= 2
    assert {stat.S_IMODE(path.stat().st_mode) for path in found} == {0o600}


def test_a_locked_database_refuses_and_what_was_refused_is_never_written(store: Store, file: Path) -> None:
    store.make(CAM)
    engine = sa.create_engine(f"sqlite:///{file}", poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as block:
        block.exec_driver_sql("PRAGMA busy_timeout=10000")
        block.exec_driver_sql("BEGIN EXCLUSIVE")
        with pytest.raises(OutOfReach, match="nothing was changed"):
            store.make({})
        assert store.made() == CAM
        block.exec_driver_sql("ROLLBACK")
    assert store.flush(20)
    assert rows(file).keys() == {"cam"}
    store.make({})
    assert rows(file) == {}


def test_a_database_begun_anew_gets_what_is_known(store: Store, file: Path) -> None:
    store.make(CAM)
    anew = file.with_name("anew.db")
    SqliteFile(anew).open().close()
    anew.replace(file)  # at once: a store that finds none writes its own again
    assert store.flush(20)
    assert store.flush(20)
    assert rows(file).keys() == {"cam"}


def test_a_copy_tells_of_them_where_the_database_cannot(file: Path) -> None:
    copy = file.with_name("made-streams.json")
    first = Store(SqliteFile(file), "1.0", 400, copy=copy)
    first.open(20)
    first.make(CAM)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    first.close(10)
    away = Store(Away(file), "1.0", 400, copy=copy)
    away.open(0.2)
    assert (away.made(), away.meanwhile()) == (None, CAM)
    away.close(0.1)
    for path in file.parent.glob("neverdark.db*"):
        path.unlink()
    anew = Store(SqliteFile(file), "1.0", 400, copy=copy)
    anew.open(20)
    assert anew.made() == CAM, "a database that is begun anew gets what the last one had"
    assert anew.flush(20)
    assert rows(file).keys() == {"cam"}
    anew.make({})
    assert not copy.exists()
    anew.close(10)


@pytest.mark.parametrize("content", ["", "[]", '{"version": 2, "streams": {}}', '{"version": 1, "streams": {"a": 7}}'])
def test_a_copy_that_is_none_of_ours_tells_nothing(tmp_path: Path, content: str) -> None:
    path = tmp_path / "made-streams.json"
    path.write_text(content)
    assert MadeCopy(path).load() is None
    path.unlink()
    path.symlink_to("/etc/passwd")
    assert MadeCopy(path).load() is None
    MadeCopy(path).save(CAM)
    assert not path.is_symlink()
    assert MadeCopy(path).load() == CAM


def test_a_copy_that_cannot_be_written_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "made-streams.json"
    copy = MadeCopy(path)
    copy.save(CAM)
    path.with_name(path.name + ".new").mkdir()
    copy.save({"other": {}})
    assert not path.exists(), "an old one would tell what is not so"


class Away(SqliteFile):
    """A database that is out of reach at first."""

    there = False

    def open(self) -> sa.Connection:
        if not self.there:
            raise OSError(errno.EHOSTUNREACH, "No route to host")
        return super().open()


def test_what_is_not_known_is_not_overwritten(file: Path) -> None:
    first = opened(file)
    first.make(CAM)
    first.close(10)
    database = Away(file)
    late = Store(database, "1.0", 400)
    late.open(0.2)
    try:
        assert late.made() is None
        with pytest.raises(OutOfReach, match="not known which streams were made"):
            late.make({})
        database.there = True
        assert late.flush(20)
        assert late.made() == CAM
    finally:
        late.close(10)
