"""A made-up engine for tests and screenshots: real snapshot values behind the real `Control` interface."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from supervisor.model import ExitCause, Health, ProcessKey, RestartReason, Role, Segment, State
from supervisor.snapshot import (
    LOOP_LAG_BUCKETS,
    DestinationSnapshot,
    LastFailure,
    ProcessSnapshot,
    ProgressTotals,
    Snapshot,
    StreamSnapshot,
    UplinkTotals,
    Verb,
)

LIVE_PID = os.getpid()  # a process that the kernel can tell of
NOW = 1_767_225_600.25  # 2026-01-01T00:00:00.250Z


class FakeControl:
    """An engine that shows what it is given and remembers what it is asked."""

    def __init__(self, snapshot: Snapshot, logs: Path | None = None) -> None:
        self.now = snapshot
        self.logs = logs or Path("/nonexistent")
        self.late_parts: dict[str, float] = {}
        self.requests: list[tuple[Verb, str]] = []
        self.failure: Exception | None = None

    def snapshot(self) -> Snapshot:
        if self.failure is not None:
            raise self.failure
        return self.now

    def late(self) -> Mapping[str, float]:
        return self.late_parts

    def request(self, verb: Verb, stream: str) -> bool:
        if all(known.name != stream for known in self.now.streams):
            return False
        self.requests.append((verb, stream))
        return True

    def log_directory(self, stream: str) -> Path:
        return self.logs / stream


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
        progress=ProgressTotals(),
        last_failure=None,
        uplink=None,
        dropped_datagrams=None,
    )
    return blank._replace(**changes)


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
    )
    return blank._replace(**changes)


def snapshot(*streams: StreamSnapshot, **changes: Any) -> Snapshot:
    """An engine that holds `streams`."""
    blank = Snapshot(
        at=NOW,
        streams=streams,
        config_reload_successful=True,
        config_reload_success_time=NOW - 86_400,
        clock_steps=0,
        data_dir=Path("/tmp"),  # noqa: S108 - any directory that exists will do
        loop_lag_counts=(50, 4, 2, 1, *[0] * (len(LOOP_LAG_BUCKETS) - 3)),
        loop_lag_sum=0.125,
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
        "uplink": UplinkTotals(1, 2_080_900_000, 7, True, NOW - 3599, 0, 0.0231),
        "dropped_datagrams": 0,
    }
    return process(ProcessKey(name, Role.PUSHER, destination), **(running | changes))


def destination(name: str, **changes: Any) -> DestinationSnapshot:
    """A required RTMPS destination on air."""
    return DestinationSnapshot(name, "rtmps://a.rtmps.youtube.com/live2/***", True, True, 578_500.0)._replace(**changes)


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
    return stream(name, process(key, **(running | changes)), is_command=True)


def three_streams() -> Snapshot:
    """A morning with trouble: one stream on air twice, one off air, one a plain command."""
    harbour = stream(
        "harbour-cam",
        encoder("harbour-cam"),
        pusher("harbour-cam", "youtube"),
        pusher(
            "harbour-cam",
            "backup",
            uplink=UplinkTotals(3, 999_000, 120, True, NOW - 65, 410_000, 0.187),
            restarts={**dict.fromkeys(RestartReason, 0), RestartReason.UPLINK: 2},
            exits={**dict.fromkeys(ExitCause, 0), ExitCause.KILLED: 2},
            last_failure=LastFailure("uplink_blocked", NOW - 66, ()),
        ),
        destinations=(destination("youtube"), destination("backup", required=False)),
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
        destinations=(destination("youtube", on_air=False),),
    )
    return snapshot(harbour, garden, command("test-card", tracked=False))
