"""What `check` says of the database in the data_dir, on real files: one thing, and nothing is changed."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from supervisor.config.problems import Problem
from supervisor.config.shape import Config
from supervisor.preflight.database import look_at_database
from supervisor.store import examine, schema, upgrade
from supervisor.store.sqlite import FILE, SqliteFile
from tests.unit.store.test_sqlite import put_back_to


def said(folder: Path) -> str | None:
    """What is said; with "refused: " in front if no neverdark starts with it. Nothing in the folder is changed."""
    before = contents(folder)
    found = look_at_database(Config.model_validate({"data_dir": folder, "streams": {}}))
    assert contents(folder) == before
    if isinstance(found, Problem):
        return f"refused: {found}"
    return None if found is None else str(found)


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    files = [file for file in folder.iterdir() if file.is_file()] if folder.exists() else []
    return {file.name: (file.stat().st_mode, b"" if "-shm" in file.name else file.read_bytes()) for file in files}


def made(folder: Path) -> Path:
    SqliteFile(folder / FILE).open().close()
    return folder / FILE


def test_what_is_well_is_not_mentioned(tmp_path: Path) -> None:
    assert said(tmp_path / "not there yet") is None
    assert said(tmp_path) is None
    made(tmp_path)
    assert said(tmp_path) is None


def test_a_database_that_is_in_use_is_looked_at_as_it_is(tmp_path: Path) -> None:
    connection = SqliteFile(tmp_path / FILE).open()
    try:
        with connection.begin():
            connection.exec_driver_sql("INSERT INTO boots VALUES ('b', 1.0, '0.1', 7, 2.0, NULL)")
        assert (tmp_path / f"{FILE}-wal").stat().st_size
        assert said(tmp_path) is None
        with connection.begin():
            connection.exec_driver_sql("UPDATE neverdark_version SET version_num = '9999'")
        assert str(said(tmp_path)).startswith("refused: ")
    finally:
        connection.close()


def test_an_older_one_is_told_and_no_reason_not_to_start(tmp_path: Path) -> None:
    first = upgrade.steps()[-1]
    put_back_to(tmp_path / FILE, first, with_data=True)
    text = f"an older version made it what it is ({first}): a start brings it to {schema.HEAD}"
    assert said(tmp_path) == f"data_dir: {tmp_path / FILE}: {text}"


def test_a_newer_one_is_refused_as_by_a_start(tmp_path: Path) -> None:
    with sqlite3.connect(made(tmp_path)) as connection:
        connection.execute("UPDATE neverdark_version SET version_num = '9999'")
    found = str(said(tmp_path))
    assert found.startswith(f"refused: data_dir: {tmp_path / FILE}: expected a database of this version of neverdark")
    assert "(9999)" in found


def test_one_of_something_else(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute("CREATE TABLE photos (id)")
    assert str(said(tmp_path)).endswith(
        "expected a database of neverdark's own, but something else is in it (table photos)"
    )


def _no_database(file: Path) -> None:
    file.write_bytes(b"no database at all" * 1000)


def _torn(file: Path) -> None:
    made(file.parent)
    content = bytearray(file.read_bytes())
    content[4096:8192] = os.urandom(4096)
    file.write_bytes(content)


def _cut(file: Path) -> None:
    made(file.parent)
    os.truncate(file, 5000)


@pytest.mark.parametrize("spoil", [_no_database, _torn, _cut])
def test_one_that_is_damaged(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    spoil(tmp_path / FILE)
    found = str(said(tmp_path))
    assert found.startswith(f"data_dir: {tmp_path / FILE}: it is damaged")
    assert found.endswith("neverdark keeps it aside and begins a new one")


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_what_is_no_file(tmp_path: Path, kind: str) -> None:
    file = tmp_path / FILE
    make: dict[str, Callable[[], None]] = {
        "link": lambda: file.symlink_to("x"),
        "pipe": lambda: os.mkfifo(file),
        "folder": file.mkdir,
    }
    make[kind]()
    assert said(tmp_path) == f"data_dir: {file}: expected a plain file: nothing can be remembered in it"


def test_a_long_file_is_not_read_for_longer_than_a_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examine, "_WHOLE_SECONDS", -1.0)
    monkeypatch.setattr(examine, "_OPERATIONS", 1)
    made(tmp_path)
    assert said(tmp_path) is None


def test_a_data_dir_that_its_owner_cannot_write_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_, **__: False)  # as on a disk that is mounted read-only, also for root
    assert said(tmp_path) == f"refused: data_dir: '{tmp_path}': expected a directory that can be written to"
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    assert said(tmp_path) is None, "somebody else may check it"


def test_somebody_elses_file_is_not_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _no_database(tmp_path / FILE)
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    assert said(tmp_path) is None
