"""From what is seen at YouTube to the one next step. Pure; `now` is monotonic, `wall` is seconds since 1970.

The encoder is what counts: without the ingest's word that it sends, nothing is changed. One look, one step, and then
another look: what YouTube answers to a step is never taken for what is so, but for a broadcast that no list shows yet.
One that is complete stays so; the way back on air is a new one on the same stream, and it is asked for once, whatever
becomes of the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from supervisor.platforms.youtube.choosing import (
    ACTIVE,
    DELETABLE,
    MOST_MADE,
    UNDER_WAY,
    USABLE,
    carrying,
    nearest_first,
    remembered_by_marks,
    rival,
)
from supervisor.platforms.youtube.delivery import CONFIRM, LOOK_SOON, Delivery
from supervisor.platforms.youtube.model import Broadcast, LifeCycle
from supervisor.platforms.youtube.pauses import AN_INSERT, LISTED, Pauses, gives_up
from supervisor.platforms.youtube.since import Since
from supervisor.platforms.youtube.steps import Act, Aim, Intent, Memory, Policy, Refused, Sight, Step, Trouble

AUTO_START: Final = 20.0  # an automatic start is waited for
STUCK: Final = 180.0
INSERT_EVERY: Final = 600.0
INSERTS_A_DAY: Final = 8
_DAY: Final = 86_400.0
_VIEWERS_HAVE_IT: Final = frozenset({Trouble.NONE, Trouble.NOT_OURS, Trouble.SEVERAL})  # whoever made it
_CANNOT_BE_MENDED = {LifeCycle.REVOKED: Trouble.REVOKED, LifeCycle.UNKNOWN: Trouble.NOT_READ}


class Planner:
    """The plan for one destination. `memory` must be kept before a step is done, whenever it has changed."""

    def __init__(self, policy: Policy, memory: Memory) -> None:
        self.policy = policy
        self.memory = memory
        self.delivery = Delivery(policy.poll)
        self._since = Since()
        self._pauses = Pauses()
        self._stuck: set[str] = set()
        self._rival = False  # another neverdark has just made a broadcast for our stream

    # --- one look ----------------------------------------------------------------------------------

    def plan(self, sight: Sight, now: float, wall: float) -> Step:
        """The next step, after what was seen."""
        if self.policy.channel and sight.channel and sight.channel != self.policy.channel:
            return Step(Act.LOOK, Trouble.WRONG_CHANNEL, self.policy.poll)  # nothing there is any of our business
        if sight.refused:
            return Step(Act.LOOK, Trouble.NOT_PERMITTED, self.policy.poll)
        step = self._plan(sight, now, wall)
        why = Trouble.NOT_PERMITTED if now < self._pauses.down_until else Trouble.NONE
        why = why if self.policy.manage else Trouble.NOT_MANAGED
        if not step.act.writes or why is Trouble.NONE:
            return step
        # Where viewers have a picture, nothing is wrong with it because something beside it may not be done.
        return Step(Act.LOOK, Trouble.NONE if step.trouble is Trouble.NONE else why, self.policy.poll)

    def _plan(self, sight: Sight, now: float, wall: float) -> Step:
        poll = self.policy.poll
        missing = self._since.see("no stream", now, seen=sight.stream is None and sight.broadcasts is not None)
        if sight.stream is None or sight.broadcasts is None:
            return Step(Act.LOOK, Trouble.NO_STREAM if missing >= CONFIRM else Trouble.NOT_READ, poll)
        known = {one.id: one for one in sight.broadcasts}
        if self.memory.lost and (proved := remembered_by_marks(sight.broadcasts, self.policy.stream_id, wall)):
            self.memory = proved
        self._rival = rival(sight, self.memory, self.policy.stream_id, wall)
        if (intent := self.memory.intent) and (made := carrying(intent, sight.broadcasts)):
            self._own(made)
            return Step(Act.TAKE, seconds=0.0, broadcast=made, rotation=intent.rotation)
        if not sight.sends:
            self.delivery.not_sending()
            return Step(Act.LOOK, Trouble.NOT_SENDING, poll)
        if step := self.delivery.inactive(sight.stream, now):
            return step
        step = self._current(known, now, wall)
        if step.trouble is Trouble.NONE:
            step = self._beside(known, now, wall)
        if step.act is Act.LOOK and step.trouble in _VIEWERS_HAVE_IT:
            ill = self.delivery.unhealthy(sight.stream, now)
            if ill and (step.trouble is Trouble.NONE or ill.act is not Act.LOOK):
                return ill
        return step

    def _current(self, known: Mapping[str, Broadcast], now: float, wall: float) -> Step:
        """What brings the broadcast on air that viewers are to see; without trouble: it is."""
        memory, poll = self.memory, self.policy.poll
        current = known.get(memory.current)
        missed = self._since.see("absent", now, seen=bool(memory.current) and current is None)
        if current is None:
            if memory.current and missed < CONFIRM:
                return Step(Act.LOOK, Trouble.ABSENT, CONFIRM)
            return self._another(known, now, wall, Trouble.ABSENT)
        if current.life_cycle is LifeCycle.COMPLETE:
            return self._another(known, now, wall, Trouble.ENDED)
        if current.life_cycle in _CANNOT_BE_MENDED:
            return Step(Act.LOOK, _CANNOT_BE_MENDED[current.life_cycle], poll)
        if current.life_cycle is not LifeCycle.LIVE:
            return self._bring_up(current, now) or self._another(known, now, wall, Trouble.STUCK)
        if memory.live_since is None or memory.live_since > wall:  # a clock may have been wrong, and be right now
            began = wall if current.actual_start is None else min(current.actual_start, wall)
            self.memory = memory._replace(live_since=began)
        return Step(Act.LOOK, seconds=poll)

    # --- it is there, and not live yet -------------------------------------------------------------

    def _bring_up(self, one: Broadcast, now: float) -> Step | None:
        """None: it gets no further."""
        state = f"{one.id} {one.life_cycle}"
        self._since.keep_only(f"{one.id} ", state)
        stays = self._since.see(state, now)
        look = Step(Act.LOOK, Trouble.NOT_LIVE_YET, LOOK_SOON)
        bound, new = one.stream == self.policy.stream_id, one.life_cycle in DELETABLE
        if (one.life_cycle in UNDER_WAY and stays >= STUCK) or not (bound or new):
            self._stuck.add(one.id)  # or in testing, where it cannot be bound any more
            return None
        if one.life_cycle in UNDER_WAY:
            return look
        if not bound:
            return self._ask(Act.BIND, one, None, now)
        if one.auto_start and stays < AUTO_START:
            return look
        return self._ask(Act.TRANSITION, one, "testing" if one.monitor and new else "live", now)

    def _ask(self, act: Act, one: Broadcast, to: Aim | None, now: float) -> Step:
        """Once, and not again before it has had the time that it takes."""
        name = (one.id, to)
        if now < (until := self._pauses.until(name, now)):
            wait = self._until(until, now) if self._pauses.was_refused(name) else LOOK_SOON
            return Step(Act.LOOK, Trouble.NOT_LIVE_YET, wait)
        self._pauses.ask(name, now)
        return Step(act, Trouble.NOT_LIVE_YET, LOOK_SOON, one.id, to)

    def _until(self, then: float, now: float) -> float:
        """Seconds to the next look, where nothing is to be done before then: looks cost units, too."""
        return min(max(then - now, LOOK_SOON), self.policy.poll)

    # --- there is none -----------------------------------------------------------------------------

    def _another(self, known: Mapping[str, Broadcast], now: float, wall: float, trouble: Trouble) -> Step:
        """One that is there already, or a new one."""
        memory = self.memory
        for one in nearest_first(known.values()):
            ours = one.id in memory.made and one.stream in {None, self.policy.stream_id}
            adopted = self.policy.adopt and one.stream == self.policy.stream_id
            stuck = one.id in self._stuck and one.life_cycle is not LifeCycle.LIVE
            if one.id != memory.current and not stuck and (ours or adopted):
                return Step(Act.TAKE, trouble, 0.0, one.id)
        if any(one.life_cycle is LifeCycle.LIVE for one in self._others(known)):
            return Step(Act.LOOK, Trouble.NOT_OURS, self.policy.poll)
        return self._insert(now, wall, trouble, rotation=False)

    def _insert(self, now: float, wall: float, trouble: Trouble, *, rotation: bool) -> Step:
        if why := self._no_more(wall, now, rotation=rotation):
            return Step(Act.LOOK, why, self.policy.poll)
        intent, then = self.memory.intent, self._pauses.until(AN_INSERT, now)
        if intent:  # it was asked for, and is not in the lists yet
            listed = now - self._since.see(f"intent {intent.marker}", now) + LISTED
            then = max(listed, self._pauses.no_insert_before, then)
            if now < then:
                wait = LOOK_SOON if now < listed else self._until(then, now)
                return Step(Act.LOOK, trouble, wait, rotation=intent.rotation)
            return Step(Act.INSERT, trouble, LOOK_SOON, rotation=intent.rotation)
        if now < then:
            return Step(Act.LOOK, trouble, self._until(then, now), rotation=rotation)
        if (left := max((INSERT_EVERY - abs(wall - at) for at in self._recent(wall)), default=0.0)) > 0:
            wait = self.policy.poll if rotation else max(LOOK_SOON, min(self.policy.poll, left))
            return Step(Act.LOOK, trouble, wait, new_in=left)
        return Step(Act.INSERT, trouble, LOOK_SOON, rotation=rotation)

    def _no_more(self, wall: float, now: float, *, rotation: bool) -> Trouble | None:
        """Why no broadcast may be made, however much one is needed."""
        if self.memory.lost:
            return Trouble.MEMORY_LOST
        if self._rival:
            return Trouble.CONFLICT
        if self.memory.intent or now < self._pauses.until(AN_INSERT, now):
            return None
        enough = len(self._recent(wall)) >= INSERTS_A_DAY and not rotation
        return Trouble.TOO_MANY if enough or now < self._pauses.no_insert_before else None

    def _recent(self, wall: float) -> list[float]:
        return [at for at in self.memory.inserts if abs(wall - at) < _DAY]

    def _others(self, known: Mapping[str, Broadcast]) -> list[Broadcast]:
        """What somebody else has made on our stream."""
        ours = {*self.memory.made, self.memory.current}
        return [one for one in known.values() if one.stream == self.policy.stream_id and one.id not in ours]

    # --- ours is live ------------------------------------------------------------------------------

    def _beside(self, known: Mapping[str, Broadcast], now: float, wall: float) -> Step:
        """What is to be done about the other broadcasts, while viewers see ours."""
        memory = self.memory
        intent = memory.intent
        if intent and not intent.rotation and self._since.see(f"needless {intent.marker}", now) >= LISTED:
            self.memory = memory = memory._replace(intent=None)  # ours came up all the same
        for one in (known[name] for name in memory.made if name in known):
            if one.id in {memory.current, memory.following} or one.stream not in {None, self.policy.stream_id}:
                continue
            if one.life_cycle in DELETABLE:
                return self._ask(Act.DELETE, one, None, now)._replace(trouble=Trouble.NONE)
            if one.life_cycle in {LifeCycle.TESTING, LifeCycle.LIVE}:
                return self._ask(Act.TRANSITION, one, "complete", now)._replace(trouble=Trouble.NONE)
        if memory.following or (memory.intent and memory.intent.rotation) or self._rotation_is_due(now, wall):
            step = self._follow(known, now, wall)
            if step.act is not Act.LOOK or step.seconds < self.policy.poll:
                return step._replace(trouble=Trouble.NONE, rotation=True)
        several = any(one.life_cycle in ACTIVE for one in self._others(known))
        return Step(Act.LOOK, Trouble.SEVERAL if several else Trouble.NONE, self.policy.poll)

    def _rotation_is_due(self, now: float, wall: float) -> bool:
        every, memory = self.policy.rotate_every, self.memory
        if every is None or memory.live_since is None or not self.policy.manage:
            return False
        if now < self._pauses.no_rotation_before:
            return False
        # What somebody else made is never ended by us, so nothing can follow it.
        return memory.current in memory.made and wall - memory.live_since >= max(every, INSERT_EVERY)

    def follows_in(self, now: float, wall: float) -> float | None:
        """Seconds until a rotation that is due, and was given up, is tried again; None: there is none."""
        every, memory = self.policy.rotate_every, self.memory
        if every is None or memory.live_since is None or wall - memory.live_since < every:
            return None
        left = max(self._pauses.no_rotation_before, self._pauses.no_insert_before) - now
        return left if left > 0 else None

    def _follow(self, known: Mapping[str, Broadcast], now: float, wall: float) -> Step:
        """Another one is brought up beside the one that is live; when it is live, too, it takes its place."""
        if not self.memory.following:
            return self._insert(now, wall, Trouble.NONE, rotation=True)
        following = known.get(self.memory.following)
        missed = self._since.see("following", now, seen=following is None)
        if following is None:
            return Step(Act.LOOK) if missed < LISTED else Step(Act.FORGET, seconds=0.0)
        if following.life_cycle is LifeCycle.LIVE:
            return Step(Act.TAKE, seconds=0.0, broadcast=following.id)
        step = self._bring_up(following, now) if following.life_cycle in USABLE else None
        return step or Step(Act.FORGET, seconds=0.0)

    # --- what became of a step ---------------------------------------------------------------------

    def intend(self, marker: str, wall: float, *, rotation: bool) -> Intent:
        """A broadcast is about to be asked for. To be kept before it is."""
        memory = self.memory
        intent = memory.intent or Intent(marker, wall, rotation)
        self._since.forget(f"intent {intent.marker}")
        # One that is asked for again was not made before; and rotations must not use up what repairs need.
        recent = [at for at in self._recent(wall) if at != intent.at]
        intent = intent._replace(at=wall)
        counted = recent if intent.rotation else [*recent, wall]
        self.memory = memory._replace(intent=intent, inserts=tuple(counted))
        return intent

    def inserted(self, broadcast: str) -> None:
        """It was made."""
        assert self.memory.intent
        rotation = self.memory.intent.rotation
        self._own(broadcast)
        self.take(broadcast, rotation=rotation)

    def _own(self, broadcast: str) -> None:
        """It is what the intent was for, so it was made by us."""
        memory = self.memory
        made = (*(one for one in memory.made if one != broadcast), broadcast)[-MOST_MADE:]
        self.memory = memory._replace(made=made, intent=None, made_so_far=memory.made_so_far + 1, lost=False)

    def take(self, broadcast: str, *, rotation: bool) -> None:
        """It counts from now on: as the one to be seen, or, in a `rotation`, as the one that is to follow."""
        memory = self.memory
        if broadcast == memory.following:
            self._pauses.rotated()
        if rotation and broadcast != memory.following:
            memory = memory._replace(following=broadcast)
        else:
            memory = memory._replace(current=broadcast, following="", live_since=None, lost=False)
        self.memory = memory

    def forget(self, now: float) -> None:
        """There is none that follows; the one that is live stays."""
        self.memory = self.memory._replace(following="")
        self._pauses.give_up_rotation(now)

    def answered(self, step: Step, why: Refused, now: float) -> None:
        """YouTube has done the step, or has not, and says why."""
        self._pauses.answered(step, why, now)
        if gives_up(step, why):
            self.forget(now)
        if step.act is Act.INSERT and why not in {Refused.NO, Refused.UNSURE}:
            self._not_made()

    def _not_made(self) -> None:
        """What was asked for surely was not made."""
        memory = self.memory
        kept = tuple(at for at in memory.inserts if memory.intent is None or at != memory.intent.at)
        self.memory = memory._replace(intent=None, inserts=kept)
