"""Keeps the loop's time: that it lives, how late it is, and whether somebody set the wall clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from supervisor.judge.lateness import Lateness
from supervisor.machine.machine import Clock
from supervisor.model import events
from supervisor.model.snapshot import LOOP_LAG_BUCKETS

_TICK = 0.5
_CLOCK_STEP = 1.0


class Timekeeper:
    """Ticks twice a second. `lateness` may be asked from any thread."""

    def __init__(self, clock: Clock, tell: events.Listener) -> None:
        self.lateness = Lateness(clock.now())
        self._clock = clock
        self.clock_steps = 0
        self.lag_counts = [0] * (len(LOOP_LAG_BUCKETS) + 1)
        self.lag_sum = 0.0
        self._tell = tell

    async def run_forever(self, every_second: Callable[[], None]) -> None:
        """Tick, and call `every_second` at every other tick."""
        loop = asyncio.get_running_loop()
        due = loop.time() + _TICK
        offset = self._clock.wall() - self._clock.now()
        odd = False
        while True:
            await asyncio.sleep(due - loop.time())
            now = loop.time()
            lag = max(0.0, now - due)
            self.lateness.tick(self._clock.now(), lag)
            self._note_lag(lag)
            due = max(due + _TICK, now)
            step = self._clock.wall() - self._clock.now() - offset
            if abs(step) > _CLOCK_STEP:
                offset += step
                self.clock_steps += 1
                self._tell(events.ClockStepped(step))
            odd = not odd
            if not odd:
                every_second()

    def _note_lag(self, lag: float) -> None:
        bucket = next((i for i, bound in enumerate(LOOP_LAG_BUCKETS) if lag <= bound), len(LOOP_LAG_BUCKETS))
        self.lag_counts[bucket] += 1
        self.lag_sum += lag
