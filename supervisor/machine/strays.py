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
from functools import partial

from supervisor.machine.marks import carried_by, send
from supervisor.machine.proc import children_of

_PR_SET_CHILD_SUBREAPER = 36


def become_parent_of_orphans() -> None:
    """Become the parent of what our children leave behind."""
    with contextlib.suppress(OSError, AttributeError):  # a system without it: orphans go to its first process
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def sweep(pids: Container[int], run_ids: Container[str], mark: str) -> list[int]:
    """Reap zombies that are not among `pids`, and kill what carries our mark but belongs to no live run.

    `pids` and `run_ids` are those of our live processes, `mark` is our own. Returns the pids that were killed.
    """
    killed = []
    for pid in children_of(os.getpid()):
        if pid in pids:
            continue
        with contextlib.suppress(ChildProcessError):
            if os.waitpid(pid, os.WNOHANG)[0] == pid:
                continue
        if _is_over(pid, run_ids, mark) and send(pid, signal.SIGKILL, partial(_is_over, pid, run_ids, mark)):
            killed.append(pid)
    return killed


def _is_over(pid: int, run_ids: Container[str], mark: str) -> bool:
    carried = carried_by(pid)
    return carried is not None and carried[0] == mark and carried[1] not in run_ids
