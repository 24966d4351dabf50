"""Cron expressions, as crontab(5) has them, on a local clock that knows no summer time. Pure.

APScheduler's CronTrigger finds the times. It counts weekdays from Monday and wants a day to fit both its date and its
weekday; for cron 0 and 7 are Sunday, and where date and weekday are both named, either will do. So weekdays go to it by
name, and such an expression becomes two.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from apscheduler.triggers.cron import CronTrigger

ANY_TIME: Final = datetime(2024, 1, 1)  # noqa: DTZ001 - local, wherever that is
MOST_TOGETHER: Final = 400  # what has fallen together so often, as many times as there are days in a year, always does
MINUTE: Final = timedelta(minutes=1)
_FIELDS: Final = ("minute", "hour", "day of month", "month", "day of week")
_WEEKDAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MONTHS: Final = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_NUMBERS: Final = re.compile(r"(?:\*|[0-9]{1,2}-[0-9]{1,2})(?:/[0-9]{1,2})?|[0-9]{1,2}", re.ASCII)
_MONTH: Final = re.compile(rf"{_NUMBERS.pattern}|(?:{_MONTHS})(?:-(?:{_MONTHS}))?", re.ASCII)
_DAY: Final = rf"[0-7]|{'|'.join(_WEEKDAYS)}"
_WEEKDAY: Final = re.compile(rf"(?:(\*)|({_DAY})(?:-({_DAY}))?)(?:/([1-7]))?", re.ASCII)
_PATTERNS: Final = (_NUMBERS, _NUMBERS, _NUMBERS, _MONTH, _WEEKDAY)
_EXPECTED: Final = "expected minute, hour, day of month, month and day of week as in a crontab, such as 0 6 * * 1-5"
_LAST: Final = datetime(2200, 1, 1, tzinfo=UTC)  # what does not come until then never does
_LONGEST: Final = 200  # characters
_FURTHEST_BACK: Final = 24  # doublings of a minute: more than the eight years between two leap days


def parse_cron(value: Any) -> str:
    """A cron expression, its fields one space apart. Raises ValueError that says what was expected."""
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise ValueError(_EXPECTED)
    fields = value.lower().split()
    if len(fields) != len(_FIELDS):
        raise ValueError(f"{_EXPECTED}: {len(_FIELDS)} fields, not {len(fields)}")
    text = " ".join(fields)
    _triggers(text)
    if next_time([text], ANY_TIME) is None:
        raise ValueError("expected a time that comes: no month has such a day")
    return text


def next_time(expressions: Iterable[str], at: datetime) -> datetime | None:
    """The first time `at` some time, which has no zone, or later that one of them names; None: there is none."""
    moment = at.replace(tzinfo=UTC)
    found = (trigger.get_next_fire_time(None, moment) for text in expressions for trigger in _triggers(text))
    return min((time.replace(tzinfo=None) for time in found if time), default=None)


def next_without(expressions: Sequence[str], others: Sequence[str], at: datetime) -> datetime | None:
    """The first time, from `at` on, that one of them names and none of the `others` does; None: there is none."""
    for _ in range(MOST_TOGETHER):
        time = next_time(expressions, at)
        if time is None or next_time(others, time) != time:
            return time
        at = time + MINUTE
    return None


def last_time(expressions: Iterable[str], at: datetime) -> datetime | None:
    """The last time `at` some time or before it."""
    found = (_last_time(text, at.replace(second=0, microsecond=0)) for text in expressions)
    return max((time for time in found if time), default=None)


def _last_time(text: str, at: datetime) -> datetime | None:
    """Where none comes up to `at` from there on, it is before: so the minute is found by halves."""

    def comes_after(minutes: int) -> datetime | None:
        time = next_time([text], at - minutes * MINUTE)
        return time if time and time <= at else None

    far = next((2**power for power in range(_FURTHEST_BACK) if comes_after(2**power - 1)), None)
    if far is None:
        return None
    near, far = far // 2 - 1, far - 1  # nothing comes from `near` on, something from `far` on
    while far - near > 1:
        middle = (near + far) // 2
        near, far = (near, middle) if comes_after(middle) else (middle, far)
    return comes_after(far)


@lru_cache(maxsize=1024)
def _triggers(text: str) -> tuple[CronTrigger, ...]:
    minute, hour, day, month, weekday = text.split(" ")
    for name, field, pattern in zip(_FIELDS, text.split(" "), _PATTERNS, strict=True):
        wrong = next((part for part in field.split(",") if not pattern.fullmatch(part)), None)
        if wrong is not None:
            raise ValueError(f"{_EXPECTED}; {wrong!r} is no {name}")
    weekdays = _weekdays(weekday)
    either = not (day.startswith("*") or weekday.startswith("*"))
    days = ((day, "*"), ("*", weekdays)) if either else ((day, weekdays),)
    try:
        return tuple(
            CronTrigger(
                minute=minute,
                hour=hour,
                day=date,
                month=month,
                day_of_week=name,
                end_date=_LAST,
                timezone=UTC,
            )
            for date, name in days
        )
    except ValueError as error:
        raise ValueError(f"{_EXPECTED}; {str(error).removeprefix('Error validating expression ')}") from None


def _weekdays(field: str) -> str:
    """A field of weekdays as their names, one by one."""
    if field == "*":
        return field
    found: set[int] = set()
    for part in field.split(","):
        match = _WEEKDAY.fullmatch(part)
        assert match is not None
        every, first, last, step = match.groups()
        begin = 0 if every else _number(first)
        end = 6 if every else _number(last) if last else begin
        whole = range(begin, (end if end >= begin else end + 7) + 1, int(step or 1))
        found |= {number % 7 for number in whole}
    return ",".join(_WEEKDAYS[number] for number in sorted(found))


def _number(day: str) -> int:
    return int(day) if day.isdigit() else _WEEKDAYS.index(day)
