"""What the kernel's /proc tells of a process: the one place that reads it. IO, Linux."""

from __future__ import annotations

import contextlib
import os
from typing import Final, NamedTuple

TICK: Final = 1 / os.sysconf("SC_CLK_TCK")  # seconds
PAGE: Final = os.sysconf("SC_PAGE_SIZE")  # bytes
STOPPED: Final = frozenset({b"T", b"t"})  # by a signal, by a debugger
DEAD: Final = frozenset({b"Z", b"X"})
# Fields of /proc/PID/stat, counted from the one after the command's closing bracket.
_STATE, _GROUP, _SESSION, _UTIME, _STIME, _STARTTIME, _RSS, _EXIT_CODE = 0, 2, 3, 11, 12, 19, 21, 49
_STAT_BYTES = 1024  # more than the line can have
_CHUNK = 1 << 16


class Stat(NamedTuple):
    """State's letter, process group, session, processor time used and begin (clock ticks), resident pages."""

    state: bytes
    group: int
    session: int
    used: int
    begun: int
    resident: int


def read_stat(pid: int) -> Stat | None:
    """None when the line is not as it should be. Raises OSError: FileNotFoundError or ProcessLookupError for gone."""
    # os.open costs a third of open(): this runs once for every process in every scrape.
    descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    try:
        line = os.read(descriptor, _STAT_BYTES)
    finally:
        os.close(descriptor)
    # The command's name may hold spaces and brackets; nothing after it does.
    fields = line[line.rfind(b")") + 1 :].split(None, _RSS + 1)
    if len(fields) <= _RSS:
        return None
    return Stat(
        fields[_STATE],
        int(fields[_GROUP]),
        int(fields[_SESSION]),
        int(fields[_UTIME]) + int(fields[_STIME]),
        int(fields[_STARTTIME]),
        int(fields[_RSS]),
    )


def wait_status(pid: int) -> int | None:
    """How a zombie ended, for who is not its parent; None while it lives. Raises OSError: gone, or not ours to see."""
    fields = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    return int(fields[_EXIT_CODE]) if fields[_STATE] in DEAD else None


def is_stopped(pid: int) -> bool:
    """Whether a process was stopped by a signal or a debugger: then it is not waiting for anything of its own."""
    with contextlib.suppress(OSError):
        return (stat := read_stat(pid)) is not None and stat.state in STOPPED
    return False


def everybody() -> list[int]:
    """The pids of all processes that are there now."""
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]  # noqa: PTH208 - a Path for each costs more


def children_of(pid: int) -> list[int]:
    """Pids of what a process has started, whichever of its threads did.

    None of them if it is gone, or the kernel was built without this list.
    """
    found: list[int] = []
    directory = f"/proc/{pid}/task"
    with contextlib.suppress(OSError):
        for task in os.listdir(directory):  # noqa: PTH208 - as above
            with contextlib.suppress(OSError):
                found += map(int, _read(f"{directory}/{task}/children").split())
    return found


def descendants(pid: int) -> list[int]:
    """The processes below a process, children first. One that ends meanwhile is not missed."""
    found: list[int] = []
    asked = [pid]
    while asked:
        new = [child for parent in asked for child in children_of(parent)]
        found += new
        asked = new
    return found


def has_descriptors(pid: int) -> bool:
    """Whether a process holds any; one that ends, or has ended, does not. True where they are not ours to see."""
    try:
        return bool(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - as above
    except PermissionError:
        return True
    except OSError:
        return False


def socket_inodes(pid: int) -> frozenset[int]:
    """The sockets among a process' descriptors; none if it is gone or not ours to look at."""
    directory = f"/proc/{pid}/fd"
    inodes = set()
    try:
        for name in os.listdir(directory):  # noqa: PTH208 - a Path for each of many descriptors doubles the time
            try:
                target = os.readlink(f"{directory}/{name}")  # noqa: PTH115 - see above
            except FileNotFoundError:
                continue  # closed meanwhile
            if target.startswith("socket:["):
                inodes.add(int(target[8:-1]))
    except OSError:
        return frozenset()
    return frozenset(inodes)


def environ(pid: int) -> list[bytes]:
    """A process's `NAME=value`, as it began with them; none of a zombie. Raises OSError: gone, or not ours to see.

    Of a process of another user this may wait for ever: the memory that holds it can be made to.
    """
    return _read(f"/proc/{pid}/environ").split(b"\0")


def users(pid: int) -> tuple[int, int]:
    """The user that a process was started by, and the one that it runs as. Raises OSError when it is gone."""
    real, effective = _read(f"/proc/{pid}/status").partition(b"\nUid:")[2].split(maxsplit=2)[:2]
    return int(real), int(effective)


def _read(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        parts = []
        while part := os.read(descriptor, _CHUNK):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(descriptor)
