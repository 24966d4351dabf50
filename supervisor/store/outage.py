"""Tells of a database that cannot be written: once when it lasts, once when records are lost, once when it is over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from supervisor.model import events

NEWS_AFTER: Final = 5.0  # seconds: a lock that is held for a moment is no trouble
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 5.0


class Outage:
    """Times are monotonic seconds."""

    def __init__(self, name: str, tell: Callable[[events.Payload], None]) -> None:
        self._name = name
        self._tell = tell
        self._since: float | None = None
        self._told = False
        self.error = ""
        self._dropped = 0  # as far as it is told
        self._dropped_before = 0  # when it began
        self._retry_after = _FIRST_WAIT

    @property
    def lasts(self) -> bool:
        """Whether the latest attempt failed."""
        return self._since is not None

    def failed(self, error: str, now: float, *, at_once: bool = False) -> float:
        """An attempt failed. Returns how long to wait for the next one."""
        self._since = now if self._since is None else self._since
        self.error = error
        if not self._told and (at_once or now - self._since >= NEWS_AFTER):
            self._told = True
            self._tell(events.StoreTrouble(self._name, error))
        wait, self._retry_after = self._retry_after, min(2 * self._retry_after, _LONGEST_WAIT)
        return wait

    def lost(self, dropped: int) -> None:
        """So many records have been dropped since neverdark started; the first of an outage are news."""
        if dropped > self._dropped and self._dropped == self._dropped_before:
            error = self.error or "more came than could be written"
            self._tell(events.StoreTrouble(self._name, error, dropped - self._dropped))
            self._told = True
        self._dropped = dropped

    def over(self, now: float) -> None:
        """An attempt succeeded."""
        if self._told:
            lasted = 0.0 if self._since is None else now - self._since
            self._tell(events.StoreRecovered(self._name, lasted, self._dropped - self._dropped_before))
        self._since, self._told, self.error = None, False, ""
        self._dropped_before, self._retry_after = self._dropped, _FIRST_WAIT
