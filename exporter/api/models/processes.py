"""One process: what it does, and what its connection tells."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AwareDatetime

from exporter.api.example import Example
from exporter.api.policies import show_policies
from exporter.api.shape import From, Made, Shape, show
from supervisor.model.snapshot import LastFailure, ProcessSnapshot, ProgressTotals, UplinkTotals
from supervisor.model.terms import Role


@Example(
    frames=864_000,
    dropped_frames=0,
    duplicated_frames=12,
    bytes=14_400_000_000,
    media_seconds=28_800.0,
    speed=1.0,
    last_advance="2026-03-01T17:59:59.950Z",
)
class Progress(Shape, like=ProgressTotals):
    """Sums over all runs of the process; `speed` is media seconds per second of late."""

    last_advance: AwareDatetime | None


@Example(
    connected=True,
    connected_since="2026-03-01T10:00:01.200Z",
    connections=1,
    acked_bytes=14_399_900_000,
    retransmits=3,
    unsent_bytes=0,
    rtt_seconds=0.021,
)
class UplinkState(Shape, like=UplinkTotals):
    """The kernel's view of the connection to the ingest; counts are sums over all connections."""

    connected_since: AwareDatetime | None


@Example(
    cause="ingest_closed",
    at="2026-03-01T09:59:58.700Z",
    log=["[error] av_interleaved_write_frame(): Broken pipe"],
)
class Failure(Shape, like=LastFailure):
    """Why the process was last replaced or given up, with its last words, secrets hidden.

    The line that named the cause comes first, if there is one. What FFmpeg says at every start is left out and repeats
    are told once: `logs` has all. `said` tells more than the cause does, in words for people; null where there is no
    more to tell.
    """

    at: AwareDatetime


@Example(
    restart={
        "initial_delay": 0.5,
        "factor": 2,
        "max_delay": 10,
        "jitter": 0.1,
        "attempts": 10,
        "reset_after": 60,
        "cooldown": 300,
    },
    stall={"startup": 30, "timeout": 10},
    uplink={"interval": 1, "timeout": 5},
    watchdog={"enabled": True, "interval": 30, "failures": 3, "cooldown": 120},
)
class ProcessPolicies(Shape):
    """The configuration that is in force for the process: seconds, counts and ratios as plain numbers."""

    restart: dict[str, float]
    stall: dict[str, float]
    uplink: dict[str, float]
    watchdog: dict[str, bool | float]


def _progress(process: Any) -> dict[str, Any] | None:
    return show(Progress, process.progress) if process.tracked else None


@Example(
    name="pusher-youtube",
    role="pusher",
    destination="youtube",
    state="running",
    pid=4711,
    run_id="20260301T100000.812Z-2",
    started="2026-03-01T10:00:00.812Z",
    restarts={"exit": 1, "stall": 0, "uplink": 0, "operator": 0},
    exits={"ingest_closed": 1, "ingest_refused": 0, "killed": 0},
    budget_remaining=10,
    backoff_seconds=0.0,
    dropped_datagrams=0,
)
class Process(Shape, like=ProcessSnapshot, without=("key", "cpu_seconds", "tracked")):
    """One process. `pid` is null unless it is alive, `progress` where it cannot be tracked."""

    name: Annotated[str, From("key.name")]
    role: Annotated[Role, From("key.role")]
    destination: Annotated[str | None, Made(lambda process: process.key.destination or None)]
    started: AwareDatetime | None
    retry_at: AwareDatetime | None
    progress: Annotated[Progress | None, Made(_progress)]
    uplink: UplinkState | None
    last_failure: Failure | None
    policies: Annotated[ProcessPolicies, Made(lambda process: show_policies(process.policies))]
