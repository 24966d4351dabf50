"""The words of the house: closed sets and small frozen records that every room shares."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, NamedTuple


class Role(StrEnum):
    """What a process does for its stream."""

    ENCODER = "encoder"
    PUSHER = "pusher"
    COMMAND = "command"


IngestRole = Literal["primary", "backup"]  # of two ingests of one place


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
    PARAMETERS = "parameters"


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


# What can occur in the life of a process depends on what it does: of the rest there is nothing to count.
_ABOUT_INGEST = {ExitCause.INGEST_UNREACHABLE, ExitCause.INGEST_REFUSED, ExitCause.INGEST_CLOSED}
_ABOUT_SOURCE = {ExitCause.SOURCE_UNREACHABLE, ExitCause.SOURCE_REFUSED, ExitCause.SOURCE_ENDED}
_NEVER: dict[Role, set[StrEnum]] = {
    Role.ENCODER: {RestartReason.UPLINK, RestartReason.PARAMETERS, *_ABOUT_INGEST},
    Role.PUSHER: {*_ABOUT_SOURCE},
    Role.COMMAND: {RestartReason.PARAMETERS},
}
REASONS_OF = {role: tuple(r for r in RestartReason if r not in never) for role, never in _NEVER.items()}
EXITS_OF = {role: tuple(c for c in ExitCause if c not in never) for role, never in _NEVER.items()}


class Refusal(StrEnum):
    """How a server says no, which decides when it may be asked again."""

    NOT_THERE = "not_there"  # what is asked for: a relay whose publisher has not come yet says so
    BUSY = "busy"  # it serves too many as it is
    LIMITED = "limited"  # it counts, and we are over its limit
    DENIED = "denied"  # it does not want us, and may lock out who keeps asking


class Trouble(StrEnum):
    """What is wrong with a process that did not end by itself."""

    STALL = "stall"
    START_TIMEOUT = "start_timeout"
    UPLINK_BLOCKED = "uplink_blocked"
    SLOW = "slow"
    BITRATE_LOW = "bitrate_low"
    LIMIT = "limit"
    NETWORK_DOWN = "network_down"
    BACKLOG = "backlog"
    AV_OFFSET = "av_offset"
    CLOCK_JUMPED = "clock_jumped"
    PORT_TAKEN = "port_taken"
    STORAGE = "storage"
    BLACK = "black"
    FROZEN = "frozen"
    SILENT = "silent"
    LOUD = "loud"
    STILL = "still"
    # What a platform says of what it is sent.
    NOT_RECEIVED = "not_received"
    KEY_OF_ANOTHER = "key_of_another"  # stream there than the one that is asked about
    NOT_WELL_RECEIVED = "not_well_received"
    BROADCAST_NOT_LIVE = "broadcast_not_live"
    BROADCAST_ENDED = "broadcast_ended"
    BROADCAST_REFUSED = "broadcast_refused"
    PAGE_NOT_LIVE = "page_not_live"


Cause = ExitCause | Trouble


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


class Layer(StrEnum):
    """Who notices and who acts."""

    PROCESS = "process"
    WATCHDOG = "watchdog"
    PLATFORM = "platform"
    OPERATOR = "operator"


class Check(StrEnum):
    """What the watchdog looks at."""

    PROCESS = "process"
    PROGRESS = "progress"
    UPLINK = "uplink"
    NETWORK = "network"
    SOURCE = "source"
    CONFORMANCE = "conformance"
    CONTENT = "content"
    YOUTUBE_PAGE = "youtube_page"
    YOUTUBE_STREAM = "youtube_stream"
    YOUTUBE_BROADCAST = "youtube_broadcast"


class Verdict(StrEnum):
    """What a check finds. `UNKNOWN` is an answer of its own: it never leads to an action."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"
    UNKNOWN = "unknown"


class Action(StrEnum):
    """What is done to recover."""

    RESTART_ENCODER = "restart_encoder"
    RESTART_PUSHER = "restart_pusher"
    RESTART_COMMAND = "restart_command"
    RESTART_ALL = "restart_all"


class Remedy(StrEnum):
    """What is done to recover at a platform, where our own processes are left alone."""

    NEW_BROADCAST = "new_broadcast"  # another one in the place of one that has ended
    START_BROADCAST = "start_broadcast"  # one that there is


class Result(StrEnum):
    """What became of a recovery action: sustained progress, another failure, or somebody else took over."""

    RECOVERED = "recovered"
    FAILED = "failed"
    SUPERSEDED = "superseded"


class TrackResult(StrEnum):
    """What became of a track of a list."""

    PLAYED = "played"
    SKIPPED = "skipped"  # it has no sound that can be decoded


class Reach(StrEnum):
    """How far a probe got on its way to a server."""

    ANSWERS = "answers"  # the whole handshake was done
    ACCEPTS = "accepts"  # it is known to listen, or the connection is all that was asked for
    SILENT = "silent"  # it accepted the connection and did not answer in time
    CLOSED = "closed"  # it accepted the connection and hung up, or spoke another language
    REFUSED = "refused"  # the machine is there and does not want us: our line is up
    TIMEOUT = "timeout"
    NO_ROUTE = "no_route"  # our own machine knows no way
    UNRESOLVED = "unresolved"  # the name has no address, or nobody could be asked

    @property
    def works(self) -> bool:
        """A server is there and talks."""
        return self in {Reach.ANSWERS, Reach.ACCEPTS}

    @property
    def line_is_up(self) -> bool:
        """Something out there has sent a packet back."""
        return self not in {Reach.TIMEOUT, Reach.NO_ROUTE, Reach.UNRESOLVED}


class ProcessKey(NamedTuple):
    """Names one place for a process; `destination` is that of a pusher, `rung` that of an encoder.

    A tuple, because it is looked up many times a second for each process: its hash is not computed in Python.
    """

    stream: str
    role: Role
    destination: str = ""
    rung: int = 0  # 0: the stream's own source; then its fallbacks, in their order

    def __str__(self) -> str:
        return f"{self.stream}/{self.name}"

    @property
    def name(self) -> str:
        """The process within its stream: `encoder`, `fallback1`, `command`, `pusher-youtube`; also its files' name."""
        return f"{self.role}-{self.destination}" if self.destination else self.label

    @property
    def label(self) -> str:
        """Its role, as metrics and the API say it: each fallback has a word of its own."""
        return f"fallback{self.rung}" if self.rung else str(self.role)


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
