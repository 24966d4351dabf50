"""The SQLite file: ours alone to read, put back when it was removed, moved aside when it is damaged."""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from supervisor.model import events
from supervisor.model.facts import Fact
from supervisor.model.remembered import Word
from supervisor.model.subjects import ITSELF
from supervisor.store import schema, upgrade
from supervisor.store.sqlite import FILE, KEPT_COPIES, SqliteFile
from supervisor.store.store import Store
from tests.store_scenes import Speaker, page_of, rows, until

STOPPED = Word(wanted=False, why="operator", since=1000.0, until=None, enabled=True)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / FILE


@pytest.fixture
def store(file: Path) -> Iterator[Store]:
    store = Store(SqliteFile(file), "1.0", 400)
    store.open(20)
    assert store.flush(20)
    yield store
    store.close(20)


def put_back_to(file: Path, step: str, *, with_data: bool) -> None:
    """The file as an earlier version of neverdark made it."""
    database = SqliteFile(file)
    connection = database.open()
    with connection.begin():
        for table in reversed(schema.METADATA.sorted_tables):
            table.drop(connection)
        connection.exec_driver_sql(f"DROP TABLE {schema.VERSION_TABLE}")
        upgrade.upgrade(connection, step)
        if with_data:
            connection.exec_driver_sql("INSERT INTO boots VALUES ('b', 1.0, '0.1', 7, 2.0, NULL)")
    connection.close()


def copies(file: Path, why: str) -> list[Path]:
    return sorted(file.parent.glob(f"{FILE}.{why}*"))


def test_nobody_else_may_read_it_whatever_the_umask(store: Store, file: Path) -> None:
    Speaker(store).life(1)
    assert store.flush(20)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()}
    assert modes == dict.fromkeys((FILE, f"{FILE}-wal", f"{FILE}-shm"), 0o600)


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"precious")
    (tmp_path / FILE).symlink_to(elsewhere)
    store = Store(SqliteFile(tmp_path / FILE), "1.0", 400)
    store.open(0.2)
    store.close(1.5)
    assert elsewhere.read_bytes() == b"precious"


@pytest.mark.parametrize("name", [FILE, f"{FILE}-wal"])
def test_what_is_no_file_of_ours_is_not_touched(file: Path, name: str) -> None:
    os.mkfifo(file.with_name(name))
    with pytest.raises(PermissionError, match="of neverdark's own"):
        SqliteFile(file).open()
    store = Store(SqliteFile(file), "1.0", 400)
    began = time.monotonic()
    store.open(0.2)
    store.close(1.5)
    assert time.monotonic() - began < 10, "nobody waits for who might write into it"


def test_a_file_that_vanished_is_there_again_with_all_that_was_in_it(store: Store, file: Path) -> None:
    told: list[events.Payload] = []
    store.tell_by(told.append)
    said = Speaker(store)
    said.life(1)
    store.keep({"a": STOPPED})
    assert store.flush(20)
    for path in file.parent.iterdir():
        path.unlink()
    said.life(2)
    assert store.flush(20)
    assert [row["run_id"] for row in rows(SqliteFile(file), schema.RUNS)] == ["r1", "r2"]
    assert [row["stream"] for row in rows(SqliteFile(file), schema.WANTED)] == ["a"]
    assert len(page_of(store).incidents) == 2
    assert [type(what) for what in told] == [events.StoreTrouble, events.StoreRecovered]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    said.life(3)
    assert store.flush(20)
    assert len(rows(SqliteFile(file), schema.RUNS)) == 3


def test_a_directory_that_vanished_costs_nothing_once_it_is_back(store: Store, file: Path) -> None:
    said = Speaker(store)
    said.life(1)
    assert store.flush(20)
    away = file.parent.with_name("away")
    file.parent.rename(away)
    for path in away.iterdir():
        path.unlink()
    said.life(2)
    assert not store.flush(0.5)
    assert not store.state.up
    away.rename(file.parent)
    until(lambda: store.state.up and not store.state.queue)
    assert [row["run_id"] for row in rows(SqliteFile(file), schema.RUNS)] == ["r1", "r2"]


def test_another_file_in_its_place_is_used_from_then_on(store: Store, file: Path) -> None:
    said = Speaker(store)
    said.life(1)
    assert store.flush(20)
    other = SqliteFile(file.with_name("other.db"))
    other.open().close()
    for beside in ("-wal", "-shm"):
        file.with_name(FILE + beside).unlink()
    file.with_name("other.db").rename(file)
    said.life(2)
    assert store.flush(20)
    assert [row["run_id"] for row in rows(SqliteFile(file), schema.RUNS)] == ["r2"]


@pytest.mark.parametrize("damage", [b"this is no database" * 100, None], ids=["rubbish", "overwritten pages"])
def test_a_damaged_file_is_moved_aside_and_told_once(file: Path, damage: bytes | None) -> None:
    first = Store(SqliteFile(file), "1.0", 400)
    first.open(20)
    Speaker(first).life(1)
    first.close(20)
    content = file.read_bytes()
    file.write_bytes(damage or content[:100] + b"\xa5" * (len(content) - 100))
    store = Store(SqliteFile(file), "1.0", 400)
    told: list[events.Payload] = []
    store.open(20)
    store.tell_by(told.append)
    Speaker(store).life(2)
    assert store.flush(20)
    assert [row["run_id"] for row in rows(SqliteFile(file), schema.RUNS)] == ["r2"]
    (aside,) = copies(file, "damaged")
    assert aside.read_bytes() == (damage or content[:100] + b"\xa5" * (len(content) - 100))
    store.close(20)
    trouble, recovered = told
    assert isinstance(trouble, events.StoreTrouble)
    assert aside.name in trouble.error
    assert isinstance(recovered, events.StoreRecovered)


def test_no_more_than_a_few_damaged_files_are_kept(file: Path) -> None:
    clock = [1_700_000_000.0]
    for _ in range(KEPT_COPIES + 2):
        clock[0] += 1
        file.write_bytes(b"this is no database" * 100)
        store = Store(SqliteFile(file, lambda: clock[0]), "1.0", 400)
        store.open(20)
        store.close(20)
    assert len(copies(file, "damaged")) == KEPT_COPIES


def test_a_copy_is_made_before_a_step_and_a_few_are_kept(file: Path) -> None:
    clock = [1_700_000_000.0]
    for _ in range(KEPT_COPIES + 2):
        clock[0] += 1
        put_back_to(file, "0001", with_data=True)
        before = SqliteFile(file, lambda: clock[0]).open()
        before.close()
    kept = copies(file, "before")
    assert len(kept) == KEPT_COPIES
    with sqlite3.connect(kept[-1]) as copy:
        assert copy.execute(f"SELECT version_num FROM {schema.VERSION_TABLE}").fetchall() == [("0001",)]  # noqa: S608
        assert copy.execute("SELECT boot FROM boots").fetchall() == [("b",)]
    copy.close()
    assert stat.S_IMODE(kept[-1].stat().st_mode) == 0o600


def test_an_empty_one_is_worth_no_copy(file: Path) -> None:
    put_back_to(file, "0001", with_data=False)
    SqliteFile(file).open().close()
    assert copies(file, "before") == []


def test_a_step_that_fails_has_changed_nothing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_back_to(file, "0001", with_data=True)
    whole = schema.METADATA.tables["wanted"]
    monkeypatch.setattr("supervisor.store.sqlite.upgrade", _half_an_upgrade)
    with pytest.raises(RuntimeError):
        SqliteFile(file).open()
    monkeypatch.undo()
    connection = SqliteFile(file).open()
    with connection.begin():
        assert upgrade.revision_of(connection) == schema.HEAD
        assert connection.execute(whole.select()).all() == []
    connection.close()


def _half_an_upgrade(connection: object) -> None:
    upgrade.upgrade(connection)  # type: ignore[arg-type]
    raise RuntimeError("the power is gone")


def test_a_full_disk_costs_nothing_once_there_is_room(store: Store, file: Path) -> None:
    said = Speaker(store)
    said.life(1)
    assert store.flush(20)
    connection = store._writer._connection
    assert connection
    pages = connection.connection.dbapi_connection.execute("PRAGMA page_count").fetchone()[0]  # type: ignore[union-attr]
    engine = store._database._writer  # type: ignore[attr-defined]
    full = [True]

    @sa.event.listens_for(engine, "begin")
    def bounded(begun: sa.Connection) -> None:
        begun.exec_driver_sql(f"PRAGMA max_page_count={pages if full[0] else 1_000_000}")

    for number in range(2, 60):
        said.life(number)
    assert not store.flush(1)
    assert not store.state.up
    assert "full" in store._writer.error
    full[0] = False
    until(lambda: store.state.up and not store.state.queue)
    assert len(rows(SqliteFile(file), schema.RUNS)) == 59
    assert len(rows(SqliteFile(file), schema.INCIDENTS)) == 59
    assert store.state.dropped == 0


def test_a_fact_of_which_no_row_can_be_made_is_not_the_last_one(store: Store, file: Path) -> None:
    store(Fact(1.0, 99, ITSELF, events.IncidentClosed(None)))  # type: ignore[arg-type]
    Speaker(store).life(1)
    assert store.flush(20)
    assert len(rows(SqliteFile(file), schema.INCIDENTS)) == 1
    assert store.state.dropped == 1


def test_nothing_is_written_but_a_sign_of_life_while_nothing_happens(store: Store, file: Path) -> None:
    store.pulse([])
    assert store.flush(20)
    before = {table.name: len(rows(SqliteFile(file), table)) for table in schema.METADATA.sorted_tables}
    store.pulse([])
    assert store.flush(20)
    assert {table.name: len(rows(SqliteFile(file), table)) for table in schema.METADATA.sorted_tables} == before
    assert before["boots"] == 1
