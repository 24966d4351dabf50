"""What the engine shows of itself: immutable, so that any thread may read it at leisure.

Wall-clock times are seconds since 1970; durations are seconds. Totals never fall while neverdark runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from supervisor.model import ExitCause, Health, ProcessKey, RestartReason, Segment, State

Verb = Literal["start", "stop", "restart"]


class ProgressTotals(NamedTuple):
    """Sums over all runs of a process; `speed` is media time per second of late, None while unknown."""

    frames: int = 0
    dropped_frames: int = 0
    duplicated_frames: int = 0
    bytes: int = 0
    media_seconds: float = 0.0
    speed: float | None = None
    last_advance: float | None = None


class UplinkTotals(NamedTuple):
    """The kernel's view of a pusher's connections, over all of them."""

    connections: int = 0
    acked_bytes: int = 0
    retransmits: int = 0
    connected: bool = False
    connected_since: float | None = None
    unsent_bytes: int | None = None
    rtt_seconds: float | None = None


class LastFailure(NamedTuple):
    """Why a process was last replaced or given up: an exit cause, `stall`, `start_timeout` or `uplink_blocked`."""

    cause: str
    at: float
    log: tuple[str, ...]


class ProcessSnapshot(NamedTuple):
    """One process. `pid` is None unless it is alive; `cpu_seconds` is that of the runs that ended."""

    key: ProcessKey
    state: State
    pid: int | None
    run_id: str | None
    started: float | None
    restarts: Mapping[RestartReason, int]
    exits: Mapping[ExitCause, int]
    budget_remaining: int
    backoff_seconds: float
    retry_at: float | None
    cpu_seconds: float
    tracked: bool
    progress: ProgressTotals
    last_failure: LastFailure | None
    uplink: UplinkTotals | None
    dropped_datagrams: int | None


class DestinationSnapshot(NamedTuple):
    """One destination of a stream; `expected_bytes_per_second` is None where nothing tells."""

    name: str
    shown_url: str
    required: bool
    on_air: bool
    expected_bytes_per_second: float | None


class StreamSnapshot(NamedTuple):
    """One stream. `reason` says in words why it is not on air; `since` is when `on_air` last changed."""

    name: str
    wanted: bool
    on_air: bool
    reason: str | None
    health: Health
    since: float
    origin: str
    is_command: bool
    processes: tuple[ProcessSnapshot, ...]
    destinations: tuple[DestinationSnapshot, ...]
    wanted_seconds: float
    on_air_seconds: float
    off_air_seconds: Mapping[Segment, float]


class Snapshot(NamedTuple):
    """The whole engine at one moment.

    `loop_lag` is a histogram: counts per bucket of `LOOP_LAG_BUCKETS` (not cumulative, the last one for everything
    above) and the sum in seconds.
    """

    at: float
    streams: tuple[StreamSnapshot, ...]
    config_reload_successful: bool
    config_reload_success_time: float
    clock_steps: int
    data_dir: Path
    loop_lag_counts: tuple[int, ...]
    loop_lag_sum: float


LOOP_LAG_BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0)


class NotAnswering(Exception):  # noqa: N818 - it names the state
    """The engine's loop did not answer in time."""


class Control(Protocol):
    """What the outside may ask of the engine. Every method may be called from any thread."""

    def snapshot(self) -> Snapshot:
        """The state right now. Raises `NotAnswering` when the loop is stuck."""

    def late(self) -> Mapping[str, float]:
        """The parts that should have ticked by now and did not, with seconds since their last tick."""

    def request(self, verb: Verb, stream: str) -> bool:
        """Hand an order to the loop; False when there is no such stream."""

    def log_directory(self, stream: str) -> Path:
        """Where the log files of a stream's processes are."""
