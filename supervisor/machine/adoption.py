"""Finds what an earlier neverdark started and what runs on, so that it can be taken over. IO, Linux.

Every run carries its record in its environment (`model.runs`). That proves that the record is of this process; a pidfd,
opened before it is read, holds on to the process. Who has inherited the environment is no session's leader, or began
later.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import re
import signal
import socket
import time
from dataclasses import dataclass
from functools import partial
from struct import Struct
from typing import NamedTuple

from supervisor.machine import proc
from supervisor.machine.data_dir import DataDir
from supervisor.machine.marks import OWNER_VARIABLE, RECORD_VARIABLE, RUN_VARIABLE, carried_by, is_of_our_user, send
from supervisor.machine.process import Child, exit_of
from supervisor.model.runs import RunRecord, read
from supervisor.model.terms import Exit

_PIDFD_GETFD = 438  # the same on all platforms
_PIDFD_GET_INFO = 0xC040FF0B
_WITH_EXIT = 1 << 3
_INFO = Struct("=QQ11Ii")  # struct pidfd_info: what is asked for, …, wait status
_BEGAN_LATE = 2.0  # seconds after its record was written: a spawn takes a millisecond
_LOOPBACK = "127.0.0.1"
_RUN_ID = re.compile(r"[\w.-]{1,80}", re.ASCII)  # it becomes a part of a file's name
_NOT_GIVEN = -1


@dataclass(frozen=True, slots=True)
class FoundRun:
    """A run of an earlier neverdark that lives; `stopped`: somebody has stopped it by a signal."""

    child: Child
    run_id: str
    record: RunRecord
    begun: int  # clock ticks, as the kernel counts them
    stopped: bool


class AdoptedChild(Child):
    """A run that another neverdark started: nobody tells us how it ends, and its number is free from then on."""

    __slots__ = ("_carries",)

    def __init__(self, pid: int, pidfd: int, mark: str, run_id: str) -> None:
        super().__init__(pid, pidfd)
        self._carries = mark, run_id

    def signal_group(self, number: signal.Signals) -> None:
        """Signal it and its group, whose number is surely its own while it is there."""
        try:
            signal.pidfd_send_signal(self.pidfd, 0)
            os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):
            pass

    def reap(self) -> tuple[Exit, float]:
        """It is gone: how, as far as somebody else than its parent can know. What it left behind is killed."""
        how, cpu = self.seen_from_outside()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, 0)  # as long as one of a group is left, nobody else gets its number
            for pid in proc.everybody():
                if self._has_left(pid):
                    send(pid, signal.SIGKILL, partial(self._has_left, pid))
        return how, cpu

    def seen_from_outside(self) -> tuple[Exit, float]:
        """How it ended and its CPU seconds, as far as somebody else than its parent can know."""
        return self._seen_before_it_is_reaped() or (self._told_by_the_kernel(), 0.0)

    def _seen_before_it_is_reaped(self) -> tuple[Exit, float] | None:
        with contextlib.suppress(OSError):
            signal.pidfd_send_signal(self.pidfd, 0)  # its number is still its own
            stat, status = proc.read_stat(self.pid), proc.wait_status(self.pid)
            if stat is not None and status is not None:
                return exit_of(status), stat.used * proc.TICK
        return None

    def _told_by_the_kernel(self) -> Exit:
        """Since Linux 6.15."""
        answer = bytearray(_INFO.pack(_WITH_EXIT, *[0] * 13))
        with contextlib.suppress(OSError):
            fcntl.ioctl(self.pidfd, _PIDFD_GET_INFO, answer)
            mask, *_, status = _INFO.unpack(answer)
            if mask & _WITH_EXIT:
                return exit_of(status)
        return Exit(None, None)

    def _has_left(self, pid: int) -> bool:
        return all(self._carries) and is_of_our_user(pid) and carried_by(pid) == self._carries


def find_runs(data_dir: DataDir) -> list[FoundRun]:
    """The runs of an earlier neverdark of this data_dir, and of our user, that live."""
    by_run: dict[str, list[FoundRun]] = {}
    for pid in proc.everybody():
        if run := _look(data_dir, pid):
            by_run.setdefault(run.run_id, []).append(run)
    found = []
    for several in by_run.values():
        first = _first(several)
        for run in several:
            if run is first:
                found.append(run)
            else:
                run.child.close()
    return found


def _first(several: list[FoundRun]) -> FoundRun | None:
    """The one that has started the others, which lead sessions of their own; None if nobody can tell."""
    if len(several) == 1:
        return several[0]
    for run in several:
        below = set(proc.descendants(run.child.pid))
        if all(other is run or other.child.pid in below or other.begun > run.begun for other in several):
            return run
    return None


def take_socket(pid: int, descriptor: int, port: int) -> socket.socket | None:
    """A second descriptor of a process' own UDP socket at a port of the loopback.

    None if it has none, and where another process' sockets are not to be had.
    """
    try:
        pidfd = os.pidfd_open(pid)
    except OSError:
        return None
    try:
        number: int = ctypes.CDLL(None).syscall(_PIDFD_GETFD, pidfd, descriptor, 0)
    finally:
        os.close(pidfd)
    if number == _NOT_GIVEN:
        return None
    try:
        taken = socket.socket(fileno=number)
    except OSError:
        os.close(number)
        return None
    if taken.family == socket.AF_INET and taken.type == socket.SOCK_DGRAM and taken.getsockname() == (_LOOPBACK, port):
        return taken
    taken.close()
    return None


def _look(data_dir: DataDir, pid: int) -> FoundRun | None:
    if pid == os.getpid() or not is_of_our_user(pid) or _carried(pid, data_dir) is None:
        return None
    try:
        pidfd = os.pidfd_open(pid)
    except OSError:
        return None
    carried = _carried(pid, data_dir)  # again, now that it can be no other
    stat = _leader(pid, carried.record) if carried else None
    if carried is None or stat is None:
        os.close(pidfd)
        return None
    child = Child(pid, pidfd) if _is_our_child(pidfd) else AdoptedChild(pid, pidfd, carried.mark, carried.run_id)
    return FoundRun(child, carried.run_id, carried.record, stat.begun, stat.state in proc.STOPPED)


class _Carried(NamedTuple):
    mark: str
    run_id: str
    record: RunRecord


def _carried(pid: int, data_dir: DataDir) -> _Carried | None:
    try:
        variables = dict(each.partition(b"=")[::2] for each in proc.environ(pid))
    except OSError:
        return None
    mark, run_id = (os.fsdecode(variables.get(name.encode(), b"")) for name in (OWNER_VARIABLE, RUN_VARIABLE))
    if mark not in data_dir.marks or not _RUN_ID.fullmatch(run_id):
        return None
    record = read(variables.get(RECORD_VARIABLE.encode(), b"").decode("utf-8", "replace"))
    return _Carried(mark, run_id, record) if record else None


def _leader(pid: int, record: RunRecord) -> proc.Stat | None:
    """What the kernel tells of the process that was started with a record; None if it is another, or over."""
    try:
        stat = proc.read_stat(pid)
    except OSError:
        return None
    if stat is None or stat.state in proc.DEAD or not pid == stat.session == stat.group:
        return None
    asleep = time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()  # the kernel counts from the boot
    return stat if stat.begun * proc.TICK - asleep <= record.began + _BEGAN_LATE else None


def _is_our_child(pidfd: int) -> bool:
    try:
        os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True
