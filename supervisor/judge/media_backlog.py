"""How far a pusher is behind its encoder. Pure."""

from __future__ import annotations

# What is taken off, for each second: silence of ours runs a ten-thousandth fast, and nothing else would ever take away
# what that adds up to. A line that lacks less than this is found by nobody, and fills 20 s in more than five hours.
_FORGOTTEN = 0.001


class MediaBacklog:
    """Media seconds that one pusher was given and has not written yet. Never negative: what is early is on time."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._before: tuple[float, float, float] | None = None

    def begin_run(self) -> None:
        """A new run begins with what comes now."""
        self.seconds, self._before = 0.0, None

    def go_on(self) -> None:
        """Both count from other numbers on; what waits stays."""
        self._before = None

    def weigh(self, fed: float, sent: float, now: float) -> float:
        """Take the counts of both (media seconds, which only grow) at a moment; returns the backlog."""
        if self._before is not None:
            fed_before, sent_before, then = self._before
            grown = (fed - fed_before) - (sent - sent_before) - _FORGOTTEN * (now - then)
            self.seconds = max(0.0, self.seconds + grown)
        self._before = fed, sent, now
        return self.seconds
