"""Whether the incidents say what was done: looked at when all is over, for then it is known what explains what."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from supervisor.model.terms import Cause, ExitCause, Segment, Trouble
from tests.simulation.expected import EXPECTED, causes, fails, is_planned, segments, touches
from tests.simulation.fault import LIVES, Fault
from tests.simulation.scene import Scene, Spell, Told, named
from tests.simulation.world import Happened

_HIDES = {"stop", "restart", "reload_changed", *LIVES}
_JOINS = 5.0  # an incident that began so shortly before a fault may be told of it too


class Miss(NamedTuple):
    """An incident that says something else than what was done."""

    at: float
    text: str


@dataclass(slots=True)
class Verdicts:
    """What became of the faults of one run, by kind."""

    faults: Counter[str] = field(default_factory=Counter)
    judged: Counter[str] = field(default_factory=Counter)  # incidents, by what explains them first
    segment: Counter[str] = field(default_factory=Counter)  # of these, named the right segment
    cause: Counter[str] = field(default_factory=Counter)
    misses: list[Miss] = field(default_factory=list)


def judge_incidents(scene: Scene) -> Verdicts:
    """Hold every incident against what was done, and every fault against the incidents."""
    verdicts = Verdicts()
    verdicts.faults.update(happened.fault.kind for happened in scene.world.faults)
    for told in sorted(scene.told.values(), key=lambda one: one.opened):
        _judge_incident(scene, told, verdicts)
    for happened in scene.world.faults:
        for stream in [happened.fault.stream] if happened.fault.stream else scene.far():
            _judge_fault(scene, happened, stream)
    return verdicts


def _judge_incident(scene: Scene, told: Told, verdicts: Verdicts) -> None:
    one, at = told.incident, told.opened
    opening = list(scene.covering(one.stream, at))
    since = [spell.fault for spell in scene.covering(one.stream, at, told.closed or scene.world.now)]
    reasons = [spell.fault for spell in opening if fails(spell.fault)]
    shown = named(one)
    if not opening:
        scene.fail("quiet", f"an incident without a reason: {shown}", at)
    elif not reasons:
        why = ", ".join(sorted({spell.fault.kind for spell in opening}))
        planned = any(is_planned(spell.fault) for spell in opening)
        scene.fail("planned_is_none" if planned else "quiet", f"{shown}, because of {why}", at)
    elif one.drill or all(is_planned(fault) for fault in reasons):
        if one.drill != any(EXPECTED[fault.kind].drill for fault in reasons):
            scene.fail("planned_is_none", f"a drill, and counted as if it were none, or the other way: {shown}", at)
    else:
        first = max(reasons, key=lambda fault: fault.at).kind
        explaining = [fault for fault in since if fails(fault) or fault.kind == "looks_fail"]
        command = scene.is_command(one.stream)
        _score(told, first, explaining, verdicts, shown, is_command=command, also=_of_another_life(scene, told))


def _of_another_life(scene: Scene, told: Told) -> frozenset[Cause]:
    """Causes that a neverdark may name which has found the processes of another one."""
    stream, at = told.incident.stream, told.opened
    also = frozenset[Cause]()
    if any(of == stream and at - _JOINS < when <= at for when, of in scene.world.table.unseen):
        also |= {ExitCause.OTHER}
    if any(spell.fault.kind in LIVES for spell in scene.covering(stream, at)):
        also |= {Trouble.START_TIMEOUT}  # it has not heard of it yet
    return also


def _score(
    told: Told,
    first: str,
    explaining: list[Fault],
    verdicts: Verdicts,
    shown: str,
    *,
    is_command: bool,
    also: frozenset[Cause],
) -> None:
    one = told.incident
    verdicts.judged[first] += 1
    own = {Segment.ENCODER, Segment.PUSHER} if ExitCause.OTHER in also else set()
    right_segment = one.segment in segments(explaining, is_command=is_command) | own
    right_cause = one.cause in causes(explaining) | also
    verdicts.segment[first] += right_segment
    verdicts.cause[first] += right_cause
    if not (right_segment and right_cause):
        kinds = ", ".join(f"{fault.kind} at {fault.at:.1f}" for fault in explaining)
        verdicts.misses.append(Miss(told.opened, f"{shown}, because of {kinds}"))


def _judge_fault(scene: Scene, happened: Happened, stream: str) -> None:
    """A fault that stands alone is one incident; one that falls into another's time has a part in one."""
    fault, row = happened.fault, EXPECTED[happened.fault.kind]
    if not row.opens or row.drill or fault.lasts < row.lasts:
        return
    if not scene.was_on_air(stream, happened.began) or not touches(fault, stream):
        return
    spells = scene.spells(stream)
    own = next(spell for spell in spells if spell.fault == fault and spell.began == happened.began)
    others = [spell for spell in spells if spell is not own and _overlap(spell, own)]
    within = [told for told in scene.told.values() if told.incident.stream == stream and _belongs(told, own)]
    where = f"{fault.kind} of {stream}{'/' if fault.destination else ''}{fault.destination}"
    if not within and not any(other.fault.kind in _HIDES for other in others):
        scene.fail("told_once", f"nothing was told of {where}", happened.began)
    its = [told for told in within if told.opened >= own.began - _JOINS or _ends(told) >= own.began]
    # What one neverdark has told, the next one may tell again if it finds it still.
    alone = all(other.fault.kind in LIVES for other in others)
    if alone and len(its) > len({told.life for told in its}):
        many = ", ".join(f"{one.incident.segment} {one.incident.cause} at {one.opened:.1f}" for one in its)
        scene.fail("told_once", f"{len(its)} incidents of one {where}: {many}", happened.began)


def _belongs(told: Told, own: Spell) -> bool:
    """Whether an incident was open at some time of a spell."""
    return told.opened <= own.until and _ends(told) >= own.began - _JOINS


def _ends(told: Told) -> float:
    return told.closed if told.closed is not None else float("inf")


def _overlap(one: Spell, other: Spell) -> bool:
    return one.began <= other.until and other.began <= one.until
