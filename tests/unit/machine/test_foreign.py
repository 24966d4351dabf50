"""Somebody else's process: found, pinned to when it began, looked at, and never signalled."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from supervisor.machine import foreign, proc
from supervisor.machine.marks import OWNER_VARIABLE
from supervisor.machine.process import Child
from supervisor.model.snapshot import Refused
from supervisor.model.terms import Exit


@contextmanager
def program(**environment: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-c", "import time; print(flush=True); time.sleep(1000)"],
        stdout=subprocess.PIPE,
        env={**os.environ, **environment},
        start_new_session=True,
    )
    assert process.stdout
    try:
        process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def ends(pidfd: int) -> bool:
    """Wait for the end of a process."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(20_000))


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def begun_of(pid: int) -> int:
    stat = proc.read_stat(pid)
    assert stat
    return stat.begun


def test_a_process_is_found_by_its_number_and_its_begin() -> None:
    with program() as process:
        found = foreign.find(process.pid)
        assert found.begun == begun_of(process.pid)
        assert not foreign.is_over(found.child.pidfd)
        again = foreign.find(process.pid, found.begun)
        assert abs(again.started - found.started) < 0.5
        again.child.close()
        process.kill()
        assert ends(found.child.pidfd)
        assert foreign.is_over(found.child.pidfd)
        found.child.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_it_is_never_signalled(number: signal.Signals) -> None:
    with program() as process:
        child = foreign.find(process.pid).child
        child.signal_group(number)
        assert child.reap() == (Exit(None, None), 0.0), "it lives on, and only we look away"
        child.close()
        os.kill(process.pid, 0)
        assert process.poll() is None


def test_how_it_ended_is_told_as_far_as_it_can_be_known() -> None:
    with program() as process:
        child = foreign.find(process.pid).child
        process.kill()
        assert ends(child.pidfd)
        assert child.reap()[0] == Exit(None, signal.SIGKILL)
        child.close()


@pytest.mark.parametrize(
    ("pid", "said"),
    [(0, "init process or none"), (1, "init process"), (os.getpid(), "neverdark itself"), (2**22, "no process")],
    ids=["none", "init", "itself", "nobody"],
)
def test_what_cannot_be_meant_is_refused(pid: int, said: str) -> None:
    with pytest.raises(Refused, match=said):
        foreign.find(pid)


def test_another_process_by_the_same_number_is_refused() -> None:
    with program() as process, pytest.raises(Refused, match=r"start_time: .* another one by now"):
        foreign.find(process.pid, begun_of(process.pid) - 1)


def test_a_zombie_is_refused() -> None:
    with program() as process:
        os.kill(process.pid, signal.SIGKILL)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        with pytest.raises(Refused, match="zombie"):
            foreign.find(process.pid)


def test_a_process_of_a_neverdark_is_refused() -> None:
    with program(**{OWNER_VARIABLE: "some-neverdark"}) as process, pytest.raises(Refused, match="neverdark's own"):
        foreign.find(process.pid)


def test_no_descriptor_is_left_of_what_was_refused() -> None:
    before = descriptors()
    with program() as process:
        inside = descriptors()
        for _ in range(5):
            with pytest.raises(Refused):
                foreign.find(process.pid, 1)
        assert descriptors() == inside
    assert descriptors() == before


def test_a_child_is_reaped_without_what_it_has_started() -> None:
    script = "import subprocess, sys; p = subprocess.Popen(['sleep', '1000'], stdout=2); print(p.pid, flush=True)"
    done = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, start_new_session=True)
    assert done.stdout
    started = int(done.stdout.readline())
    try:
        child = Child(done.pid, os.pidfd_open(done.pid))
        assert ends(child.pidfd)
        assert foreign.reap_alone(child) == Exit(0, None)
        child.close()
        os.kill(started, 0)
        assert foreign.reap_alone(Child(done.pid, 0)) == Exit(None, None), "somebody else has reaped it"
    finally:
        os.kill(started, signal.SIGKILL)
        done.stdout.close()
        done.returncode = 0
