"""Whether the loop is late too often. Pure: the same times in, the same answer out."""

from __future__ import annotations

from typing import Final

STOP_SECONDS: Final = 1.0  # a tick that comes so late: the loop stood still
_WINDOW: Final = 60.0  # seconds that are looked back
_STOPS: Final = 3  # one or two mean nothing: a machine that sleeps, a disk that is slow once
_LOST: Final = 6.0  # seconds, together: a tenth of the window
_HANGS: Final = 5.0  # seconds without a tick: it does not even come back


class Lateness:
    """Takes down each tick of the loop; any thread may ask. All times are monotonic seconds."""

    def __init__(self, now: float) -> None:
        self.last_tick = now
        # When it came back, and after how long. Replaced, never changed: another thread may be reading.
        self._stops: tuple[tuple[float, float], ...] = ()

    def tick(self, now: float, lag: float) -> None:
        """The loop ticked, `lag` seconds after it should have."""
        self.last_tick = now
        if lag >= STOP_SECONDS:
            self._stops = (*self._recent(now), (now, lag))

    def late(self, now: float) -> float | None:
        """Seconds that the loop has lost lately, if it does not come back or stands still again and again."""
        silent = now - self.last_tick
        stops = [lag for _, lag in self._recent(now)]
        if silent >= STOP_SECONDS:
            stops.append(silent)
        if silent > _HANGS:
            return silent
        lost = sum(stops)
        return lost if len(stops) >= _STOPS and lost >= _LOST else None

    def _recent(self, now: float) -> tuple[tuple[float, float], ...]:
        return tuple(stop for stop in self._stops if now - stop[0] < _WINDOW)
