"""Facts of what somebody has announced → log lines: orders, and maintenance."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from supervisor.model import events
from supervisor.model.maintenance import Maintenance

AnnouncedPayload = (
    events.StreamOrdered
    | events.OrderLapsed
    | events.SourceOrdered
    | events.WatchdogsSwitched
    | events.MaintenanceOrdered
    | events.MaintenanceBegun
    | events.MaintenanceOver
)


def write_announced(log: Any, what: AnnouncedPayload) -> None:
    """Write one fact to a structlog logger."""
    match what:
        case events.StreamOrdered(stream, wanted, why, until):
            about = {"stream": stream, "why": why} | ({"until": _time(until)} if until else {})
            log.info("ordered to run" if wanted else "ordered to stop", **about)
        case events.OrderLapsed(stream):
            log.info("what an operator ordered is over", stream=stream)
        case events.SourceOrdered(stream, source, why, until, recalled):
            about = {"stream": stream, "source": source or "the best that works", "why": why}
            words = "as before neverdark was started anew: viewers are to see" if recalled else "viewers are to see"
            log.info(words, **about, **({"until": _time(until)} if until else {}))
        case events.WatchdogsSwitched(destinations, running, why):
            words = "watchdog looks again" if running else "watchdog stopped: what only it would notice, nobody repairs"
            log.info(words, destinations=destinations, why=why)
        case events.MaintenanceOrdered(window):
            log.info("maintenance ordered", **_about(window))
        case events.MaintenanceBegun(window):
            log.info("maintenance begins: what fails is recorded and wakes nobody", **_about(window))
        case events.MaintenanceOver(window):
            log.info("maintenance is over", **_about(window))


def _about(window: Maintenance) -> dict[str, Any]:
    about = {
        "id": window.id,
        "streams": window.streams or "all",
        "since": _time(window.since),
        "until": _time(window.until),
    }
    return about | ({"why": window.reason} if window.reason else {})


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
