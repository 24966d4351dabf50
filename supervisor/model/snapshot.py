"""What the engine shows of itself: immutable, so that any thread may read it at leisure.

Wall-clock times are seconds since 1970; durations are seconds. Totals never fall while neverdark runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NamedTuple, Protocol

from supervisor.model.availability import Availability
from supervisor.model.content import ContentState
from supervisor.model.edits import Configured, Edit, Edited
from supervisor.model.events import ConfigRejected, ConfigReloaded, OrderGiven
from supervisor.model.external import Announcement, ExternalSnapshot
from supervisor.model.fallback import (
    FallbackWaits,
    Obstacle,
    ReplacementReason,
    SourceOrder,
    SwitchReason,
    SwitchWay,
    source_name,
)
from supervisor.model.incidents import Incident
from supervisor.model.maintenance import Maintenance, MaintenanceOrder
from supervisor.model.notifications import Heard, Notification
from supervisor.model.platforms import LoginState, PlatformState
from supervisor.model.policies import Policies, WatchdogPolicy
from supervisor.model.recordings import Recorded
from supervisor.model.remembered import Page, Question, StoreState
from supervisor.model.selection import Selection
from supervisor.model.subjects import Subject
from supervisor.model.terms import (
    Action,
    Check,
    ExitCause,
    Health,
    IngestRole,
    Layer,
    ProcessKey,
    RestartReason,
    Result,
    Segment,
    State,
    TrackResult,
    Verdict,
)
from supervisor.model.thumbnails import Picture, ThumbnailResult
from supervisor.model.until import Until

Verb = Literal["start", "stop", "restart"]
WatchdogVerb = Literal["start", "stop", "restart"]
Fault = Literal["uplink", "source", "fallback"]  # what a drill has neverdark itself break


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

    connected: bool = False
    connected_since: float | None = None
    connections: int = 0
    acked_bytes: int = 0
    retransmits: int = 0
    unsent_bytes: int | None = None
    rtt_seconds: float | None = None


class LastFailure(NamedTuple):
    """Why a process was last replaced or given up: an exit cause, `stall`, `start_timeout` or `uplink_blocked`.

    `said` tells more than the cause does, in words for people.
    """

    cause: str
    at: float
    log: tuple[str, ...]
    said: str | None = None


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
    uplink: UplinkTotals | None
    dropped_datagrams: int | None
    last_failure: LastFailure | None
    policies: Policies


class Conformance(NamedTuple):
    """What a destination is sent against what its profile expects, as far as it is known.

    `conforms` is None while too little has been seen; `findings` says in words what is not as expected, and has not
    been for some minutes. Rates are a second, `bit_rate` in bits; `bit_rate_peak` is how much higher than the mean it
    gets. `b_frames`: at least so many in a row.
    """

    profile: str
    conforms: bool | None
    findings: tuple[str, ...]
    keyframe_interval: float | None
    frame_rate: float | None
    bit_rate: float | None
    bit_rate_peak: float | None
    b_frames: int | None
    sample_rate: int | None


class WatchdogSnapshot(NamedTuple):
    """The second layer's view of one destination.

    `running` is true only if its job really ran within two intervals. `verdicts` has the checks that apply.
    `stopped_since` tells when an operator has stopped it; None: nobody has.
    """

    running: bool
    verdict: Verdict
    verdicts: Mapping[Check, Verdict]
    checks: Mapping[Verdict, int]
    consecutive_failures: int
    last_check: float | None
    last_healthy: float | None
    last_recovery: float | None
    recoveries: int
    interval: float
    stopped_since: float | None = None
    conformance: Conformance | None = None


class LinkState(NamedTuple):
    """What a pusher is given and what becomes of it.

    `backlog_seconds` of media are not on the line yet; `backlog_limit_seconds` of them are too many. The sound leaves
    `av_offset_seconds` ahead of the picture (None: not known). `overruns` is how often media was thrown away because
    the pusher did not take it.
    """

    backlog_seconds: float
    backlog_limit_seconds: float
    av_offset_seconds: float | None
    overruns: int


class DestinationSnapshot(NamedTuple):
    """One destination of a stream; `expected_bytes_per_second` is None where nothing tells.

    `id` is its number, which stays its own for ever; None until the database has given it one. `watching` is what is
    configured of its watchdog.

    `limit_bytes_per_second` is the least that is fine, 0 if none is set.
    `uplink` is None where there is no TCP connection to watch, `dropped_datagrams` and `link` where neverdark feeds no
    pusher, `watchdog` where the destination is not watched, `conformance` where nothing is expected or seen of it.
    `required`: the stream is off air without it; so not where primary and backup stand in for each other (`role`).
    """

    name: str
    shown_url: str
    required: bool
    on_air: bool
    expected_bytes_per_second: float | None
    limit_bytes_per_second: float
    uplink: UplinkTotals | None
    dropped_datagrams: int | None
    link: LinkState | None
    watchdog: WatchdogSnapshot | None
    stream: str = ""
    id: int | None = None
    watching: WatchdogPolicy = WatchdogPolicy()
    conformance: Conformance | None = None
    role: IngestRole | None = None

    @property
    def full_name(self) -> str:
        """With its stream before it: `harbour-cam:youtube`."""
        return str(Subject(self.stream, self.name))


class Histogram(NamedTuple):
    """Counts per bucket (not cumulative, the last one for everything above) and their sum."""

    counts: tuple[int, ...]
    sum: float


By = Literal["enabled", "schedule", "operator"]


class Wanted(NamedTuple):
    """Whether a stream shall run, whose word that is, in words why, since when, and until when (None: not known)."""

    wanted: bool
    by: By
    why: str
    since: float | None
    until: float | None


class SourceSnapshot(NamedTuple):
    """One source of a stream that has several: `primary`, `fallback1` and so on.

    `active`: viewers see it. `seconds`: for how long they have, while the stream was wanted. `content`: what its
    picture and sound are found to be; None where nobody looks at them.
    """

    stream: str
    name: str
    active: bool
    slate: bool
    seconds: float
    content: Verdict | None = None


class StreamSnapshot(NamedTuple):
    """One stream. `reason` says in words why it is not on air; `since` is when `on_air` last changed.

    `desired` tells whose word it is that it shall run or not, `maintenance_window` which one it is in.

    `sources` has one entry only where there are fallbacks; `switches` counts why another one was shown, and
    `ordered_source` is what an operator wants viewers to see, None for the best that works; `fallback` tells how long
    the stream's own source may be gone, and must be good again.

    `note` says in words what its owner should know of its source or of who may call, although it is on air.

    `verified` is False for a command of which nothing tells whether media arrives: `on_air` then says that it runs.
    `content` is None where nobody looks at picture and sound.
    `off_air_since` is 0 for none. `recovery_attempts` has the pairs that can occur.
    """

    name: str
    wanted: bool
    desired: Wanted
    on_air: bool
    verified: bool
    reason: str | None
    note: str | None
    health: Health
    since: float
    origin: str
    is_command: bool
    processes: tuple[ProcessSnapshot, ...]
    destinations: tuple[DestinationSnapshot, ...]
    wanted_seconds: float
    on_air_seconds: float
    off_air_seconds: Mapping[Segment, float]
    maintenance: bool
    maintenance_window: Maintenance | None
    drills: bool
    off_air_since: float
    incident_open: Mapping[Segment, int]
    incidents: Mapping[Segment, int]
    recovery_attempts: Mapping[tuple[Layer, Action], int]
    recovery_results: Mapping[tuple[Layer, Result], int]
    last_detection: Mapping[Layer, float]
    last_recovery: Mapping[Layer, float]
    group: str | None = None
    labels: Mapping[str, str] = {}
    track: str | None = None  # the name of the file that is played, of a list
    tracks: Mapping[TrackResult, int] = {}  # empty without a list
    content: ContentState | None = None
    sources: tuple[SourceSnapshot, ...] = ()
    switches: Mapping[SwitchReason, int] = MappingProxyType({})
    ordered_source: SourceOrder | None = None
    fallback: FallbackWaits | None = None
    on_fallback_seconds: float = 0.0  # of `on_air_seconds`, since neverdark was started
    unordered_fallback: float = 0.0  # for so long a fallback that nobody has ordered has been shown
    fallback_page_after: float = 0.0  # after so long of that somebody is to be woken; 0: nobody is

    @property
    def on_primary(self) -> bool:
        """Viewers see the stream's own source, if they see anything."""
        return not self.sources or self.sources[0].active

    @property
    def source(self) -> str:
        """The name of the source that viewers see, if they see anything."""
        return next((one.name for one in self.sources if one.active), source_name(0))


class ConfigState(NamedTuple):
    """The configuration in force since `accepted` (wall clock), and what is to be said of the file.

    `rejected` is since when the file as it stands is refused, because of `problems` (secrets hidden); None: it is not.
    `warnings` counts those of the configuration in force; `need_restart` are keys that it has and that do not work yet.
    """

    accepted: float
    rejected: float | None = None
    problems: tuple[str, ...] = ()
    warnings: int = 0
    need_restart: tuple[str, ...] = ()

    def refuse(self, problems: tuple[str, ...], wall: float) -> ConfigState:
        """The file was read and is refused; the same again keeps the time at which it first was."""
        since = self.rejected if self.rejected is not None and problems == self.problems else wall
        return self._replace(rejected=since, problems=problems)


class SwitchCosts(NamedTuple):
    """What it has cost so far that another encoder came to feed, over all streams and by way.

    `missing` has the media that lacked between the two, of those of which that is known; so has `frames_lost`.
    `obstacles`: for how many links nothing can take over before the other is ended, and why.
    """

    durations: Mapping[SwitchWay, Histogram] = MappingProxyType({})
    missing: Mapping[SwitchWay, Histogram] = MappingProxyType({})
    frames_lost: Mapping[SwitchWay, int] = MappingProxyType({})
    replacements: Mapping[tuple[ReplacementReason, SwitchWay], int] = MappingProxyType({})
    obstacles: Mapping[Obstacle, int] = MappingProxyType({})


class Snapshot(NamedTuple):
    """The whole engine at one moment.

    `loop_lag` has the buckets of `LOOP_LAG_BUCKETS`, `detection` and `recovery` (by layer) those of their own names.
    `network_reachable` has an entry for each probe that knows.
    """

    at: float
    streams: tuple[StreamSnapshot, ...]
    config: ConfigState
    clock_steps: int
    data_dir: Path
    loop_lag: Histogram
    detection: Mapping[Layer, Histogram]
    recovery: Mapping[Layer, Histogram]
    network_reachable: Mapping[str, bool]
    scheduler_rearmed: int
    store: StoreState = StoreState()
    thumbnails: Mapping[ThumbnailResult, int] = dict.fromkeys(ThumbnailResult, 0)
    switching: SwitchCosts = SwitchCosts()
    platforms: tuple[PlatformState, ...] = ()
    logins: tuple[LoginState, ...] = ()


LOOP_LAG_BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0)
DETECTION_BUCKETS = (0.01, 0.05, 0.25, 1.0, 2.5, 5.0, 10.5, 15.0, 30.0, 60.0, 95.0, 120.0, 300.0, 900.0)
SWITCH_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 60.0)
RECOVERY_BUCKETS = (0.05, 0.25, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 90.0, 180.0, 300.0, 600.0, 1800.0, 3600.0)


class NotAnswering(Exception):  # noqa: N818 - it names the state
    """The engine's loop did not answer in time."""


class Refused(Exception):  # noqa: N818 - it names the state
    """An order that cannot be carried out; the text says why."""


class StreamAnswer(NamedTuple):
    """What came of one of several orders: what counts then, or why it was refused; neither: there is no such stream."""

    stream: str
    wanted: Wanted | None = None
    refused: str | None = None


class NotEnabled(Refused):
    """The watchdog of a destination is switched off in the configuration."""


class Control(Protocol):
    """What the outside may ask of the engine. Every method may be called from any thread."""

    def snapshot(self) -> Snapshot:
        """The state right now. Raises `NotAnswering` when the loop is stuck."""

    def sending_to(self, url: str) -> frozenset[str]:
        """The streams with a destination that `url` names, with its key in it or without."""

    def late(self) -> Mapping[str, float]:
        """The parts that do not tick, or not in time, with the seconds that they have lost lately."""

    def request(self, verb: Verb, stream: str, until: Until | None, reason: str | None) -> Wanted | None:
        """Hand an order to the loop, to hold until some time (None: the schedule's next switch, or for ever).

        Returns what counts then; None when there is no such stream. Raises `Refused`.
        """

    def request_all(
        self, verb: Verb, meant: Sequence[Selection], until: Until | None, reason: str | None
    ) -> tuple[StreamAnswer, ...]:
        """The same for all streams that fit one of those meant, one after the other; empty: none fits.

        If a stream is named that there is not, nothing is done, and only those are answered. Raises `NotAnswering`.
        """

    def ordered(self, order: OrderGiven) -> None:
        """An order was taken: have it told. Does not wait."""

    def incidents(self, stream: str | None = None) -> tuple[Incident, ...] | None:
        """The incidents of one stream or of all, newest first; None when there is no such stream."""

    def incident(self, identity: str) -> Incident | None:
        """One that is open or still remembered, or the one that it has become a part of; None if there is none."""

    async def thumbnail(self, stream: str) -> Picture | None:
        """A small picture of what a stream sends; None when there is no such stream. In any loop.

        A keyframe may be 15 s away. Raises `NoPicture` and `NotAnswering`.
        """

    def incident_thumbnail(self, identity: str) -> bytes | None:
        """What was seen when an incident began, as a JPEG; None if that is not kept. Blocks."""

    def history(self, question: Question) -> Page:
        """Incidents as far back as they are remembered. Raises ValueError for an `after` that no answer gave."""

    def told(self, notifications: Sequence[Notification]) -> Heard:
        """What Alertmanager has told somebody: each is kept with its incident. What is not about us is ignored."""

    def notifications(self, since: float, until: float | None, limit: int) -> Sequence[Notification] | None:
        """Those that came then, the newest first; None if they cannot be read."""

    def availability(self, since: float, until: float | None, stream: str | None) -> Availability:
        """How long streams were on air, in whole hours; until now at most, or if that is not said."""

    def drill(self, stream: str, seconds: float, fault: Fault | None, destination: str | None) -> bool:
        """For `seconds`, count what fails in a stream as a drill; `fault` is broken by neverdark itself.

        0 seconds end a drill. False when there is no such stream. Raises `Refused`.
        """

    def switch(self, stream: str, source: str | None, seconds: float | None, reason: str | None = None) -> bool:
        """Show a source of a stream (`primary`, `fallback1`, …), for so long or until another order; None: the best.

        It is remembered over a restart. False when there is no such stream. Raises `Refused`.
        """

    def order_watchdog(self, verb: WatchdogVerb, stream: str, destination: str) -> bool:
        """Stop the second layer's checks of a destination, start them again, or have them begin anew.

        False when there is no such destination. Raises `NotEnabled`.
        """

    def order_watchdogs(self, verb: Literal["start", "stop"]) -> None:
        """The same of all that are enabled."""

    def externals(self) -> tuple[ExternalSnapshot, ...]:
        """The programs that run their own FFmpeg and have announced themselves."""

    def program_started(self, said: Announcement) -> ExternalSnapshot:
        """One announces itself. Raises `Refused`, or ValueError for a URL that cannot be a destination's."""

    def program_stopped(self, name: str) -> ExternalSnapshot | None:
        """It tells its planned end; None when there is none of that name."""

    def forget_program(self, name: str) -> bool:
        """Know no more of one that has ended; False when there is none of that name. Raises `Refused`."""

    def maintenance(self) -> tuple[Maintenance, ...]:
        """The windows that are open or still to come, in the order of time."""

    def order_maintenance(self, order: MaintenanceOrder) -> Maintenance:
        """A maintenance window. Raises `Refused`."""

    def end_maintenance(self, identity: str) -> Maintenance | None:
        """End one that an operator has ordered; None when there is no such window. Raises `Refused`."""

    def reload(self, *, allow_removal: bool) -> ConfigReloaded | ConfigRejected:
        """Read the configuration again and wait for what comes of it. Raises `NotAnswering`.

        Without `allow_removal`, one that would end most of the wanted streams is rejected.
        """

    def configured(self, stream: str) -> Configured | None:
        """What is configured of a stream, secrets hidden; None: there is no such stream."""

    def edit(self, edit: Edit, *, dry_run: bool) -> Edited:
        """Make, change or remove a stream or a destination, or tell what would come of it.

        It is written when this returns. Raises `Invalid`, `Refused`, `NoSuchStream`, `NoSuchDestination`,
        `OutOfReach`, `NotAnswering`.
        """

    def recordings(self, stream: str, destination: str | None, most: int) -> tuple[Recorded, ...] | None:
        """What is there of a stream's recordings, of each the `most` newest segments; None: there is no such stream.

        Blocks, for some seconds for each folder that does not answer.
        """

    def log_directory(self, stream: str) -> Path:
        """Where the log files of a stream's processes are."""
