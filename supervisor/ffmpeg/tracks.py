"""What the player of a list says among the lines of its encoder. Pure."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from supervisor.model.terms import TrackResult

if TYPE_CHECKING:
    from collections.abc import Mapping

_LINE = re.compile(rb"\[player\] \[(info|warning)\] (?:(playing|skipped) )?(.{1,400})", re.DOTALL).match
_RESULTS = {b"playing": TrackResult.PLAYED, b"skipped": TrackResult.SKIPPED}
_MOST_TOLD = 200


class Tracks:
    """Counts the tracks of one list, over all runs of its encoder. `current` is the name of the latest one's file."""

    def __init__(self) -> None:
        self.counts: Mapping[TrackResult, int] = MappingProxyType(dict.fromkeys(TrackResult, 0))
        self.current: str | None = None
        self._told: set[str] = set()  # the names of those that were skipped: each run of the player tells them again

    def heed(self, line: bytes) -> str | None:
        """Look at a line; returns what the owner should know, in words."""
        found = _LINE(line)
        if found is None:
            return None
        level, what, rest = found.groups()
        words = rest.decode(errors="replace")
        if what:
            result = _RESULTS[what]
            self.counts = MappingProxyType({**self.counts, result: self.counts[result] + 1})
            if result is TrackResult.PLAYED:
                self.current = words
                self._told.discard(words)
        if level == b"info":
            return None
        if what:
            name = words.rpartition(": ")[0]
            if name in self._told or len(self._told) >= _MOST_TOLD:
                return None
            self._told.add(name)
        return f"{what.decode()} {words}" if what else words
