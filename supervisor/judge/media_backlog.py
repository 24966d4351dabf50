"""How far a pusher is behind its encoder. Pure."""

from __future__ import annotations

# What is taken off, for each second: silence of ours runs a ten-thousandth fast, and nothing else would ever take away
# what that adds up to. A line that lacks less than this is found by nobody, and fills 20 s in more than five hours.
_FORGOTTEN = 0.001


class MediaBacklog:
    """Media seconds that one pusher was given and has not written yet. Never negative: what is early is on time."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._ahead = 0.0  # by what its feeder's count was greater than its own
        self._weighed: float | None = None

    def begin_run(self) -> None:
        """A new run begins with what comes now."""
        self.seconds, self._weighed = 0.0, None

    def go_on(self) -> None:
        """Both count from other numbers on; what waits stays."""
        self._weighed = None

    def weigh(self, fed: float, sent: float, now: float) -> float:
        """Take the counts of both (media seconds, which only grow) at a moment; returns the backlog."""
        ahead = fed - sent
        if self._weighed is not None:
            waits = self.seconds + ahead - self._ahead - _FORGOTTEN * (now - self._weighed)
            self.seconds = max(0.0, waits)
        self._ahead, self._weighed = ahead, now
        return self.seconds
