"""What the system tells of a process and its family: whether it lives, what it uses. Blocks: for worker threads."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import NamedTuple

from supervisor.judge.checks import Life
from supervisor.machine.family import children_by_session, family_of
from supervisor.machine.proc import PAGE, TICK, read_stat

_LIVES = {b"Z": Life.ZOMBIE, b"X": Life.ZOMBIE, b"T": Life.STOPPED}


class Usage(NamedTuple):
    """One look. `cpu_seconds` of processor time in the `age` (seconds) of the process, `memory` in resident bytes."""

    pid: int
    life: Life
    cpu_seconds: float = 0.0
    age: float = 0.0
    memory: int = 0


def look_at_all(pids: Mapping[int, bool]) -> dict[int, Usage]:
    """Look at many processes; where the value is true, at all that it started as well. Never raises.

    What the families have in common is read once, and of /proc only what belongs to them: a look that reads all of it
    makes a round of them grow with the square of their number.
    """
    ours = children_by_session() if any(pids.values()) else None
    return {pid: look_at(pid, family=family, ours=ours) for pid, family in pids.items()}


def look_at(pid: int, *, family: bool, ours: Mapping[int, list[int]] | None = None) -> Usage:
    """Look at a process; with `family`, at all that it started as well (`ours` as in `family_of`). Never raises."""
    usage = _one(pid)
    if family and usage.life is not Life.GONE:
        for member in family_of(pid, ours)[1:]:
            seen = _one(member)
            usage = usage._replace(cpu_seconds=usage.cpu_seconds + seen.cpu_seconds, memory=usage.memory + seen.memory)
    return usage


def _one(pid: int) -> Usage:
    try:
        stat = read_stat(pid)
    except (FileNotFoundError, ProcessLookupError):
        return Usage(pid, Life.GONE)
    except OSError:
        stat = None
    if stat is None:
        return Usage(pid, Life.RUNNING)  # it is there; more we may not see
    return Usage(
        pid,
        _LIVES.get(stat.state, Life.RUNNING),
        cpu_seconds=stat.used * TICK,
        age=time.clock_gettime(time.CLOCK_BOOTTIME) - stat.begun * TICK,
        memory=stat.resident * PAGE,
    )
