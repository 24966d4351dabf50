"""A process and everything it has started. IO, Linux."""

from __future__ import annotations

import contextlib
import os


def family_of(leader: int) -> list[int]:
    """The pids of the leader of a session, of its descendants, and of what those have left behind in its session.

    Orphans are looked for among our own children: neverdark adopts them. A process that goes meanwhile may be
    missing, with what it had started; the next look finds them.
    """
    found = {leader: None}  # in order, each once
    found |= dict.fromkeys(pid for pid in _children(os.getpid()) if _session(pid) == leader)
    to_ask = list(found)
    while to_ask:
        new = [pid for pid in _children(to_ask.pop()) if pid not in found]
        found |= dict.fromkeys(new)
        to_ask += new
    return list(found)


def _children(pid: int) -> list[int]:
    """Of all threads of a process; none if it is gone, or the kernel was built without this list."""
    found: list[int] = []
    directory = f"/proc/{pid}/task"
    with contextlib.suppress(OSError):
        for task in os.listdir(directory):  # noqa: PTH208 - a Path for each thread costs more than the reading
            with (
                contextlib.suppress(OSError),
                open(f"{directory}/{task}/children", encoding="ascii") as children,  # noqa: PTH123 - see above
            ):
                found += map(int, children.read().split())
    return found


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:
        return None
