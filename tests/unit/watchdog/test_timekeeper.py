"""The loop's time: it ticks twice a second, every second somebody is called, lateness and steps of the clock show."""

from __future__ import annotations

import asyncio

import pytest

from supervisor.model import events
from supervisor.model.snapshot import LOOP_LAG_BUCKETS
from supervisor.watchdog.timekeeper import Timekeeper
from tests.unit.watchdog.fakes import LoopClock, in_quick_time


class Scene:
    def __init__(self) -> None:
        self.clock = LoopClock()
        self.told: list[events.Payload] = []
        self.time = Timekeeper(self.clock, self.told.append)
        self.seconds = 0

    def every_second(self) -> None:
        self.seconds += 1


@in_quick_time
async def test_it_ticks_twice_a_second_and_calls_once() -> None:
    scene = Scene()
    job = asyncio.create_task(scene.time.run_forever(scene.every_second))
    await asyncio.sleep(60.1)
    job.cancel()
    assert scene.seconds == 60
    assert (sum(scene.time.lag_counts), scene.time.lag_counts[0]) == (120, 120), "never late"
    assert scene.time.lateness.last_tick == pytest.approx(scene.clock.now(), abs=0.6)
    assert scene.told == []


@in_quick_time
async def test_how_late_it_is_goes_into_its_bucket_and_its_sum() -> None:
    scene = Scene()
    for lag in (0.0005, 0.3, 2.0, 100.0):
        scene.time.tick(scene.clock.now(), lag)
    buckets = dict(zip([*LOOP_LAG_BUCKETS, None], scene.time.lag_counts, strict=True))
    assert {bound: count for bound, count in buckets.items() if count} == {0.001: 1, 0.5: 1, 5.0: 1, None: 1}
    assert scene.time.lag_sum == pytest.approx(102.3005)


@in_quick_time
async def test_a_loop_that_stands_still_again_and_again_is_late() -> None:
    scene = Scene()
    for _ in range(3):
        await asyncio.sleep(10)
        scene.time.tick(scene.clock.now(), 2.5)
    assert scene.time.lateness.late(scene.clock.now()) == pytest.approx(7.5)


@in_quick_time
async def test_a_wall_clock_that_was_set_is_told_once_and_a_creeping_one_not() -> None:
    scene = Scene()
    job = asyncio.create_task(scene.time.run_forever(scene.every_second))
    for by in (0.9, -3600.0, 0.0):
        scene.clock.set_by = by
        await asyncio.sleep(10)
    job.cancel()
    assert scene.told == [events.ClockStepped(-3600.0), events.ClockStepped(3600.0)]
    assert scene.time.clock_steps == 2
