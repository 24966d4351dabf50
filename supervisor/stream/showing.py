"""What operators want viewers to see outlives neverdark, until its time is over or somebody says otherwise."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from supervisor.model import events
from supervisor.model.fallback import SourceOrder
from supervisor.model.remembered import Memory
from supervisor.stream.stream import Stream


class Showing:
    """Between the ladders of this life, which know what was ordered, and what keeps it over the next ones."""

    def __init__(self, streams: Mapping[str, Stream], memory: Memory, tell: events.Tell) -> None:
        self._streams = streams
        self._memory = memory
        self._tell = tell
        self._kept: dict[str, SourceOrder] | None = None  # as it was handed on last; None: nothing was yet

    def recall(self, wanted: Callable[[str], bool]) -> None:
        """When the streams are there, and none has started: what was ordered, of those that shall run.

        A stream that is stopped begins with its own source.
        """
        for name, order in self._memory.recall_sources().items():
            stream = self._streams.get(name)
            if stream and stream.ladder and wanted(name) and stream.ladder.recall(order):
                self._tell(events.SourceOrdered(name, order.source, order.why, order.until, recalled=True))
        self._kept = {}
        self._memory.keep_sources(self._kept)
        self.look()

    def look(self) -> None:
        """Called when something may have been ordered, and every second: what has changed is kept."""
        if self._kept is None:
            return
        now = {
            name: order
            for name, stream in self._streams.items()
            if stream.ladder and (order := stream.ladder.order_in_force)
        }
        if now != self._kept:
            self._kept = now
            self._memory.keep_sources(now)

    def end(self) -> None:
        """Neverdark ends: what happens to the streams from now on is nobody's word."""
        self._kept = None

    def clock_was_set(self, seconds: float) -> None:
        """By so much."""
        for stream in self._streams.values():
            if stream.ladder:
                stream.ladder.clock_was_set(seconds)
        self.look()
