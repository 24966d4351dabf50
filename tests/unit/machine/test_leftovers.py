"""What removed streams leave: kept for a while, bounded in number and bytes, and nothing of others' touched."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from supervisor.machine import leftovers
from supervisor.machine.data_dir import DataDir
from supervisor.machine.leftovers import KEPT_SECONDS, KEPT_STREAMS, clear

DAY = 86_400.0
NOW = 1_795_000_000.0


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[DataDir]:
    data_dir = DataDir(tmp_path / "data")
    yield data_dir
    data_dir.close()


def leave(data_dir: DataDir, name: str, *, size: int = 100, written: float = NOW) -> Path:
    """What a stream leaves: a log of two parts and a FIFO."""
    logs, run = data_dir.path / "logs" / name, data_dir.path / "run" / name
    logs.mkdir(parents=True)
    run.mkdir(parents=True)
    for file in (logs / "encoder.20261123T183109.000Z-1.log", logs / "encoder.20261123T183109.000Z-1.log.1"):
        file.write_bytes(bytes(size))
        os.utime(file, (written, written))
    os.mkfifo(run / "encoder.output")
    return logs


def names(data_dir: DataDir, below: str = "logs") -> set[str]:
    return {entry.name for entry in (data_dir.path / below).iterdir()}


def test_who_comes_back_has_its_logs_and_a_new_time(data_dir: DataDir) -> None:
    logs = leave(data_dir, "cam", written=NOW - 400 * DAY)  # a quiet one: its age counts from when it went
    leave(data_dir, "other")
    clear(data_dir, {"other"}, NOW)
    assert names(data_dir, "run") == {"other"}
    clear(data_dir, {"other"}, NOW + DAY)
    assert len([*logs.glob("*.log*")]) == 2

    clear(data_dir, {"cam", "other"}, NOW + 2 * DAY)
    assert {file.suffix for file in logs.iterdir()} == {".log", ".1"}
    clear(data_dir, {"other"}, NOW + 20 * DAY)
    clear(data_dir, {"other"}, NOW + 20 * DAY + KEPT_SECONDS - 1)
    assert names(data_dir) == {"cam", "other"}
    clear(data_dir, {"other"}, NOW + 20 * DAY + KEPT_SECONDS + 1)
    assert names(data_dir) == {"other"}


def test_a_month_of_streams_with_dated_names_stays_bounded(data_dir: DataDir) -> None:
    for number in range(200):
        leave(data_dir, f"show-{number:03}", written=NOW + number * 60)
        if number % 7 == 0:
            clear(data_dir, {"cam"}, NOW + number * 60)
    clear(data_dir, {"cam"}, NOW + 200 * 60)
    assert names(data_dir) == {f"show-{number:03}" for number in range(200 - KEPT_STREAMS, 200)}
    assert not names(data_dir, "run")


def test_the_bytes_are_bounded_too(data_dir: DataDir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "KEPT_BYTES", 2_500)
    for number in range(5):
        leave(data_dir, f"s{number}", size=500, written=NOW + number)
    clear(data_dir, set(), NOW)
    assert names(data_dir) == {"s3", "s4"}


def test_what_is_not_ours_stays_and_no_link_is_followed(data_dir: DataDir, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    for name in ("a.log", "gone", "x.output"):
        (precious / name).touch()
    logs = leave(data_dir, "cam")
    (logs / "notes.txt").write_text("why it is dark each Sunday")
    (logs / "link.log").symlink_to(precious / "a.log")
    (data_dir.path / "logs" / "linked").symlink_to(precious)
    (data_dir.path / "run" / "linked").symlink_to(precious)
    (data_dir.path / "logs" / "README").touch()
    clear(data_dir, {"linked"}, NOW)
    for _ in range(2):
        clear(data_dir, set(), NOW + 30 * DAY)
    assert {file.name for file in precious.iterdir()} == {"a.log", "gone", "x.output"}
    assert {file.name for file in logs.iterdir()} >= {"notes.txt", "link.log"}
    assert not [*logs.glob("encoder*")]
    assert names(data_dir) == {"cam", "linked", "README"}
