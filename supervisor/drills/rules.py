"""What a drill may take and what it must show. Pure: from what the API tells, times in seconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from supervisor.model.drills import LONGEST, Drill
from supervisor.model.fallback import FallbackWaits
from supervisor.model.policies import RestartPolicy, StallPolicy, UplinkPolicy, WatchdogPolicy
from supervisor.model.quantities import show_duration
from supervisor.model.terms import Layer, Result, Role, Segment

# The API's answers, as they came.
Json = Mapping[str, Any]

_LOOKING = 2.0  # what is looked at once a second, and told a moment later
_SOURCE_AWAY = 10.0  # how long at most neverdark keeps a source away that is not a connection
_AT_ONCE = 10.0  # from the choice of a slate until the ingest has acknowledged something of it
_LONGEST_RETURN = 600.0  # however often a source has flapped
_SECOND_LAYER = 30.0  # from the second layer's decision to a picture


class CannotDrill(Exception):  # noqa: N818 - it names the state
    """A drill that cannot be done now, or here; the text says why. Nothing is broken."""


class Inapplicable(CannotDrill):
    """The stream has nothing that could be broken that way."""


# Which segment an incident must name, to be right.
SEGMENT: Mapping[Drill, Segment] = {
    Drill.QUICK: Segment.ENCODER,
    Drill.FREEZE: Segment.ENCODER,
    Drill.PUSHER: Segment.PUSHER,
    Drill.UPLINK: Segment.UPLINK,
    Drill.SOURCE: Segment.SOURCE,
    Drill.FALLBACK: Segment.SOURCE,
    Drill.FULL: Segment.ENCODER,
}


# --- whom it hits ------------------------------------------------------------------------------------


class DrillPlace(NamedTuple):
    """The place of a process; `destination` is None but for a pusher's, and for a command's uplink."""

    role: Role
    destination: str | None

    @property
    def name(self) -> str:
        """The process in words."""
        return " ".join(filter(None, (self.role, self.destination)))


def place_of(drill: Drill, stream: Json, destination: str | None) -> DrillPlace:
    """Whom a drill hits: a pusher of `destination` or else of the first required one, or the encoder or command.

    Raises CannotDrill.
    """
    command = bool(stream["command"])
    main = Role.COMMAND if command else Role.ENCODER
    if drill is Drill.PUSHER and command:
        raise Inapplicable("a command stream has no pusher of neverdark's")
    if drill is Drill.FALLBACK and not stream.get("fallback"):
        raise Inapplicable("the stream has no fallback")
    if drill is Drill.SOURCE and command:
        raise Inapplicable("the source of a command stream is the command's own business")
    if drill not in {Drill.PUSHER, Drill.UPLINK}:
        return DrillPlace(main, None)
    chosen = _destination(drill, stream, destination)
    return DrillPlace(main if command else Role.PUSHER, chosen)


def _destination(drill: Drill, stream: Json, wanted: str | None) -> str:
    """The one that is wanted, else the first that is required; for an uplink one that has any, if possible."""
    names = [str(each["name"]) for each in stream["destinations"]]
    if wanted is not None and wanted not in names:
        raise CannotDrill(f"there is no destination {wanted}; there are: {', '.join(names) or 'none'}")
    if not names:
        raise Inapplicable("the stream has no destination")
    required = {str(each["name"]) for each in stream["destinations"] if each["required"]}
    by_tcp = {process["destination"] for process in stream["processes"] if process["uplink"] is not None}
    return wanted or min(names, key=lambda name: (drill is Drill.UPLINK and name not in by_tcp, name not in required))


def process_of(stream: Json, place: DrillPlace) -> Json:
    """The process in a place. Raises CannotDrill when there is none (any more)."""
    for process in stream["processes"]:
        if process["role"] == place.role and place.role is not Role.PUSHER:
            return dict(process)
        if process["role"] == place.role and process["destination"] == place.destination:
            return dict(process)
    raise CannotDrill(f"the stream has no {place.name}")


def encoder_of(stream: Json) -> Json:
    """The process that reads the stream's own source."""
    return process_of(stream, DrillPlace(Role.ENCODER, None))


def check(drill: Drill, stream: Json, process: Json) -> None:
    """Raises CannotDrill when the stream is not as a drill needs it."""
    if not stream["drills"]:
        raise CannotDrill("drills are switched off for this stream (drills: false)")
    if not stream["on_air"]:
        raise CannotDrill(f"the stream is not on air ({stream['reason'] or 'no reason given'})")
    if drill is Drill.FALLBACK and (ordered := stream["ordered_source"]):
        end = f"neverdark switch {stream['stream']} --to auto"
        raise CannotDrill(f"viewers are to see {ordered['source']} by an operator's order; {end} ends it")
    if drill is Drill.FREEZE and process["progress"] is None:
        raise Inapplicable("the command tells no progress ({progress}), so that nobody could see it stand still")
    if drill is Drill.FULL and not policies_of(stream, process).watchdog.enabled:
        raise Inapplicable("the second layer is switched off (watchdog: {enabled: false})")


# --- how long it may take ----------------------------------------------------------------------------


class RunningPolicies(NamedTuple):
    """The policies in force for one process, as far as a drill needs them."""

    restart: RestartPolicy
    stall: StallPolicy
    uplink: UplinkPolicy
    watchdog: WatchdogPolicy
    fallback: FallbackWaits = FallbackWaits(0.0, 0.0)


def policies_of(stream: Json, process: Json) -> RunningPolicies:
    """As the API gives them; the watchdog is the one that decides first.

    A destination's watchdog judges all that stands before the destination, so an encoder has as many as pushers.
    """
    given = process["policies"]
    watchdogs = [WatchdogPolicy.model_validate(given["watchdog"])]
    if process["role"] == Role.ENCODER:
        pushers = [each for each in stream["processes"] if each["role"] == Role.PUSHER]
        watchdogs = [WatchdogPolicy.model_validate(each["policies"]["watchdog"]) for each in pushers] or watchdogs
    return RunningPolicies(
        RestartPolicy.model_validate(given["restart"]),
        StallPolicy.model_validate(given["stall"]),
        UplinkPolicy.model_validate(given["uplink"]),
        min(watchdogs, key=lambda each: (not each.enabled, each.failures * each.interval)),
        FallbackWaits(**stream["fallback"]) if stream.get("fallback") else FallbackWaits(0.0, 0.0),
    )


def expect_time(seconds: float) -> None:
    """Raises CannotDrill when a drill of so many seconds cannot be announced."""
    if seconds > LONGEST:
        raise CannotDrill(f"it may take {show_duration(seconds)}, and a drill lasts {show_duration(LONGEST)} at most")


def backoffs(restart: RestartPolicy) -> list[float]:
    """The longest wait before each attempt of a full budget."""
    delays, delay = [], restart.initial_delay
    for _ in range(restart.attempts):
        delays.append(min(restart.max_delay, delay))
        delay = min(restart.max_delay, delay * restart.factor)  # capped at each step: floats cannot overflow
    return delays


def seconds_allowed(drill: Drill, policies: RunningPolicies, budget: int | None = None) -> float:
    """From the fault until the stream must be on air again, under the running configuration.

    `budget` is how many attempts are left to the first layer (None: all): what failed of late makes the next wait
    longer, and with none left it is the second layer's turn.
    """
    if drill is Drill.FULL:
        return sum(backoffs(policies.restart)) + _second_layer(policies.watchdog)
    repair = _next_wait(policies, budget) + policies.stall.startup
    match drill:
        case Drill.QUICK | Drill.PUSHER:
            return repair
        case Drill.FREEZE:
            return policies.stall.timeout + _LOOKING + repair
        case Drill.UPLINK:
            return policies.uplink.interval + policies.uplink.timeout + _LOOKING + repair
        case Drill.SOURCE:
            return max(policies.stall.timeout + _LOOKING, _SOURCE_AWAY) + repair
        case Drill.FALLBACK:
            away = max(policies.stall.timeout + _LOOKING, _SOURCE_AWAY, seconds_until_fallback(policies))
            return away + repair + seconds_until_return(policies)


def seconds_until_fallback(policies: RunningPolicies) -> float:
    """From the loss of a stream's own source until something of another one must have reached every ingest."""
    noticed = max(policies.fallback.after, policies.stall.timeout) + _LOOKING
    return noticed + max(_AT_ONCE, policies.stall.startup)


def seconds_until_return(policies: RunningPolicies) -> float:
    """From its first picture until a stream's own source must be shown again: this loss may double the wait."""
    wait = policies.fallback.return_after
    return max(wait, min(2 * wait, _LONGEST_RETURN)) + _LOOKING + policies.stall.startup


def _next_wait(policies: RunningPolicies, budget: int | None) -> float:
    delays = backoffs(policies.restart)
    spent = 0 if budget is None else len(delays) - budget
    return delays[max(0, spent)] if spent < len(delays) else _second_layer(policies.watchdog)


def _second_layer(watchdog: WatchdogPolicy) -> float:
    return watchdog.failures * watchdog.interval + _SECOND_LAYER


# --- what it has shown -------------------------------------------------------------------------------


def open_incident(incidents: Iterable[Json]) -> Json | None:
    """One that is not closed yet."""
    return next((incident for incident in incidents if incident["closed"] is None), None)


def watchdog_rests_until(incidents: Iterable[Json], watchdog: WatchdogPolicy) -> datetime | None:
    """When the second layer will act again: its last action, plus its cooldown; None when it never has acted."""
    acted = [
        datetime.fromisoformat(action["at"])
        for incident in incidents
        for action in incident["actions"]
        if action["layer"] == Layer.WATCHDOG
    ]
    return max(acted) + timedelta(seconds=watchdog.cooldown) if acted else None


def find_incident(drill: Drill, place: DrillPlace, incidents: Iterable[Json], known: frozenset[str]) -> Json | None:
    """The incident of a drill: one that was not `known` before it, and is marked as a drill.

    Of several (an encoder's fault may also be seen at a destination) it is the one that names the right segment, then
    the one at the right place, then the first.
    """
    found = [each for each in incidents if each["drill"] and str(each["id"]) not in known]
    destination = place.destination if place.role is Role.PUSHER else None
    return min(
        found,
        key=lambda each: (each["segment"] != SEGMENT[drill], each["destination"] != destination, each["opened"]),
        default=None,
    )


def recovered_by(incident: Json) -> str:
    """The layer whose action helped: the one that is known to have, else the last one, else who noticed."""
    actions = incident["actions"]
    helped = [action for action in actions if action["result"] == Result.RECOVERED]
    last = (helped or actions)[-1:]
    return str(last[0]["layer"] if last else incident["layer"])


def objection(drill: Drill, incident: Json) -> str | None:
    """What is wrong with an incident whose stream is back: None if the drill has proved what it was to prove."""
    if incident["segment"] != SEGMENT[drill]:
        return f"the segment named is {incident['segment']}, and it was {SEGMENT[drill]}"
    if drill is Drill.FULL and recovered_by(incident) != Layer.WATCHDOG:
        return f"it was brought back by {recovered_by(incident)}, not by the second layer"
    return None
