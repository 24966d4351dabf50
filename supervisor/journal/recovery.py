"""Facts of the second layer → log lines: verdicts, recoveries, incidents, drills, orders, the line."""

from __future__ import annotations

from typing import Any

from supervisor.model import events
from supervisor.model.incidents import Finding, Incident
from supervisor.model.quantities import show_duration

_MEGABYTE = 1_000_000

RecoveryPayload = (
    events.WatchdogStarted
    | events.DestinationHealthy
    | events.DestinationUnhealthy
    | events.RecoveryAttempted
    | events.RecoveryOrdered
    | events.RecoveryAnswered
    | events.ProgramTrouble
    | events.IncidentOpened
    | events.FindingEntered
    | events.IncidentClosed
    | events.LineChanged
    | events.CheckRearmed
    | events.DrillAnnounced
    | events.OrderGiven
)


def write_recovery(log: Any, what: RecoveryPayload) -> None:  # noqa: C901, PLR0912 - one arm a fact
    """Write one fact to a structlog logger."""
    match what:
        case events.OrderGiven(order, subject, by, address):
            line = f"{order} ordered by an operator"
            about = {"stream": subject.stream or None, "destination": subject.destination or None}
            log.info(line, **_known(about), peer=address, by=by)
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
        case events.RecoveryOrdered(key, reason, how):
            line = f"recovery of somebody else's program: {how}"
            log.warning(line, stream=key.stream, reason=str(reason))
        case events.RecoveryAnswered(key, error):
            line = f"recovery: {error or 'taken; the program is still to announce itself'}"
            (log.error if error else log.info)(line, stream=key.stream)
        case events.ProgramTrouble(key, error):
            (log.error if error else log.info)(error or "its progress can be read again", stream=key.stream)
        case events.IncidentOpened(incident):
            about = _known({"words": incident.said})
            log.warning("incident opened", **_about(incident, incident), **about, layer=str(incident.layer))
        case events.FindingEntered(incident, finding, part):
            line = "incident goes on as part of another" if part else "incident: something more was found"
            about = _known({"words": finding.said, "role": finding.role and str(finding.role)})
            log.warning(line, **_about(part or incident, finding), **about, layer=str(finding.layer))
        case events.IncidentClosed(incident):
            log.info("incident closed", **_about(incident, incident), dark_for=show_duration(incident.seconds_dark))
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


def _about(incident: Incident, what: Incident | Finding) -> dict[str, Any]:
    """What an incident, or something that was found, is about."""
    return _known(
        {
            "stream": incident.stream or None,
            "destination": what.destination,
            "cause": str(what.cause),
            "segment": str(what.segment),
            "drill": incident.drill or None,
        }
    )


def _known(about: dict[str, Any]) -> dict[str, Any]:
    """What there is to say: a key without a value says nothing."""
    return {key: value for key, value in about.items() if value is not None}
