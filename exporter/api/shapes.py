"""Snapshot → the plain dictionaries that the REST answers are made of. Pure. Their shapes: see `models`."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from supervisor.model.policies import Policies
from supervisor.model.snapshot import (
    ConfigState,
    DestinationSnapshot,
    Incident,
    ProcessSnapshot,
    Snapshot,
    StreamSnapshot,
    UplinkTotals,
    WatchdogSnapshot,
)

_SHOWN_POLICIES: Final = {"restart", "stall", "uplink", "watchdog"}
# What policies look like, by their identity: 1,000 streams share few, and each page asks every two seconds.
_policies_shown: dict[int, tuple[weakref.ref[Policies], dict[str, Any]]] = {}


def show_time(seconds: float | None) -> str | None:
    """`2026-01-01T00:00:00.250Z`: UTC, milliseconds."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def show_seconds(seconds: float) -> float:
    """`30` rather than `30.0` when it is whole."""
    return int(seconds) if seconds.is_integer() else seconds


def show_readiness(snapshot: Snapshot) -> dict[str, Any]:
    """The answer of /readyz."""
    ready = all(stream.on_air for stream in snapshot.streams if stream.wanted)
    return {
        "status": "ready" if ready else "not ready",
        "streams": {
            stream.name: {
                "wanted": stream.wanted,
                "on_air": stream.on_air,
                "verified": stream.verified,
                "reason": stream.reason,
            }
            for stream in snapshot.streams
        },
    }


def show_config(config: ConfigState) -> dict[str, Any]:
    """What configuration is in force, and why the file as it stands is not."""
    refused = None if config.rejected is None else {"at": show_time(config.rejected), "problems": list(config.problems)}
    return {
        "accepted": show_time(config.accepted),
        "refused": refused,
        "warnings": config.warnings,
        "need_restart": list(config.need_restart),
    }


def show_stream(stream: StreamSnapshot) -> dict[str, Any]:
    """One stream with everything below it."""
    return {
        "stream": stream.name,
        "wanted": stream.wanted,
        "on_air": stream.on_air,
        "verified": stream.verified,
        "reason": stream.reason,
        "note": stream.note,
        "health": stream.health,
        "since": show_time(stream.since),
        "origin": stream.origin,
        "command": stream.is_command,
        "maintenance": stream.maintenance,
        "drills": stream.drills,
        "off_air_since": show_time(stream.off_air_since or None),
        "wanted_seconds": stream.wanted_seconds,
        "on_air_seconds": stream.on_air_seconds,
        "processes": [_show_process(process) for process in stream.processes],
        "destinations": [_show_destination(destination) for destination in stream.destinations],
    }


def show_watchdogs(snapshot: Snapshot) -> dict[str, Any]:
    """The answer of /api/watchdog/status."""
    watchdogs = {
        f"{stream.name}:{place.name}": _show_watchdog(place.watchdog)
        for stream in snapshot.streams
        for place in stream.destinations
        if place.watchdog is not None
    }
    return {"watchdog_count": len(watchdogs), "watchdogs": watchdogs}


def show_incidents(incidents: Iterable[Incident]) -> dict[str, Any]:
    """A list of incidents, in the order in which they come."""
    return {"incidents": [_show_incident(incident) for incident in incidents]}


def _show_incident(incident: Incident) -> dict[str, Any]:
    shown = incident._asdict()
    subject = {"stream": incident.stream, "destination": incident.destination, "role": shown.pop("role")}
    return shown | {
        "subject": subject,
        "opened": show_time(incident.opened),
        "closed": show_time(incident.closed),
        "findings": [finding._asdict() | {"at": show_time(finding.at)} for finding in incident.findings],
        "actions": [action._asdict() | {"at": show_time(action.at)} for action in incident.actions],
    }


def _show_watchdog(watchdog: WatchdogSnapshot) -> dict[str, Any]:
    return _show_watchdog_state(watchdog) | {
        "last_check_time": show_time(watchdog.last_check),
        "last_healthy_time": show_time(watchdog.last_healthy),
        "last_recovery_time": show_time(watchdog.last_recovery),
        "recovery_count": watchdog.recoveries,
        "check_interval": show_seconds(watchdog.interval),
    }


def _show_watchdog_state(watchdog: WatchdogSnapshot) -> dict[str, Any]:
    return {
        "running": watchdog.running,
        "verdict": watchdog.verdict,
        "verdicts": dict(watchdog.verdicts),
        "consecutive_unhealthy": watchdog.consecutive_failures,
    }


def _show_destination(destination: DestinationSnapshot) -> dict[str, Any]:
    return {
        "name": destination.name,
        "url": destination.shown_url,
        "required": destination.required,
        "on_air": destination.on_air,
        "expected_bytes_per_second": destination.expected_bytes_per_second,
        "uplink": _show_uplink(destination.uplink),
        "link": None if destination.link is None else destination.link._asdict(),
        "watchdog": None if destination.watchdog is None else _show_watchdog_state(destination.watchdog),
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
        "uplink": _show_uplink(process.uplink),
        "dropped_datagrams": process.dropped_datagrams,
        "last_failure": failure and failure._asdict() | {"at": show_time(failure.at), "log": list(failure.log)},
        "policies": _show_policies(process.policies),
    }


def _show_progress(process: ProcessSnapshot) -> dict[str, Any] | None:
    if not process.tracked:
        return None
    return process.progress._asdict() | {"last_advance": show_time(process.progress.last_advance)}


def _show_uplink(uplink: UplinkTotals | None) -> dict[str, Any] | None:
    if uplink is None:
        return None
    return uplink._asdict() | {"connected_since": show_time(uplink.connected_since)}


def _show_policies(policies: Policies) -> dict[str, Any]:
    key = id(policies)
    known = _policies_shown.get(key)
    if known is None:
        shown = {
            section: {name: show_seconds(value) if isinstance(value, float) else value for name, value in keys.items()}
            for section, keys in policies.model_dump(include=_SHOWN_POLICIES).items()
        }
        # Goes with the policies, before another object can have their id.
        gone = weakref.ref(policies, lambda _: _policies_shown.pop(key, None))
        known = _policies_shown[key] = gone, shown
    return known[1]
