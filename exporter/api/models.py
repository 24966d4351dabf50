"""The shapes of the REST answers: the documentation is made from them, tests hold the answers against them.

The answers themselves are built as plain dictionaries in `shapes`: validating 1,000 streams every two seconds
for every open page would cost more than the rest of neverdark.
"""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from supervisor.model import ExitCause, Health, RestartReason, Role, State


class Shape(BaseModel):
    """An answer: exactly these keys."""

    model_config = ConfigDict(extra="forbid")


class Problem(Shape):
    """Any answer that is not 2xx (but for /healthz and /readyz)."""

    detail: str


class Live(Shape):
    """`late`: the parts that should have ticked by now, with the seconds since they last did."""

    status: Literal["ok", "failing"]
    late: dict[str, float] | None = None


class ReadyStream(Shape):
    """Only streams that are `wanted` decide whether neverdark is ready."""

    wanted: bool
    on_air: bool
    reason: str | None


class Ready(Shape):
    """Whether every wanted stream is on air."""

    status: Literal["ready", "not ready"]
    streams: dict[str, ReadyStream]


class Progress(Shape):
    """Sums over all runs of the process; `speed` is media seconds per second of late."""

    frames: int
    dropped_frames: int
    duplicated_frames: int
    bytes: int
    media_seconds: float
    speed: float | None
    last_advance: AwareDatetime | None


class UplinkState(Shape):
    """The kernel's view of the connection to the ingest; counts are sums over all connections."""

    connected: bool
    connected_since: AwareDatetime | None
    connections: int
    acked_bytes: int
    retransmits: int
    unsent_bytes: int | None
    rtt_seconds: float | None


class Failure(Shape):
    """Why the process was last replaced or given up, with its last words, redacted."""

    cause: str
    at: AwareDatetime
    log: list[str]


class Process(Shape):
    """One process. `pid` is null unless it is alive, `progress` where it cannot be tracked."""

    role: Role
    destination: str | None
    state: State
    pid: int | None
    run_id: str | None
    started: AwareDatetime | None
    restarts: dict[RestartReason, int]
    exits: dict[ExitCause, int]
    budget_remaining: int
    backoff_seconds: float
    retry_at: AwareDatetime | None
    progress: Progress | None
    uplink: UplinkState | None
    dropped_datagrams: int | None
    last_failure: Failure | None


class Destination(Shape):
    """One destination; its URL is shown without secrets."""

    name: str
    url: str
    required: bool
    on_air: bool
    expected_bytes_per_second: float | None


class Stream(Shape):
    """One stream; `since` is when `on_air` last changed, `reason` says why it is not on air."""

    stream: str
    wanted: bool
    on_air: bool
    reason: str | None
    health: Health
    since: AwareDatetime
    origin: str
    command: bool
    wanted_seconds: float
    on_air_seconds: float
    processes: list[Process]
    destinations: list[Destination]


class StreamList(Shape):
    """All streams at the moment `at`."""

    at: AwareDatetime
    version: str
    token_required: bool
    streams: list[Stream]


class Accepted(Shape):
    """The order has been handed over; what becomes of it shows in the stream's state."""

    stream: str
    accepted: Literal["start", "stop", "restart"]


class LogPage(Shape):
    """Lines of one log file; `next` goes into `after` to get what follows."""

    file: str
    lines: list[str]
    next: str
