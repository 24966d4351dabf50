"""Which of the broadcasts of a channel are ours, somebody else's, or another neverdark's; which is nearest. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from supervisor.platforms.youtube.model import Broadcast, LifeCycle
from supervisor.platforms.youtube.steps import Intent, Memory, Sight

UNDER_WAY: Final = frozenset({LifeCycle.TEST_STARTING, LifeCycle.LIVE_STARTING})
DELETABLE: Final = frozenset({LifeCycle.CREATED, LifeCycle.READY})
ACTIVE: Final = UNDER_WAY | {LifeCycle.TESTING, LifeCycle.LIVE}
USABLE: Final = DELETABLE | ACTIVE
JUST_MADE: Final = 600.0  # seconds: who made one will make no other before, as we would not
MOST_MADE: Final = 20
_DAY: Final = 86_400.0
_NEAREST = {LifeCycle.LIVE: 0, LifeCycle.LIVE_STARTING: 1, LifeCycle.TESTING: 2}
_MARK: Final = re.compile(r"\[nd-[0-9A-Za-z]{1,32}\]", re.ASCII)


def carrying(intent: Intent, broadcasts: Iterable[Broadcast]) -> str:
    """The broadcast that was made for it, if it is there."""
    return next((one.id for one in broadcasts if intent.marker in one.description), "")


def nearest_first(found: Iterable[Broadcast]) -> list[Broadcast]:
    """What is on air, then what is nearest to it; of these the one that began, or is to begin, first."""

    def order(one: Broadcast) -> tuple[int, float]:
        began = one.actual_start if one.actual_start is not None else one.scheduled_start
        return _NEAREST.get(one.life_cycle, 3), began if began is not None else float("inf")

    return sorted((one for one in found if one.life_cycle in USABLE), key=order)


def remembered_by_marks(broadcasts: Iterable[Broadcast], stream_id: str, wall: float) -> Memory | None:
    """What is to be known of our stream where our own file is lost: the broadcasts on it that bear a mark of ours.

    None: there is none, and that proves nothing. Each of ours has a mark of its own: what has that of an older one was
    made in Studio with the settings of that. And since a mark is no proof, what is nearest to the viewers is looked
    after, and no other one is taken for ours: it would be ended, or deleted.
    """
    found: dict[str, Broadcast] = {}
    for one in sorted(broadcasts, key=lambda one: one.scheduled_start or 0.0):
        if one.stream == stream_id and (mark := _MARK.search(one.description)):
            found.setdefault(mark[0], one)
    if not found:
        return None
    ours = list(found.values())
    current = next((one.id for one in nearest_first(ours)), ours[-1].id)
    recent = (one.scheduled_start for one in ours if one.scheduled_start is not None)
    inserts = tuple(at for at in recent if abs(wall - at) < _DAY)
    return Memory(current, made=(current,), inserts=inserts, made_so_far=len(ours))


def rival(sight: Sight, memory: Memory, stream_id: str, wall: float) -> bool:
    """Whether another neverdark has made a broadcast of late that is on our stream, or on none yet.

    It is known by its mark; when it was made, by when it was to start. Of one that is asked for in this very moment
    nobody can know.
    """
    ours = {*sight.made, *memory.made}
    return any(
        one.id not in ours
        and one.stream in {None, stream_id}
        and one.scheduled_start is not None
        and abs(wall - one.scheduled_start) < JUST_MADE
        and _MARK.search(one.description) is not None
        and not (memory.intent and memory.intent.marker in one.description)
        for one in sight.broadcasts or ()
    )
