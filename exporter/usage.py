"""What the kernel tells of a process at the moment of a scrape: processor time and memory."""

from __future__ import annotations

from typing import NamedTuple

from supervisor.machine.proc import PAGE, TICK, Stat, read_stat
from supervisor.model.snapshot import ProcessSnapshot
from supervisor.model.terms import ProcessKey


class ScrapedUsage(NamedTuple):
    """Processor seconds of all runs of a process, and its resident bytes now."""

    cpu_seconds: float
    memory_bytes: int


def _read(pid: int) -> Stat | None:
    try:
        return read_stat(pid)
    except OSError:
        return None


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

    def read(self, process: ProcessSnapshot) -> ScrapedUsage:
        """The usage of `process` now; its memory is 0 when it is gone."""
        run_id, pid = process.run_id, process.pid
        if run_id != self._run_id:
            self._run_id, self._begun, self._live = run_id, 0, 0.0
        pages = 0
        if pid is None:
            self._live = 0.0  # this run's time is in the snapshot's sum by now
        elif (stat := _read(pid)) is not None:
            _, _, _, ticks, begun, resident = stat
            if not self._begun or begun == self._begun:
                self._begun, self._live, pages = begun, ticks * TICK, resident
        self._told = told = max(self._told, round(process.cpu_seconds + self._live, 3))
        return ScrapedUsage(told, pages * PAGE)
