"""Adds up the seconds that something lasts, each of them once. Pure."""

from __future__ import annotations


class Stopwatch:
    """Adds up seconds; what it has told once it never takes back, nor counts twice."""

    __slots__ = ("_total", "since", "until")

    def __init__(self) -> None:
        self.since: float | None = None  # None: it stands
        self.until = float("-inf")  # all before that is accounted for
        self._total = 0.0

    def start(self, at: float) -> None:
        """It runs, from some time that may have passed already; does nothing to one that runs since before."""
        at = max(at, self.until)
        self.since = at if self.since is None else min(at, self.since)

    def stop(self, at: float) -> None:
        """It stands; does nothing to one that does."""
        if self.since is not None:
            self._total += max(0.0, at - self.since)
            self.until, self.since = max(self.until, self.since, at), None

    def seconds(self, now: float) -> float:
        """What it shows."""
        return self._total + (max(0.0, now - self.since) if self.since is not None else 0.0)
