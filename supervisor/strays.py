"""Children that nobody waits for any more: what a dead run of ours left behind, and zombies. Linux.

neverdark asks to become the parent of orphans among its descendants. So a command that put its program into the
background and died cannot leave a second publisher, and as a container's first process neverdark leaves no zombies.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
from collections.abc import Container
from pathlib import Path

from supervisor.process import OWNER_VARIABLE, RUN_VARIABLE

_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Become the parent of what our children leave behind."""
    with contextlib.suppress(OSError, AttributeError):  # a system without it: orphans go to its first process
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def sweep(pids: Container[int], run_ids: Container[str], owner: Path) -> list[int]:
    """Reap zombies that are not among `pids`, and kill what carries our mark but belongs to no live run.

    `pids` and `run_ids` are those of our live processes, `owner` is our data_dir. Returns the pids that were killed.
    """
    killed = []
    for pid in _children():
        if pid in pids:
            continue
        with contextlib.suppress(ChildProcessError):
            if os.waitpid(pid, os.WNOHANG)[0] == pid:
                continue
        run_id = _run_of(pid, owner)
        if run_id is not None and run_id not in run_ids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)
    return killed


def _children() -> list[int]:
    """Pids of our children, whichever of our threads started them."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path("/proc/self/task").iterdir():
            with contextlib.suppress(OSError):
                found += map(int, (task / "children").read_text().split())
    return found


def _run_of(pid: int, owner: Path) -> str | None:
    """The run that a process belongs to; None if it is not one of ours."""
    try:
        variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return None
    if f"{OWNER_VARIABLE}={owner}".encode() not in variables:
        return None
    mark = f"{RUN_VARIABLE}=".encode()
    return next((v[len(mark) :].decode("ascii", "replace") for v in variables if v.startswith(mark)), None)
