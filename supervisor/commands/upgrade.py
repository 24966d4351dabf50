"""`neverdark upgrade`: the installed program takes the place of the running one, and takes its processes over."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys
import time
from pathlib import Path
from typing import NamedTuple

from supervisor.commands.api import Api, ApiError

_DEADLINE = 60.0
_PAUSE = 0.1


class _Holder(NamedTuple):
    """Who has a data_dir, and since when: another start is another one."""

    pid: int
    since: int


def upgrade(data_dir: Path, api: Api) -> int:
    """Have it done, and wait until the new one answers. Returns the exit code."""
    try:
        before = _holder(data_dir, surely=True)
    except OSError as error:
        print(f"neverdark: {data_dir / 'lock'}: {error.strerror}", file=sys.stderr)
        return 1
    if before is None:
        print(f"neverdark: no neverdark that can be upgraded runs with data_dir {data_dir}", file=sys.stderr)
        return 1
    try:
        os.kill(before.pid, signal.SIGUSR1)
    except OSError as error:
        print(f"neverdark: cannot signal process {before.pid}: {error.strerror}", file=sys.stderr)
        return 1
    until = time.monotonic() + _DEADLINE
    while time.monotonic() < until:
        if not Path(f"/proc/{before.pid}").exists():
            print("neverdark: it has ended, its processes run on: see its log, and start it", file=sys.stderr)
            return 1
        with contextlib.suppress(OSError, ApiError):
            if (_holder(data_dir) or before) != before:
                api.get("/api/config")
                print(f"process {before.pid} runs the installed program now")
                return 0
        time.sleep(_PAUSE)
    print(f"neverdark: process {before.pid} does not answer within {_DEADLINE:g} s", file=sys.stderr)
    return 1


def _holder(data_dir: Path, *, surely: bool = False) -> _Holder | None:
    """Who has locked it; None for nobody, or an older version, which would take the signal for its end.

    `surely`: try the lock, which must not be done while another one is about to take it. Raises OSError.
    """
    try:
        lock = os.open(data_dir / "lock", os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    try:
        if surely:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return None
        said = os.pread(lock, 100, 0).split()
    finally:
        os.close(lock)
    return _Holder(int(said[0]), int(said[1])) if len(said) == len(_Holder._fields) else None
