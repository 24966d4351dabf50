"""The log files of a process: five runs and 5 MB at most; a full disk costs lines and is told of once."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from supervisor.machine.data_dir import DataDir
from supervisor.machine.runlog import MAX_RUNS, RunLog

WALL = 1_700_000_000.25


class Troubles(list[OSError | None]):
    def __call__(self, path: Path, error: OSError | None) -> None:
        assert path.suffix == ".log"
        self.append(error)


@pytest.fixture
def troubles() -> Troubles:
    return Troubles()


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[DataDir]:
    data_dir = DataDir(tmp_path)
    yield data_dir
    data_dir.close()


@pytest.fixture
def log(data_dir: DataDir, troubles: Troubles) -> RunLog:
    return RunLog(data_dir.folder("logs", "cam"), "encoder", troubles)


def files(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "logs" / "cam").iterdir())


def run_id(number: int) -> str:
    return f"20260101T0000{number:02}.000Z-{number}"


def test_a_line_has_its_time_and_a_run_its_file(log: RunLog, tmp_path: Path, troubles: Troubles) -> None:
    log.begin_run(run_id(1))
    log.write([], WALL, 0)
    assert not (tmp_path / "logs").exists(), "no lines, no file"
    log.write(["hello", "wörld"], WALL, 0)
    (file,) = files(tmp_path)
    assert file.name == f"encoder.{run_id(1)}.log"
    assert file.read_text(encoding="utf-8") == "2023-11-14T22:13:20.250Z hello\n2023-11-14T22:13:20.250Z wörld\n"
    assert file.stat().st_mode & 0o007 == 0
    assert troubles == []


def test_before_the_first_run_nothing_is_written(log: RunLog, tmp_path: Path) -> None:
    log.write(["hello"], WALL, 0)
    assert not (tmp_path / "logs").exists()


def test_five_runs_and_five_megabytes_at_most(log: RunLog, tmp_path: Path) -> None:
    lines = [f"{n} " + "x" * 1000 for n in range(100)]
    for run in range(9):
        log.begin_run(run_id(run))
        for _ in range(15):
            log.write(lines, WALL, 0)
    log.write(["the last line"], WALL, 0)
    kept = files(tmp_path)
    runs = sorted({file.name.removesuffix(".1") for file in kept})
    assert runs == [f"encoder.{run_id(run)}.log" for run in range(9 - MAX_RUNS, 9)]
    assert sum(file.stat().st_size for file in kept) <= 5_000_000
    assert kept[-2].read_text().endswith("the last line\n")
    assert all(file.stat().st_size <= 500_000 for file in kept)


def test_what_an_earlier_neverdark_left_counts_and_other_processes_files_do_not(log: RunLog, tmp_path: Path) -> None:
    folder = tmp_path / "logs" / "cam"
    folder.mkdir(parents=True)
    for run in range(8):
        (folder / f"encoder.{run_id(run)}.log").write_text("old")
        (folder / f"pusher-a.{run_id(run)}.log").write_text("old")
    log.begin_run(run_id(20))
    log.write(["new"], WALL, 0)
    names = [file.name for file in files(tmp_path)]
    assert len([name for name in names if name.startswith("encoder.")]) == MAX_RUNS
    assert f"encoder.{run_id(20)}.log" in names
    assert len([name for name in names if name.startswith("pusher-a.")]) == 8


def test_a_piece_larger_than_a_part_is_written_all_the_same(log: RunLog, tmp_path: Path) -> None:
    log.begin_run(run_id(1))
    log.write(["x" * 100_000] * 4, WALL, 0)
    log.write(["y"], WALL, 0)
    assert sum(file.stat().st_size for file in files(tmp_path)) > 400_000


def no_space(*_: object, **__: object) -> int:
    raise OSError(errno.ENOSPC, "No space left on device")


def fail(step: str) -> Callable[..., int]:
    del step
    return no_space


@pytest.mark.parametrize("step", ["open", "write"])
def test_a_full_disk_costs_lines_and_is_told_once_and_once_when_it_is_over(
    log: RunLog, troubles: Troubles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    log.begin_run(run_id(1))
    with monkeypatch.context() as full:
        full.setattr(os, step, fail(step))
        for now in (0.0, 1.0, 11.0, 25.0):
            log.write(["lost"], WALL, now)
        log.begin_run(run_id(2))
        log.write(["lost"], WALL, 40.0)
    assert [getattr(error, "errno", None) for error in troubles] == [errno.ENOSPC]
    log.write(["too early: tried again every ten seconds only"], WALL, 41.0)
    assert len(troubles) == 1
    log.write(["back"], WALL, 51.0)
    log.write(["on"], WALL, 52.0)
    assert [getattr(error, "errno", None) for error in troubles] == [errno.ENOSPC, None]
    text = next(file for file in files(tmp_path) if run_id(2) in file.name).read_text()
    assert [line.partition(" ")[2] for line in text.splitlines()] == ["back", "on"]


@pytest.mark.parametrize("part", ["", ".1"])
def test_no_link_is_followed(log: RunLog, troubles: Troubles, tmp_path: Path, part: str) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "logs" / "cam").mkdir(parents=True)
    (tmp_path / "logs" / "cam" / f"encoder.{run_id(1)}.log{part}").symlink_to(victim)
    log.begin_run(run_id(1))
    for now in range(0, 200, 20):
        log.write(["x" * 100_000], WALL, now)
    assert [getattr(error, "errno", None) for error in troubles] == ([] if part else [errno.ELOOP])
    for run in range(2, 9):  # until the link is forgotten
        log.begin_run(run_id(run))
        log.write(["x"], WALL, 200.0 + 20 * run)
    assert victim.read_text() == "precious"
    assert run_id(1) not in " ".join(file.name for file in files(tmp_path))


def test_what_would_keep_us_waiting_is_no_log_file(log: RunLog, troubles: Troubles, tmp_path: Path) -> None:
    (tmp_path / "logs" / "cam").mkdir(parents=True)
    fifo = tmp_path / "logs" / "cam" / f"encoder.{run_id(1)}.log"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    log.begin_run(run_id(1))
    log.write(["lost"], WALL, 0)
    os.close(reader)
    log.write(["lost"], WALL, 100)
    assert [getattr(error, "errno", None) for error in troubles] == [errno.EINVAL]


def test_writing_leaves_no_descriptor_open(log: RunLog, tmp_path: Path) -> None:
    log.begin_run(run_id(1))
    log.write(["x"], WALL, 0)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for run in range(2, 30):
        log.begin_run(run_id(run))
        log.write(["x"], WALL, 0)
    (tmp_path / "logs" / "cam").chmod(0o777)
    log.write(["refused"], WALL, 0)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_log_directory_that_vanished_is_made_again(log: RunLog, tmp_path: Path, troubles: Troubles) -> None:
    log.begin_run(run_id(1))
    log.write(["a"], WALL, 0)
    for file in files(tmp_path):
        file.unlink()
    (tmp_path / "logs" / "cam").rmdir()
    log.begin_run(run_id(2))
    log.write(["b"], WALL, 1)
    if troubles:
        log.write(["b"], WALL, 20)
    assert [file.name for file in files(tmp_path)] == [f"encoder.{run_id(2)}.log"]
