"""The second layer's decisions: when a row of bad verdicts becomes an action, and which. Pure.

One `Record` a destination; times are monotonic seconds, passed in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from supervisor.model.policies import WatchdogPolicy
from supervisor.model.terms import Action, Segment, Verdict

_DEGRADED_IN_A_ROW = 3
# While media flows, every restart costs the viewers something: one that did not help waits twice as long, up to here.
_MOST_DOUBLINGS = 4


class Withheld(StrEnum):
    """Why nothing is done although enough verdicts are bad."""

    LINE_DOWN = "our own line is down: waiting until it is back"
    HOPELESS = "a restart cannot help, somebody must change something first; slow retries go on"
    REFUSED = "the source refuses, and may lock out who asks too often: slow retries go on"
    FIRST_LAYER = "the process manager is at work and has attempts left"
    COOLDOWN = "the last recovery was too short a while ago"


@dataclass(frozen=True, slots=True)
class Record:
    """What is remembered of a destination between two checks."""

    unhealthy: int = 0  # verdicts in a row
    degraded: int = 0  # likewise
    attempts: int = 0  # recoveries since it was last healthy
    last_rung: float | None = None


@dataclass(frozen=True, slots=True)
class Situation:
    """What a decision depends on, besides the verdicts."""

    verdict: Verdict
    segment: Segment = Segment.UNKNOWN
    is_command: bool = False
    line_down: bool = False
    hopeless: bool = False
    refused: bool = False
    first_layer_at_work: bool = False
    media_flows: bool = False  # to this destination
    others_on_air: bool = False  # another destination of the stream is served
    last_rung: float | None = None  # the latest one on the same process, whoever's watchdog it was


class Decision(NamedTuple):
    """What follows from a check; at most one of `action` and `withheld` is set."""

    record: Record
    verdict: Verdict
    action: Action | None = None
    withheld: Withheld | None = None


def decide(record: Record, situation: Situation, policy: WatchdogPolicy, now: float) -> Decision:
    """Take a verdict in. `Unknown` neither counts nor forgives; degraded three times running is unhealthy.

    Running means without being healthy between: what is now degraded and now unhealthy is no better than either.
    """
    verdict = situation.verdict
    if verdict is Verdict.UNKNOWN:
        return Decision(record, verdict)
    if verdict is Verdict.HEALTHY:
        return Decision(Record(last_rung=record.last_rung), verdict)
    degraded = record.degraded + (verdict is Verdict.DEGRADED)
    if verdict is Verdict.DEGRADED and degraded < _DEGRADED_IN_A_ROW:
        return Decision(replace(record, degraded=degraded, unhealthy=0), verdict)
    counted = replace(record, degraded=degraded, unhealthy=record.unhealthy + 1)
    if counted.unhealthy < policy.failures:
        return Decision(counted, Verdict.UNHEALTHY)
    if withheld := _withheld(counted, situation, policy, now):
        return Decision(counted, Verdict.UNHEALTHY, withheld=withheld)
    acted = replace(counted, unhealthy=0, attempts=record.attempts + 1, last_rung=now)
    return Decision(acted, Verdict.UNHEALTHY, action=_rung(situation, again=record.attempts > 0))


def _withheld(record: Record, situation: Situation, policy: WatchdogPolicy, now: float) -> Withheld | None:
    if situation.line_down:
        return Withheld.LINE_DOWN
    if situation.hopeless:
        return Withheld.HOPELESS
    if situation.refused:
        return Withheld.REFUSED
    if situation.first_layer_at_work:
        return Withheld.FIRST_LAYER
    rungs = [at for at in (record.last_rung, situation.last_rung) if at is not None]
    doublings = min(max(0, record.attempts - 1), _MOST_DOUBLINGS) if situation.media_flows else 0
    if rungs and now < max(rungs) + policy.cooldown * 2**doublings:
        return Withheld.COOLDOWN
    return None


def _rung(situation: Situation, *, again: bool) -> Action:
    """The segment's own process; all of them when that did not help and nobody is watching anyway."""
    if situation.is_command:
        return Action.RESTART_COMMAND
    dark = not situation.media_flows and not situation.others_on_air
    match situation.segment:
        case Segment.UPLINK | Segment.NETWORK | Segment.PLATFORM:
            return Action.RESTART_PUSHER
        case Segment.PUSHER:
            return Action.RESTART_ALL if again and dark else Action.RESTART_PUSHER
        case Segment.SOURCE | Segment.ENCODER:
            return Action.RESTART_ALL if again and dark else Action.RESTART_ENCODER
        case Segment.UNKNOWN | Segment.NEVERDARK:
            return Action.RESTART_ALL if dark else Action.RESTART_PUSHER
