"""When the second layer looks: one APScheduler job a destination, and an eye on whether they really run.

APScheduler goes by the wall clock: set back by an hour, its jobs would rest for an hour. So every run is noted by the
monotonic clock, and a job that has missed its time is scheduled anew.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from supervisor.machine.machine import Clock
from supervisor.model import events

_RUNNING_INTERVALS = 2  # a job that has not run for so many intervals does not run
_FIRST_WITHIN = 30.0  # seconds, also where the interval is longer
_TOGETHER = 1.0  # seconds: checks that are due within so long are made at once, which costs less than one by one
_FINE = 10.0  # seconds: a shorter interval is spread as finely as it can be
_LATE_INTERVALS = 1.5
_LATE_SLACK = 1.0  # seconds, beside the intervals: a loop that is busy is not a scheduler that is dead
_MOST_DOUBLINGS = 6
_MOST_SECONDS = 10.0  # that a check may take; it waits for nothing but a look into /proc
_GIVEN_UP = 5.0  # seconds beyond that: arming it anew did not help


class Post(NamedTuple):
    """What is looked after: a destination of a stream; the destination is empty for a bare command."""

    stream: str
    destination: str

    def __str__(self) -> str:
        return f"{self.stream}:{self.destination}"


@dataclass(slots=True)
class _Duty:
    interval: float
    seen: float  # monotonic: when it last ran; before that, when it was set up
    armed: float
    ran: bool = False
    tries: int = 0  # how often it was armed anew in vain

    @property
    def punctual_until(self) -> float:
        """From then on it is late (monotonic)."""
        patience: float = (_LATE_INTERVALS * self.interval + _LATE_SLACK) * 2**self.tries
        return max(self.seen, self.armed) + patience


class CheckScheduler:
    """Runs `check` for every post, each at its own interval. Lives on the engine's loop."""

    def __init__(self, clock: Clock, check: Callable[[Post], Awaitable[None]], tell: events.Tell) -> None:
        self.rearmed = 0
        self._clock = clock
        self._check = check
        self._tell = tell
        self._duties: dict[Post, _Duty] = {}
        self._scheduler: AsyncIOScheduler | None = None
        self._ticked = 0.0  # monotonic: when the scheduler last ran anything
        self._punctual_until = 0.0  # monotonic: before that, no job can be late

    def start(self) -> None:
        """Begin to run; needs a running loop."""
        # What it would say (a job came late, a check is still under way) is ours to notice.
        logging.getLogger("apscheduler").setLevel(logging.CRITICAL + 1)
        self._ticked = self._clock.now()
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._scheduler.start()
        wall = self._clock.wall()
        for number, post in enumerate(self._duties):
            self._schedule(post, wall, (number + 1) / len(self._duties))
        count = sum(1 for post in self._duties if post.destination)
        if count:
            self._tell(events.WatchdogStarted(count))

    def stop(self) -> None:
        """End; a check that is under way may go on for a moment."""
        if self._scheduler:
            self._scheduler.shutdown(wait=False)
            self._scheduler = None

    def keep(self, posts: Mapping[Post, float]) -> None:
        """Look after these, each every so many seconds, and after no others."""
        for post in [post for post in self._duties if post not in posts]:
            del self._duties[post]
            self._remove(post)
        now, wall = self._clock.now(), self._clock.wall()
        fresh = [post for post, interval in posts.items() if not self._is_kept(post, interval)]
        if fresh:
            self._ticked = now  # nothing was due before
            self._punctual_until = 0.0
        for number, post in enumerate(fresh):
            self._duties[post] = _Duty(posts[post], seen=now, armed=now)
            self._schedule(post, wall, (number + 1) / len(fresh))

    def hurry(self, post: Post) -> None:
        """It is not known to run until it has run again, which is to be at once."""
        if duty := self._duties.get(post):
            now = self._clock.now()
            self._duties[post] = _Duty(duty.interval, seen=now, armed=now)
            self._schedule(post, self._clock.wall(), 0.0)

    def _is_kept(self, post: Post, interval: float) -> bool:
        duty = self._duties.get(post)
        return duty is not None and duty.interval == interval

    def interval(self, post: Post) -> float | None:
        """Seconds between two checks; None when it is not looked after."""
        duty = self._duties.get(post)
        return duty.interval if duty else None

    def running(self, post: Post) -> bool:
        """Whether its job really ran within two intervals."""
        duty = self._duties.get(post)
        if duty is None or not duty.ran:
            return False
        return self._clock.now() - duty.seen <= _RUNNING_INTERVALS * duty.interval

    def look(self, now: float) -> None:
        """Called every second: a job that is late is scheduled anew."""
        if self._scheduler is None or now < self._punctual_until:
            return
        for post, duty in self._duties.items():
            if now <= duty.punctual_until:
                continue
            late = now - duty.seen
            duty.armed, duty.tries = now, min(duty.tries + 1, _MOST_DOUBLINGS)
            self.rearmed += 1
            self._tell(events.CheckRearmed(str(post), late))
            self._schedule(post, self._clock.wall(), 0.0)
        self._punctual_until = min((duty.punctual_until for duty in self._duties.values()), default=0.0)

    def late(self, now: float) -> float | None:
        """Seconds by which the scheduler is overdue, if arming its jobs anew did not help either. From any thread.

        Any job that it runs is a sign of life: a check that hangs or fails is that destination's trouble.
        """
        intervals = [duty.interval for duty in list(self._duties.values())]
        if self._scheduler is None or not intervals:
            return None
        overdue = now - self._ticked - _RUNNING_INTERVALS * min(intervals) - _GIVEN_UP
        return overdue if overdue > 0 else None

    # --- APScheduler -------------------------------------------------------------------------------

    def _schedule(self, post: Post, wall: float, share: float) -> None:
        """First run after `share` of the interval from `wall` on, so that many destinations are spread over it.

        Of half a minute, where it is longer: until then nobody knows whether the watchdog runs at all.
        """
        if self._scheduler is None:
            return
        interval = self._duties[post].interval
        due = wall + min(interval, _FIRST_WITHIN) * share
        if interval >= _FINE:
            due = math.ceil(due / _TOGETHER) * _TOGETHER
        self._scheduler.add_job(
            self._run,
            "interval",
            args=(post,),
            id=str(post),
            seconds=interval,
            next_run_time=datetime.fromtimestamp(due, UTC),
            replace_existing=True,
            misfire_grace_time=None,  # however late, it is worth a look
            coalesce=True,
            max_instances=1,
        )

    def _remove(self, post: Post) -> None:
        if self._scheduler and self._scheduler.get_job(str(post)):
            self._scheduler.remove_job(str(post))

    async def _run(self, post: Post) -> None:
        self._ticked = self._clock.now()
        try:
            async with asyncio.timeout(_MOST_SECONDS):
                await self._check(post)
        except Exception as error:  # noqa: BLE001 - whatever it is: it has not been looked at, and that will show
            self._tell(events.InternalError(f"check of {post}", type(error).__name__))
            return
        if duty := self._duties.get(post):
            if duty.tries:
                self._punctual_until = 0.0  # it has less patience again
            duty.seen, duty.ran, duty.tries = self._clock.now(), True, 0
