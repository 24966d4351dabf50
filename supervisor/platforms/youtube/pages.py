"""The public pages of channels, looked at now and then. Blocks where it looks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from supervisor.platforms.youtube.model import Page

# A page that tells nothing is asked ever more rarely: it may be a question whether we are human.
_MOST_DOUBLINGS: Final = 4


class Pages:
    """What a stranger sees of some channels."""

    def __init__(self, ask: Callable[[str], Page], now: Callable[[], float]) -> None:
        """`ask` looks at the page of a channel."""
        self._ask = ask
        self._now = now
        self._every: dict[str, float] = {}
        self._due: dict[str, float] = {}
        self._silent: dict[str, int] = {}  # looks in a row that told nothing
        self._shows: dict[str, tuple[Page, float]] = {}  # and since when, as far as was seen

    def follow(self, channels: Iterable[tuple[str, float]]) -> None:
        """Look at these, so many seconds apart."""
        every: dict[str, float] = {}
        for channel, seconds in channels:
            every[channel] = min(seconds, every.get(channel, seconds))
        self._every = every
        for known in (self._due, self._silent, self._shows):
            for channel in known.keys() - every.keys():
                known.pop(channel, None)

    @property
    def due(self) -> float:
        """When to look next (monotonic)."""
        return min((self._due.get(channel, float("-inf")) for channel in self._every), default=float("inf"))

    def look(self) -> None:
        """Look at what is due."""
        for channel, every in list(self._every.items()):
            if self._due.get(channel, float("-inf")) > self._now():
                continue
            page, now = self._ask(channel), self._now()
            silent = self._silent.get(channel, 0) + 1 if page is Page.UNKNOWN else 0
            self._silent[channel] = silent
            self._due[channel] = now + every * 2 ** min(max(0, silent - 1), _MOST_DOUBLINGS)
            if self._shows.get(channel, (None, 0.0))[0] is not page:
                self._shows[channel] = page, now

    def shows(self, channel: str) -> tuple[Page, float]:
        """What it shows, and the seconds for which it has been so."""
        page, since = self._shows.get(channel, (Page.UNKNOWN, self._now()))
        return page, self._now() - since
