"""Whether a stream shall run, who says so, and until when: one precedence, enabled < schedule < operator. Pure.

Times are monotonic seconds.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

By = Literal["enabled", "schedule", "operator"]


class Order(NamedTuple):
    """Somebody's word on one stream. It holds from `since` on, and before `until` (None: until another word)."""

    wanted: bool
    why: str  # as it is told
    since: float
    until: float | None = None

    def holds(self, at: float) -> bool:
        """Whether it is in force."""
        return self.since <= at and (self.until is None or at < self.until)


class Wanted(NamedTuple):
    """The word that counts, and whose it is."""

    wanted: bool
    by: By
    why: str
    since: float
    until: float | None


def wanted(enabled: Order, schedule: Order | None, operator: Order | None, at: float) -> Wanted:
    """What counts `at` some time: the operator's word while it holds, else the schedule's, else the configuration's."""
    ranks: tuple[tuple[By, Order | None], ...] = (("operator", operator), ("schedule", schedule))
    for by, order in ranks:
        if order is not None and order.holds(at):
            return Wanted(order.wanted, by, order.why, order.since, order.until)
    return Wanted(enabled.wanted, "enabled", enabled.why, enabled.since, None)


class Orders:
    """Every word on every stream: what `wanted` goes by, in one place."""

    def __init__(self) -> None:
        self._enabled: dict[str, Order] = {}
        self._operator: dict[str, Order] = {}
        self._end: Order | None = None  # the operator's, for all streams

    def enable(self, stream: str, *, enabled: bool, why: str, at: float) -> None:
        """The configuration's `enabled`. Only a change of it is a new word; that one ends the operator's."""
        before = self._enabled.get(stream)
        if before is None or before.wanted != enabled:
            self._enabled[stream] = Order(enabled, why, at)
            self._operator.pop(stream, None)

    def operate(self, stream: str, order: Order) -> None:
        """An operator's start or stop; the last one counts."""
        self._operator[stream] = order

    def end(self, at: float) -> None:
        """No stream is to run any more, whatever else is said."""
        self._end = Order(wanted=False, why="shutdown", since=at)

    @property
    def ending(self) -> bool:
        """Whether that was said."""
        return self._end is not None

    def forget(self, stream: str) -> None:
        """The stream is not configured any more."""
        self._enabled.pop(stream, None)
        self._operator.pop(stream, None)

    def lapsed(self, at: float) -> list[str]:
        """The streams on which the operator's word has ended since the last call."""
        over = [stream for stream, order in self._operator.items() if order.until is not None and order.until <= at]
        for stream in over:
            del self._operator[stream]
        return over

    def wanted(self, stream: str, at: float) -> Wanted:
        """Whether a stream shall run; one that is not configured shall not."""
        enabled = self._enabled.get(stream) or Order(wanted=False, why="config", since=at)
        return wanted(enabled, None, self._end or self._operator.get(stream), at)
