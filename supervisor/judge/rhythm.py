"""How long a source that delivers in pieces is silent between two of them. Pure; times are monotonic seconds.

Segments of HLS come whole, as fast as the line can, and then nothing comes until the next one is finished. That is no
stall, and what was sent on meanwhile is on air.
"""

from __future__ import annotations

from collections import deque

_REMEMBERED = 600.0
_MOST = 60.0
_LEAST = 1.0  # a shorter gap is none
_SLACK = 1.25


class Rhythm:
    """Learns from the gaps of one source."""

    FIRST = 15.0  # until something is known; segments of 14 s were seen

    def __init__(self, first: float = FIRST) -> None:
        """`first` seconds are usual until something is known."""
        self._first = first
        self._gaps: deque[tuple[float, float]] = deque()  # when, how long; each longer than those after it
        self._knows_since: float | None = None

    def note(self, gap: float, now: float) -> None:
        """Media came after so long a silence."""
        if self._knows_since is None:
            self._knows_since = now
        if gap < _LEAST:
            return
        while self._gaps and self._gaps[-1][1] <= gap:
            self._gaps.pop()
        self._gaps.append((now, min(gap, _MOST)))

    def allowance(self, now: float) -> float:
        """Seconds of silence that are usual."""
        while self._gaps and now - self._gaps[0][0] > _REMEMBERED:
            self._gaps.popleft()
        learned = self._gaps[0][1] * _SLACK if self._gaps else 0.0
        young = self._knows_since is None or now - self._knows_since < _REMEMBERED
        return max(learned, self._first) if young else learned
