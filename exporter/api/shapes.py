"""Snapshot → the plain dictionaries that the REST answers are made of. Pure. Their shapes: see `models`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from supervisor.snapshot import DestinationSnapshot, ProcessSnapshot, Snapshot, StreamSnapshot


def show_time(seconds: float | None) -> str | None:
    """`2026-01-01T00:00:00.250Z`: UTC, milliseconds."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def show_readiness(snapshot: Snapshot) -> dict[str, Any]:
    """The answer of /readyz."""
    ready = all(stream.on_air for stream in snapshot.streams if stream.wanted)
    return {
        "status": "ready" if ready else "not ready",
        "streams": {
            stream.name: {"wanted": stream.wanted, "on_air": stream.on_air, "reason": stream.reason}
            for stream in snapshot.streams
        },
    }


def show_stream(stream: StreamSnapshot) -> dict[str, Any]:
    """One stream with everything below it."""
    return {
        "stream": stream.name,
        "wanted": stream.wanted,
        "on_air": stream.on_air,
        "reason": stream.reason,
        "health": stream.health,
        "since": show_time(stream.since),
        "origin": stream.origin,
        "command": stream.is_command,
        "wanted_seconds": stream.wanted_seconds,
        "on_air_seconds": stream.on_air_seconds,
        "processes": [_show_process(process) for process in stream.processes],
        "destinations": [_show_destination(destination) for destination in stream.destinations],
    }


def _show_destination(destination: DestinationSnapshot) -> dict[str, Any]:
    return {
        "name": destination.name,
        "url": destination.shown_url,
        "required": destination.required,
        "on_air": destination.on_air,
        "expected_bytes_per_second": destination.expected_bytes_per_second,
    }


def _show_process(process: ProcessSnapshot) -> dict[str, Any]:
    failure = process.last_failure
    return {
        "role": process.key.role,
        "destination": process.key.destination or None,
        "state": process.state,
        "pid": process.pid,
        "run_id": process.run_id,
        "started": show_time(process.started),
        "restarts": dict(process.restarts),
        "exits": dict(process.exits),
        "budget_remaining": process.budget_remaining,
        "backoff_seconds": process.backoff_seconds,
        "retry_at": show_time(process.retry_at),
        "progress": _show_progress(process),
        "uplink": _show_uplink(process),
        "dropped_datagrams": process.dropped_datagrams,
        "last_failure": failure and {"cause": failure.cause, "at": show_time(failure.at), "log": list(failure.log)},
    }


def _show_progress(process: ProcessSnapshot) -> dict[str, Any] | None:
    if not process.tracked:
        return None
    return process.progress._asdict() | {"last_advance": show_time(process.progress.last_advance)}


def _show_uplink(process: ProcessSnapshot) -> dict[str, Any] | None:
    if process.uplink is None:
        return None
    return process.uplink._asdict() | {"connected_since": show_time(process.uplink.connected_since)}
