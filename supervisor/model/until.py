"""Until when an order or a maintenance window holds, as people write it, and which moment that is. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Final, NamedTuple

from supervisor.model.quantities import parse_duration
from supervisor.model.zones import instant

_TIME: Final = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?(?:Z|[+-][0-9]{2}:[0-9]{2})?")
_DURATION: Final = re.compile(r"[0-9.]{1,12} ?(?:s|m|h|d)", re.ASCII | re.IGNORECASE)
LONGEST_REASON: Final = 200  # characters that a person gives as a reason
_FIRST_YEAR, _LAST_YEAR = 1971, 2199  # beyond them nobody means a stream, and not every zone can be reckoned with
_LONGEST: Final = 40  # characters
MOMENT_EXPECTED: Final = "expected a time such as 22:00 or 2026-12-24T22:00, or a duration such as 2h"


class Ends(StrEnum):
    """What kind of end somebody gave."""

    NEVER = "forever"
    NEXT = "next"  # at the schedule's next switch
    AFTER = "after"  # when so much time has passed, whatever the clock is set to
    AT = "at"  # when the clock shows it


class Until(NamedTuple):
    """An end that was written: `seconds` from now, a local `time` of some day or of the next that has it, or neither.

    A `time` with a zone is a moment; one without is local wherever the stream's schedule is, else where neverdark runs.
    """

    ends: Ends
    seconds: float = 0.0
    time: datetime | None = None
    any_day: bool = False

    def moment(self, now: float, zone: tzinfo | None) -> float:
        """The end in seconds since 1970; `zone` None: that of this machine. Of AFTER and AT only."""
        if self.time is None:
            return now + self.seconds
        if not self.any_day:
            return _instant(self.time, zone)
        today = datetime.combine(datetime.fromtimestamp(now, zone).date(), self.time.time())
        at = _instant(today, zone)
        return at if at > now else _instant(today + timedelta(days=1), zone)


def parse_until(text: str) -> Until:
    """`next`, `forever`, or what `parse_moment` takes. Raises ValueError that says what was expected."""
    word = text.strip().lower()
    if word in {Ends.NEXT, Ends.NEVER}:
        return Until(Ends(word))
    try:
        return parse_moment(text)
    except ValueError:
        raise ValueError(f"{MOMENT_EXPECTED}, or next or forever") from None


def parse_moment(text: str) -> Until:
    """`22:00`, `2026-12-24T22:00`, with or without a zone (`Z`, `+01:00`), or `2h`. Raises ValueError."""
    word = text.strip()[:_LONGEST]
    try:
        if match := _TIME.fullmatch(word):
            time = datetime(1970, 1, 1, int(match[1]), int(match[2]))  # noqa: DTZ001 - local
            return Until(Ends.AT, time=time, any_day=True)
        if _DATE.fullmatch(word):
            time = datetime.fromisoformat(word)
            if _FIRST_YEAR <= time.year <= _LAST_YEAR:
                return Until(Ends.AT, time=time)
        if _DURATION.fullmatch(word) and (seconds := parse_duration(word)):
            return Until(Ends.AFTER, seconds)
    except ValueError:
        pass
    raise ValueError(MOMENT_EXPECTED)


def _instant(local: datetime, zone: tzinfo | None) -> float:
    return local.timestamp() if zone is None else instant(local, zone)
