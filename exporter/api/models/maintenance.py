"""Maintenance windows."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime

from exporter.api.example import Example
from exporter.api.shape import Shape


@Example(
    id="M1",
    streams=["harbour-cam"],
    since="2026-03-02T04:00:00.000Z",
    until="2026-03-02T05:00:00.000Z",
    reason="new lens",
    origin="operator",
)
class MaintenanceWindow(Shape):
    """A time in which what fails in `streams` (null: in all of them) is recorded and wakes nobody.

    Its `origin` is the configuration (`file`), or an `operator` has ordered it; only those can be ended.
    """

    id: str
    streams: list[str] | None
    since: AwareDatetime
    until: AwareDatetime
    reason: str | None
    origin: Literal["file", "operator"]


class MaintenanceList(Shape):
    """In the order of time; of a window that comes again, the one that is open or the next."""

    maintenance: list[MaintenanceWindow]
