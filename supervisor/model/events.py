"""What happened, in the past tense: what code tells, and what a fact carries (see `facts`).

It is told after the engine has acted. What is told of an incident carries it as it was at that moment.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from supervisor.model.content import Defect
from supervisor.model.fallback import ReplacementReason, SwitchReason, SwitchWay
from supervisor.model.incidents import Finding, Incident
from supervisor.model.maintenance import Maintenance
from supervisor.model.subjects import Subject
from supervisor.model.terms import (
    Action,
    Cause,
    ExitCause,
    ProcessKey,
    Remedy,
    RestartReason,
    Segment,
    State,
    Trouble,
)


@dataclass(frozen=True, slots=True)
class ProcessStarted:
    """A run began. `reason` is None for a first start."""

    key: ProcessKey
    run_id: str
    pid: int
    reason: RestartReason | None


@dataclass(frozen=True, slots=True)
class ProcessAdopted:
    """A run that an earlier neverdark has started, `seconds` ago, was taken over."""

    key: ProcessKey
    run_id: str
    pid: int
    seconds: float


@dataclass(frozen=True, slots=True)
class EncoderReplaced:
    """The media of a stream comes from another run of its encoder, which stood still for `seconds`, without a gap."""

    key: ProcessKey
    reason: RestartReason
    seconds: float


@dataclass(frozen=True, slots=True)
class FeedSwitched:
    """The media of a stream comes from another source: 0 is its own, then come its fallbacks.

    The new one stood still for `seconds`; None: the one before had
    nothing to send any more, and this one began at once.
    """

    stream: str
    before: int
    after: int
    reason: SwitchReason
    seconds: float | None


@dataclass(frozen=True, slots=True)
class SwitchMeasured:
    """Media comes from another run, `seconds` after that was decided; `rung` as in `FeedSwitched`.

    `missing` seconds of media, and so many `frames`, lack at the links between the two; None: that is not known.
    `replaces` tells why a run was replaced by one of the same source; None: it is another source.
    """

    stream: str
    rung: int
    way: SwitchWay
    replaces: ReplacementReason | None
    seconds: float
    missing: float | None = None
    frames: int | None = None


@dataclass(frozen=True, slots=True)
class SlateTrouble:
    """A stream's slate could not be made beforehand; while it is so, one is drawn when it is needed."""

    stream: str
    error: str


@dataclass(frozen=True, slots=True)
class ProcessAdvanced:
    """The first progress of a run came, `seconds` after its start."""

    key: ProcessKey
    run_id: str
    seconds: float


@dataclass(frozen=True, slots=True)
class ProcessSilent:
    """A run showed no progress, or its ingest acknowledged nothing, for so many seconds; it is being killed.

    `left`: it is somebody else's, and only looked at no more.
    """

    key: ProcessKey
    run_id: str
    trouble: Trouble
    seconds: float
    segment: Segment
    left: bool = False


@dataclass(frozen=True, slots=True)
class ProcessExited:
    """A run ended. `last_words` are its last lines, secrets removed; it last advanced `silent` seconds before."""

    key: ProcessKey
    run_id: str
    cause: ExitCause
    code: int | None
    signal: int | None
    seconds: float
    planned: bool
    last_words: tuple[str, ...]
    segment: Segment
    silent: float | None
    ended: float  # monotonic: it is told a moment later
    said: str | None = None  # more than the cause tells, in words for people
    left: bool = False  # it lives on, and is looked at no more: somebody else's


@dataclass(frozen=True, slots=True)
class RecoveryOrdered:
    """Somebody else's program has failed, and whoever can start it again is told: by `how`, in words."""

    key: ProcessKey
    reason: RestartReason
    how: str


@dataclass(frozen=True, slots=True)
class RecoveryAnswered:
    """What came of that: `error` says in words why it was not taken; None: it was. The program is still to come."""

    key: ProcessKey
    error: str | None


@dataclass(frozen=True, slots=True)
class ProgramTrouble:
    """Of somebody else's program something cannot be seen for now; None: it can be again."""

    key: ProcessKey
    error: str | None


@dataclass(frozen=True, slots=True)
class SourceLearned:
    """An encoder has found out something about its source, told in words."""

    key: ProcessKey
    words: str


@dataclass(frozen=True, slots=True)
class ProcessRemoved:
    """The configuration no longer has this process, and it is gone."""

    key: ProcessKey


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
    cause: Cause


@dataclass(frozen=True, slots=True)
class BudgetRefilled:
    """Sustained progress has earned the attempts back."""

    key: ProcessKey


@dataclass(frozen=True, slots=True)
class StreamWanted:
    """Somebody asked for a stream to run (`wanted`) or not to run."""

    stream: str
    wanted: bool
    why: str


@dataclass(frozen=True, slots=True)
class StreamOrdered:
    """An operator has ordered a stream to run (`wanted`) or not to, before `until` (wall clock; None: until told)."""

    stream: str
    wanted: bool
    why: str
    until: float | None


@dataclass(frozen=True, slots=True)
class OrderLapsed:
    """What an operator had ordered of a stream counts no more: its time has come."""

    stream: str


@dataclass(frozen=True, slots=True)
class SourceOrdered:
    """An operator wants viewers to see a source of a stream, before `until` (wall clock; None: until told).

    Without a `source` it is the best that works, as ever. `recalled`: it was said before neverdark was started anew.
    """

    stream: str
    source: str | None
    why: str
    until: float | None
    recalled: bool = False


@dataclass(frozen=True, slots=True)
class StreamOnAir:
    """Every required destination advances (or no longer does, with the reason)."""

    stream: str
    on_air: bool
    reason: str | None
    seconds: float  # how long the state before lasted
    planned: bool = False  # off air because somebody wanted it so


@dataclass(frozen=True, slots=True)
class WatchdogStarted:
    """The second layer looks after so many destinations."""

    count: int


@dataclass(frozen=True, slots=True)
class WatchdogsSwitched:
    """An operator wants the second layer to look after these (`stream:destination`), or no longer; `why` in a word."""

    destinations: tuple[str, ...]
    running: bool
    why: str


@dataclass(frozen=True, slots=True)
class DestinationHealthy:
    """A destination has become healthy, or still is. `cpu` is in cores, `memory` in bytes: those of process `pid`."""

    stream: str
    destination: str
    pid: int
    cpu: float
    memory: int


@dataclass(frozen=True, slots=True)
class DestinationUnhealthy:
    """A check was bad, the `count`-th in a row; `withheld` says why nothing is done although there were enough."""

    stream: str
    destination: str
    count: int
    failures: int
    segment: Segment
    said: str  # which checks found what
    withheld: str | None


@dataclass(frozen=True, slots=True)
class RecoveryAttempted:
    """The second layer acts, for the `number`-th time since the destination was healthy."""

    stream: str
    destination: str
    number: int
    action: Action
    segment: Segment


@dataclass(frozen=True, slots=True)
class IncidentOpened:
    """Something failed."""

    incident: Incident
    finding: Finding


@dataclass(frozen=True, slots=True)
class FindingEntered:
    """Something new was found that belongs to an open incident.

    `part`: until now that was an incident of its own, which goes on as a part of the other one.
    """

    incident: Incident
    finding: Finding
    part: Incident | None = None


@dataclass(frozen=True, slots=True)
class IncidentClosed:
    """Media has flowed again for long enough (`closes_after`), or somebody stopped what had failed."""

    incident: Incident


@dataclass(frozen=True, slots=True)
class LineChanged:
    """Our own line was lost, or is back after `seconds`."""

    down: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class CheckRearmed:
    """A check of the watchdog had not run for `seconds`; it was scheduled anew."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class DrillAnnounced:
    """For so many seconds what fails is a drill; 0: it is over. `how` tells what neverdark itself broke."""

    stream: str
    seconds: float
    how: str | None


@dataclass(frozen=True, slots=True)
class OrderGiven:
    """Somebody gave an order by HTTP, and it was taken; told when it has been handed over.

    `what` is the order's name, such as `stop` or `reload`; `by` the name of the token that came with it, `operator` for
    the configuration's own, `local` for none. `address` is who connected: of a proxy, if one is in between.
    """

    what: str
    subject: Subject
    by: str
    address: str


@dataclass(frozen=True, slots=True)
class MaintenanceOrdered:
    """An operator has ordered a maintenance window, for now or later."""

    window: Maintenance


@dataclass(frozen=True, slots=True)
class MaintenanceBegun:
    """From now on what fails wakes nobody."""

    window: Maintenance


@dataclass(frozen=True, slots=True)
class MaintenanceOver:
    """A window is over, or was ended before it began."""

    window: Maintenance


@dataclass(frozen=True, slots=True)
class ConfigReloaded:
    """A new configuration is in force; these streams were touched."""

    file: Path
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    need_restart: tuple[str, ...]  # keys that only a new start of neverdark can change
    warnings: tuple[str, ...] = ()  # what works, and is not safe or not what one may think


@dataclass(frozen=True, slots=True)
class StreamsEdited:
    """These streams were made, removed and changed by API; `warnings` tells of those that do not go with the file."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    warnings: tuple[str, ...] = ()


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
class AnotherPublisher:
    """Somebody else on this machine publishes where this destination does; `who`, in words."""

    stream: str
    destination: str
    who: str


@dataclass(frozen=True, slots=True)
class ContentFound:
    """Media of a stream flows and viewers cannot use it, for so many seconds; `said`, in words.

    `rung`: of which source, as in `ProcessKey`.
    """

    stream: str
    defect: Defect
    seconds: float
    said: str
    rung: int = 0


@dataclass(frozen=True, slots=True)
class ContentGood:
    """What was found of a stream's picture or sound is over after so many seconds, or (not `seen`) nobody can tell."""

    stream: str
    defect: Defect
    seconds: float
    seen: bool
    rung: int = 0


@dataclass(frozen=True, slots=True)
class PlatformFound:
    """The platform says that viewers do not get what a destination sends; `said`, in words."""

    stream: str
    destination: str
    cause: Trouble
    said: str


@dataclass(frozen=True, slots=True)
class PlatformGood:
    """It does not say so any more; `address` is where viewers find it now."""

    stream: str
    destination: str
    cause: Trouble
    address: str | None = None


@dataclass(frozen=True, slots=True)
class PlatformAsked:
    """Something was asked of the platform.

    `result` is `ok` or its own word; `address` is where viewers find the broadcast; `action` is what it amounts to,
    where that is meant to bring a broadcast back.
    """

    stream: str
    destination: str
    what: str
    result: str
    helped: bool
    address: str | None
    action: Remedy | None = None


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
class OrdersRecalled:
    """What operators asked for before neverdark was started anew still holds, for these streams."""

    stopped: tuple[str, ...]
    started: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StoreTrouble:
    """What is to be remembered cannot be written for now, or something of it is lost. Streams go on."""

    where: str
    error: str
    dropped: int = 0  # records, since that was told last


@dataclass(frozen=True, slots=True)
class StoreRecovered:
    """It is written again, and what has waited for that too, but for what was `dropped`."""

    where: str
    seconds: float
    dropped: int


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


Payload = (
    ProcessStarted
    | ProcessAdopted
    | EncoderReplaced
    | FeedSwitched
    | SwitchMeasured
    | SlateTrouble
    | ProcessAdvanced
    | ProcessSilent
    | ProcessExited
    | RecoveryOrdered
    | RecoveryAnswered
    | ProgramTrouble
    | SourceLearned
    | ProcessRemoved
    | SpawnFailed
    | RetryScheduled
    | BudgetRefilled
    | StreamWanted
    | StreamOrdered
    | OrderLapsed
    | SourceOrdered
    | StreamOnAir
    | WatchdogStarted
    | WatchdogsSwitched
    | DestinationHealthy
    | DestinationUnhealthy
    | RecoveryAttempted
    | IncidentOpened
    | FindingEntered
    | IncidentClosed
    | LineChanged
    | CheckRearmed
    | DrillAnnounced
    | OrderGiven
    | MaintenanceOrdered
    | MaintenanceBegun
    | MaintenanceOver
    | ConfigReloaded
    | StreamsEdited
    | ConfigRejected
    | OrphanEnded
    | ClockStepped
    | AnotherPublisher
    | ContentFound
    | ContentGood
    | PlatformFound
    | PlatformGood
    | PlatformAsked
    | StorageTrouble
    | StorageRecovered
    | OrdersRecalled
    | StoreTrouble
    | StoreRecovered
    | ProbeTrouble
    | InternalError
)
Tell = Callable[[Payload], None]
