"""The second layer's timer, with the real scheduler on a real loop: it runs, it is spread, and it is watched itself."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from supervisor.machine.machine import Machine
from supervisor.model import events
from supervisor.watchdog.scheduler import CheckScheduler, Post

PATIENCE = 20.0
SOON, LATER = 0.1, 3600.0  # intervals: one to wait for, one that does not come by itself
A, B, C, D = (Post("cam", name) for name in ("youtube", "backup", "twitch", "archive"))
BARE = Post("own", "")
HOUR = timedelta(hours=1)


class Rounds:
    """A check that only notes that it was made, or does what it is told."""

    def __init__(self) -> None:
        self.made: Counter[Post] = Counter()
        self.at_once: Counter[Post] = Counter()
        self.most_at_once = 0
        self.broken: set[Post] = set()
        self.hanging: set[Post] = set()
        self.go_on = asyncio.Event()

    async def check(self, post: Post) -> None:
        self.made[post] += 1
        self.at_once[post] += 1
        self.most_at_once = max(self.most_at_once, self.at_once[post])
        try:
            if post in self.broken:
                raise RuntimeError("a check that cannot be made")
            if post in self.hanging:
                await self.go_on.wait()
        finally:
            self.at_once[post] -= 1


class Scene:
    """A watchdog that was started, what it told and what it did."""

    def __init__(self) -> None:
        self.rounds = Rounds()
        self.told: list[events.Payload] = []
        self.scheduler = CheckScheduler(Machine(), self.rounds.check, self.told.append)

    @property
    def rearmed(self) -> list[events.CheckRearmed]:
        return [fact for fact in self.told if isinstance(fact, events.CheckRearmed)]

    def jobs(self) -> dict[str, Any]:
        assert self.scheduler._scheduler is not None
        return {job.id: job for job in self.scheduler._scheduler.get_jobs()}

    def due(self, post: Post) -> datetime:
        due = self.jobs()[str(post)].next_run_time
        assert isinstance(due, datetime)
        return due

    def wait_of(self, post: Post) -> float:
        """Seconds until it is due."""
        return (self.due(post) - datetime.now(UTC)).total_seconds()

    def move(self, post: Post, by: timedelta) -> None:
        """What a step of the wall clock does to a job: it is due so much later (or was due so long ago)."""
        assert self.scheduler._scheduler is not None
        self.scheduler._scheduler.modify_job(str(post), next_run_time=datetime.now(UTC) + by)

    def seen(self, post: Post) -> float:
        return self.scheduler._duties[post].seen

    async def runs(self, post: Post, times: int = 1) -> None:
        enough = self.rounds.made[post] + times
        await until(lambda: self.rounds.made[post] >= enough)


@asynccontextmanager
async def watching(posts: dict[Post, float]) -> AsyncIterator[Scene]:
    scene = Scene()
    scene.scheduler.keep(posts)
    scene.scheduler.start()
    try:
        yield scene
    finally:
        scene.rounds.go_on.set()
        scene.scheduler.stop()


async def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it did not become true in time"
        await asyncio.sleep(0.005)


def on_a_loop(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    def run() -> None:
        asyncio.run(test())

    run.__name__ = test.__name__
    return run


# --- it runs -------------------------------------------------------------------------------------------


@on_a_loop
async def test_there_are_as_many_jobs_as_posts_and_each_runs_again_and_again() -> None:
    posts = dict.fromkeys([A, B, C, BARE], SOON)
    async with watching(posts) as scene:
        assert set(scene.jobs()) == set(map(str, posts))
        assert not any(scene.scheduler.running(post) for post in posts), "so far it is only meant to"
        await until(lambda: all(scene.rounds.made[post] >= 3 for post in posts))
        for post in posts:
            await until(lambda post=post: scene.scheduler.running(post))  # type: ignore[misc]  # bound in the loop
        assert scene.rounds.most_at_once == 1


@on_a_loop
async def test_it_says_how_many_destinations_it_looks_after() -> None:
    async with watching(dict.fromkeys([A, B, BARE], LATER)) as scene:
        assert scene.told == [events.WatchdogStarted(2)], "a bare command has none"


@on_a_loop
async def test_many_are_spread_over_the_interval() -> None:
    """Over half a minute, where it is longer: who has not run yet cannot be told from who never will."""
    for interval, spread in ((16.0, 16.0), (LATER, 30.0)):
        async with watching(dict.fromkeys([A, B, C, D], interval)) as scene:
            waits = [scene.wait_of(post) / spread for post in (A, B, C, D)]
            assert waits == [pytest.approx(share, abs=0.1) for share in (0.25, 0.5, 0.75, 1.0)]


@on_a_loop
async def test_a_thousand_are_looked_at_in_few_goes() -> None:
    """One wake-up and one thread for those of a second: each alone cost more than the looks themselves."""
    posts = {Post(f"s{number}", ""): 30.0 for number in range(1000)}
    async with watching(posts) as scene:
        goes = Counter(scene.due(post) for post in posts)
        assert len(goes) <= 32, "of half a minute, seconds"
        assert max(goes.values()) <= 1000 / 30 * 2
        assert all(due.microsecond == 0 for due in goes), "so who is added later joins in"
        assert scene.jobs().keys() == set(map(str, posts)), "and yet each has a job of its own"


@on_a_loop
async def test_what_comes_later_is_spread_too_and_moves_nobody() -> None:
    async with watching(dict.fromkeys([A, B], LATER)) as scene:
        before = scene.due(A), scene.due(B)
        scene.scheduler.keep(dict.fromkeys([A, B, C, D], LATER))
        assert (scene.due(A), scene.due(B)) == before
        assert [scene.wait_of(post) / 30 for post in (C, D)] == [pytest.approx(share, abs=0.1) for share in (0.5, 1)]


@on_a_loop
async def test_who_is_not_kept_is_not_looked_at_any_more() -> None:
    async with watching(dict.fromkeys([A, B], SOON)) as scene:
        await scene.runs(A)
        scene.scheduler.keep({B: SOON})
        made = scene.rounds.made[A]
        await scene.runs(B, 3)
        assert scene.rounds.made[A] == made
        assert set(scene.jobs()) == {str(B)}
        assert not scene.scheduler.running(A)
        scene.scheduler.keep({})
        assert scene.jobs() == {}


@on_a_loop
async def test_another_interval_holds_at_once() -> None:
    async with watching({A: LATER, B: LATER}) as scene:
        unmoved = scene.due(B)
        scene.scheduler.keep({A: SOON, B: LATER})
        assert (scene.scheduler.interval(A), scene.scheduler.interval(B)) == (SOON, LATER)
        assert scene.due(B) == unmoved
        await scene.runs(A, 3)
        scene.scheduler.keep({A: LATER, B: LATER})
        assert scene.wait_of(A) > 30 / 4


@on_a_loop
async def test_what_is_kept_before_the_start_runs_after_it() -> None:
    scene = Scene()
    scene.scheduler.keep({A: SOON})
    scene.scheduler.look(1e9)  # nobody has started it: nothing can be late
    assert scene.scheduler.rearmed == 0
    scene.scheduler.start()
    await scene.runs(A)
    scene.scheduler.stop()


@on_a_loop
async def test_after_the_end_nothing_runs() -> None:
    async with watching({A: SOON}) as scene:
        await scene.runs(A)
        scheduler = scene.scheduler._scheduler
        scene.scheduler.stop()
        await until(lambda: scheduler is not None and not scheduler.running)
        made = scene.rounds.made[A]
        async with watching({A: SOON}) as another:
            await another.runs(A, 3)
        assert scene.rounds.made[A] == made
        scene.scheduler.keep({A: SOON, B: SOON})
        scene.scheduler.look(1e9)
        assert scene.scheduler.rearmed == 0


# --- it is watched itself -------------------------------------------------------------------------------


@on_a_loop
async def test_a_check_that_raises_does_not_run_and_spoils_nothing_for_the_others() -> None:
    async with watching(dict.fromkeys([A, B], SOON)) as scene:
        scene.rounds.broken.add(A)
        await scene.runs(A, 3)
        await until(lambda: scene.scheduler.running(B))
        assert not scene.scheduler.running(A)
        scene.rounds.broken.clear()
        await until(lambda: scene.scheduler.running(A))
        scene.rounds.broken.add(A)
        await until(lambda: not scene.scheduler.running(A))


@on_a_loop
async def test_a_check_that_hangs_does_not_run_and_is_not_made_a_second_time() -> None:
    async with watching(dict.fromkeys([A, B], SOON)) as scene:
        await until(lambda: scene.scheduler.running(A))
        scene.rounds.hanging.add(A)
        await until(lambda: scene.rounds.at_once[A])
        made = scene.rounds.made[A]
        await until(lambda: not scene.scheduler.running(A))
        await scene.runs(B, 4)
        assert (scene.rounds.made[A], scene.rounds.most_at_once) == (made, 1)
        scene.rounds.hanging.clear()
        scene.rounds.go_on.set()
        await until(lambda: scene.scheduler.running(A))


@pytest.mark.parametrize("by", [HOUR, timedelta(days=400)])
def test_a_wall_clock_that_was_set_back_stops_a_job_until_it_is_armed_anew(by: timedelta) -> None:
    async def test() -> None:
        async with watching({A: SOON}) as scene:
            await scene.runs(A)
            scene.move(A, by)
            made, due = scene.rounds.made[A], scene.seen(A) + 1.5 * SOON
            scene.scheduler.look(due + 0.99)
            assert (scene.scheduler.rearmed, scene.rearmed) == (0, []), "a loop that is busy is no dead scheduler"
            assert scene.wait_of(A) > LATER / 2
            now = scene.seen(A) + 30.0
            scene.scheduler.look(now)
            assert scene.scheduler.rearmed == 1
            assert scene.rearmed == [events.CheckRearmed("cam:youtube", pytest.approx(30.0))]  # type: ignore[arg-type]
            await until(lambda: scene.rounds.made[A] > made + 1)
            await until(lambda: scene.scheduler.running(A))

    asyncio.run(test())


@on_a_loop
async def test_what_was_just_armed_anew_is_given_its_time() -> None:
    async with watching({A: LATER}) as scene:
        scene.rounds.hanging.add(A)
        scene.move(A, 2 * HOUR)
        now = scene.seen(A) + 2 * LATER
        scene.scheduler.look(now)
        await until(lambda: scene.rounds.at_once[A])  # it has begun, and is not over yet
        for second in range(1, 60):
            scene.scheduler.look(now + second)
        assert scene.scheduler.rearmed == 1


@on_a_loop
async def test_a_wall_clock_that_was_set_ahead_makes_up_for_nothing() -> None:
    async with watching({A: LATER}) as scene:
        scene.move(A, -HOUR * 100)
        await scene.runs(A)
        assert 0 < scene.wait_of(A) <= LATER
        await asyncio.sleep(0)
        assert scene.rounds.made[A] == 1, "a hundred that were missed are one"


@on_a_loop
async def test_a_job_that_was_lost_is_made_anew() -> None:
    async with watching({A: SOON, B: SOON}) as scene:
        assert scene.scheduler._scheduler is not None
        scene.scheduler._scheduler.remove_job(str(A))
        scene.scheduler.look(scene.seen(A) + 10.0)
        await scene.runs(A, 2)
        assert "cam:youtube" in {fact.name for fact in scene.rearmed}


@on_a_loop
async def test_who_is_late_although_it_was_armed_anew_is_told() -> None:
    async with watching(dict.fromkeys([A, B], LATER)) as scene:
        assert scene.scheduler._scheduler is not None
        scene.scheduler._scheduler.pause()  # it runs nothing any more, whatever is asked of it
        for post in (A, B):
            scene.move(post, -HOUR)  # they were due long ago
        began = min(scene.seen(A), scene.seen(B))
        now = began + 1.5 * LATER + 2
        assert scene.scheduler.late(now) is None
        scene.scheduler.look(now)
        assert {fact.name for fact in scene.rearmed} == {str(A), str(B)}
        given_up = scene.scheduler._ticked + 2 * LATER + 5
        assert scene.scheduler.late(given_up - 0.5) is None
        assert scene.scheduler.late(given_up + 10) == pytest.approx(10.0, abs=1.0)
        assert not scene.scheduler.running(A)


@on_a_loop
async def test_a_check_that_hangs_is_not_the_schedulers_fault() -> None:
    """/healthz must not have a container restarted for one destination's sake."""
    async with watching({A: SOON, B: SOON}) as scene:
        await scene.runs(A)
        scene.rounds.hanging.add(B)
        await until(lambda: scene.rounds.at_once[B])
        await scene.runs(A)
        ticked = scene.scheduler._ticked
        assert ticked > scene.seen(B)
        assert scene.scheduler.late(ticked + 2 * SOON + 4) is None
        assert scene.scheduler.late(ticked + 2 * SOON + 5 + 3) == pytest.approx(3.0)


@on_a_loop
async def test_without_anything_to_look_after_nothing_is_late() -> None:
    async with watching({}) as scene:
        scene.scheduler.look(1e9)
        assert (scene.scheduler.late(1e9), scene.scheduler.rearmed) == (None, 0)
        assert scene.told == [], "where there is nothing to watch, nothing is said to watch it"


@on_a_loop
async def test_what_is_new_is_not_overdue() -> None:
    """Nothing was enabled for hours; the first stream that is started must not have neverdark restarted."""
    async with watching({}) as scene:
        scene.scheduler._ticked -= 3600
        scene.scheduler.keep({A: LATER})
        assert scene.scheduler.late(scene.scheduler._ticked + 2 * LATER) is None
        assert scene.scheduler._ticked > scene.seen(A) - 1


# --- at once -----------------------------------------------------------------------------------------------


@on_a_loop
async def test_what_is_hurried_runs_now_and_is_not_known_to_run_before() -> None:
    async with watching({A: LATER, B: LATER}) as scene:
        scene.scheduler._duties[A].ran = True
        assert scene.scheduler.running(A)
        scene.scheduler.hurry(A)
        assert not scene.scheduler.running(A)
        await until(lambda: scene.rounds.made[A] > 0)
        assert scene.scheduler.running(A)
        assert scene.rounds.made == {A: 1}
        scene.scheduler.hurry(C)  # nobody looks after it
        assert scene.scheduler.interval(C) is None
