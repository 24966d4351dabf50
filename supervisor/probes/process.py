"""What the system tells of a process and its children: whether it lives, what it uses. Blocks: for worker threads."""

from __future__ import annotations

from typing import NamedTuple

import psutil

from supervisor.checks import Life

_LIVES = {psutil.STATUS_ZOMBIE: Life.ZOMBIE, psutil.STATUS_DEAD: Life.ZOMBIE, psutil.STATUS_STOPPED: Life.STOPPED}


class Usage(NamedTuple):
    """One look. `cpu_seconds` of processor time since it `created` (seconds since 1970), `memory` in resident bytes."""

    pid: int
    life: Life
    cpu_seconds: float = 0.0
    created: float = 0.0
    memory: int = 0


def look_at(pid: int, *, children: bool) -> Usage:
    """Look at a process; with `children`, at all that it started as well. Never raises."""
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            life = _LIVES.get(process.status(), Life.RUNNING)
            times, memory, created = process.cpu_times(), process.memory_info().rss, process.create_time()
    except psutil.NoSuchProcess:
        return Usage(pid, Life.GONE)
    except psutil.Error:
        return Usage(pid, Life.RUNNING)  # it is there; more we may not see
    usage = Usage(pid, life, times.user + times.system, created, memory)
    if not children:
        return usage
    for child in _descendants(process):
        cpu, size = _own(child)
        usage = usage._replace(cpu_seconds=usage.cpu_seconds + cpu, memory=usage.memory + size)
    return usage


def _descendants(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def _own(process: psutil.Process) -> tuple[float, int]:
    try:
        with process.oneshot():
            times = process.cpu_times()
            return times.user + times.system, process.memory_info().rss
    except psutil.Error:
        return 0.0, 0
