"""What the kernel tells of a process at the moment of a scrape: processor time and memory."""

from __future__ import annotations

import os
from typing import Final, NamedTuple

from supervisor.model import ProcessKey
from supervisor.snapshot import ProcessSnapshot

_TICK: Final = 1 / os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
# Fields of /proc/PID/stat, counted from the one after the command's closing bracket.
_UTIME, _STIME, _STARTTIME, _RSS = 11, 12, 19, 21


class Usage(NamedTuple):
    """Processor seconds of all runs of a process, and its resident bytes now."""

    cpu_seconds: float
    memory_bytes: int


def _read_stat(pid: int) -> tuple[int, int, int] | None:
    """Clock ticks used, clock tick of its start, resident pages; None when there is no process `pid`."""
    try:
        # os.open costs a third of open(): this runs once for every process in every scrape.
        descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        line = os.read(descriptor, 1024)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    # The command's name may hold spaces and brackets; nothing after it does.
    fields = line[line.rfind(b")") + 1 :].split(None, _RSS + 1)
    if len(fields) <= _RSS:
        return None
    return int(fields[_UTIME]) + int(fields[_STIME]), int(fields[_STARTTIME]), int(fields[_RSS])


class UsageMeter:
    """Reads one process again and again, and never tells less processor time than before.

    A process may vanish between the snapshot and the reading, or its pid may go to another: then the last
    value of that run stands.
    """

    __slots__ = ("_begun", "_live", "_run_id", "_told", "key")

    def __init__(self, key: ProcessKey) -> None:
        self.key = key
        self._run_id: str | None = None
        self._begun = 0  # the clock tick at which this run's process began; 0 until it was seen
        self._live = 0.0
        self._told = 0.0

    def read(self, process: ProcessSnapshot) -> Usage:
        """The usage of `process` now; its memory is 0 when it is gone."""
        run_id, pid = process.run_id, process.pid
        if run_id != self._run_id:
            self._run_id, self._begun, self._live = run_id, 0, 0.0
        pages = 0
        if pid is None:
            self._live = 0.0  # this run's time is in the snapshot's sum by now
        elif (stat := _read_stat(pid)) is not None:
            ticks, begun, resident = stat
            if not self._begun or begun == self._begun:
                self._begun, self._live, pages = begun, ticks * _TICK, resident
        self._told = told = max(self._told, round(process.cpu_seconds + self._live, 3))
        return Usage(told, pages * _PAGE)
