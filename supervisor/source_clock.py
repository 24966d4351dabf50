"""Whether the clock of what an encoder reads has begun anew. Pure; times are monotonic seconds, passed in.

A publisher behind a relay comes back and counts from 0, and FFmpeg goes on as if nothing were. What it copies it gives
the next possible time stamp, packet for packet, and says so; what it encodes it throws away until the new clock has
passed the old one, and counts that. Both last for as long as the source had run before.
"""

from __future__ import annotations

import re

from supervisor.model import Report

# FFmpeg 5 names the track as `0:0`, 6 and newer as `vost#0:0`; the numbers are in a unit that nobody tells.
_SET_FORWARD = re.compile(
    rb"(?:output stream 0:0|vost#0:0)[^;]{0,80}; previous: (-?\d{1,19}), current: (-?\d{1,19});"
).search
_SAYS = b"Non-monoton"
_LEAST_GAP = 10  # of any unit; a source that stumbles is out of order by one or two
_PROVEN = 20  # packets in a row
_THROWN_AWAY = 12  # frames, while none is encoded
_PAUSE = 1.0


class SourceClock:
    """Watches one encoder's runs."""

    def __init__(self) -> None:
        self.begin_run()

    def begin_run(self) -> None:
        """Another run, another clock."""
        self._row, self._latest = 0, 0.0
        self._frames = self._dropped = 0

    def heed(self, line: bytes, now: float) -> bool:
        """Look at a line of FFmpeg's; True when it proves that the clock went back."""
        if _SAYS not in line or not (found := _SET_FORWARD(line)):
            return False
        if int(found[1]) - int(found[2]) < _LEAST_GAP:
            return False
        self._row = self._row + 1 if now - self._latest < _PAUSE else 1
        self._latest = now
        return self._row == _PROVEN

    def report(self, report: Report) -> bool:
        """Look at a report; True when it proves the same."""
        if report.frames is None or report.frames > self._frames:
            self._frames, self._dropped = report.frames or 0, report.dropped_frames
            return False
        return report.dropped_frames - self._dropped >= _THROWN_AWAY
