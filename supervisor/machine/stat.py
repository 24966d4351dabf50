"""The kernel's one line about a process. IO, Linux."""

from __future__ import annotations

import os
from typing import Final, NamedTuple

TICK: Final = 1 / os.sysconf("SC_CLK_TCK")  # seconds
PAGE: Final = os.sysconf("SC_PAGE_SIZE")  # bytes
# Fields of /proc/PID/stat, counted from the one after the command's closing bracket.
_STATE, _UTIME, _STIME, _STARTTIME, _RSS = 0, 11, 12, 19, 21


class Stat(NamedTuple):
    """Its state's letter, processor time used and when it began (both in clock ticks), resident pages."""

    state: bytes
    used: int
    begun: int
    resident: int


def read_stat(pid: int) -> Stat | None:
    """None when the line is not as it should be. Raises OSError: FileNotFoundError or ProcessLookupError for gone."""
    # os.open costs a third of open(): this runs once for every process in every scrape.
    descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    try:
        line = os.read(descriptor, 1024)
    finally:
        os.close(descriptor)
    # The command's name may hold spaces and brackets; nothing after it does.
    fields = line[line.rfind(b")") + 1 :].split(None, _RSS + 1)
    if len(fields) <= _RSS:
        return None
    return Stat(fields[_STATE], int(fields[_UTIME]) + int(fields[_STIME]), int(fields[_STARTTIME]), int(fields[_RSS]))
