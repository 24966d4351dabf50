"""Whose trouble it is, for the second layer, and who is replaced because of it. Acts on nothing."""

from __future__ import annotations

from collections.abc import Sequence

from supervisor.judge.checks import Judgement
from supervisor.lifecycle.pauses import HOPELESS
from supervisor.model.terms import Action, Cause, ExitCause, Role, Segment, State, Trouble, Verdict
from supervisor.watchdog.interfaces import JudgedProcess

NEVER_HELPS = HOPELESS | {ExitCause.INGEST_REFUSED}
_SEGMENT_OF_ROLE = {Role.ENCODER: Segment.ENCODER, Role.PUSHER: Segment.PUSHER, Role.COMMAND: Segment.ENCODER}


def own_segment(process: JudgedProcess, cause: Cause | None) -> Segment:
    """Where something is wrong although media flows."""
    if cause in {Trouble.BITRATE_LOW, Trouble.BACKLOG} and process.key.role is Role.PUSHER:
        return Segment.UPLINK
    return _SEGMENT_OF_ROLE[process.key.role]


def of_covered(encoder: JudgedProcess, now: float) -> Verdict:
    """How the encoder does that nobody sees: out of attempts it is tried so rarely that somebody has to help it."""
    if encoder.advancing(now):
        return Verdict.HEALTHY
    return Verdict.UNHEALTHY if encoder.status.state is State.COOLDOWN else Verdict.UNKNOWN


def culprit_of(
    way: tuple[JudgedProcess, ...], trouble: Judgement | None, now: float
) -> tuple[JudgedProcess, Cause | None]:
    """Whose trouble it is: the process that a judgement names, else the first on the way that does not advance."""
    reader, sender = way[0], way[-1]
    if trouble and trouble.role:
        return (reader if reader.key.role is trouble.role else sender), trouble.cause
    return (sender if reader.advancing(now) else reader), trouble.cause if trouble else None


def concerned(
    action: Action, way: tuple[JudgedProcess, ...], pushers: Sequence[JudgedProcess], culprit: JudgedProcess
) -> list[JudgedProcess]:
    """Who is replaced, besides the culprit nobody at whom the first layer is at work: two layers must never be."""
    reader, sender = way[0], way[-1]
    match action:
        case Action.RESTART_ENCODER:
            meant = [reader]
        case Action.RESTART_PUSHER | Action.RESTART_COMMAND:
            meant = [sender]
        case Action.RESTART_ALL:
            running = [pusher for pusher in pushers if pusher.status.state is State.RUNNING]
            mine = [] if _waits_for_others(sender) else [sender]
            meant = [*dict.fromkeys([*running, *mine, reader])]
    return [process for process in meant if process is culprit or not process.first_layer_at_work]


def is_others(process: JudgedProcess) -> bool:
    """Only its owner can do anything about it, and has not said how neverdark could."""
    return process.spec.external is not None and process.spec.external.recovery is None


def _waits_for_others(process: JudgedProcess) -> bool:
    """A restart could not help it: it waits for our line, or for somebody to change something."""
    return process.line_is_down() or process.last_cause in NEVER_HELPS
