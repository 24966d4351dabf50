"""A made-up engine for tests and screenshots: real snapshot values behind the real `Control` interface."""

from __future__ import annotations

import os
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

from supervisor.config import Policies
from supervisor.model import (
    Action,
    Check,
    ExitCause,
    Health,
    Layer,
    ProcessKey,
    RestartReason,
    Result,
    Role,
    Segment,
    State,
    Trouble,
    Verdict,
)
from supervisor.snapshot import (
    DETECTION_BUCKETS,
    LOOP_LAG_BUCKETS,
    RECOVERY_BUCKETS,
    ActionTaken,
    DestinationSnapshot,
    Fault,
    Histogram,
    Incident,
    LastFailure,
    ProcessSnapshot,
    ProgressTotals,
    Snapshot,
    StreamSnapshot,
    UplinkTotals,
    Verb,
    WatchdogSnapshot,
)

LIVE_PID = os.getpid()  # a process that the kernel can tell of
NOW = 1_767_225_600.25  # 2026-01-01T00:00:00.250Z
POLICIES = Policies()


class FakeControl:
    """An engine that shows what it is given and remembers what it is asked."""

    def __init__(self, snapshot: Snapshot, logs: Path | None = None, incidents: tuple[Incident, ...] = ()) -> None:
        self.now = snapshot
        self.past = incidents
        self.logs = logs or Path("/nonexistent")
        self.late_parts: dict[str, float] = {}
        self.requests: list[tuple[Verb, str]] = []
        self.drills: list[tuple[str, float, Fault | None, str | None]] = []
        self.refusal: Exception | None = None
        self.failure: Exception | None = None

    def snapshot(self) -> Snapshot:
        if self.failure is not None:
            raise self.failure
        return self.now

    def late(self) -> Mapping[str, float]:
        return self.late_parts

    def request(self, verb: Verb, stream: str) -> bool:
        if not self._knows(stream):
            return False
        self.requests.append((verb, stream))
        return True

    def incidents(self, stream: str | None = None) -> tuple[Incident, ...] | None:
        if self.failure is not None:
            raise self.failure
        if stream is None:
            return self.past
        return tuple(one for one in self.past if one.stream == stream) if self._knows(stream) else None

    def drill(self, stream: str, seconds: float, fault: Fault | None, destination: str | None) -> bool:
        if self.refusal is not None:
            raise self.refusal
        if not self._knows(stream):
            return False
        self.drills.append((stream, seconds, fault, destination))
        return True

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
        restarts=dict.fromkeys(RestartReason, 0),
        exits=dict.fromkeys(ExitCause, 0),
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
        on_air=True,
        reason=None,
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
    blank = Snapshot(
        at=NOW,
        streams=streams,
        config_reload_successful=True,
        config_reload_success_time=NOW - 86_400,
        clock_steps=0,
        data_dir=Path("/tmp"),  # noqa: S108 - any directory that exists will do
        loop_lag=histogram(LOOP_LAG_BUCKETS, 50, 4, 2, 1, total=0.125),
        detection={layer: histogram(DETECTION_BUCKETS) for layer in Layer},
        recovery={layer: histogram(RECOVERY_BUCKETS) for layer in Layer},
        network_reachable={},
        scheduler_rearmed=0,
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
        verdicts=dict.fromkeys(Check, Verdict.HEALTHY),
        checks={**dict.fromkeys(Verdict, 0), Verdict.HEALTHY: 2880},
        consecutive_failures=0,
        last_check=NOW - 12,
        last_healthy=NOW - 12,
        last_recovery=None,
        recoveries=0,
        interval=30.0,
    )
    return blank._replace(**changes)


UPLINK = UplinkTotals(1, 2_080_900_000, 7, True, NOW - 3599, 0, 0.0231)


def destination(name: str, **changes: Any) -> DestinationSnapshot:
    """A required RTMPS destination on air, fed by a pusher and watched."""
    blank = DestinationSnapshot(
        name=name,
        shown_url="rtmps://a.rtmps.youtube.com/live2/***",
        required=True,
        on_air=True,
        expected_bytes_per_second=578_500.0,
        uplink=UPLINK,
        dropped_datagrams=0,
        watchdog=watchdog(),
    )
    return blank._replace(**changes)


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


def incident(number: int, stream: str, **changes: Any) -> Incident:
    """A crash of the encoder `number` hours ago that was over at once, changed as told."""
    opened = NOW - 3600 * number
    blank = Incident(
        id=f"{stream}-{number}",
        stream=stream,
        destination=None,
        opened=opened,
        closed=opened + 33.2,
        cause=ExitCause.KILLED,
        segment=Segment.ENCODER,
        layer=Layer.PROCESS,
        drill=False,
        seconds_dark=0.0,
        detection_seconds=0.012,
        recovery_seconds=1.25,
        actions=(ActionTaken(opened + 0.1, Layer.PROCESS, Action.RESTART_ENCODER, Result.RECOVERED),),
    )
    return blank._replace(**changes)


def three_streams() -> Snapshot:
    """A morning with trouble: one stream on air twice, one off air, one a plain command. See `their_incidents`."""
    backup_uplink = UplinkTotals(3, 999_000, 120, True, NOW - 65, 410_000, 0.187)
    harbour = stream(
        "harbour-cam",
        encoder("harbour-cam"),
        pusher("harbour-cam", "youtube"),
        pusher(
            "harbour-cam",
            "backup",
            uplink=backup_uplink,
            restarts={**dict.fromkeys(RestartReason, 0), RestartReason.UPLINK: 2},
            exits={**dict.fromkeys(ExitCause, 0), ExitCause.KILLED: 2},
            last_failure=LastFailure("uplink_blocked", NOW - 66, ()),
        ),
        destinations=(
            destination("youtube"),
            destination(
                "backup",
                required=False,
                uplink=backup_uplink,
                watchdog=watchdog(
                    verdict=Verdict.DEGRADED,
                    verdicts={**dict.fromkeys(Check, Verdict.HEALTHY), Check.UPLINK: Verdict.DEGRADED},
                ),
            ),
        ),
        incidents={**dict.fromkeys(Segment, 0), Segment.UPLINK: 2, Segment.ENCODER: 4},
        recovery_attempts=attempts(Action.RESTART_ENCODER, Action.RESTART_PUSHER, restart_encoder=4, restart_pusher=2),
        recovery_results={**RESULTS, (Layer.PROCESS, Result.RECOVERED): 6},
        last_detection={Layer.PROCESS: 5.31},
        last_recovery={Layer.PROCESS: 1.04},
    )
    words = (
        "[rtsp @ 0x55] method DESCRIBE failed: 401 Unauthorized",
        "rtsp://***@10.0.0.5/stream1: Server returned 401 Unauthorized (authorization failed)",
    )
    garden = stream(
        "garden-cam",
        encoder(
            "garden-cam",
            state=State.BACKOFF,
            pid=None,
            run_id=None,
            started=None,
            restarts={**dict.fromkeys(RestartReason, 0), RestartReason.EXIT: 6},
            exits={**dict.fromkeys(ExitCause, 0), ExitCause.SOURCE_REFUSED: 6},
            budget_remaining=4,
            backoff_seconds=10.0,
            retry_at=NOW + 7.5,
            progress=ProgressTotals(9000, 0, 0, 170_000_000, 360.0, None, NOW - 142),
            last_failure=LastFailure("source_refused", NOW - 2.5, words),
        ),
        pusher("garden-cam", "youtube", progress=ProgressTotals(8990, 0, 0, 171_000_000, 359.6, None, NOW - 142)),
        on_air=False,
        reason="the encoder ended: source_refused",
        health=Health.UNHEALTHY,
        since=NOW - 142,
        destinations=(
            destination(
                "youtube",
                on_air=False,
                watchdog=watchdog(
                    verdict=Verdict.UNHEALTHY,
                    verdicts={
                        Check.PROCESS: Verdict.UNHEALTHY,
                        Check.PROGRESS: Verdict.UNHEALTHY,
                        Check.UPLINK: Verdict.UNKNOWN,
                        Check.NETWORK: Verdict.HEALTHY,
                        Check.SOURCE: Verdict.UNHEALTHY,
                    },
                    consecutive_failures=4,
                    last_healthy=NOW - 150,
                    last_recovery=NOW - 32,
                    recoveries=1,
                ),
            ),
        ),
        off_air_since=NOW - 142,
        incident_open={**dict.fromkeys(Segment, 0), Segment.SOURCE: 1},
        incidents={**dict.fromkeys(Segment, 0), Segment.SOURCE: 2},
        recovery_results={**RESULTS, (Layer.PROCESS, Result.FAILED): 5, (Layer.PROCESS, Result.SUPERSEDED): 1},
        last_detection={Layer.PROCESS: 0.02, Layer.WATCHDOG: 92.5},
    )
    return snapshot(
        harbour,
        garden,
        command("test-card", tracked=False)._replace(maintenance=True, drills=True),
        detection={
            **{layer: histogram(DETECTION_BUCKETS) for layer in Layer},
            Layer.PROCESS: histogram(DETECTION_BUCKETS, 3, 1, 0, 2, total=4.75),
        },
        network_reachable={"ingest": True, "reference": False},
        scheduler_rearmed=1,
    )


def their_incidents() -> tuple[Incident, ...]:
    """What happened to `three_streams`, newest first."""
    begun = NOW - 142
    tries = [
        ActionTaken(begun + after, Layer.PROCESS, Action.RESTART_ENCODER, Result.FAILED) for after in (1, 3, 7, 16)
    ]
    recovery = ActionTaken(NOW - 32, Layer.WATCHDOG, Action.RESTART_ALL, None)
    dark = incident(
        0,
        "garden-cam",
        opened=begun,
        closed=None,
        cause=ExitCause.SOURCE_REFUSED,
        segment=Segment.SOURCE,
        seconds_dark=142.0,
        detection_seconds=0.02,
        recovery_seconds=None,
        actions=(*tries, recovery),
    )
    uplink = incident(
        1,
        "harbour-cam",
        destination="backup",
        cause=Trouble.UPLINK_BLOCKED,
        segment=Segment.UPLINK,
        seconds_dark=6.4,
        detection_seconds=5.31,
        recovery_seconds=1.04,
        actions=(ActionTaken(NOW - 3599, Layer.PROCESS, Action.RESTART_PUSHER, Result.RECOVERED),),
    )
    drill = incident(2, "harbour-cam", drill=True)
    crashes = [incident(hours, "harbour-cam") for hours in range(3, 7)]
    source = incident(9, "garden-cam", cause=ExitCause.SOURCE_UNREACHABLE, segment=Segment.SOURCE, seconds_dark=61.0)
    return (dark, uplink, drill, *crashes, source)


def busy_stream(name: str) -> StreamSnapshot:
    """As many series as one stream can have: two destinations, everything known, every pair that there is."""
    return stream(
        name,
        encoder(name),
        *(pusher(name, place) for place in ("youtube", "backup")),
        destinations=(destination("youtube"), destination("backup")),
        recovery_attempts=dict.fromkeys(product(Layer, Action), 1),
        recovery_results=dict.fromkeys(product(Layer, Result), 1),
        last_detection=dict.fromkeys(Layer, 0.5),
        last_recovery=dict.fromkeys(Layer, 0.5),
    )


def busy_command(name: str, *places: DestinationSnapshot) -> StreamSnapshot:
    """As many series as a command can have; bare without `places`."""
    busy = busy_stream(name)
    return command(name)._replace(
        destinations=places,
        recovery_attempts=busy.recovery_attempts,
        recovery_results=busy.recovery_results,
        last_detection=busy.last_detection,
        last_recovery=busy.last_recovery,
    )
