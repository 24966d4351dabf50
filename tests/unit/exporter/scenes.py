"""Whole engines made of `snapshots`: a morning with trouble, and the most that there can be."""

from __future__ import annotations

from itertools import product
from typing import Any

from supervisor.model.incidents import ActionTaken, Finding, Incident
from supervisor.model.snapshot import (
    DETECTION_BUCKETS,
    DestinationSnapshot,
    LastFailure,
    ProgressTotals,
    Snapshot,
    StreamSnapshot,
    UplinkTotals,
)
from supervisor.model.terms import (
    EXITS_OF,
    REASONS_OF,
    Action,
    Check,
    ExitCause,
    Health,
    Layer,
    RestartReason,
    Result,
    Role,
    Segment,
    State,
    Trouble,
    Verdict,
)
from tests.unit.exporter.snapshots import (
    NOW,
    RESULTS,
    attempts,
    command,
    destination,
    encoder,
    histogram,
    pusher,
    snapshot,
    stream,
    watchdog,
)


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
        role=Role.ENCODER,
        findings=(),
    )._replace(**changes)
    role = Role.ENCODER if blank.destination is None else Role.PUSHER
    blank = blank._replace(excused=blank.excused or ("drill" if blank.drill else None))
    first = Finding(opened, blank.cause, blank.segment, role, blank.destination, blank.layer)
    return blank._replace(role=role, findings=(first, *blank.findings))


def three_streams() -> Snapshot:
    """A morning with trouble: one stream on air twice, one off air, one a plain command. See `their_incidents`."""
    backup_uplink = UplinkTotals(True, NOW - 65, 3, 999_000, 120, 410_000, 0.187)
    harbour = stream(
        "harbour-cam",
        encoder("harbour-cam"),
        pusher("harbour-cam", "youtube"),
        pusher(
            "harbour-cam",
            "backup",
            uplink=backup_uplink,
            restarts={**dict.fromkeys(REASONS_OF[Role.PUSHER], 0), RestartReason.UPLINK: 2},
            exits={**dict.fromkeys(EXITS_OF[Role.PUSHER], 0), ExitCause.KILLED: 2},
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
            restarts={**dict.fromkeys(REASONS_OF[Role.ENCODER], 0), RestartReason.EXIT: 6},
            exits={**dict.fromkeys(EXITS_OF[Role.ENCODER], 0), ExitCause.SOURCE_REFUSED: 6},
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
    source = incident(
        9,
        "garden-cam",
        cause=ExitCause.SOURCE_UNREACHABLE,
        segment=Segment.SOURCE,
        seconds_dark=61.0,
        findings=(
            Finding(
                NOW - 9 * 3600 + 62,
                ExitCause.INGEST_CLOSED,
                Segment.PLATFORM,
                Role.PUSHER,
                "youtube",
                Layer.PROCESS,
                times=2,
                consequence=True,
            ),
        ),
    )
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
