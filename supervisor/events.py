"""What happened: facts in the past tense, told once to every listener.

The engine tells them after it has acted. A listener is a plain callable; it may not block.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from supervisor.model import ExitCause, ProcessKey, RestartReason, State


@dataclass(frozen=True, slots=True)
class ProcessStarted:
    """A run began. `reason` is None for a first start."""

    key: ProcessKey
    run_id: str
    pid: int
    reason: RestartReason | None


@dataclass(frozen=True, slots=True)
class ProcessAdvanced:
    """The first progress of a run came, `seconds` after its start."""

    key: ProcessKey
    run_id: str
    seconds: float


@dataclass(frozen=True, slots=True)
class ProcessSilent:
    """A run showed no progress, or its ingest acknowledged nothing; it is being killed."""

    key: ProcessKey
    run_id: str
    reason: RestartReason
    seconds: float


@dataclass(frozen=True, slots=True)
class ProcessExited:
    """A run ended. `last_words` are its last lines, secrets removed."""

    key: ProcessKey
    run_id: str
    cause: ExitCause
    code: int | None
    signal: int | None
    seconds: float
    planned: bool
    last_words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SpawnFailed:
    """A program could not be started at all."""

    key: ProcessKey
    cause: ExitCause
    error: str


@dataclass(frozen=True, slots=True)
class RetryScheduled:
    """The next attempt comes in `delay` seconds. In COOLDOWN the quick attempts are spent."""

    key: ProcessKey
    state: State
    delay: float
    attempts_left: int
    cause: ExitCause


@dataclass(frozen=True, slots=True)
class BudgetRefilled:
    """Sustained progress has earned the attempts back."""

    key: ProcessKey


@dataclass(frozen=True, slots=True)
class MediaPortReplaced:
    """A loopback port was taken by another program; encoder and pusher use another one."""

    key: ProcessKey
    old: int
    new: int


@dataclass(frozen=True, slots=True)
class StreamWanted:
    """Somebody asked for a stream to run (`wanted`) or not to run."""

    stream: str
    wanted: bool
    why: str


@dataclass(frozen=True, slots=True)
class StreamOnAir:
    """Every required destination advances (or no longer does, with the reason)."""

    stream: str
    on_air: bool
    reason: str | None
    seconds: float  # how long the state before lasted
    planned: bool = False  # off air because somebody wanted it so


@dataclass(frozen=True, slots=True)
class ConfigReloaded:
    """A new configuration is in force; these streams were touched."""

    file: Path
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    need_restart: tuple[str, ...]  # keys that only a new start of neverdark can change


@dataclass(frozen=True, slots=True)
class ConfigRejected:
    """A new configuration is invalid; the old one stays in force."""

    file: Path
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OrphanEnded:
    """A process that an earlier neverdark left behind was ended."""

    pid: int
    run_id: str


@dataclass(frozen=True, slots=True)
class ClockStepped:
    """The wall clock was set, by `seconds`."""

    seconds: float


@dataclass(frozen=True, slots=True)
class StorageTrouble:
    """Something cannot be written. Streams go on; logs have a gap."""

    path: Path
    error: str


@dataclass(frozen=True, slots=True)
class StorageRecovered:
    """It can be written again."""

    path: Path


@dataclass(frozen=True, slots=True)
class ProbeTrouble:
    """A probe could not look; what it tells is unknown for now."""

    probe: str
    error: str


@dataclass(frozen=True, slots=True)
class InternalError:
    """A mistake of ours, caught where it could do no more harm. Names a type and a place, never a value."""

    where: str
    error: str


Fact = (
    ProcessStarted
    | ProcessAdvanced
    | ProcessSilent
    | ProcessExited
    | SpawnFailed
    | RetryScheduled
    | BudgetRefilled
    | MediaPortReplaced
    | StreamWanted
    | StreamOnAir
    | ConfigReloaded
    | ConfigRejected
    | OrphanEnded
    | ClockStepped
    | StorageTrouble
    | StorageRecovered
    | ProbeTrouble
    | InternalError
)
Listener = Callable[[Fact], None]
