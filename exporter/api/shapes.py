"""Snapshot → the plain dictionaries that the REST answers are made of. Pure. Their fields: see `models`."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType
from typing import Any

from exporter.api.models import Configuration, MaintenanceWindow, ReadyStream, Stream, ToldSomebody, Watchdog
from exporter.api.seen import Seen
from exporter.api.shape import show, show_time
from supervisor.model.incidents import Incident
from supervisor.model.maintenance import Maintenance
from supervisor.model.snapshot import ConfigState, DestinationSnapshot, Snapshot, StreamSnapshot, WatchdogSnapshot
from supervisor.model.terms import Verdict


def show_readiness(snapshot: Snapshot) -> dict[str, Any]:
    """The answer of /readyz."""
    ready = all(stream.on_air for stream in snapshot.streams if stream.wanted)
    return {
        "status": "ready" if ready else "not ready",
        "streams": {stream.name: show(ReadyStream, stream) for stream in snapshot.streams},
    }


def show_config(config: ConfigState) -> dict[str, Any]:
    """What configuration is in force, and why the file as it stands is not."""
    return show(Configuration, config)


def show_stream(stream: StreamSnapshot, seen: Seen = MappingProxyType({})) -> dict[str, Any]:
    """One stream with everything below it, and what platforms say of its destinations."""
    shown = show(Stream, stream)
    if seen:
        for place in shown["destinations"]:
            place.update(seen.get((stream.name, place["name"]), {}))
    return shown


def show_maintenance(window: Maintenance) -> dict[str, Any]:
    """One maintenance window."""
    return show(MaintenanceWindow, window)


def show_watchdogs(snapshot: Snapshot) -> dict[str, Any]:
    """The answer of /api/watchdog/status."""
    watchdogs = {
        place.full_name: {"destination_id": place.id, **show(Watchdog, place.watchdog)}
        for stream in snapshot.streams
        for place in stream.destinations
        if place.watchdog is not None
    }
    return {"watchdog_count": len(watchdogs), "watchdogs": watchdogs}


def show_watchdog(place: DestinationSnapshot) -> dict[str, Any]:
    """The watchdog of one destination, also of one that nobody watches."""
    known = place.watchdog or WatchdogSnapshot(
        running=False,
        verdict=Verdict.UNKNOWN,
        verdicts={},
        checks={},
        consecutive_failures=0,
        last_check=None,
        last_healthy=None,
        last_recovery=None,
        recoveries=0,
        interval=place.watching.interval,
    )
    return {
        "destination_id": place.id,
        "destination_name": place.full_name,
        "watchdog_enabled": place.watching.enabled,
        **show(Watchdog, known),
        "message": None if known.running else "Watchdog not running",
    }


def show_incidents(incidents: Iterable[Incident]) -> dict[str, Any]:
    """A list of incidents, in the order in which they come."""
    return {"incidents": [show_incident(incident) for incident in incidents]}


def show_incident(incident: Incident) -> dict[str, Any]:
    """One incident."""
    shown = incident._asdict()
    subject = {"stream": incident.stream, "destination": incident.destination, "role": shown.pop("role")}
    return shown | {
        "subject": subject,
        "opened": show_time(incident.opened),
        "closed": show_time(incident.closed),
        "findings": [finding._asdict() | {"at": show_time(finding.at)} for finding in incident.findings],
        "actions": [action._asdict() | {"at": show_time(action.at)} for action in incident.actions],
        "notifications": [show(ToldSomebody, one) for one in incident.notifications],
    }
