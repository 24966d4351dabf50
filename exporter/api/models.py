"""The REST answers: the documentation and the answers are made from them, tests hold the two against each other.

A field that is called otherwise in the snapshot says where it comes from; `shape.show` fills an answer.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime

from exporter.api.policies import show_policies, show_seconds
from exporter.api.shape import From, Made, Shape, show, show_time
from supervisor.config.tokens import Scope
from supervisor.model import snapshot
from supervisor.model.snapshot import LastFailure, LinkState, ProcessSnapshot, ProgressTotals, UplinkTotals
from supervisor.model.terms import (
    Action,
    Cause,
    Check,
    Health,
    Layer,
    Result,
    Role,
    Segment,
    Verdict,
)


class Problem(Shape):
    """Any answer that is not 2xx (but for /healthz and /readyz)."""

    detail: str


class Live(Shape):
    """`late`: the parts (`loop`, `scheduler`) that do not tick, or not in time, with the seconds that they have lost.

    The loop is late after 5 s without a tick, and when in the last minute it stood still for a second or more at least
    three times, together 6 s.
    """

    status: Literal["ok", "failing"]
    late: dict[str, float] | None = None


class ReadyStream(Shape):
    """Only streams that are `wanted` decide whether neverdark is ready."""

    wanted: bool
    on_air: bool
    verified: bool
    reason: str | None


class Ready(Shape):
    """Whether every wanted stream is on air."""

    status: Literal["ready", "not ready"]
    streams: dict[str, ReadyStream]


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


class WatchdogState(Shape):
    """What the watchdog says of a destination, in short; `verdicts` has the checks that apply."""

    running: bool
    verdict: Verdict
    verdicts: dict[Check, Verdict]
    consecutive_unhealthy: Annotated[int, From("consecutive_failures")]


class Watchdog(WatchdogState):
    """What the watchdog says of a destination.

    `running` is true only if its job really ran within two intervals; `check_interval` is in seconds.
    """

    last_check_time: Annotated[AwareDatetime | None, From("last_check")]
    last_healthy_time: Annotated[AwareDatetime | None, From("last_healthy")]
    last_recovery_time: Annotated[AwareDatetime | None, From("last_recovery")]
    recovery_count: Annotated[int, From("recoveries")]
    check_interval: Annotated[float, Made(lambda watchdog: show_seconds(watchdog.interval))]


class WatchdogStatus(Shape):
    """Every watched destination as `stream:destination`."""

    watchdog_count: int
    watchdogs: dict[str, Watchdog]


class Link(Shape, like=LinkState):
    """What a pusher is given and what becomes of it.

    `backlog_seconds` of media are not on the line yet, more than `backlog_limit_seconds` are too many. The sound leaves
    `av_offset_seconds` ahead of the picture; null: not known. `overruns` counts how often media was thrown away.
    """


class Destination(Shape):
    """One destination; its URL is shown without secrets.

    `uplink` is null where there is no TCP connection to watch, `link` where neverdark feeds no pusher, `watchdog` where
    nobody watches.
    """

    name: str
    url: Annotated[str, From("shown_url")]
    required: bool
    on_air: bool
    expected_bytes_per_second: float | None
    uplink: UplinkState | None
    link: Link | None
    watchdog: WatchdogState | None


class Desired(Shape, like=snapshot.Wanted, without=("wanted",)):
    """Whose word it is that a stream shall run or not, and since and until when.

    The configuration's (`enabled`), that of its `schedule`, which counts more, or an `operator`'s, which counts most.
    `until` is null as long as nobody can tell.
    """

    since: AwareDatetime | None
    until: AwareDatetime | None


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


class Stream(Shape):
    """One stream; `since` is when `on_air` last changed, `reason` says why it is not on air.

    `note` says what is wrong with its source although it is on air: sound is declared and none is sent.

    `verified` is false for a command of which nothing tells whether media arrives (no `{progress}` in it, and no
    destinations): `on_air` then only says that it runs.
    `off_air_since` is when it went off air, until media has advanced for 30 s again. `drills`: whether
    faults may be caused on purpose; `maintenance`: what fails now was announced, by a drill or
    a `maintenance_window`.
    """

    stream: Annotated[str, From("name")]
    wanted: bool
    desired: Desired
    on_air: bool
    verified: bool
    reason: str | None
    note: str | None
    health: Health
    since: AwareDatetime
    origin: str
    command: Annotated[bool, From("is_command")]
    maintenance: bool
    maintenance_window: MaintenanceWindow | None
    drills: bool
    off_air_since: Annotated[AwareDatetime | None, Made(lambda stream: show_time(stream.off_air_since or None))]
    wanted_seconds: float
    on_air_seconds: float
    processes: list[Process]
    destinations: list[Destination]


class RefusedConfiguration(Shape):
    """Why the configuration file as it stands is not taken, and `at` when that was first found. No secrets."""

    at: Annotated[AwareDatetime, From("rejected")]
    problems: list[str]


def _refused(config: Any) -> dict[str, Any] | None:
    return None if config.rejected is None else show(RefusedConfiguration, config)


class Configuration(Shape):
    """The one in force was `accepted` then; `refused` is null unless the file says something else that is not taken.

    `warnings` is how many there are (`neverdark check` and neverdark's log name them); `need_restart` are keys that
    take effect only when neverdark is started anew.
    """

    accepted: AwareDatetime
    refused: Annotated[RefusedConfiguration | None, Made(_refused)]
    warnings: int
    need_restart: list[str]


class StreamList(Shape):
    """All streams at the moment `at`."""

    at: AwareDatetime
    version: str
    token_required: bool
    configuration: Configuration
    streams: list[Stream]


class TokenIsRight(Shape):
    """The answer to a token that is right, and to any while none is needed.

    `name` is whose it is: `operator` for the configuration's own, `local` while none is needed.
    """

    token: Literal["right"]
    name: str
    scope: Scope


class Accepted(Shape):
    """The order has been handed over; what becomes of it shows in the stream's state."""

    stream: str
    accepted: Literal["drill"]


class Ordered(Shape):
    """The same of an order that holds `until` some time; null: until another order."""

    stream: str
    accepted: Literal["start", "stop", "restart"]
    until: AwareDatetime | None


class ReloadChanges(Shape):
    """Streams that a reload touched, and keys whose change takes effect when neverdark is started anew."""

    added: list[str]
    removed: list[str]
    changed: list[str]
    need_restart: list[str]


class Reload(Shape):
    """What came of reading the configuration: `changes` if it was accepted, `detail` and `problems` if not."""

    accepted: bool
    detail: str | None
    changes: ReloadChanges | None
    problems: list[str]
    warnings: list[str]


class Attempt(Shape):
    """A recovery action; `result` is null while it is not known whether it helped."""

    at: AwareDatetime
    layer: Layer
    action: Action
    result: Result | None


class Subject(Shape):
    """What an incident is about: `destination` is null if it is about all, `stream` empty if it is neverdark's own.

    `role` is whose failure gave it its name; null if that was no process'.
    """

    stream: str
    destination: str | None
    role: Role | None


class IncidentFinding(Shape):
    """What failed: first `at`, and so many `times`; found by `layer`. `destination` is null but for a pusher.

    What has no process is of no `role`; its `destination` is set if it is about one.
    `said` tells more than the cause does, in words for people; null where there is no more to tell.
    `consequence`: another finding of the same incident explains it.
    """

    at: AwareDatetime
    cause: Cause
    segment: Segment
    role: Role | None
    destination: str | None
    layer: Layer
    times: int
    consequence: bool
    said: str | None


class IncidentReport(Shape):
    """From the first failure until media has advanced for 30 s again, 180 s after one that was slow.

    `destination` is null if it is about all.

    `id` stays the same, here and in `/api/incidents/{id}`, as long as neverdark runs.
    What follows from a failure belongs to its incident. `findings` are all that was found, oldest first; `cause`,
    `said`, `segment` and `layer` (who noticed it) are those of the one that is gravest and nearest to the root.
    It was noticed `detection_seconds` after the last advance; `recovery_seconds` later media advanced again.
    `excused`: it began under maintenance or in a drill, and did not outlast it; it does not count.
    An action of layer `operator` is a replacement on purpose while the incident was open.
    """

    id: str
    stream: str
    destination: str | None
    subject: Subject
    opened: AwareDatetime
    closed: AwareDatetime | None
    cause: Cause
    said: str | None
    segment: Segment
    layer: Layer
    drill: bool
    excused: Literal["drill", "maintenance"] | None
    seconds_dark: float
    detection_seconds: float | None
    recovery_seconds: float | None
    findings: list[IncidentFinding]
    actions: list[Attempt]


class IncidentList(Shape):
    """The newest first."""

    incidents: list[IncidentReport]


class PastIncident(IncidentReport):
    """One that is remembered; `ended_by` says what closed it where media did not: neverdark itself had ended."""

    ended_by: str | None


class IncidentPage(Shape):
    """The newest first; `next` goes into `after` to get what follows, null where nothing does.

    Not `complete`: the database is out of reach, so the past is missing, or what has happened of late.
    """

    incidents: list[PastIncident]
    next: str | None
    complete: bool


class LogPage(Shape):
    """Lines of one log file; `next` goes into `after` to get what follows."""

    file: str
    lines: list[str]
    next: str
