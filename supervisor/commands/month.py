"""A month of streams, as numbers: what `neverdark report` tells, made of the API's answers. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Final, NamedTuple

from supervisor.commands.stream_words import Json
from supervisor.commands.words import excuse_of
from supervisor.model.zones import parse_zone, zone_of

_MONTH: Final = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
_FIRST_YEAR: Final = 1971
_DECEMBER: Final = 12


class Month(NamedTuple):
    """From `since` to before `until`, both with their zone; `zone` None: that of this machine. `whole`: it is over."""

    name: str
    since: datetime
    until: datetime
    whole: bool
    zone: tzinfo | None

    def local(self, text: str) -> datetime:
        """A moment of the API, in this month's zone."""
        return datetime.fromisoformat(text).astimezone(self.zone)

    @property
    def zone_name(self) -> str:
        """As people call it."""
        return getattr(self.zone, "key", None) or f"local time, {self.since:%Z}"


def parse_month(text: str | None, zone: str | None, now: datetime) -> Month:
    """The month that is meant; None: the one that goes on at `now`. Raises ValueError that names the option."""
    try:
        where = None if zone is None else zone_of(parse_zone(zone))
    except ValueError as error:
        raise ValueError(f"--timezone {zone}: {error}") from None
    here = now.astimezone(where)
    matched = _MONTH.fullmatch(f"{here:%Y-%m}" if text is None else text.strip())
    year, month = map(int, matched.groups()) if matched else (0, 0)
    if not 1 <= month <= _DECEMBER or year < _FIRST_YEAR:
        raise ValueError(f"--month {text}: expected a month such as {here:%Y-%m}")
    since = _midnight(year, month, where)
    if since > now:
        raise ValueError(f"--month {text}: expected a month that has begun; it is {here:%Y-%m}")
    end = _midnight(year + month // _DECEMBER, month % _DECEMBER + 1, where)
    return Month(f"{since:%B %Y}", since, min(end, here), end <= now, where)


def _midnight(year: int, month: int, zone: tzinfo | None) -> datetime:
    """When a month begins."""
    local = datetime(year, month, 1, tzinfo=zone)
    return local if zone else local.astimezone()


class Verdict(NamedTuple):
    """Whether the objective is kept, in a word, and how much darkness it allows; None: there is nothing to say."""

    word: str
    allowed: float


class StreamMonth(NamedTuple):
    """A stream in the month. `time` is the API's; `incidents` those that count, the newest first.

    `longest` is the one that was dark for the longest time. `to_recover` is the mean time from the last media to the
    next. `told` has how often a receiver was told, repetitions included.
    """

    name: str
    time: Json
    incidents: Sequence[Json]
    drills: int
    maintenance: int
    longest: Json | None
    to_recover: float | None
    told: Mapping[str, int]

    @property
    def verdict(self) -> Verdict | None:
        """How it did."""
        objective, share = self.time["objective"], self.time["availability"]
        if objective is None or share is None:
            return None
        word = "kept" if share >= objective else "not certain" if self.time["at_most"] >= objective else "missed"
        return Verdict(word, (1.0 - objective) * self.time["wanted_seconds"])

    @property
    def lost(self) -> float:
        """Seconds that count against it."""
        return float(sum(self.time["off_air_seconds"].values()) + self.time["unknown_seconds"])


class Report(NamedTuple):
    """The month of all streams; `total` is that of all together.

    `beside`: who was told of what is no incident of a stream. Not `complete`: the database is out of reach.
    """

    month: Month
    made: datetime
    streams: Sequence[StreamMonth]
    total: StreamMonth
    remembered: datetime | None
    away: float
    complete: bool
    beside: Sequence[Json] = ()


def make_report(
    month: Month, availability: Json, incidents: Sequence[Json], told: Json, *, made: datetime, complete: bool
) -> Report:
    """The report of a month, from the API's answers about it."""
    times = {time["stream"]: time for time in availability["streams"]}
    streams = [_stream(name, time, [one for one in incidents if one["stream"] == name]) for name, time in times.items()]
    known = availability["remembered_from"]
    return Report(
        month,
        made.astimezone(month.zone),
        streams,
        _stream("", availability["total"], incidents),
        month.local(known) if known else None,
        availability["away_seconds"],
        complete and availability["complete"] and told["complete"],
        [say for say in told["notifications"] if say["incident"] is None],
    )


def _stream(name: str, time: Json, incidents: Sequence[Json]) -> StreamMonth:
    real = [one for one in incidents if not excuse_of(one)]
    excuses = Counter(excuse_of(one) for one in incidents)
    dark = [one for one in real if one["seconds_dark"]]
    recovered = [
        one["recovery_seconds"] + (one["detection_seconds"] or 0.0)
        for one in real
        if one["recovery_seconds"] is not None and one["seconds_dark"]
    ]
    return StreamMonth(
        name,
        time,
        real,
        excuses["drill"],
        excuses["maintenance"],
        max(dark, key=lambda one: one["seconds_dark"], default=None),
        sum(recovered) / len(recovered) if recovered else None,
        _told(incidents),
    )


def _told(incidents: Iterable[Json]) -> Mapping[str, int]:
    told: Counter[str] = Counter()
    for one in incidents:
        for say in one.get("notifications", ()):
            told[say["receiver"]] += say["times"]
    return dict(told.most_common())
