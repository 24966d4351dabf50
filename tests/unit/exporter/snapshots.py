"""A made-up engine for tests and screenshots: real snapshot values behind the real `Control` interface.

The pieces stand here, whole engines in `scenes`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import count, product
from pathlib import Path
from typing import Any, Literal

from supervisor.model.availability import Availability
from supervisor.model.content import ContentState, Defect, Found
from supervisor.model.edits import Configured, Edit, Edited
from supervisor.model.events import ConfigRejected, ConfigReloaded, OrderGiven
from supervisor.model.external import Announcement, ExternalSnapshot
from supervisor.model.fallback import Obstacle, ReplacementReason, SwitchWay
from supervisor.model.incidents import Incident
from supervisor.model.maintenance import Maintenance, MaintenanceOrder
from supervisor.model.notifications import Heard, Notification
from supervisor.model.platforms import LoginState, Measure, Opinion, PlatformState
from supervisor.model.policies import Policies
from supervisor.model.recordings import Recorded
from supervisor.model.remembered import Page, Question, since_the_start
from supervisor.model.selection import Selection
from supervisor.model.snapshot import (
    DETECTION_BUCKETS,
    LOOP_LAG_BUCKETS,
    RECOVERY_BUCKETS,
    SWITCH_BUCKETS,
    ConfigState,
    Conformance,
    DestinationSnapshot,
    Fault,
    Histogram,
    LinkState,
    ProcessSnapshot,
    ProgressTotals,
    Snapshot,
    StreamAnswer,
    StreamSnapshot,
    SwitchCosts,
    UplinkTotals,
    Verb,
    Wanted,
    WatchdogSnapshot,
    WatchdogVerb,
)
from supervisor.model.terms import (
    EXITS_OF,
    REASONS_OF,
    Action,
    Check,
    Health,
    Layer,
    ProcessKey,
    Result,
    Role,
    Segment,
    State,
    Trouble,
    Verdict,
)
from supervisor.model.thumbnails import NoPicture, Picture
from supervisor.model.until import Until
from supervisor.platforms.youtube.model import HealthStatus, LifeCycle, StreamStatus

LIVE_PID = os.getpid()  # a process that the kernel can tell of
NOW = 1_767_225_600.25  # 2026-01-01T00:00:00.250Z
POLICIES = Policies()
# Without those that a destination has only if somebody asks for them.
USUAL_CHECKS = tuple(check for check in Check if check is not Check.CONTENT and not check.startswith("youtube_"))


class FakeControl:
    """An engine that shows what it is given and remembers what it is asked."""

    def __init__(self, snapshot: Snapshot, logs: Path | None = None, incidents: tuple[Incident, ...] = ()) -> None:
        self.now = snapshot
        self.past = incidents
        self.logs = logs or Path("/nonexistent")
        self.late_parts: dict[str, float] = {}
        self.watchdog_orders: list[tuple[str, str]] = []
        self.knows_destinations = True
        self.asked: list[str] = []
        self.sending: dict[str, list[str]] = {}
        self.requests: list[tuple[Verb, str]] = []
        self.orders: list[OrderGiven] = []
        self.said: list[tuple[Until | None, str | None]] = []
        self.wished: list[str] = []
        self.pictures: dict[str, bytes | NoPicture] = {}  # of streams
        self.incident_pictures: dict[str, bytes] = {}
        self.recorded: dict[str, list[Recorded]] = {}  # by stream
        self.windows: list[Maintenance] = []
        self.programs: list[ExternalSnapshot] = []
        self.announced: list[Announcement] = []
        self.maintenance_orders: list[MaintenanceOrder] = []
        self.drills: list[tuple[str, float, Fault | None, str | None]] = []
        self.switches: list[tuple[str, str | None, float | None, str | None]] = []
        self.reloads: list[bool] = []
        self.questions: list[Question] = []
        self.notified: list[Notification] = []
        self.times = Availability(NOW - 3600, NOW)
        self.asked_times: list[tuple[float, float | None, str | None]] = []
        self.outcome: ConfigReloaded | ConfigRejected = ConfigReloaded(Path("c.yml"), (), (), (), ())
        self.configurations: list[Configured] = []
        self.edits: list[tuple[Edit, bool]] = []
        self.edit_refusal: Exception | None = None
        self.refusal: Exception | None = None
        self.failure: Exception | None = None
        self.refusing: set[str] = set()  # the streams that refuse what is ordered of several

    def snapshot(self) -> Snapshot:
        if self.failure is not None:
            raise self.failure
        return self.now

    def recordings(self, stream: str, destination: str | None, most: int) -> tuple[Recorded, ...] | None:
        if self.failure is not None:
            raise self.failure
        self.asked.append(f"{stream} {destination} {most}")
        if not self._knows(stream):
            return None
        return tuple(one for one in self.recorded.get(stream, ()) if destination in {None, one.destination})

    def sending_to(self, url: str) -> frozenset[str]:
        self.asked.append(url)
        return frozenset(self.sending.get(url, ()))

    def late(self) -> Mapping[str, float]:
        return self.late_parts

    def request(self, verb: Verb, stream: str, until: Until | None, reason: str | None) -> Wanted | None:
        if self.refusal is not None:
            raise self.refusal
        if not self._knows(stream):
            return None
        self.requests.append((verb, stream))
        self.said.append((until, reason))
        return Wanted(verb != "stop", "operator", reason or "operator", NOW, NOW + 60 if until else None)

    def request_all(
        self, verb: Verb, meant: Sequence[Selection], until: Until | None, reason: str | None
    ) -> tuple[StreamAnswer, ...]:
        unknown = [one.stream for one in meant if one.stream and not self._knows(one.stream)]
        if unknown:
            return tuple(map(StreamAnswer, unknown))
        names = [one.name for one in self.now.streams if any(s.fits(one.name, one.group, one.labels) for s in meant)]
        return tuple(
            StreamAnswer(name, refused="not now")
            if name in self.refusing
            else StreamAnswer(name, self.request(verb, name, until, reason))
            for name in names
        )

    def order_watchdog(self, verb: WatchdogVerb, stream: str, destination: str) -> bool:
        if self.refusal is not None:
            raise self.refusal
        self.watchdog_orders.append((verb, f"{stream}:{destination}"))
        return self.knows_destinations

    def order_watchdogs(self, verb: Literal["start", "stop"]) -> None:
        self.watchdog_orders.append((verb, "all"))

    def externals(self) -> tuple[ExternalSnapshot, ...]:
        return tuple(self.programs)

    def program_started(self, said: Announcement) -> ExternalSnapshot:
        if self.refusal is not None:
            raise self.refusal
        self.announced.append(said)
        return next(one for one in self.programs if one.name == said.name)

    def program_stopped(self, name: str) -> ExternalSnapshot | None:
        return next((one for one in self.programs if one.name == name), None)

    def forget_program(self, name: str) -> bool:
        if self.refusal is not None:
            raise self.refusal
        return any(one.name == name for one in self.programs)

    def maintenance(self) -> tuple[Maintenance, ...]:
        return tuple(self.windows)

    def order_maintenance(self, order: MaintenanceOrder) -> Maintenance:
        if self.refusal is not None:
            raise self.refusal
        self.maintenance_orders.append(order)
        named = None if order.streams is None else tuple(order.streams)
        return Maintenance("M1", named, NOW, NOW + 3600, order.reason, "operator")

    def end_maintenance(self, identity: str) -> Maintenance | None:
        if self.refusal is not None:
            raise self.refusal
        return next((window for window in self.windows if window.id == identity), None)

    def configured(self, stream: str) -> Configured | None:
        if self.failure is not None:
            raise self.failure
        return next((known for known in self.configurations if known.stream == stream), None)

    def edit(self, edit: Edit, *, dry_run: bool = False) -> Edited:
        if self.failure is not None:
            raise self.failure
        self.edits.append((edit, dry_run))
        if self.edit_refusal is not None:
            raise self.edit_refusal
        return Edited(edit.stream, "changed", "api", (), (), {"source": {"url": "***"}})

    def ordered(self, order: OrderGiven) -> None:
        self.orders.append(order)

    def incidents(self, stream: str | None = None) -> tuple[Incident, ...] | None:
        if self.failure is not None:
            raise self.failure
        if stream is None:
            return self.past
        return tuple(one for one in self.past if one.stream == stream) if self._knows(stream) else None

    def incident(self, identity: str) -> Incident | None:
        return next((one for one in self.incidents() or () if one.id == identity), None)

    async def thumbnail(self, stream: str) -> Picture | None:
        if self.failure is not None:
            raise self.failure
        if not self._knows(stream):
            return None
        self.wished.append(stream)
        if isinstance(found := self.pictures.get(stream, NoPicture("the stream is stopped", lasting=True)), bytes):
            return Picture(found, 0.0)
        raise found

    def incident_thumbnail(self, identity: str) -> bytes | None:
        return self.incident_pictures.get(identity)

    def history(self, question: Question) -> Page:
        self.questions.append(question)
        if question.after == "nonsense":
            raise ValueError("expected what an answer before gave as next")
        page = since_the_start(self.incidents() or (), question)
        return page._replace(next="more", complete=True)

    def told(self, notifications: Sequence[Notification]) -> Heard:
        if self.failure is not None:
            raise self.failure
        self.notified += notifications
        return Heard(len(notifications), 0)

    def notifications(self, since: float, until: float | None, limit: int) -> Sequence[Notification] | None:
        self.asked_times.append((since, until, None))
        return self.notified[:limit]

    def availability(self, since: float, until: float | None, stream: str | None) -> Availability:
        self.asked_times.append((since, until, stream))
        return self.times

    def switch(self, stream: str, source: str | None, seconds: float | None, reason: str | None = None) -> bool:
        if self.refusal is not None:
            raise self.refusal
        if not self._knows(stream):
            return False
        self.switches.append((stream, source, seconds, reason))
        return True

    def drill(self, stream: str, seconds: float, fault: Fault | None, destination: str | None) -> bool:
        if self.refusal is not None:
            raise self.refusal
        if not self._knows(stream):
            return False
        self.drills.append((stream, seconds, fault, destination))
        return True

    def reload(self, *, allow_removal: bool) -> ConfigReloaded | ConfigRejected:
        self.reloads.append(allow_removal)
        return self.outcome

    def log_directory(self, stream: str) -> Path:
        return self.logs / stream

    def _knows(self, stream: str) -> bool:
        return any(known.name == stream for known in self.now.streams)


def process(key: ProcessKey, **changes: Any) -> ProcessSnapshot:
    """A process that never ran, changed as told."""
    blank = ProcessSnapshot(
        key=key,
        state=State.STOPPED,
        pid=None,
        run_id=None,
        started=None,
        restarts=dict.fromkeys(REASONS_OF[key.role], 0),
        exits=dict.fromkeys(EXITS_OF[key.role], 0),
        budget_remaining=10,
        backoff_seconds=0.0,
        retry_at=None,
        cpu_seconds=0.0,
        tracked=True,
        policies=POLICIES,
        progress=ProgressTotals(),
        last_failure=None,
        uplink=None,
        dropped_datagrams=None,
    )
    return blank._replace(**changes)


LAYERS = (Layer.PROCESS, Layer.WATCHDOG, Layer.OPERATOR)
RESULTS: Mapping[tuple[Layer, Result], int] = {(layer, result): 0 for layer in LAYERS for result in Result}


def attempts(*actions: Action, **changes: int) -> Mapping[tuple[Layer, Action], int]:
    """Attempts of every layer with these actions; of layer 1 as told by the action's name, else none."""
    return {
        (layer, action): changes.get(action, 0) if layer is Layer.PROCESS else 0
        for layer in LAYERS
        for action in actions
    }


def stream(name: str, *processes: ProcessSnapshot, **changes: Any) -> StreamSnapshot:
    """A healthy stream on air, changed as told."""
    blank = StreamSnapshot(
        name=name,
        wanted=True,
        desired=Wanted(True, "enabled", "start", NOW - 60, None),
        on_air=True,
        verified=True,
        reason=None,
        note=None,
        health=Health.HEALTHY,
        since=NOW - 3600,
        origin="file",
        is_command=False,
        processes=processes,
        destinations=(),
        wanted_seconds=7200.5,
        on_air_seconds=7100.25,
        off_air_seconds={**dict.fromkeys(Segment, 0.0), Segment.SOURCE: 100.25},
        maintenance=False,
        maintenance_window=None,
        drills=False,
        off_air_since=0.0,
        incident_open=dict.fromkeys(Segment, 0),
        incidents=dict.fromkeys(Segment, 0),
        recovery_attempts=attempts(Action.RESTART_ENCODER, Action.RESTART_PUSHER),
        recovery_results=RESULTS,
        last_detection={},
        last_recovery={},
    )
    return blank._replace(**changes)


def histogram(bounds: tuple[float, ...], *counts: int, total: float = 0.0) -> Histogram:
    """A histogram with these counts in its first buckets and none in the others."""
    return Histogram((*counts, *[0] * (len(bounds) + 1 - len(counts))), total)


def snapshot(*streams: StreamSnapshot, **changes: Any) -> Snapshot:
    """An engine that holds `streams`."""
    numbers = count(1)
    named = (
        one._replace(
            destinations=tuple(place._replace(stream=one.name, id=next(numbers)) for place in one.destinations)
        )
        for one in streams
    )
    blank = Snapshot(
        at=NOW,
        streams=tuple(named),
        config=ConfigState(NOW - 86_400),
        clock_steps=0,
        data_dir=Path("/tmp"),  # noqa: S108 - any directory that exists will do
        loop_lag=histogram(LOOP_LAG_BUCKETS, 50, 4, 2, 1, total=0.125),
        detection={layer: histogram(DETECTION_BUCKETS) for layer in Layer},
        recovery={layer: histogram(RECOVERY_BUCKETS) for layer in Layer},
        network_reachable={},
        scheduler_rearmed=0,
        switching=SwitchCosts(
            {way: histogram(SWITCH_BUCKETS, 1, 2) for way in SwitchWay},
            {way: histogram(SWITCH_BUCKETS) for way in SwitchWay},
            dict.fromkeys(SwitchWay, 7),
            dict.fromkeys(product(ReplacementReason, SwitchWay), 2),
            {Obstacle.READER_ALONE: 1},
        ),
    )
    return blank._replace(**changes)


def encoder(name: str, **changes: Any) -> ProcessSnapshot:
    """An encoder that has run for an hour."""
    running: dict[str, Any] = {
        "state": State.RUNNING,
        "pid": LIVE_PID,
        "run_id": f"{name}-e1",
        "started": NOW - 3600,
        "cpu_seconds": 12.5,
        "progress": ProgressTotals(108_000, 3, 4, 2_025_000_000, 3600.04, 1.0, NOW - 0.2),
    }
    return process(ProcessKey(name, Role.ENCODER), **(running | changes))


def pusher(name: str, destination: str, **changes: Any) -> ProcessSnapshot:
    """A pusher that has sent for an hour over one TCP connection."""
    running: dict[str, Any] = {
        "state": State.RUNNING,
        "pid": LIVE_PID,
        "run_id": f"{name}-{destination}-p1",
        "started": NOW - 3600,
        "progress": ProgressTotals(107_990, 0, 0, 2_081_000_000, 3599.7, 0.998, NOW - 0.3),
        "uplink": UPLINK,
        "dropped_datagrams": 0,
    }
    return process(ProcessKey(name, Role.PUSHER, destination), **(running | changes))


def watchdog(**changes: Any) -> WatchdogSnapshot:
    """A watchdog that has looked at a destination for a day and found nothing."""
    blank = WatchdogSnapshot(
        running=True,
        verdict=Verdict.HEALTHY,
        verdicts=dict.fromkeys(USUAL_CHECKS, Verdict.HEALTHY),
        checks={**dict.fromkeys(Verdict, 0), Verdict.HEALTHY: 2880},
        consecutive_failures=0,
        last_check=NOW - 12,
        last_healthy=NOW - 12,
        last_recovery=None,
        recoveries=0,
        interval=30.0,
    )
    return blank._replace(**changes)


UPLINK = UplinkTotals(True, NOW - 3599, 1, 2_080_900_000, 7, 0, 0.0231)


def destination(name: str, **changes: Any) -> DestinationSnapshot:
    """A required RTMPS destination on air, fed by a pusher and watched."""
    blank = DestinationSnapshot(
        name=name,
        shown_url="rtmps://a.rtmps.youtube.com/live2/***",
        required=True,
        on_air=True,
        expected_bytes_per_second=578_500.0,
        limit_bytes_per_second=0.0,
        uplink=UPLINK,
        dropped_datagrams=0,
        link=LinkState(backlog_seconds=0.25, backlog_limit_seconds=5.0, av_offset_seconds=-0.02, overruns=0),
        watchdog=watchdog(),
    )
    return blank._replace(**changes)


UNLIKE = Conformance(
    "youtube",
    False,
    ("keyframe interval 8 s: youtube expects at most 4 s",),
    keyframe_interval=8.0,
    frame_rate=29.97,
    bit_rate=4_628_000.0,
    bit_rate_peak=1.25,
    b_frames=0,
    sample_rate=48_000,
)


def content(**changes: Any) -> ContentState:
    """Picture and sound of a camera at night whose picture has gone black."""
    blank = ContentState(
        verdict=Verdict.DEGRADED,
        verdicts={**dict.fromkeys(Defect, Verdict.HEALTHY), Defect.BLACK: Verdict.DEGRADED},
        counts={**dict.fromkeys(Defect, 0), Defect.BLACK: 2},
        findings=(Found(Defect.BLACK, NOW - 12, Verdict.DEGRADED, "black for 12s"),),
        luma=0.004,
        difference=0.0,
        sound=-32.5,
        peak=-20.25,
    )
    return blank._replace(**changes)


WATCH = "https://www.youtube.com/watch?v=dQw4w9WgXcQ"


def one_hot(name: str, label: str, words: type[StrEnum], now: StrEnum) -> Iterable[Measure]:
    """A value for each word of a closed set; 1 for that of `now`."""
    return (Measure(name, float(word is now), {label: str(word)}) for word in words)


def youtube(stream: str, destination: str = "youtube", **changes: Any) -> PlatformState:
    """All that YouTube can say of a destination: live, and well received but for one thing."""
    measures = (
        *one_hot("stream_status", "status", StreamStatus, StreamStatus.ACTIVE),
        *one_hot("health_status", "status", HealthStatus, HealthStatus.OK),
        *one_hot("broadcast_state", "state", LifeCycle, LifeCycle.LIVE),
        Measure("broadcast_info", 1.0, {"watch_url": WATCH}),
        Measure("configuration_issues", 1, {"type": "gopSizeLong", "severity": "warning"}),
        Measure("broadcast_age_seconds", 7200.5),
        Measure("rotation_interval_seconds", 39_600.0),
        Measure("page_live", 1.0),
        Measure("inserts_total", 3),
        Measure("rotations_total", 2),
        Measure("exhausted", 0.0),
    )
    blank = PlatformState(
        "youtube",
        stream,
        destination,
        {
            Check.YOUTUBE_STREAM: Opinion(Verdict.DEGRADED, said="gopSizeLong (warning)"),
            Check.YOUTUBE_BROADCAST: Opinion(Verdict.HEALTHY),
        },
        WATCH,
        {"trouble": "none", "stream": "active", "health": "ok", "broadcast": "live", "page": "live"},
        measures,
        plan="nothing",
        account="main",
        as_of=NOW - 5,
    )
    return blank._replace(**changes)


def ended_broadcast(stream: str, destination: str = "youtube") -> PlatformState:
    """The broadcast has ended, and no more can be made."""
    said = "no more broadcasts can be made for now: end one in YouTube Studio, or start one there"
    opinions = {Check.YOUTUBE_BROADCAST: Opinion(Verdict.UNHEALTHY, Trouble.BROADCAST_ENDED, said)}
    words = {"trouble": "too_many", "stream": "active", "health": "good", "broadcast": "complete"}
    gone = {"address": None, "former_address": WATCH, "ended": NOW - 120}
    return youtube(stream, destination, opinions=opinions, words=words, exhausted=True, measures=(), **gone)


def login(account: str = "main", **changes: Any) -> LoginState:
    """A login that works."""
    measures = (
        Measure("api_requests_total", 1440, {"method": "liveStreams.list", "result": "ok"}),
        Measure("api_requests_total", 2, {"method": "liveStreams.list", "result": "server"}),
        Measure("quota_used_units", 2880),
        Measure("quota_limit_units", 10_000),
        Measure("unanswered_seconds", 0.0),
        Measure("token_valid", 1.0),
        Measure("token_expiry_timestamp_seconds", NOW + 1800),
    )
    return LoginState("youtube", account, good=True, said="good", measures=measures)._replace(**changes)


def lost_login(account: str = "main") -> LoginState:
    """One that somebody has to renew."""
    mend = f"neverdark youtube login --account {account}"
    return login(account, good=False, said="invalid_grant", mend=mend, measures=(Measure("token_valid", 0.0),))


def command(name: str, **changes: Any) -> StreamSnapshot:
    """A bare command stream that reports progress."""
    key = ProcessKey(name, Role.COMMAND)
    running: dict[str, Any] = {
        "state": State.RUNNING,
        "pid": LIVE_PID,
        "run_id": f"{name}-c1",
        "started": NOW - 60.5,
        "progress": ProgressTotals(1500, 0, 0, 4_500_000, 60.04, 1.001, NOW - 0.1),
    }
    return stream(
        name,
        process(key, **(running | changes)),
        is_command=True,
        recovery_attempts=attempts(Action.RESTART_COMMAND),
    )


def observed_command(name: str) -> StreamSnapshot:
    """A command whose destination is configured for observation: nothing feeds it, and it has a connection."""
    place = destination(
        "youtube",
        dropped_datagrams=None,
        link=None,
        watchdog=watchdog(
            verdict=Verdict.DEGRADED,
            verdicts={
                Check.PROCESS: Verdict.HEALTHY,
                Check.UPLINK: Verdict.HEALTHY,
                Check.NETWORK: Verdict.DEGRADED,
            },
        ),
    )
    return command(name)._replace(destinations=(place,))
