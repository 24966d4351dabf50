"""The ledger of an account's quota: counts units before they are spent, in a file that outlives neverdark. IO.

A file that is lost, broken or cannot be written is no reason to stop: then what this process has counted holds.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from supervisor.config.youtube import QuotaSection
from supervisor.platforms.youtube import quota as rules
from supervisor.platforms.youtube.errors import Kind, YoutubeError
from supervisor.platforms.youtube.private_file import alone_with, read_private, write_private
from supervisor.platforms.youtube.quota import Day, Use

_VERSION: Final = 1
_MOST_UNITS: Final = 10**9
# Why nothing is asked: what is left is for others, or the server has said that nothing is left.
KEPT: Final = "kept"
CLOSED: Final = "closed"


def file_name(account: str) -> str:
    """The ledger of an account, in the data_dir."""
    return f"youtube-quota-{account}.json"


class Ledger:
    """What one account has used today. Any thread, and any process, may count in it.

    `wall` is the time since 1970; `file` None keeps nothing.
    """

    def __init__(self, quota: QuotaSection, file: Path | None, wall: Callable[[], float]) -> None:
        self.quota = quota
        self._file = file
        self._wall = wall
        self._lock = threading.Lock()
        self._kept = 0
        self._day = Day("")
        with self._alone():
            self._day = self._merged()

    def keep(self, units: int) -> None:
        """So many units will be needed for today's rotations: polling shall leave them."""
        self._kept = max(0, units)

    @property
    def day(self) -> Day:
        """Today, as this process knows it: reads no file."""
        return rules.today(self._day, self._wall())

    @property
    def used(self) -> int:
        """Units of today's that are gone: all of them while the server says so, whatever was counted here."""
        day = self.day
        return max(day.used, self.quota.limit) if self._wall() < day.closed_until else day.used

    @property
    def new_at(self) -> float:
        """When there are units again (since 1970)."""
        now = self._wall()
        return self.day.closed_until if now < self.day.closed_until else rules.end_of_day(now)

    def may(self, use: Use, units: int) -> bool:
        """Whether a call of so many units may be made now."""
        return rules.may(self.quota, self.day, self._wall(), use, units, self._kept)

    def stretched(self, every: float, units: int) -> float:
        """Seconds from one round of polling of so many units to the next, so that the day's rest suffices."""
        return rules.stretched(self.quota, self.day, self._wall(), every, units, self._kept)

    def spend(self, use: Use, units: int) -> None:
        """Count a call that is about to be made. Raises `YoutubeError` (quota) if it may not be made."""
        with self._alone():
            self._day = self._merged()
            if not self.may(use, units):
                raise YoutubeError(Kind.QUOTA, KEPT if self._wall() >= self._day.closed_until else CLOSED)
            self._day = self._day._replace(used=self._day.used + units)
            self._write()

    def close(self) -> None:
        """The server says that nothing is left."""
        with self._alone():
            self._day = rules.closed(self._merged(), self._wall())
            self._write()

    def _merged(self) -> Day:
        """What this process and the file know of today: others may have counted, or the file may be gone."""
        now = self._wall()
        mine, other = (rules.today(day, now) for day in (self._day, self._read()))
        return Day(mine.date, max(mine.used, other.used), max(mine.closed_until, other.closed_until))

    def _read(self) -> Day:
        if self._file is None:
            return Day("")
        with contextlib.suppress(OSError, ValueError, RecursionError):
            match json.loads(read_private(self._file)):
                case {"version": 1, "day": str(date), "used": int(used), "closed_until": int() | float() as until}:
                    now = self._wall()
                    if 0 <= used <= _MOST_UNITS and until <= rules.end_of_day(now):
                        return Day(date, used, float(until))
        return Day("")

    def _write(self) -> None:
        if self._file is not None:
            row = {"version": _VERSION, "day": self._day.date, "used": self._day.used}
            content = json.dumps({**row, "closed_until": self._day.closed_until}).encode() + b"\n"
            with contextlib.suppress(OSError):  # a full disk
                # Not made to last over a loss of power: that costs more than the few units that would be forgotten.
                write_private(self._file, content, lasting=False)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """No other thread, and where files can be locked no other process."""
        with self._lock, alone_with(self._file) if self._file else contextlib.nullcontext():
            yield
