"""What the kernel says of real children: running, stopped, a zombie, gone; and of all that they started."""

from __future__ import annotations

import builtins
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from supervisor.judge.checks import Life
from supervisor.machine.proc import children_of
from supervisor.probes import process as probe
from supervisor.probes.process import look_at, look_at_all

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
    began = time.monotonic()
    process = start(_HOLDS.format(size=64))
    seen = look_at(process.pid, family=False)
    assert (seen.pid, seen.life) == (process.pid, Life.RUNNING)
    assert 64 * MEGABYTE < seen.memory < 400 * MEGABYTE
    assert -1 < seen.age < time.monotonic() - began + 1
    assert seen.cpu_seconds >= 0


def test_one_that_works(start: Start) -> None:
    seen = look_at(start(_WORKS).pid, family=False)
    assert 0.25 < seen.cpu_seconds < PATIENCE


def test_one_that_is_stopped_and_goes_on(start: Start) -> None:
    """Alive it is, and does nothing."""
    process = start(_HOLDS.format(size=1))
    process.send_signal(signal.SIGSTOP)
    until(lambda: look_at(process.pid, family=False).life is Life.STOPPED)
    assert look_at(process.pid, family=True).life is Life.STOPPED
    process.send_signal(signal.SIGCONT)
    until(lambda: look_at(process.pid, family=False).life is Life.RUNNING)


@pytest.mark.parametrize("children", [False, True])
def test_a_zombie_and_then_nothing(start: Start, children: bool) -> None:  # noqa: FBT001
    process = start(_HOLDS.format(size=1))
    process.kill()
    until(lambda: look_at(process.pid, family=children).life is Life.ZOMBIE)
    process.wait(PATIENCE)
    seen = look_at(process.pid, family=children)
    assert (seen.life, seen.memory, seen.cpu_seconds) == (Life.GONE, 0, 0.0)


def test_what_a_program_started_is_its_own(start: Start) -> None:
    process = start(_STARTS, _HOLDS.format(size=96))
    alone, together = look_at(process.pid, family=False), look_at(process.pid, family=True)
    assert alone.memory < 96 * MEGABYTE < together.memory
    assert alone.life is together.life
    assert together.age == pytest.approx(alone.age, abs=5)


def test_the_work_of_what_a_program_started_is_its_own(start: Start) -> None:
    process = start(_STARTS, _WORKS)
    alone, together = look_at(process.pid, family=False), look_at(process.pid, family=True)
    assert together.cpu_seconds >= alone.cpu_seconds + 0.25


def test_what_may_not_be_seen_is_there_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int) -> None:
        raise PermissionError

    monkeypatch.setattr(probe, "read_stat", refuse)
    seen = look_at(os.getpid(), family=True)
    assert (seen.life, seen.memory) == (Life.RUNNING, 0)


def test_a_name_with_brackets_and_spaces_confuses_nobody(start: Start) -> None:
    """Fields are counted from the end of a name that a program may give itself."""
    name = "open('/proc/self/comm', 'w').write('a) Z (b'); "
    seen = look_at(start(name + _HOLDS.format(size=1)).pid, family=False)
    assert seen.life is Life.RUNNING
    assert seen.memory > MEGABYTE


def test_a_child_that_ends_in_the_middle_of_a_look_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait(PATIENCE)
    monkeypatch.setattr(probe, "family_of", lambda pid, _: [pid, ended.pid, pid])
    alone, together = look_at(os.getpid(), family=False), look_at(os.getpid(), family=True)
    assert together.memory == pytest.approx(2 * alone.memory, rel=0.2)


def test_many_are_looked_at_in_one_go_and_each_with_what_is_its_own(start: Start) -> None:
    small, big = start(_HOLDS.format(size=1)), start(_STARTS, _HOLDS.format(size=96))
    small.send_signal(signal.SIGSTOP)
    until(lambda: look_at(small.pid, family=False).life is Life.STOPPED)
    seen = look_at_all({small.pid: True, big.pid: True, 2**22 + 1: True})
    assert [usage.life for usage in seen.values()] == [Life.STOPPED, Life.RUNNING, Life.GONE]
    assert seen[big.pid].memory > 96 * MEGABYTE > seen[small.pid].memory
    assert look_at_all({big.pid: False})[big.pid].memory < 96 * MEGABYTE


def test_a_look_reads_nothing_of_strangers(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """A round of looks that each read all of /proc took most of a core at a thousand streams."""
    watched, stranger = start(_STARTS, _HOLDS.format(size=1)), start(_HOLDS.format(size=1))
    asked: list[str] = []

    def noting(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: str, *rest: Any, **named: Any) -> Any:
            asked.append(path)
            return real(path, *rest, **named)

        return call

    for module, name in ((os, "open"), (os, "listdir"), (builtins, "open")):
        monkeypatch.setattr(module, name, noting(getattr(module, name)))
    look_at_all({watched.pid: True})
    (grandchild,) = children_of(watched.pid)
    its_own = tuple(f"/proc/{pid}/" for pid in (watched.pid, grandchild, os.getpid()))
    assert {path for path in asked if path.startswith("/proc") and not path.startswith(its_own)} == set()
    assert f"/proc/{grandchild}/stat" in asked
    assert f"/proc/{stranger.pid}/stat" not in asked


_ADOPTING = """
import json, os, subprocess, sys, time
from pathlib import Path
from supervisor.probes.process import look_at, look_at_all
from supervisor.machine.strays import become_parent_of_orphans

become_parent_of_orphans()
ready, python = sys.argv[1], [sys.executable, "-c"]
holds = "held = bytearray(b'x') * (96 << 20); open(sys.argv[1], 'w').close(); import time; time.sleep(300)"
leaves = "import subprocess, sys; subprocess.Popen(sys.argv[1:])"  # and is gone: only the session tells whose it is
leads = "import subprocess, sys, time; subprocess.run(sys.argv[1:]); time.sleep(300)"
line = [*python, leads, *python, leaves, *python, "import sys; " + holds, ready]
leader = subprocess.Popen(line, start_new_session=True)
deadline = time.monotonic() + 60
while not Path(ready).exists() and time.monotonic() < deadline:
    time.sleep(0.01)
seen = look_at_all({leader.pid: True})[leader.pid]
print(json.dumps([look_at(leader.pid, family=False).memory, seen.memory]), flush=True)
os.killpg(leader.pid, 9)
"""


def test_what_a_program_left_behind_in_its_session_still_counts(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", _ADOPTING, tmp_path / "ready"], capture_output=True, check=True)
    alone, together = json.loads(done.stdout)
    assert alone < 96 * MEGABYTE < together
