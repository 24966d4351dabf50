"""Keeps the loop's time: that it lives, how late it is, and whether somebody set the wall clock."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Callable

from supervisor.judge.lateness import Lateness
from supervisor.machine.machine import Clock
from supervisor.model import events
from supervisor.model.snapshot import LOOP_LAG_BUCKETS

_TICK = 0.5
_CLOCK_STEP = 1.0


class Timekeeper:
    """Ticks twice a second. `lateness` may be asked from any thread."""

    def __init__(self, clock: Clock, tell: events.Tell) -> None:
        self.lateness = Lateness(clock.now())
        self._clock = clock
        self._offset = clock.wall() - clock.now()
        self.clock_steps = 0
        self.lag_counts = [0] * (len(LOOP_LAG_BUCKETS) + 1)
        self.lag_sum = 0.0
        self._tell = tell

    async def run_forever(self, every_second: Callable[[], None]) -> None:
        """Tick, and call `every_second` at every other tick."""
        due = self._clock.now() + _TICK
        odd = False
        while True:
            await asyncio.sleep(due - self._clock.now())
            now = self._clock.now()
            self.tick(now, max(0.0, now - due))
            due = max(due + _TICK, now)
            odd = not odd
            if not odd:
                every_second()

    def tick(self, now: float, lag: float) -> None:
        """The loop came back, `lag` seconds after it should have."""
        self.lateness.tick(now, lag)
        self._note_lag(lag)
        step = self._clock.wall() - now - self._offset
        if abs(step) > _CLOCK_STEP:
            self._offset += step
            self.clock_steps += 1
            self._tell(events.ClockStepped(step))

    def _note_lag(self, lag: float) -> None:
        self.lag_counts[bisect_left(LOOP_LAG_BUCKETS, lag)] += 1
        self.lag_sum += lag
