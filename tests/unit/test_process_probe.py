"""What the kernel says of real children: running, stopped, a zombie, gone; and of all that they started."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from supervisor.checks import Life
from supervisor.probes.process import look_at

PATIENCE = 20.0
MEGABYTE = 2**20
Start = Callable[..., subprocess.Popen[bytes]]

# Says "ready" and waits for its end; what it holds is really there.
_HOLDS = "held = bytearray(b'x') * ({size} << 20); print('ready', flush=True); import sys; sys.stdin.read()"
# Starts another that does the same, and waits.
_STARTS = "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', sys.argv[1]], stdin=0); child.wait()"
_WORKS = "import time\nwhile time.process_time() < 0.3: pass\nprint('ready', flush=True)\nimport sys\nsys.stdin.read()"


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it did not become true in time"
        select.select([], [], [], 0.005)


def _ready(process: subprocess.Popen[bytes]) -> None:
    assert process.stdout is not None
    assert select.select([process.stdout], [], [], PATIENCE)[0], "it does not start"
    assert process.stdout.readline() == b"ready\n"


@pytest.fixture
def start() -> Iterator[Start]:
    running: list[subprocess.Popen[bytes]] = []

    def begin(*code: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-c", *code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        running.append(process)
        _ready(process)
        return process

    yield begin
    for process in running:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        process.stdout.close()
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(PATIENCE)


def test_one_that_runs(start: Start) -> None:
    began = time.time()
    process = start(_HOLDS.format(size=64))
    seen = look_at(process.pid, children=False)
    assert (seen.pid, seen.life) == (process.pid, Life.RUNNING)
    assert 64 * MEGABYTE < seen.memory < 400 * MEGABYTE
    assert began - 2 < seen.created < time.time() + 2
    assert seen.cpu_seconds >= 0


def test_one_that_works(start: Start) -> None:
    seen = look_at(start(_WORKS).pid, children=False)
    assert 0.25 < seen.cpu_seconds < PATIENCE


def test_one_that_is_stopped_and_goes_on(start: Start) -> None:
    """Lesson 1: alive it is, and does nothing."""
    process = start(_HOLDS.format(size=1))
    process.send_signal(signal.SIGSTOP)
    until(lambda: look_at(process.pid, children=False).life is Life.STOPPED)
    assert look_at(process.pid, children=True).life is Life.STOPPED
    process.send_signal(signal.SIGCONT)
    until(lambda: look_at(process.pid, children=False).life is Life.RUNNING)


@pytest.mark.parametrize("children", [False, True])
def test_a_zombie_and_then_nothing(start: Start, children: bool) -> None:  # noqa: FBT001
    process = start(_HOLDS.format(size=1))
    process.kill()
    until(lambda: look_at(process.pid, children=children).life is Life.ZOMBIE)
    process.wait(PATIENCE)
    seen = look_at(process.pid, children=children)
    assert (seen.life, seen.memory, seen.cpu_seconds) == (Life.GONE, 0, 0.0)


def test_what_a_program_started_is_its_own(start: Start) -> None:
    process = start(_STARTS, _HOLDS.format(size=96))
    alone, together = look_at(process.pid, children=False), look_at(process.pid, children=True)
    assert alone.memory < 96 * MEGABYTE < together.memory
    assert (alone.life, alone.created) == (together.life, together.created)


def test_the_work_of_what_a_program_started_is_its_own(start: Start) -> None:
    process = start(_STARTS, _WORKS)
    alone, together = look_at(process.pid, children=False), look_at(process.pid, children=True)
    assert together.cpu_seconds >= alone.cpu_seconds + 0.25


def test_what_may_not_be_seen_is_there_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: psutil.Process) -> str:
        raise psutil.AccessDenied(os.getpid())

    monkeypatch.setattr(psutil.Process, "status", refuse)
    seen = look_at(os.getpid(), children=True)
    assert (seen.life, seen.memory) == (Life.RUNNING, 0)


def test_a_child_that_ends_in_the_middle_of_a_look_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def vanish(process: psutil.Process, *, recursive: bool) -> list[psutil.Process]:
        assert recursive
        ended = subprocess.Popen([sys.executable, "-c", ""])
        child = psutil.Process(ended.pid)
        ended.wait(PATIENCE)
        assert not child.is_running()
        return [child, psutil.Process(process.pid)]

    monkeypatch.setattr(psutil.Process, "children", vanish)
    alone, together = look_at(os.getpid(), children=False), look_at(os.getpid(), children=True)
    assert together.memory == pytest.approx(2 * alone.memory, rel=0.2)
