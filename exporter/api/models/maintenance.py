"""Maintenance windows."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime

from exporter.api.shape import Shape


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
