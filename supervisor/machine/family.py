"""A process and everything it has started. IO, Linux."""

from __future__ import annotations

import os
from collections.abc import Mapping

from supervisor.machine.proc import children_of


def children_by_session() -> dict[int, list[int]]:
    """Our own children, by session: what those have left behind is among them, because neverdark becomes its parent."""
    found: dict[int, list[int]] = {}
    for pid in children_of(os.getpid()):
        if (session := _session(pid)) is not None:
            found.setdefault(session, []).append(pid)
    return found


def family_of(leader: int, ours: Mapping[int, list[int]] | None = None) -> list[int]:
    """The pids of the leader of a session, of its descendants, and of what those have left behind in its session.

    `ours` is `children_by_session()`, for one who looks at many families at once. A process that goes meanwhile may be
    missing, with what it had started; the next look finds them.
    """
    found = {leader: None}  # in order, each once
    found |= dict.fromkeys((children_by_session() if ours is None else ours).get(leader, ()))
    to_ask = list(found)
    while to_ask:
        new = [pid for pid in children_of(to_ask.pop()) if pid not in found]
        found |= dict.fromkeys(new)
        to_ask += new
    return list(found)


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:
        return None
