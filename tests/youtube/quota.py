"""Units of a project, by the day in California."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from tests.youtube.clock import Clock
from tests.youtube.errors import ApiError
from tests.youtube.rules import Rules

_PACIFIC = ZoneInfo("America/Los_Angeles")


class Quota:
    """What has been used up today, and how many broadcasts were made."""

    def __init__(self, clock: Clock, rules: Rules) -> None:
        self._clock = clock
        self._rules = rules
        self._day: date | None = None
        self._used = 0
        self._inserts = 0

    @property
    def used(self) -> int:
        """Units since midnight Pacific."""
        self._turn()
        return self._used

    @used.setter
    def used(self, units: int) -> None:
        self._turn()
        self._used = units

    def use_up(self) -> None:
        """Nothing is left today."""
        self.used = self._rules.quota_limit

    def charge(self, method: str) -> None:
        """For a call. Raises ApiError where too little is left."""
        units = self._rules.cost(method)
        if self.used + units > self._rules.quota_limit:
            raise ApiError("quotaExceeded")
        self._used += units

    def insert(self) -> None:
        """A new broadcast. Raises ApiError where there have been too many."""
        self._turn()
        if self._inserts >= self._rules.inserts_a_day:
            raise ApiError("userRequestsExceedRateLimit")
        self._inserts += 1

    def _turn(self) -> None:
        today = datetime.fromtimestamp(self._clock.now(), _PACIFIC).date()
        if today != self._day:
            self._day, self._used, self._inserts = today, 0, 0
