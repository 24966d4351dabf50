"""What streams have left is cleared at the start, a moment after streams have come or gone, and every hour."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from supervisor.machine.data_dir import DataDir
from supervisor.machine.machine import Machine
from supervisor.model import events
from supervisor.watchdog.leftovers import Leftovers
from tests.unit.watchdog.fakes import WALL, as_fact, in_quick_time

T = TypeVar("T")


class Cleared(Machine):
    """Notes when it was asked to clear, and what not; one of a second, as on a slow disk."""

    def __init__(self) -> None:
        self.cleared: list[tuple[float, Collection[str], float]] = []
        self.began = asyncio.get_running_loop().time()
        self.wall = lambda: WALL

    async def in_a_thread(self, work: Callable[[], T]) -> T:
        await asyncio.sleep(1)
        return work()

    def clear_leftovers(self, data_dir: DataDir, streams: Collection[str], wall: float) -> None:
        del data_dir
        self.cleared.append((asyncio.get_running_loop().time() - self.began, streams, wall))

    @property
    def times(self) -> list[float]:
        return [at for at, *_ in self.cleared]


def reloaded(
    added: tuple[str, ...] = (), removed: tuple[str, ...] = (), changed: tuple[str, ...] = ()
) -> events.Payload:
    return events.ConfigReloaded(Path("neverdark.yml"), added, removed, changed, ())


@asynccontextmanager
async def clearing(streams: set[str]) -> AsyncIterator[tuple[Cleared, Leftovers]]:
    machine = Cleared()
    leftovers = Leftovers(machine, object.__new__(DataDir), lambda: streams)
    job = asyncio.create_task(leftovers.run_forever())
    yield machine, leftovers
    job.cancel()


@in_quick_time
async def test_at_the_start_and_every_hour_with_the_streams_that_are_there_then() -> None:
    streams = {"cam"}
    async with clearing(streams) as (machine, _):
        await asyncio.sleep(10)
        streams.add("new")
        await asyncio.sleep(3 * 3700)
        assert machine.times == [1, 3606, 7211, 10816]
        assert machine.cleared[0][1:] == ({"cam"}, WALL)
        assert machine.cleared[1][1:] == ({"cam", "new"}, WALL)


@in_quick_time
async def test_a_moment_after_streams_have_come_or_gone() -> None:
    async with clearing({"cam"}) as (machine, leftovers):
        await asyncio.sleep(100)
        leftovers.hear(as_fact(reloaded(removed=("old",))))
        await asyncio.sleep(100)
        assert machine.times == [1, 105], "until those that go are gone"
        leftovers.hear(as_fact(reloaded(added=("new",))))
        for _ in range(10):
            leftovers.hear(as_fact(reloaded(removed=("old",))))
        await asyncio.sleep(100)
        assert machine.times == [1, 105, 205], "once for all that happened at once"


@in_quick_time
async def test_a_change_that_comes_while_it_clears_is_not_forgotten() -> None:
    async with clearing({"cam"}) as (machine, leftovers):
        await asyncio.sleep(0.5)
        leftovers.hear(as_fact(reloaded(removed=("old",))))
        await asyncio.sleep(100)
        assert machine.times == [1, 6]


@in_quick_time
async def test_what_leaves_all_streams_in_place_is_no_reason() -> None:
    async with clearing({"cam"}) as (machine, leftovers):
        await asyncio.sleep(10)
        leftovers.hear(as_fact(reloaded(changed=("cam",))))
        leftovers.hear(as_fact(events.ClockStepped(1.0)))
        await asyncio.sleep(1000)
        assert machine.times == [1]
