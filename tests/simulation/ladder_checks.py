"""What must hold of streams with fallbacks: what viewers are given, by whom, how often that changes, what is told.

What comes by the wire is looked at in the world itself: who sends to the links, what that one reads, what it shows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from supervisor.model import events
from supervisor.model.fallback import SwitchReason
from supervisor.model.policies import Policies
from supervisor.model.snapshot import Snapshot
from tests.simulation.bounds import CLOSING
from tests.simulation.check import Check
from tests.simulation.expected import touches
from tests.simulation.fault import LIVES
from tests.simulation.ladders import Ladder
from tests.simulation.lives import End
from tests.simulation.processes import Encoder
from tests.simulation.scene import Scene
from tests.simulation.senders import Pusher

_HOUR = 3600.0
_GRACE = 2.0  # seconds for which an encoder that was killed may come back, before anything else is shown
_NOTICED = 3.0  # a look each second; what silence is, is known after two
_BEGINS = 4.0  # an encoder's start, in this world, and its first report
_CROSSES = 5.0  # proven for a second, and a keyframe
_BAD_PICTURE = 25.0  # seconds until it is found, or found to be over
_FEW = 6  # switches that are no flapping
_SETTLES = 20.0
_TOLD_WITHIN = 5.0


class Wire:
    """Who feeds the pushers of one stream, as the world has it."""

    def __init__(self, scene: Scene, stream: str) -> None:
        world = scene.world
        self.stream, self.ladder = stream, world.ladders[stream]
        pushers = [one for one in world.table.of(stream) if isinstance(one, Pusher)]
        self.links = {one.link for one in pushers}
        self.senders = [one.link.sender and world.table.sends_from(one.link.port, one.link.sender) for one in pushers]
        self._world = world

    @property
    def feeding(self) -> set[int]:
        """The rungs of those that live and are connected."""
        return {one.key.rung for one in self.senders if one}

    @property
    def delivers(self) -> bool:
        """Every pusher is given what may be shown."""
        return bool(self.senders) and all(one and self.is_fit(one) for one in self.senders)

    def is_fit(self, encoder: Encoder) -> bool:
        """Media comes from it; and a picture that is worth something, where anybody looks: at a stream's own alone."""
        return encoder.reading and self._is_worth(encoder.key.rung)

    def is_able(self, rung: int) -> bool:
        """What it reads is there, and worth something: an encoder of it would deliver."""
        return self._world.sources[self.ladder.sources[rung]].well and self._is_worth(rung)

    def _is_worth(self, rung: int) -> bool:
        return bool(rung) or not self.ladder.content or self._world.sources[self.stream].picture.well

    def encoder(self, rung: int) -> Encoder | None:
        """The one of that rung that lives."""
        return self._world.table.encoder(self.stream, rung)


class _OfLadders(Check):
    """Looks at the streams with fallbacks that are wanted, while neverdark is there and at work."""

    def _wires(self) -> Iterator[Wire]:
        world = self.world
        if not world.ladders or not world.lives.settled or world.now - world.lives.latest.began < _SETTLES:
            return
        for stream in world.ladders:
            if self.scene.wanted.get(stream):
                yield Wire(self.scene, stream)

    def _quiet_for(self, stream: str) -> float:
        """Seconds since anything last happened to a stream, or to the machine, or what was wanted of it changed."""
        now, latest = self.world.now, self.world.lives.latest.began
        for one in self.world.faults:
            if touches(one.fault, stream):
                latest = max(latest, one.began, one.ended or 0.0)
        return now - latest

    def _lasting(self, stream: str) -> set[str]:
        """The kinds of what is wrong at this moment."""
        return {one.fault.kind for one in self.world.faults if one.ended is None and touches(one.fault, stream)}

    def _lately(self, stream: str, seconds: float) -> set[str]:
        """The kinds of what was done in so many seconds."""
        since = self.world.now - seconds
        return {
            one.fault.kind
            for one in self.world.faults
            if touches(one.fault, stream) and (one.ended is None or one.ended > since)
        }


class NeverDarker(_OfLadders):
    """No pusher waits for media longer than it takes to notice, while a source of the stream could be shown."""

    _SPOILED = frozenset({"no_processes", "late_loop", "stop", "stop_until", "reload_changed", "drill_encoder"})

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._since: dict[str, float] = {}

    def life_begins(self) -> None:
        self._since = {}

    def second(self) -> None:
        for wire in self._wires():
            stream, now = wire.stream, self.world.now
            if wire.delivers or not wire.senders:
                self._since.pop(stream, None)
                continue
            since = self._since.setdefault(stream, now)
            bound = self._bound(wire)
            if bound is None or min(now - since, self._quiet_for(stream)) <= bound:
                continue
            able = ", ".join(str(rung) for rung in wire.ladder.rungs if wire.is_able(rung))
            self.fail(f"{stream} is given nothing for {now - since:.1f} s by {wire.feeding}, and could be by: {able}")

    def _bound(self, wire: Wire) -> float | None:
        """Seconds; None where nobody could do better."""
        ladder, world, stream = wire.ladder, self.world, wire.stream
        able = [rung for rung in wire.ladder.rungs if wire.is_able(rung)]
        lately = self._lately(stream, 300.0)
        if not able or lately & self._SPOILED:
            return None
        policies = self.scene.policies(stream)
        bound = max(ladder.after, _GRACE) + _NOTICED + _BEGINS
        if ladder.content and lately & {"picture_black", "picture_frozen"}:
            bound += _BAD_PICTURE
        if set(able).isdisjoint(ladder.slates) or world.slates_gone[stream]:
            # Those before it are tried for as long as a start may take; the one that is able may be in a pause.
            bound += len(ladder.rungs) * (policies.stall.startup + _GRACE) + self._pause(policies, lately)
        elif lately & {"rung_killed", "slate_gone", "memory_kill"}:
            bound += policies.restart.max_delay + _BEGINS
        return bound

    @staticmethod
    def _pause(policies: Policies, lately: set[str]) -> float:
        refused = lately & {"source_refused", "rung_refused", "source_gone", "rung_gone"}
        return max(policies.restart.cooldown, 300.0) if refused or len(lately) > 1 else policies.restart.cooldown


class GoodFirst(_OfLadders):
    """Nobody is switched to what does not deliver, while another one does that could be shown."""

    def hear(self, fact: Any) -> None:
        match fact:
            case events.FeedSwitched(stream=stream, after=to, reason=reason) if stream in self.world.ladders:
                if reason is SwitchReason.ORDERED or not self.world.lives.settled:
                    return
                wire = Wire(self.scene, stream)
                mine = wire.encoder(to)
                if (mine and mine.reading) or (mine is None and wire.is_able(to)):
                    return
                others = [rung for rung in wire.ladder.rungs if rung != to and self._delivers(wire, rung)]
                if others:
                    self.fail(f"{stream} is switched to {to}, which gives nothing, and {others} would")

    def _delivers(self, wire: Wire, rung: int) -> bool:
        """For long enough that it is known."""
        encoder = wire.encoder(rung)
        return bool(encoder and wire.is_fit(encoder) and encoder.media > 1.5) and self._quiet_for(wire.stream) > 5.0


class OneFeeds(_OfLadders):
    """Never do two encoders of a stream feed at once, and it is the one that neverdark says."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._wrong: dict[str, int] = {}

    def second(self) -> None:
        for wire in self._wires():
            ladder = self.scene.engine.streams[wire.stream].ladder
            said = ladder.feeding if ladder else 0
            if len(wire.feeding) > 1:
                self.fail(f"{wire.stream} is fed by {sorted(wire.feeding)} at once")
            wrong = bool(wire.feeding) and wire.feeding != {said}
            self._wrong[wire.stream] = self._wrong.get(wire.stream, 0) + 1 if wrong else 0
            if self._wrong[wire.stream] > 1:  # between a decision and its doing a moment may pass
                self.fail(f"{wire.stream} is fed by {sorted(wire.feeding)}, and neverdark says {said}")


class FewSwitches(_OfLadders):
    """A source that comes and goes does not make the picture come and go."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._of: dict[str, deque[float]] = {}

    def hear(self, fact: Any) -> None:
        match fact:
            case events.FeedSwitched(stream=stream, reason=SwitchReason.RETURNED) if stream in self.world.ladders:
                ladder, now = self.world.ladders[stream], self.world.now
                mine = self._of.setdefault(stream, deque())
                mine.append(now)
                while mine[0] < now - _HOUR:
                    mine.popleft()
                if len(mine) > (most := self._most(ladder, stream)):
                    self.fail(f"{stream} returned {len(mine)} times within an hour, of {most} at the most")

    def _most(self, ladder: Ladder, stream: str) -> int:
        """The wait doubles each time, and begins anew after ten times as long on air."""
        lives = sum(one.fault.kind in LIVES for one in self.world.faults)
        orders = sum(
            one.fault.kind in {"show", "stop", "start"} and one.fault.stream == stream for one in self.world.faults
        )
        each = _FEW + _HOUR / min(10 * ladder.return_after, ladder.longest_wait)
        return int(each * (len(ladder.rungs) - 1)) + 3 * lives + orders


class ReturnsInTime(_OfLadders):
    """A source that is good for good is shown again, as soon as it has been good for as long as it must."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._good: dict[str, float] = {}
        self._left: dict[str, list[float]] = {}

    def life_begins(self) -> None:
        self._good, self._left = {}, {}

    def hear(self, fact: Any) -> None:
        match fact:
            case events.FeedSwitched(stream=stream, before=0, reason=SwitchReason.FAILED):
                self._left.setdefault(stream, []).append(self.world.now)

    def second(self) -> None:
        for wire in self._wires():
            stream, now = wire.stream, self.world.now
            own = wire.encoder(0)
            order = self.world.orders.of(stream)
            good = own is not None and wire.is_fit(own) and wire.is_able(0) and order is None
            if not good or wire.feeding == {0} or self._lasting(stream):
                self._good.pop(stream, None)
                continue
            since = self._good.setdefault(stream, now)
            settled = min(now - since, self._quiet_for(stream))
            if settled > self._bound(wire, now):
                self.fail(f"{stream} shows {wire.feeding}, and its own source has been good for {settled:.0f} s")

    def _bound(self, wire: Wire, now: float) -> float:
        flaps = 10 * wire.ladder.return_after + wire.ladder.longest_wait + 600.0
        left = [at for at in self._left.get(wire.stream, []) if now - at < _HOUR + flaps]
        wait = min(wire.ladder.longest_wait, wire.ladder.return_after * 2.0 ** min(4, max(0, len(left) - 1)))
        stubborn = self.scene.policies(wire.stream).stall.startup * 2
        return wait + _CROSSES + _NOTICED + stubborn + (_BAD_PICTURE if wire.ladder.content else 0.0)


class SourcesTrue(_OfLadders):
    """Exactly one source is said to be shown, and it is the one that is; seconds are those that have passed."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._before: dict[str, tuple[float, float]] = {}

    def life_begins(self) -> None:
        self._before = {}

    def minute(self, snapshot: Snapshot) -> None:
        wires = {wire.stream: wire for wire in self._wires()}
        for stream in snapshot.streams:
            if stream.name not in self.world.ladders:
                if stream.sources or any(stream.switches.values()):
                    self.fail(f"{stream.name} has no fallback, and tells of {len(stream.sources)} sources")
                continue
            active = [number for number, one in enumerate(stream.sources) if one.active]
            if len(active) != 1 or len(stream.sources) != len(self.world.ladders[stream.name].rungs):
                self.fail(f"{stream.name} tells of {len(stream.sources)} sources, {len(active)} of which are shown")
            wire = wires.get(stream.name)
            if wire and len(wire.feeding) == 1 and wire.feeding != set(active) and self._quiet_for(stream.name) > 5.0:
                self.fail(f"{stream.name} says that it shows {active}, and it is {wire.feeding}")
            self._seconds(stream.name, sum(one.seconds for one in stream.sources), stream.wanted_seconds)

    def _seconds(self, stream: str, shown: float, wanted: float) -> None:
        before, self._before[stream] = self._before.get(stream), (shown, wanted)
        if before and abs((shown - before[0]) - (wanted - before[1])) > 2.0:
            self.fail(
                f"{stream} was wanted for {wanted - before[1]:.1f} s, and showed something for {shown - before[0]:.1f}"
            )


class FallbackTold(_OfLadders):
    """While viewers see a fallback because a source has failed an incident is open; afterwards it closes.

    A source that is silent for less time than a stall takes is left for a moment, and nothing is told of it.
    """

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self.life_begins()

    def life_begins(self) -> None:
        self._failed = dict[str, bool]()  # it was left for that
        self._told = dict[str, bool]()  # and an incident has been open since
        self._since = dict[str, float]()
        self._back = dict[str, float]()

    def hear(self, fact: Any) -> None:
        match fact:
            case events.FeedSwitched(stream=stream, after=to, reason=reason):
                failed = reason is SwitchReason.FAILED or self._failed.get(stream, False)
                self._failed[stream] = bool(to) and failed and reason is not SwitchReason.ORDERED
                self._told[stream] = self._failed[stream] and self._told.get(stream, False)
            case events.StreamWanted(stream=stream):
                self._failed[stream] = False

    def second(self) -> None:
        for wire in self._wires():
            opened = any(one.incident.stream == wire.stream and one.closed is None for one in self.scene.told.values())
            self._look_at_fallback(wire, opened=opened)
            self._look_at_own(wire, opened=opened)

    def _look_at_fallback(self, wire: Wire, *, opened: bool) -> None:
        stream, now, own = wire.stream, self.world.now, wire.encoder(0)
        if not self._failed.get(stream) or 0 in wire.feeding or self.world.orders.of(stream):
            self._since.pop(stream, None)
        elif opened:
            self._told[stream] = True
            self._since.pop(stream, None)
        elif self._told.get(stream):
            self.fail(f"{stream} shows {wire.feeding} because its source has failed, and its incident is closed")
        elif own and wire.is_fit(own):
            self._since.pop(stream, None)
        elif now - self._since.setdefault(stream, now) > self.scene.policies(stream).stall.timeout + _TOLD_WITHIN:
            self.fail(f"{stream} shows {wire.feeding} because its source has failed, and no incident is open")

    def _look_at_own(self, wire: Wire, *, opened: bool) -> None:
        stream, now = wire.stream, self.world.now
        if not (wire.feeding == {0} and wire.delivers and opened and not self._lasting(stream)):
            self._back.pop(stream, None)
        elif min(now - self._back.setdefault(stream, now), self._quiet_for(stream)) > self._closes(wire):
            self.fail(f"{stream} shows its own source for {now - self._back[stream]:.0f} s, and an incident is open")

    def _closes(self, wire: Wire) -> float:
        policies = self.scene.policies(wire.stream)
        return 2 * CLOSING + policies.restart.cooldown + policies.stall.startup + 300.0


class OrderKept(_OfLadders):
    """What an operator wants to see is seen, if it can be."""

    def second(self) -> None:
        for wire in self._wires():
            stream, now = wire.stream, self.world.now
            order = self.world.orders.of(stream)
            if (
                order is None
                or not order.certain
                or not wire.is_able(order.rung)
                or wire.feeding == {order.rung}
                or not wire.senders
            ):
                continue
            if self._lasting(stream) & {"no_keyframe", "no_processes", "slate_gone"}:
                continue
            policies, lately = self.scene.policies(stream), self._lately(stream, 400.0)
            pause = max(policies.restart.cooldown, 300.0) if lately - {"show"} else 0.0
            wait = wire.ladder.longest_wait if lately - {"show"} else 0.0
            bound = policies.stall.startup + _CROSSES + _NOTICED + pause + wait
            since = max(order.given, self.world.lives.latest.began)
            if min(now - since, self._quiet_for(stream)) > bound:
                self.fail(f"{stream} shows {wire.feeding} {now - since:.0f} s after {order.rung} was ordered")


class RungsRest(_OfLadders):
    """An encoder of a fallback runs only while it is needed, or is kept warm."""

    def life_over(self, how: End) -> None:
        """See `Check`."""

    def minute(self, snapshot: Snapshot) -> None:
        del snapshot
        for wire in self._wires():
            if wire.feeding != {0} or self.world.orders.of(wire.stream) or self._quiet_for(wire.stream) < 60.0:
                continue
            for rung in wire.ladder.rungs:
                warm = wire.ladder.warm and rung not in wire.ladder.slates
                if rung and not warm and wire.encoder(rung):
                    self.fail(f"{wire.stream} shows its own source, and the encoder of fallback{rung} runs")


OF_LADDERS: tuple[type[Check], ...] = (
    NeverDarker,
    GoodFirst,
    OneFeeds,
    FewSwitches,
    ReturnsInTime,
    SourcesTrue,
    FallbackTold,
    OrderKept,
    RungsRest,
)
