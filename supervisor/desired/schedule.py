"""Hours on air: from a schedule and a time of day to what is wanted, since when, and until when. Pure.

All is done on the clock on the wall. What is repeated there in a night of autumn counts once, and what is left out in
one of spring comes when the clock is set forward. So each switch happens once, whatever the night.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from supervisor.model.cron import MINUTE, MOST_TOGETHER, last_time, next_time, next_without
from supervisor.model.zones import instant, latest_local, zone_of


class Schedule(NamedTuple):
    """When a stream is switched on and off: cron expressions in a time zone. Where both come together, off counts."""

    on: tuple[str, ...]
    off: tuple[str, ...]
    timezone: str


class Window(NamedTuple):
    """What is wanted since some time and until another (seconds since 1970). None: for as long as anybody can tell."""

    wanted: bool
    since: float | None
    until: float | None

    def holds(self, at: float) -> bool:
        """Whether it is that time."""
        return (self.since is None or self.since <= at) and (self.until is None or at < self.until)


def window(schedule: Schedule, at: float) -> Window:
    """What is wanted `at` some time (seconds since 1970)."""
    zone = zone_of(schedule.timezone)
    now = latest_local(at, zone)
    last_on, last_off = _last_on(schedule, now), last_time(schedule.off, now)
    wanted = last_on is not None and (last_off is None or last_on > last_off)
    if wanted:
        since = next_without(schedule.on, schedule.off, last_off + MINUTE) if last_off else last_on
        until = next_time(schedule.off, now + MINUTE)
    else:
        since = next_time(schedule.off, last_on + MINUTE) if last_on else last_off
        until = next_without(schedule.on, schedule.off, now + MINUTE)
    return Window(wanted, instant(since, zone) if since else None, instant(until, zone) if until else None)


def _last_on(schedule: Schedule, at: datetime) -> datetime | None:
    for _ in range(MOST_TOGETHER):
        time = last_time(schedule.on, at)
        if time is None or next_time(schedule.off, time) != time:
            return time
        at = time - MINUTE
    return None
