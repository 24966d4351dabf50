"""A maintenance window as a value: when failures of which streams are recorded and wake nobody."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, NamedTuple

from supervisor.model.until import Until


class Maintenance(NamedTuple):
    """From `since` until `until` (seconds since 1970). `streams` None: all.

    `origin`: it stands in the configuration, or an operator has ordered it. `lasting`: how long was said, not until
    when; who sets the clock does not make it longer.
    """

    id: str
    streams: tuple[str, ...] | None
    since: float
    until: float
    reason: str | None
    origin: Literal["file", "operator"]
    lasting: bool = False

    def covers(self, stream: str) -> bool:
        """Whether it is about this one."""
        return self.streams is None or stream in self.streams


class MaintenanceOrder(NamedTuple):
    """What an operator asks for: streams (None: all), since (None: now) and until when, and why."""

    streams: Collection[str] | None
    since: Until | None
    until: Until
    reason: str | None
