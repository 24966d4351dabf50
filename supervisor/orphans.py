"""Ends what an earlier neverdark left behind, before anything publishes. IO.

Every child carries its owner's data_dir in its environment. The lock on the data_dir says that the owner is
dead: whoever still carries the mark may be publishing on our keys.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import time
from pathlib import Path

from supervisor.process import OWNER_VARIABLE, RUN_VARIABLE

_DEADLINE = 10.0
_PAUSE = 0.02


class DataDirInUse(Exception):  # noqa: N818 - it names the state
    """Another neverdark runs with this data_dir."""


def lock(data_dir: Path) -> int:
    """Take the data_dir for as long as the returned descriptor is open.

    The lock is on the directory itself, so it works on a full or read-only disk too. Raises `DataDirInUse`, and
    OSError when the directory cannot be made or opened.
    """
    with contextlib.suppress(FileExistsError):
        data_dir.mkdir(parents=True, mode=0o750)
    fd = os.open(data_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        raise DataDirInUse(f"another neverdark is running with data_dir {data_dir}") from None
    return fd


def end_orphans(data_dir: Path) -> list[tuple[int, str]]:
    """Kill every process that carries our mark, with its group; returns their pids and run ids.

    Looks again until a look finds nobody: a child spawned a moment before its owner's death is found too.
    Raises TimeoutError, naming the pids, when one does not die: then nothing may be started.
    """
    mark = f"{OWNER_VARIABLE}={data_dir}".encode()
    ended: dict[int, str] = {}
    deadline = time.monotonic() + _DEADLINE
    while found := _carriers(mark):
        ended |= found
        if time.monotonic() > deadline:
            raise TimeoutError(f"processes of an earlier run do not end: {', '.join(map(str, found))}")
        for pid in found:
            _kill(pid)
        time.sleep(_PAUSE)
    return sorted(ended.items())


def _carriers(mark: bytes) -> dict[int, str]:
    found: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            variables = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue  # gone, or not ours to see
        if mark in variables:
            run = next((v for v in variables if v.startswith(f"{RUN_VARIABLE}=".encode())), b"")
            found[int(entry.name)] = run.partition(b"=")[2].decode("ascii", "replace")
    return found


def _kill(pid: int) -> None:
    """The group goes too, but only if it is one that we made: led by a process with our mark, or by nobody."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)
