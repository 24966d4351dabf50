"""How many units of a day's quota are used, and what may still be done with the rest. Pure.

Google counts by days of the Pacific coast. Of a day's units a reserve is for repairs alone; what today's rotations will
still need is kept from polling, so that polling gets slower before a rotation is given up. But a look every ten minutes
comes before any rotation: who does not look finds neither what has ended nor that it is time to rotate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from enum import Enum
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from supervisor.config.youtube import PlaceSection, QuotaSection
from supervisor.platforms.youtube.planner import INSERT_EVERY

_PACIFIC: Final = ZoneInfo("America/Los_Angeles")
_DAY: Final = 86_400.0
_IDS_A_CALL: Final = 50
_CALLS_A_ROUND: Final = 2  # the streams, and the broadcasts
_WRITES_A_ROTATION: Final = 4  # a new one, its stream, live; the old one complete
_RAREST: Final = 600.0  # seconds between two looks that nothing but repairs may take
# A refusal so soon after midnight is of yesterday, or our clock is ahead of Google's.
_MIDNIGHT_IS_UNSURE: Final = 900.0


class Use(Enum):
    """What a call is for: who comes first when units run out."""

    POLL = "poll"
    ROTATION = "rotation"
    REPAIR = "repair"


class Day(NamedTuple):
    """One Pacific day, `2026-11-27`: what is used of it, and until when the server takes no call (since 1970)."""

    date: str
    used: int = 0
    closed_until: float = 0.0


class Need(NamedTuple):
    """Units in a day: for asking how things are, and for rotations; `least` for asking as rarely as it may be."""

    polling: int
    rotating: int
    least: int = 0

    @property
    def total(self) -> int:
        """Both."""
        return self.polling + self.rotating


def date_of(now: float) -> str:
    """The Pacific day of a time since 1970."""
    return datetime.fromtimestamp(now, _PACIFIC).date().isoformat()


def end_of_day(now: float) -> float:
    """The Pacific midnight that comes next; days are 23, 24 or 25 hours long."""
    tomorrow = datetime.fromtimestamp(now, _PACIFIC).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), _PACIFIC).astimezone(UTC).timestamp()


def begin_of_day(now: float) -> float:
    """The Pacific midnight before."""
    today = datetime.fromtimestamp(now, _PACIFIC).date()
    return datetime.combine(today, time(), _PACIFIC).astimezone(UTC).timestamp()


def today(day: Day, now: float) -> Day:
    """The day that it is; a new one has nothing used."""
    date = date_of(now)
    return day if day.date == date else Day(date, closed_until=min(day.closed_until, now + _MIDNIGHT_IS_UNSURE))


def closed(day: Day, now: float) -> Day:
    """The same, after the server has said that nothing is left."""
    soon = now - begin_of_day(now) < _MIDNIGHT_IS_UNSURE
    return day._replace(closed_until=now + _MIDNIGHT_IS_UNSURE if soon else end_of_day(now))


def may(quota: QuotaSection, day: Day, now: float, use: Use, units: int, kept: int = 0) -> bool:
    """Whether a call of so many units may be made now; `kept` are those that today's rotations will need."""
    if now < day.closed_until:
        return False
    return day.used + units <= _allowed(quota, day, now, use, kept)


def _allowed(quota: QuotaSection, day: Day, now: float, use: Use, kept: int) -> int:
    """Up to how many units of today's a use may go."""
    free = quota.limit - quota.reserve
    looks = math.ceil((end_of_day(now) - now) / _RAREST) * _CALLS_A_ROUND * quota.read
    match use:
        case Use.REPAIR:
            return quota.limit
        case Use.ROTATION:
            return free - looks
        case Use.POLL:
            return free - min(kept, max(0, free - looks - day.used))


def stretched(quota: QuotaSection, day: Day, now: float, every: float, units: int, kept: int = 0) -> float:
    """Seconds from one round of polling to the next: `every`, or more, so that the day's rest suffices.

    `units` is what a round costs. With nothing left it is the time until there is some again.
    """
    ends = end_of_day(now)
    rest = ends - now
    rounds = (_allowed(quota, day, now, Use.POLL, kept) - day.used) // max(units, 1)
    if rounds < 1 or now < day.closed_until:
        return max(every, min(rest, day.closed_until - now) if now < day.closed_until else rest)
    return max(every, rest / rounds)


def round_units(quota: QuotaSection, places: int) -> int:
    """What it costs to ask once about so many destinations of one account."""
    return _CALLS_A_ROUND * math.ceil(places / _IDS_A_CALL) * quota.read


def rotation_units(quota: QuotaSection, *, picture: bool = False) -> int:
    """What one rotation costs; with a `picture`, too, that is given to each broadcast."""
    return (_WRITES_A_ROTATION + picture) * quota.write


def rotations_today(since: float, every: float, now: float) -> int:
    """How often a broadcast that is live `since` then is still to be followed by another one before midnight."""
    return max(0, math.floor((end_of_day(now) - max(since, now - every)) / every))


def daily_need(quota: QuotaSection, places: Sequence[PlaceSection]) -> Need:
    """Units in a day for all destinations of one account, which are asked about together, at the shortest `poll`."""
    asked = [place for place in places if place.stream_id is not None]
    if not asked:
        return Need(0, 0)
    polling = math.ceil(_DAY / min(place.poll for place in asked)) * round_units(quota, len(asked))
    rotating = [(place, max(place.rotate.every, INSERT_EVERY)) for place in places if place.manages and place.rotate]
    units = sum(_DAY / every * rotation_units(quota, picture=place.picture is not None) for place, every in rotating)
    return Need(polling, math.ceil(units), math.ceil(_DAY / _RAREST) * round_units(quota, len(asked)))
