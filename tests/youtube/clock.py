"""The one clock of the fake. It can be moved forward; everything that lasts is measured by it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime


class Clock:
    """Somebody's clock, the machine's if nobody brings one, and how far it was moved. Seconds since 1970."""

    def __init__(self, read: Callable[[], float] = time.time) -> None:
        self._read = read
        self.moved = 0.0  # how far it is ahead of who asks the fake and has a clock of its own

    def now(self) -> float:
        """Which time it is."""
        return self._read() + self.moved

    def theirs(self) -> float:
        """Which time it is for who asks."""
        return self.now() - self.moved

    def move(self, seconds: float) -> None:
        """So much time passes at once."""
        assert seconds >= 0, "this clock is never turned back"
        self.moved += seconds


def stamp(at: float) -> str:
    """As the API writes a time."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> float:
    """Of what a client wrote. Raises ValueError; also where no time zone is said."""
    read = datetime.fromisoformat(text)
    if read.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return read.timestamp()
