"""How long streams were on air, hour by hour, and off air because of what. Pure.

Times are seconds since 1970, durations are seconds. A *state* is `on_air`, `excused` (off air in maintenance or a
drill), `not_wanted`, or, for a stream that was off air, the segment that broke. One is a part of another: of the time
`on_air`, that `on_fallback`, in which viewers saw another source than the stream's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

HOUR: Final = 3600.0
ON_AIR: Final = "on_air"
ON_FALLBACK: Final = "on_fallback"
EXCUSED: Final = "excused"
NOT_WANTED: Final = "not_wanted"
UNKNOWN: Final = "neverdark"  # the segment: neverdark was not there to see
_HOURS_KEPT: Final = 3
OBJECTIVE: Final = 0.999


class AirHour(NamedTuple):
    """So many `seconds` of the hour that begins at `hour` a stream was in a state, in one life of neverdark."""

    stream: str
    hour: float
    state: str
    seconds: float


class StreamTime(NamedTuple):
    """The sums of a stream over some time; `off_air` has the segments that are known.

    `on_fallback` is a part of `on_air`.
    """

    stream: str
    on_air: float = 0.0
    off_air: Mapping[str, float] = {}
    unknown: float = 0.0
    excused: float = 0.0
    not_wanted: float = 0.0
    objective: float | None = None
    on_fallback: float = 0.0

    @property
    def wanted(self) -> float:
        """What it is measured by: on air, off air, unknown."""
        return self.on_air + sum(self.off_air.values()) + self.unknown


class Availability(NamedTuple):
    """`streams` from `since` to before `until`, in whole hours.

    Nothing is `remembered` from before that time (None: nothing at all). `away` seconds there was no neverdark; what
    is known of them is in the sums. Not `complete`: the database is out of reach.
    """

    since: float
    until: float
    remembered: float | None = None
    away: float = 0.0
    streams: tuple[StreamTime, ...] = ()
    complete: bool = True


def hour_of(at: float, offset: float = 0.0) -> float:
    """When the hour began. `offset` is that of local time from UTC: hours are local ones, whatever that is."""
    return (at + offset) // HOUR * HOUR - offset


class Hours:
    """Makes rows of sums that only grow. The same row is given anew as it grows, so that it may be written twice."""

    def __init__(self, wall: float, offset: float = 0.0) -> None:
        self._hour = hour_of(wall, offset)
        self._seen: Mapping[str, Mapping[str, float]] = {}
        self._of: dict[float, dict[tuple[str, str], float]] = {}

    def look(self, wall: float, booked: Mapping[str, Mapping[str, float]], offset: float = 0.0) -> tuple[AirHour, ...]:
        """`booked`: for each stream, state → seconds since neverdark was started. Returns what has grown.

        What has been booked since the last look is of the hour of that look: so look when an hour is over.
        """
        hour = self._hour
        sums = self._of.pop(hour, {})
        self._of[hour] = sums  # the latest: a clock that was set back may come to an hour once more
        grown = []
        for stream, states in booked.items():
            before = self._seen.get(stream, {})
            for state, seconds in states.items():
                if not seconds:
                    continue
                new = seconds - before.get(state, 0.0)
                if new < 0.0:  # a stream that was taken away and has come back
                    new = seconds
                if new > 0.0:
                    key = stream, state
                    sums[key] = sums.get(key, 0.0) + new
                    grown.append(AirHour(stream, hour, str(state), sums[key]))
        for old in list(self._of)[:-_HOURS_KEPT]:
            del self._of[old]
        self._seen, self._hour = booked, hour_of(wall, offset)
        return tuple(grown)


def add_up(sums: Iterable[tuple[str, str, float]]) -> tuple[StreamTime, ...]:
    """Stream, state, seconds → what each stream comes to, by name."""
    found: dict[str, dict[str, float]] = {}
    for stream, state, seconds in sums:
        states = found.setdefault(stream, {})
        states[state] = states.get(state, 0.0) + seconds
    return tuple(_stream_time(stream, states) for stream, states in sorted(found.items()))


def _stream_time(stream: str, states: Mapping[str, float]) -> StreamTime:
    own = {ON_AIR, ON_FALLBACK, EXCUSED, NOT_WANTED, UNKNOWN}
    return StreamTime(
        stream,
        states.get(ON_AIR, 0.0),
        {state: seconds for state, seconds in states.items() if state not in own},
        states.get(UNKNOWN, 0.0),
        states.get(EXCUSED, 0.0),
        states.get(NOT_WANTED, 0.0),
        on_fallback=states.get(ON_FALLBACK, 0.0),
    )


def total_of(streams: Iterable[StreamTime]) -> StreamTime:
    """All streams together; the sum is of no stream, and has no objective."""
    total = StreamTime("")
    for one in streams:
        off_air = {**total.off_air}
        for segment, seconds in one.off_air.items():
            off_air[segment] = off_air.get(segment, 0.0) + seconds
        total = StreamTime(
            "",
            total.on_air + one.on_air,
            off_air,
            total.unknown + one.unknown,
            total.excused + one.excused,
            total.not_wanted + one.not_wanted,
            on_fallback=total.on_fallback + one.on_fallback,
        )
    return total


def availability_of(time: StreamTime, *, with_unknown: bool = False) -> float | None:
    """The part of the wanted time in which it was on air; None if it was never wanted.

    What is unknown counts as off air, or `with_unknown` as on air.
    """
    if time.wanted <= 0.0:
        return None
    return (time.on_air + (time.unknown if with_unknown else 0.0)) / time.wanted


def away(lives: Iterable[tuple[float, float]], since: float, until: float) -> float:
    """Seconds between lives of neverdark (begin, last sign of life), within the time from `since` to `until`.

    Before the first and after the last one, nothing is known.
    """
    gone, latest = 0.0, None
    for begin, end in sorted(lives):
        if latest is not None:
            gone += max(0.0, min(begin, until) - max(latest, since))
        latest = max(end, latest or end)
    return gone
