"""Whether a stream shall run, who says so, since and until when: one precedence, enabled < schedule < operator. Pure.

Times are seconds since 1970: a schedule goes by the clock on the wall, and who sets that sets the schedule. Only an
order for so and so long is carried along when the clock is set.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from typing import NamedTuple

from supervisor.desired.schedule import Schedule, Window, window
from supervisor.model.snapshot import By, Refused, Wanted
from supervisor.model.until import Ends, Until
from supervisor.model.zones import zone_of


class Order(NamedTuple):
    """Somebody's word on one stream, since some time. It holds before `until` (None: until another word)."""

    wanted: bool
    why: str  # as it is told
    since: float | None
    until: float | None = None
    ends: Ends = Ends.NEVER  # how `until` was given

    def holds(self, at: float) -> bool:
        """Whether it is in force. A clock that is set back does not unsay what was said."""
        return self.until is None or at < self.until


def wanted(enabled: Order, schedule: Order | None, operator: Order | None, at: float) -> Wanted:
    """What counts `at` some time: the operator's word while it holds, else the schedule's, else the configuration's."""
    ranks: tuple[tuple[By, Order | None], ...] = (("operator", operator), ("schedule", schedule))
    for by, order in ranks:
        if order is not None and order.holds(at):
            return Wanted(order.wanted, by, order.why, order.since, order.until)
    return Wanted(enabled.wanted, "enabled", enabled.why, enabled.since, None)


class Kept(NamedTuple):
    """An operator's word to be remembered while neverdark is away, and what the configuration said at that time."""

    order: Order
    enabled: bool


class Orders:
    """Every word on every stream: what `wanted` goes by, in one place."""

    def __init__(self) -> None:
        self._enabled: dict[str, Order] = {}
        self._schedules: dict[str, Schedule] = {}
        self._windows: dict[Schedule, Window] = {}  # a thousand streams may have one and the same
        self._seen: dict[Schedule, Window] = {}  # as they were when `lapsed` looked
        self._operator: dict[str, Order] = {}
        self._end: Order | None = None  # the operator's, for all streams

    # --- the configuration's word ------------------------------------------------------------------

    def enable(self, stream: str, *, enabled: bool, why: str, at: float) -> None:
        """The configuration's `enabled`. Only a change of it is a new word; that one ends the operator's."""
        before = self._enabled.get(stream)
        if before is None or before.wanted != enabled:
            self._enabled[stream] = Order(enabled, why, at)
            self._operator.pop(stream, None)

    def schedule(self, stream: str, schedule: Schedule | None, at: float) -> None:
        """The configuration's hours on air, if it has any. Another schedule has another next switch."""
        if schedule == self._schedules.get(stream):
            return
        if schedule is None:
            del self._schedules[stream]
            return
        self._schedules[stream] = schedule
        order = self._operator.get(stream)
        if order and order.ends is Ends.NEXT and order.holds(at):  # one that was recalled may be over
            self._operator[stream] = order._replace(until=self._window(schedule, at).until)

    def switched_off(self, schedules: Mapping[str, Schedule | None], at: float) -> list[str]:
        """Which streams these hours on air, if they held, would switch off that the ones in force do not."""
        return [
            stream
            for stream, schedule in schedules.items()
            if schedule is not None
            and schedule != self._schedules.get(stream)
            and stream not in self._operator
            and not self._window(schedule, at).wanted
        ]

    def keep_only(self, streams: Container[str]) -> None:
        """Others are not configured any more."""
        for words in (self._enabled, self._schedules, self._operator):
            for stream in [stream for stream in words if stream not in streams]:
                del words[stream]

    # --- the operator's ----------------------------------------------------------------------------

    def operate(self, stream: str, order: Order) -> None:
        """An operator's start or stop; the last one counts."""
        self._operator[stream] = order

    def ordered(self, stream: str, until: Until | None, at: float, *, wanted: bool, why: str) -> Order:
        """An operator's start or stop as an order; None: until the schedule's next switch, else until another order.

        Raises Refused.
        """
        schedule = self._schedules.get(stream)
        if until is None:
            until = Until(Ends.NEXT if schedule else Ends.NEVER)
        if until.ends is Ends.NEVER:
            return Order(wanted, why, at)
        if until.ends is Ends.NEXT:
            if schedule is None:
                raise Refused("until: expected a time, a duration or forever, because this stream has no schedule")
            return Order(wanted, why, at, self._window(schedule, at).until, Ends.NEXT)
        moment = until.moment(at, zone_of(schedule.timezone) if schedule else None)
        if moment <= at:
            raise Refused("until: expected a time that is still to come")
        return Order(wanted, why, at, moment, until.ends)

    def kept(self) -> dict[str, Kept]:
        """The operators' words that are in force."""
        return {stream: Kept(order, self._enabled[stream].wanted) for stream, order in self._operator.items()}

    def restore(self, kept: Mapping[str, Kept]) -> None:
        """What was remembered, before the configuration has its say: a change of `enabled` since ends it as ever."""
        for stream, (order, enabled) in kept.items():
            self._enabled[stream] = Order(enabled, "start", order.since)
            self._operator[stream] = order

    def end(self, at: float) -> None:
        """No stream is to run any more, whatever else is said."""
        self._end = Order(wanted=False, why="shutdown", since=at)

    @property
    def ending(self) -> bool:
        """Whether that was said."""
        return self._end is not None

    # --- time --------------------------------------------------------------------------------------

    def clock_was_set(self, seconds: float) -> None:
        """By so much: what was ordered for so and so long ends as much later."""
        for stream, order in self._operator.items():
            if order.ends is Ends.AFTER and order.until is not None:
                self._operator[stream] = order._replace(until=order.until + seconds)

    def lapsed(self, at: float) -> tuple[list[str], list[str]]:
        """The streams on which an operator's word has ended since the last call, and those that a schedule switches."""
        over = [stream for stream, order in self._operator.items() if not order.holds(at)]
        for stream in over:
            del self._operator[stream]
        now = {schedule: self._window(schedule, at) for schedule in set(self._schedules.values())}
        switched = {schedule for schedule, known in now.items() if self._seen.get(schedule) != known}
        self._seen, self._windows = now, dict(now)
        return over, [stream for stream, known in self._schedules.items() if known in switched] if switched else []

    def looked_up(self, stream: str, known: dict[Schedule, list[Window]]) -> Callable[[float], Wanted]:
        """`wanted` of one stream at many times, none of them now; `known` keeps what is looked up, for others as well.

        Of operators' words it knows those that hold, or held until a moment ago.
        """

        def look_up(at: float) -> Wanted:
            schedule = self._schedules.get(stream)
            enabled = self._enabled.get(stream) or Order(wanted=False, why="config", since=at)
            order = None
            if schedule and enabled.wanted:
                before = known.setdefault(schedule, [])
                there = next((one for one in before if one.holds(at)), None)
                if there is None:
                    before.append(there := window(schedule, at))
                order = Order(there.wanted, "schedule", there.since, there.until)
            return wanted(enabled, order, self._operator.get(stream), at)

        return look_up

    def wanted(self, stream: str, at: float) -> Wanted:
        """Whether a stream shall run; one that is not configured shall not."""
        enabled = self._enabled.get(stream) or Order(wanted=False, why="config", since=at)
        return wanted(enabled, self._scheduled(stream, at, enabled), self._end or self._operator.get(stream), at)

    def _scheduled(self, stream: str, at: float, enabled: Order) -> Order | None:
        """The schedule's word; who is switched off in the configuration has no hours on air."""
        schedule = self._schedules.get(stream)
        if schedule is None or not enabled.wanted:
            return None
        known = self._window(schedule, at)
        return Order(known.wanted, "schedule", known.since, known.until)

    def _window(self, schedule: Schedule, at: float) -> Window:
        known = self._windows.get(schedule)
        if known is None or not known.holds(at):
            known = self._windows[schedule] = window(schedule, at)
        return known
