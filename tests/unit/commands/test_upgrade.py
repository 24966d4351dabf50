"""`neverdark upgrade` signals nobody but a neverdark that understands it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from supervisor import cli
from supervisor.machine.data_dir import DataDir

NOBODY = "no neverdark that can be upgraded runs with data_dir"


@pytest.fixture
def signalled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    monkeypatch.chdir(tmp_path)
    Path("c.yml").write_text("{data_dir: ./data, streams: {a: {command: [sleep, 60]}}}")
    found: list[int] = []

    def kill(pid: int, _: int) -> None:
        found.append(pid)
        raise ProcessLookupError(3, "No such process")

    monkeypatch.setattr(os, "kill", kill)
    return found


def test_where_none_runs_nobody_is_signalled(signalled: list[int], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["upgrade", "-c", "c.yml"]) == 1
    assert NOBODY in capsys.readouterr().err
    DataDir(Path("data")).close()  # one that has ended
    assert cli.main(["upgrade", "-c", "c.yml"]) == 1
    assert NOBODY in capsys.readouterr().err
    assert signalled == []


def test_an_older_version_is_not_signalled_for_it_would_end(
    signalled: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    running = DataDir(Path("data"))
    Path("data/lock").write_text("")
    assert cli.main(["upgrade", "-c", "c.yml"]) == 1
    running.close()
    assert NOBODY in capsys.readouterr().err
    assert signalled == []


def test_one_that_runs_is_signalled_by_the_pid_in_its_lock(
    signalled: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    running = DataDir(Path("data"))
    assert cli.main(["upgrade", "-c", "c.yml"]) == 1
    running.close()
    assert signalled == [os.getpid()]
    assert f"cannot signal process {os.getpid()}: No such process" in capsys.readouterr().err


def test_what_the_installed_program_does_not_take_is_told_and_nobody_is_signalled(
    signalled: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("c.yml").write_text("{data_dir: ./data, lisen: x, streams: {}}")
    running = DataDir(Path("data"))
    assert cli.main(["upgrade", "-c", "c.yml"]) == 2
    running.close()
    assert "lisen" in capsys.readouterr().err
    assert signalled == []
