"""Facts of the second layer → log lines: verdicts, recoveries, incidents, drills, the line."""

from __future__ import annotations

from typing import Any

from supervisor.model import events
from supervisor.model.quantities import show_duration

_MEGABYTE = 1_000_000

RecoveryFact = (
    events.WatchdogStarted
    | events.DestinationHealthy
    | events.DestinationUnhealthy
    | events.RecoveryAttempted
    | events.IncidentOpened
    | events.IncidentFinding
    | events.IncidentClosed
    | events.LineChanged
    | events.CheckRearmed
    | events.DrillAnnounced
)


def write_recovery(log: Any, fact: RecoveryFact) -> None:  # noqa: C901 - one arm a fact
    """Write one fact to a structlog logger."""
    match fact:
        case events.WatchdogStarted(count):
            log.info("🐕 Starting YouTube watchdog manager", destinations=count)
        case events.DestinationHealthy(stream, destination, pid, cpu, memory):
            line = f"Stream {stream} healthy - PID: {pid}, CPU: {cpu:.0%}, Memory: {memory / _MEGABYTE:.0f}MB"
            log.info(line, stream=stream, destination=destination)
        case events.DestinationUnhealthy(stream, destination, count, failures, segment, said, withheld):
            line = f"Stream unhealthy ({count}/{failures} checks)"
            about = {"stream": stream, "destination": destination, "segment": str(segment), "found": said}
            log.warning(line, **_known(about | {"nothing_done": withheld}))
        case events.RecoveryAttempted(stream, destination, number, action, segment):
            line = f"=== RECOVERY ATTEMPT #{number} ==="
            log.warning(line, stream=stream, destination=destination, action=str(action), segment=str(segment))
        case events.IncidentOpened():
            log.warning("incident opened", **_incident(fact), **_known({"words": fact.said}), layer=str(fact.layer))
        case events.IncidentFinding():
            line = "incident goes on as part of another" if fact.joined else "incident: something more was found"
            about = _known({"words": fact.said}) | {"role": str(fact.role), "layer": str(fact.layer)}
            log.warning(line, **_incident(fact), **about)
        case events.IncidentClosed():
            log.info("incident closed", **_incident(fact), dark_for=show_duration(fact.seconds_dark))
        case events.LineChanged(down, seconds):
            if down:
                log.error("our own line is down: nothing is attempted until it is back")
            else:
                log.info("our own line is back", down_for=show_duration(seconds))
        case events.CheckRearmed(name, seconds):
            log.error("a check of the watchdog did not run, scheduling it anew", check=name, late=round(seconds, 1))
        case events.DrillAnnounced(stream, seconds, how):
            line = f"drill announced for {show_duration(seconds)}" if seconds else "drill is over"
            log.info(line, **_known({"stream": stream, "how": how}))


def _incident(fact: events.IncidentOpened | events.IncidentFinding | events.IncidentClosed) -> dict[str, Any]:
    return _known(
        {
            "stream": fact.stream,
            "destination": fact.destination or None,
            "cause": str(fact.cause),
            "segment": str(fact.segment),
            "drill": fact.drill or None,
        }
    )


def _known(about: dict[str, Any]) -> dict[str, Any]:
    """What there is to say: a key without a value says nothing."""
    return {key: value for key, value in about.items() if value is not None}
