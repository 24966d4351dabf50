"""One process: what it does, and what its connection tells."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AwareDatetime

from exporter.api.policies import show_policies
from exporter.api.shape import From, Made, Shape, show
from supervisor.model.snapshot import LastFailure, ProcessSnapshot, ProgressTotals, UplinkTotals
from supervisor.model.terms import Role


class Progress(Shape, like=ProgressTotals):
    """Sums over all runs of the process; `speed` is media seconds per second of late."""

    last_advance: AwareDatetime | None


class UplinkState(Shape, like=UplinkTotals):
    """The kernel's view of the connection to the ingest; counts are sums over all connections."""

    connected_since: AwareDatetime | None


class Failure(Shape, like=LastFailure):
    """Why the process was last replaced or given up, with its last words, secrets hidden.

    The line that named the cause comes first, if there is one. What FFmpeg says at every start is left out and repeats
    are told once: `logs` has all. `said` tells more than the cause does, in words for people; null where there is no
    more to tell.
    """

    at: AwareDatetime


class ProcessPolicies(Shape):
    """The configuration that is in force for the process: seconds, counts and ratios as plain numbers."""

    restart: dict[str, float]
    stall: dict[str, float]
    uplink: dict[str, float]
    watchdog: dict[str, bool | float]


def _progress(process: Any) -> dict[str, Any] | None:
    return show(Progress, process.progress) if process.tracked else None


class Process(Shape, like=ProcessSnapshot, without=("key", "cpu_seconds", "tracked")):
    """One process. `pid` is null unless it is alive, `progress` where it cannot be tracked."""

    role: Annotated[Role, From("key.role")]
    destination: Annotated[str | None, Made(lambda process: process.key.destination or None)]
    started: AwareDatetime | None
    retry_at: AwareDatetime | None
    progress: Annotated[Progress | None, Made(_progress)]
    uplink: UplinkState | None
    last_failure: Failure | None
    policies: Annotated[ProcessPolicies, Made(lambda process: show_policies(process.policies))]
