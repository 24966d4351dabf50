"""The words of the house: closed sets and small frozen records that every room shares."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Role(StrEnum):
    """What a process does for its stream."""

    ENCODER = "encoder"
    PUSHER = "pusher"
    COMMAND = "command"


class State(StrEnum):
    """Where a process is in its life. Health is another axis."""

    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    BACKOFF = "backoff"
    COOLDOWN = "cooldown"
    STOPPING = "stopping"


class Health(StrEnum):
    """How well a stream does."""

    UNKNOWN = "unknown"
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


class RestartReason(StrEnum):
    """Why a process was replaced."""

    EXIT = "exit"
    STALL = "stall"
    START_TIMEOUT = "start_timeout"
    UPLINK = "uplink"
    WATCHDOG = "watchdog"
    OPERATOR = "operator"
    CONFIG = "config"
    LIMIT = "limit"


class ExitCause(StrEnum):
    """Why a process ended, as far as its exit and its last words tell."""

    SOURCE_UNREACHABLE = "source_unreachable"
    SOURCE_REFUSED = "source_refused"
    SOURCE_ENDED = "source_ended"
    INGEST_UNREACHABLE = "ingest_unreachable"
    INGEST_REFUSED = "ingest_refused"
    INGEST_CLOSED = "ingest_closed"
    BAD_ARGUMENTS = "bad_arguments"
    ENCODER_MISSING = "encoder_missing"
    DISK_FULL = "disk_full"
    OUT_OF_MEMORY = "out_of_memory"
    KILLED = "killed"
    STOPPED = "stopped"
    OTHER = "other"


class Segment(StrEnum):
    """The part of the path that broke."""

    SOURCE = "source"
    ENCODER = "encoder"
    PUSHER = "pusher"
    UPLINK = "uplink"
    NETWORK = "network"
    PLATFORM = "platform"
    NEVERDARK = "neverdark"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, order=True)
class ProcessKey:
    """Names one place for a process; `destination` is empty but for a pusher."""

    stream: str
    role: Role
    destination: str = ""

    def __str__(self) -> str:
        return f"{self.stream}/{self.name}"

    @property
    def name(self) -> str:
        """The process within its stream: `encoder`, `command`, `pusher-youtube`; also its files' name."""
        return f"{self.role}-{self.destination}" if self.destination else str(self.role)


class Exit(NamedTuple):
    """How a process ended: its exit code, or the signal that ended it."""

    code: int | None
    signal: int | None


class Report(NamedTuple):
    """One FFmpeg progress report. Counts are of this run; None where FFmpeg does not tell."""

    frames: int | None
    media_seconds: float | None
    total_bytes: int | None
    dropped_frames: int
    duplicated_frames: int
    ended: bool
