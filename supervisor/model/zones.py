"""Local time and time since 1970, in both summer-time nights. Pure, but for the zones' own files.

A local time that does not exist is the moment at which the clock is set forward. One that exists twice is the first of
the two. So of two local times the later one never comes first.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

_MINUTE = timedelta(minutes=1)


def parse_zone(value: Any) -> str:
    """The name of a time zone. Raises ValueError that says what was expected."""
    try:
        return ZoneInfo(value).key
    except (OSError, TypeError, ValueError, LookupError):  # of a directory, a number, `../x`, an unknown name
        raise ValueError("expected the name of a time zone, such as Europe/Berlin or UTC") from None


def zone_of(name: str) -> tzinfo:
    """The time zone of that name."""
    return ZoneInfo(name)


def local_offset(at: float) -> float:
    """Seconds by which this machine's clock on the wall is ahead of UTC at that time (since 1970)."""
    offset = datetime.fromtimestamp(at, UTC).astimezone().utcoffset()
    assert offset is not None
    return offset.total_seconds()


def instant(local: datetime, zone: tzinfo) -> float:
    """Seconds since 1970 of a local time; one that has a zone of its own is of that zone."""
    if local.tzinfo is not None:
        return local.timestamp()
    before, after = _offsets(local, zone)
    if before < after:  # it does not exist
        while before < after:
            local -= _MINUTE
            before, after = _offsets(local, zone)
        local += _MINUTE
    return (local - before).replace(tzinfo=UTC).timestamp()


def latest_local(at: float, zone: tzinfo) -> datetime:
    """The latest whole minute of local time that has come at `at` (since 1970): of a repeated hour, its last."""
    moment = datetime.fromtimestamp(at, zone)
    local = moment.replace(second=0, microsecond=0, tzinfo=None, fold=0)
    while moment.fold and _is_twice(local + _MINUTE, zone):
        local += _MINUTE
    return local


def _is_twice(local: datetime, zone: tzinfo) -> bool:
    before, after = _offsets(local, zone)
    return before > after


@lru_cache(maxsize=4096)
def _offsets(local: datetime, zone: tzinfo) -> tuple[timedelta, timedelta]:
    """What is between a local time and UTC, as before and as after the clock is set."""
    aware = local.replace(tzinfo=zone)
    before, after = aware.replace(fold=0).utcoffset(), aware.replace(fold=1).utcoffset()
    assert before is not None
    assert after is not None
    return before, after
