"""Hours on air as the simulation understands them: an oracle that shares nothing with the product. Pure."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

ZONE = "Europe/Berlin"
_DAY = 1440  # minutes
# Both nights of 2027 in which Berlin's clock is set, by their moment.
NIGHTS = (1_806_195_600.0, 1_824_944_400.0)


class Hours(NamedTuple):
    """Switched on and off once a day, at minutes of the local day."""

    on: int
    off: int

    @property
    def zone(self) -> str:
        """Where."""
        return ZONE

    def switches(self, at: float) -> list[tuple[float, bool]]:
        """Those around a time: when, and whether on; where two come together, in the order of the clock on the wall."""
        today = datetime.fromtimestamp(at, ZoneInfo(self.zone)).date()
        found = []
        for days in (-2, -1, 0, 1, 2):
            day = today + timedelta(days=days)
            for minute, wanted in sorted(((self.on, True), (self.off, False))):
                found.append((_moment(self.zone, day, minute), wanted))
        return found

    def wanted(self, at: float) -> bool:
        """Whether the latest switch was one to on."""
        return [wanted for when, wanted in self.switches(at) if when <= at][-1]

    def next(self, at: float) -> float:
        """When the next switch comes."""
        return next(when for when, _ in self.switches(at) if when > at)

    @property
    def tree(self) -> dict[str, str]:
        """As the configuration has it."""
        on, off = (f"{minute % 60} {minute // 60} * * *" for minute in (self.on, self.off))
        return {"on": on, "off": off, "timezone": self.zone}


def minute_of_day(at: float) -> int:
    """What the clock on the wall shows."""
    local = datetime.fromtimestamp(at, ZoneInfo(ZONE))
    return local.hour * 60 + local.minute


@lru_cache(maxsize=4096)
def _moment(zone: str, day: date, minute: int) -> float:
    """The first moment of a day at which its clock shows so many minutes or more: minute by minute, it is tried."""
    info = ZoneInfo(zone)
    midnight = datetime(day.year, day.month, day.day, tzinfo=info).timestamp()
    for passed in range(max(0, minute - 120), _DAY + 120):
        local = datetime.fromtimestamp(midnight + 60 * passed, info)
        if local.date() != day or local.hour * 60 + local.minute >= minute:
            return midnight + 60 * passed
    raise AssertionError("no day is as long as that")
