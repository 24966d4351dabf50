"""Programs that neverdark has not started: looked at, and never signalled. IO, Linux."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from pathlib import Path
from typing import NamedTuple

from supervisor.machine import proc
from supervisor.machine.adoption import AdoptedChild
from supervisor.machine.marks import carried_by, is_of_our_user
from supervisor.machine.process import Child, exit_of
from supervisor.model.snapshot import Refused
from supervisor.model.terms import Exit

_FIRST = 1  # the init process
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class ForeignChild(AdoptedChild):
    """A program of somebody else's. What is done to a run of ours is not done to it."""

    __slots__ = ()

    def __init__(self, pid: int, pidfd: int) -> None:
        super().__init__(pid, pidfd, "", "")

    def signal_group(self, number: signal.Signals) -> None:
        """It is not ours to signal."""

    def reap(self) -> tuple[Exit, float]:
        """How it ended, as far as it can be known; nothing, if it lives on and only we look away."""
        with contextlib.suppress(ChildProcessError):  # what a recovery has started may have become our child
            if found := os.waitid(os.P_PIDFD, self.pidfd, os.WEXITED | os.WNOHANG):
                killed = found.si_code != os.CLD_EXITED
                return (Exit(None, found.si_status) if killed else Exit(found.si_status, None)), 0.0
            return Exit(None, None), 0.0
        return self.seen_from_outside()


class Found(NamedTuple):
    """A process that is there: when it began, in clock ticks since the boot and on the wall."""

    child: ForeignChild
    begun: int
    started: float


def boot() -> str:
    """The kernel's name of this boot."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


def find(pid: int, begun: int | None = None) -> Found:
    """A process by its number, and if given by when it began; its descriptor is the caller's to close.

    Raises Refused with words for who has named it.
    """
    if pid <= _FIRST:
        raise Refused(f"pid: expected the process that sends, but {pid} is the init process or none")
    if pid == os.getpid():
        raise Refused(f"pid: expected the process that sends, but {pid} is neverdark itself")
    try:
        pidfd = os.pidfd_open(pid)
    except OSError:
        raise Refused(f"pid: there is no process {pid}") from None
    try:
        known = _look(pid, pidfd, begun)
    except BaseException:
        os.close(pidfd)
        raise
    asleep = time.clock_gettime(time.CLOCK_BOOTTIME)
    return Found(ForeignChild(pid, pidfd), known.begun, time.time() - (asleep - known.begun * proc.TICK))


def reap_alone(child: Child) -> Exit:
    """How a child that has ended did so; what it has started lives on."""
    try:
        return exit_of(os.waitpid(child.pid, 0)[1])
    except ChildProcessError:
        return Exit(None, None)


def is_over(pidfd: int) -> bool:
    """Whether the process of a descriptor has ended, reaped or not."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(0))


def _look(pid: int, pidfd: int, begun: int | None) -> proc.Stat:
    try:
        stat = proc.read_stat(pid)
    except OSError:
        stat = None
    if stat is None:
        raise Refused(f"pid: there is no process {pid}")
    if stat.state in proc.DEAD:
        raise Refused(f"pid: process {pid} has ended and only waits for its parent (a zombie)")
    if begun is not None and stat.begun != begun:
        raise Refused(f"start_time: process {pid} began at {stat.begun}, not at {begun}: it is another one by now")
    if is_of_our_user(pid) and carried_by(pid):
        raise Refused(f"pid: process {pid} is one of neverdark's own, which it looks after already")
    if is_over(pidfd):
        raise Refused(f"pid: process {pid} has ended")
    return stat
