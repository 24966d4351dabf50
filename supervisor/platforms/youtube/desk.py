"""One destination at YouTube: its plan, what is remembered of it, and what is known of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from supervisor.model.quantities import show_duration
from supervisor.platforms.youtube.model import Broadcast, LifeCycle, LiveStream
from supervisor.platforms.youtube.planner import Planner
from supervisor.platforms.youtube.steps import Act, Memory, Policy, Refused, Sight, Step, Trouble

Place = tuple[str, str]  # a stream, and one of its destinations
NOT_LOOKED_AT = frozenset({Trouble.NOT_READ, Trouble.WRONG_CHANNEL})  # what was known before says nothing of now
_MOST_TURNS = 5
_FINAL = frozenset({LifeCycle.COMPLETE, LifeCycle.REVOKED, LifeCycle.UNKNOWN})


def described(step: Step) -> str:
    """A step in words, for people: what would be done, and why."""
    if step.act is Act.LOOK:
        waits = "" if step.new_in is None else f", a new broadcast in {show_duration(step.new_in)} (one in 10 min)"
        return "nothing" if step.trouble is Trouble.NONE else f"look again: {step.trouble.value}{waits}"
    what = " ".join(filter(None, (step.act.value.replace("_", " "), step.broadcast, step.to)))
    return what if step.trouble is Trouble.NONE else f"{what}: {step.trouble.value}"


class Standing(NamedTuple):
    """What is known of a destination at YouTube. `at` is wall clock, 0 before the first look."""

    trouble: Trouble = Trouble.NOT_READ
    stands_down: bool = False
    stream: LiveStream | None = None
    broadcast: Broadcast | None = None
    inserts: int = 0
    rotations: int = 0
    at: float = 0.0
    unreceived: bool = False  # what we send, and not only at one look
    reason: str = ""  # YouTube's word, where it does not let us look


@dataclass(slots=True)
class Tally:
    """What has been done for a destination since neverdark started; it outlives a login that is made anew."""

    inserts: int = 0
    rotations: int = 0


@dataclass(slots=True)
class Silence:
    """Since when no look was answered (monotonic), None: the latest was; it outlives a login that is made anew."""

    since: float | None = None


class Desk:
    """Used by the one thread of its account, but for `standing`, which is a value."""

    def __init__(
        self, place: Place, policy: Policy, memory: Memory, keep: Callable[[Memory], bool], tally: Tally | None = None
    ) -> None:
        """`keep` makes a memory outlive us, and returns whether it could."""
        self.place = place
        self.planner = Planner(policy, memory)
        self.due = float("-inf")  # monotonic: when to look again
        self.tally = tally or Tally()
        self.standing = Standing(inserts=self.tally.inserts, rotations=self.tally.rotations)
        self._keep = keep
        self._kept = memory
        self.without_picture = ""  # a broadcast that we made
        self.said = ""  # the latest step, in words
        self.not_followed = ""  # why the latest rotation was given up, by YouTube's word
        self.declined = ""  # why the latest step of a repair was not done, likewise
        self._others = ""  # the broadcast of somebody else's that viewers have on our stream

    @property
    def policy(self) -> Policy:
        """What the configuration allows."""
        return self.planner.policy

    def recall(self, memory: Memory) -> None:
        """What is remembered now, before the first look: until then another neverdark, or login, may have looked."""
        self.planner.memory = self._kept = memory

    @property
    def ids(self) -> set[str]:
        """The broadcasts that matter while all is well."""
        memory = self.planner.memory
        return {memory.current, memory.following, self._others} - {""}

    def suffices(self, broadcasts: tuple[Broadcast, ...]) -> bool:
        """Whether these, asked for by their ids, are enough to plan with: one is live, or ours on its way."""
        memory = self.planner.memory
        states = {one.id: one.life_cycle for one in broadcasts}
        if not memory.intent and states.get(self._others) is LifeCycle.LIVE:
            return True
        if memory.intent or memory.current not in states or (memory.following and memory.following not in states):
            return False
        return states[memory.current] not in _FINAL

    def plan(self, sight: Sight, now: float, wall: float) -> Step:
        """The next step that YouTube, or a process of ours, is to be asked for; what only concerns us is done."""
        step = self.planner.plan(sight, now, wall)
        for _ in range(_MOST_TURNS):
            if step.act is Act.TAKE:
                follows = step.broadcast == self.planner.memory.following
                self.planner.take(step.broadcast, rotation=step.rotation)
                self.tally.rotations += follows and step.trouble is Trouble.NONE
            elif step.act is Act.FORGET:
                self.planner.forget(now)
                self.not_followed = "it did not come up"
            else:
                break
            step = self.planner.plan(sight, now, wall)
        else:
            step = Step(Act.LOOK, step.trouble)  # each of them turned out to be of no use
        self.keep()
        self._note(step, sight, wall)
        return step

    def refused(self, step: Step, why: Refused, reason: str) -> None:
        """What YouTube has answered to a step; `reason` is its own word."""
        if not step.rotation:
            self.declined = "" if why is Refused.NO else reason or why.value
        elif why not in {Refused.NO, Refused.UNSURE, Refused.LATER}:
            self.not_followed = reason or why.value

    def keep(self) -> bool:
        """Keep what has changed. Returns whether all that is known is kept."""
        memory = self.planner.memory
        if memory.lost:
            return False  # what is not known must not look like all there is
        if memory != self._kept and self._keep(memory):
            self._kept = memory
        return memory == self._kept

    def _note(self, step: Step, sight: Sight, wall: float) -> None:
        self.said = described(step)
        seen = {one.id: one for one in sight.broadcasts or ()}
        before = self.standing
        if sight.refused and step.trouble is Trouble.NOT_PERMITTED:
            inserts, rotations = self.tally.inserts, self.tally.rotations
            self.standing = Standing(
                step.trouble, step.stands_down, inserts=inserts, rotations=rotations, reason=sight.refused
            )
            return
        if sight.broadcasts is None or step.trouble in NOT_LOOKED_AT:
            self.standing = before._replace(trouble=step.trouble, stands_down=step.stands_down, reason="")
            return
        self.standing = Standing(
            step.trouble,
            step.stands_down,
            sight.stream,
            self._shown(seen),
            self.tally.inserts,
            self.tally.rotations,
            wall,
            self.planner.delivery.confirmed,
        )
        shown = self.standing.broadcast
        self._others = shown.id if shown and step.trouble is Trouble.NOT_OURS else ""

    def _shown(self, seen: Mapping[str, Broadcast]) -> Broadcast | None:
        """What viewers are to see; where that is not live and something else on the stream is, what they do see."""
        current = seen.get(self.planner.memory.current)
        if current is not None and current.life_cycle not in _FINAL:
            return current
        ours = (one for one in seen.values() if one.stream == self.policy.stream_id)
        return next((one for one in ours if one.life_cycle is LifeCycle.LIVE), current)
