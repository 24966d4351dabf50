"""Which encoder's media the viewers get: the stream's own source, or one of its fallbacks. Pure; monotonic seconds.

The rungs are numbered: 0 is the stream's own source, and the last one is the least wanted. Down it goes at once, to
what can be shown at once; up it goes when the better one has been good for a while, and a source that flaps waits
longer each time. What an operator has ordered is shown whenever it can be: while it fails, the best of the others is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from supervisor.model.fallback import FallbackPolicy, SwitchReason

GRACE = 2.0  # an encoder that was killed is back within this, and the viewers need not see anything else
_JUDGED = 3.0  # for which a fallback must have been good, to be better than one below it
_LONGEST_FACTOR = 16  # of `return_after`: nobody waits longer, however often he has failed
_LONGEST_WAIT = 600.0
_FLAPS_WITHIN = 10  # times `return_after`: who fails again that soon has to be good for twice as long
_MOST_DOUBLINGS = 12


class RungState(NamedTuple):
    """How one of them is at one moment.

    `good`: it delivers what may be shown. `failed`: it is known that it will not in this moment. For `quiet` seconds it
    has delivered nothing, though it should have; None: it has had no time to. `at_once`: it is sure to be there as soon
    as it is started. `live`: it comes from outside, in its own time.
    """

    good: bool
    failed: bool
    quiet: float | None
    at_once: bool = False
    live: bool = False


class Choice(NamedTuple):
    """Which one is to feed, why, and which ones are to run besides it and the stream's own."""

    feed: int
    reason: SwitchReason
    run: frozenset[int]


class FallbackLadder:
    """The choice of one stream. `look` is to be asked whenever something has changed, and every second."""

    def __init__(self, policy: FallbackPolicy, count: int, now: float) -> None:
        """`count` rungs, the stream's own source among them."""
        self.policy = policy
        self.feeding = 0
        self.since = now  # when it began to feed
        self._good_since: list[float | None] = [None] * count
        self._has_failed = [False] * count  # it has been left for that
        self._doublings = [0] * count
        self._given_up: int | None = None  # the rung that was left last because it failed

    def look(self, rungs: Sequence[RungState], ordered: int | None, now: float) -> Choice:
        """What shall be now. `ordered` is the rung that an operator wants to see."""
        for number, rung in enumerate(rungs):
            if not rung.good:
                self._good_since[number] = None
            elif self._good_since[number] is None:
                self._good_since[number] = now
        if self._given_up != ordered:
            self._given_up = None
        if ordered is not None and self._can_show(ordered, rungs, now):
            return Choice(ordered, SwitchReason.ORDERED, self._running(ordered, rungs))
        besides = self._running(self.feeding, rungs) | ({ordered} if ordered else frozenset())
        best = None if self.feeding == ordered else self._better(rungs, now)
        if best is not None:
            return Choice(best, SwitchReason.RETURNED, besides)
        if self._leaves(rungs[self.feeding]) and (other := self._other(rungs)) is not None:
            return Choice(other, SwitchReason.FAILED, besides | self._running(other, rungs))
        return Choice(self.feeding, SwitchReason.RETURNED, besides)

    def switched(self, to: int, reason: SwitchReason, now: float) -> None:
        """The choice was followed."""
        if reason is SwitchReason.FAILED:
            left = self.feeding
            self._given_up = left
            soon = self._has_failed[left] and now - self.since < _FLAPS_WITHIN * self.policy.return_after
            self._doublings[left] = min(self._doublings[left] + 1, _MOST_DOUBLINGS) if soon else 0
            self._has_failed[left] = True
        self.feeding, self.since = to, now

    @property
    def return_after(self) -> float:
        """Seconds for which the stream's own source has to be good before it is taken back."""
        return self._wait(0)

    def _wait(self, rung: int) -> float:
        """Seconds for which a rung has to be good before it is shown instead of what is shown."""
        first = self.policy.return_after if rung == 0 else min(_JUDGED, self.policy.return_after)
        longest = min(self.policy.return_after * _LONGEST_FACTOR, _LONGEST_WAIT)
        return max(first, min(first * (1 << self._doublings[rung]), longest))

    def _has_waited(self, rung: int, rungs: Sequence[RungState], now: float) -> bool:
        since = self._good_since[rung]
        return since is not None and rungs[rung].good and now - since >= self._wait(rung)

    def _can_show(self, ordered: int, rungs: Sequence[RungState], now: float) -> bool:
        """Whether the order can be followed now; if it has failed while it was shown, when it has been good again."""
        rung = rungs[ordered]
        if self.feeding == ordered:
            return not self._leaves(rung)
        if self._given_up == ordered:
            return self._has_waited(ordered, rungs, now)
        return rung.good or not rung.failed

    def _leaves(self, rung: RungState) -> bool:
        if rung.good or rung.quiet is None:
            return False
        return rung.quiet >= (self.policy.after if rung.failed else max(self.policy.after, GRACE))

    def _better(self, rungs: Sequence[RungState], now: float) -> int | None:
        """The best one above the one that feeds that has been good for long enough."""
        for number in range(self.feeding):
            if self._has_waited(number, rungs, now):
                return number
        return None

    def _other(self, rungs: Sequence[RungState]) -> int | None:
        """What can be shown instead, best first: what is good now, what is there at once, what may come."""
        others = [number for number in range(len(rungs)) if number != self.feeding]
        for number in others:
            if rungs[number].good:
                return number
        for number in others:
            if rungs[number].at_once and not rungs[number].failed:
                return number
        below = [number for number in others if number > self.feeding and not rungs[number].failed]
        return below[0] if below else None

    def _running(self, feeding: int, rungs: Sequence[RungState]) -> frozenset[int]:
        """The fallbacks that are to run: the one that feeds, better ones than it, and those that are kept warm."""
        warm = {number for number, rung in enumerate(rungs) if self.policy.warm and rung.live}
        return frozenset({*range(1, feeding + 1), *warm} - {0})
