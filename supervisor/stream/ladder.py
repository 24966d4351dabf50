"""Which encoder of a stream feeds its pushers, and how another takes its place, as `judge.fallback` chooses.

The stream's own encoder is looked after as ever; a fallback's encoder is started and ended from here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from supervisor.judge.fallback import GRACE, Choice, FallbackLadder, RungState
from supervisor.model import events
from supervisor.model.fallback import (
    FallbackPolicy,
    FallbackWaits,
    SourceOrder,
    SwitchReason,
    SwitchWay,
    source_name,
)
from supervisor.model.terms import Segment, Trouble
from supervisor.process.changeover import Changeover, tell_cost
from supervisor.process.crossing import Crossing

if TYPE_CHECKING:
    from supervisor.process.host import Host
    from supervisor.process.slot import Slot

_SILENT = frozenset({Trouble.STALL, Trouble.START_TIMEOUT, Trouble.CLOCK_JUMPED})


class Ladder:
    """Lives with its stream, on the engine's loop. `rungs[0]` is the place of the stream's own encoder."""

    def __init__(
        self, stream: str, rungs: Sequence[Slot], policy: FallbackPolicy, host: Host, fed: Callable[[Slot], None]
    ) -> None:
        """`fed` is told whose media the pushers get from now on."""
        self.rungs = tuple(rungs)
        self.ordered: int | None = None  # what an operator wants to see
        self.order_in_force: SourceOrder | None = None  # the same in words
        self._ordered_until = float("inf")  # monotonic
        self._choice = FallbackLadder(policy, len(rungs), host.loop.time())
        self._stream = stream
        self._host = host
        self._fed = fed
        self._crossing: Crossing | None = None
        self._to = 0  # where the crossing leads
        self._wanted_since: float | None = None
        self.switches: dict[SwitchReason, int] = dict.fromkeys(SwitchReason, 0)
        self.seconds = [0.0] * len(rungs)  # for which each one has fed while the stream was wanted
        self._unordered_since: float | None = None  # viewers see a fallback that nobody has ordered
        self._choice.feeding = self._found_feeding()
        for number, slot in enumerate(rungs):
            assert slot.feeds is not None
            slot.feeds.on_feed = number == self._choice.feeding
            slot.feeds.clocks = self._clocks
        self._since = host.loop.time()

    def _found_feeding(self) -> int:
        """The one that feeds already, of those that are to be taken over."""
        for number, slot in enumerate(self.rungs):
            feeds = slot.adoptable.record.feeds if slot.adoptable else {}
            for destination, (_, port) in feeds.items():
                if destination and self._host.links.get(self._stream, destination).peer == port:
                    return number
        return 0

    @property
    def feeding(self) -> int:
        """The rung whose media the pushers get."""
        return self._choice.feeding

    @property
    def waits(self) -> FallbackWaits:
        """How long the stream's own source may be gone, and has to be good again."""
        return FallbackWaits(self._choice.policy.after, self._choice.return_after)

    def follow(self, policy: FallbackPolicy) -> None:
        """Another policy counts from now on."""
        self._choice.policy = policy

    # --- what shall be -----------------------------------------------------------------------------

    def begin(self) -> None:
        """The stream is wanted."""
        self._wanted_since = self._since = self._host.loop.time()

    def end(self) -> None:
        """It is not wanted any more: its own encoder is the next to feed."""
        self.account()
        self._wanted_since = None
        self._give_up_crossing()
        self._forget_order()
        self._choice.feeding = 0
        self._turn_to(0)
        for slot in self.rungs[1:]:
            slot.stop()

    def dissolve(self) -> None:
        """There is to be no ladder, or another one: the stream's own encoder feeds, if it runs."""
        self.end()
        self._connect(self.rungs[0])

    def close(self) -> None:
        """Let go of what is under way; all is left as it is."""
        self._give_up_crossing()

    def order(self, rung: int | None, seconds: float | None, why: str = "operator") -> None:
        """An operator wants to see this one, for so long (None: until another order); None: whichever is best."""
        if rung is None:
            self._forget_order()
        else:
            now = self._host.machine.wall()
            until = None if seconds is None else now + seconds
            self.recall(SourceOrder(source_name(rung), why, now, until))
        order = self.order_in_force
        self._host.tell(events.SourceOrdered(self._stream, order and order.source, why, order and order.until))
        self.look()

    def recall(self, order: SourceOrder) -> bool:
        """An order counts that was given at some time. False if it is over, or there is no such source."""
        left = float("inf") if order.until is None else order.until - self._host.machine.wall()
        names = [source_name(number) for number in range(len(self.rungs))]
        if left <= 0 or order.source not in names:
            return False
        self.ordered, self.order_in_force = names.index(order.source), order
        self._ordered_until = self._host.loop.time() + left
        return True

    def clock_was_set(self, seconds: float) -> None:
        """By so much: what was ordered for so and so long ends as much later."""
        if (order := self.order_in_force) and order.until is not None:
            self.order_in_force = order._replace(until=order.until + seconds)

    def _forget_order(self) -> None:
        self.ordered = self.order_in_force = None

    def look(self) -> None:
        """Something may have changed; called every second, and after a turn of one of the encoders."""
        if self._wanted_since is None:
            return
        now = self._host.loop.time()
        if self.ordered is not None and now >= self._ordered_until:
            self._forget_order()
        states = [self._state(slot, now) for slot in self.rungs]
        choice = self._choice.look(states, self.ordered, now)
        self._start_and_stop(choice)
        delivers = _delivers(self.rungs[self.feeding], now)
        if self._crossing:
            if delivers and self._crossing.child is self.rungs[self._to].child and choice.feed == self._to:
                return
            self._give_up_crossing()  # there is nothing to be lost any more, or nobody to go over to
        if choice.feed != self.feeding:
            self._switch(choice.feed, choice.reason, cross=delivers)

    def account(self) -> None:
        """Book the time since the last call for the one that fed."""
        now = self._host.loop.time()
        if self._wanted_since is not None:
            self.seconds[self.feeding] += now - self._since
        self._since = now
        if not self.feeding or self.ordered is not None or self._wanted_since is None:
            self._unordered_since = None
        elif self._unordered_since is None:
            self._unordered_since = now

    @property
    def unordered_for(self) -> float:
        """For so long viewers have been given a fallback that nobody ordered, as of the latest account."""
        return 0.0 if self._unordered_since is None else self._since - self._unordered_since

    @property
    def page_after(self) -> float:
        """After so long of that somebody is to be woken; 0: nobody is."""
        return self._choice.policy.page_after

    def _state(self, slot: Slot, now: float) -> RungState:
        assert self._wanted_since is not None
        cause, latest = slot.last_cause, slot.meter.latest_advance
        failed = cause is not None and (cause in _SILENT or slot.segment is Segment.SOURCE)
        failed = failed and slot.status.wanted  # of what does not run nobody knows how it would be by now
        failed = failed or slot.awaits_publisher
        feeds = slot is self.rungs[self.feeding]
        since = max(self._wanted_since, self._choice.since if feeds else 0.0)
        usual = 0.0 if failed else slot.usual_silence(now)
        quiet: float | None = now - max(since, latest or 0.0) - usual
        good = _delivers(slot, now)
        unfit = slot.content.unfit_for(now) if good and slot.content else None
        if unfit is not None:  # it delivers, and nobody should see that
            return RungState(False, True, unfit, slot.spec.at_once, slot.spec.live)  # noqa: FBT003 - a row
        if not feeds and good and slot.content and slot.content.doubtful(now):
            good = False  # it is yet to show that it can be shown
        if (latest or 0.0) < since and not failed and now - since < slot.spec.policies.stall.startup:
            quiet = None  # it is about to begin
        return RungState(good, failed, quiet, slot.spec.at_once, slot.spec.live)

    def _clocks(self) -> list[float]:
        return [at for slot in self.rungs if (at := slot.time_stamp) is not None]

    def _start_and_stop(self, choice: Choice) -> None:
        for number, slot in enumerate(self.rungs[1:], 1):
            if (number in choice.run and number != choice.feed) or number == choice.feed == self.feeding:
                if not slot.status.wanted:
                    slot.start()
            elif slot.status.wanted and number not in {choice.feed, self.feeding, self._to if self._crossing else 0}:
                slot.stop()

    # --- how ---------------------------------------------------------------------------------------

    def _switch(self, to: int, reason: SwitchReason, *, cross: bool) -> None:
        """At its next keyframe, where it is to `cross` from one that still delivers; else at once."""
        after = self.rungs[to]
        if cross:
            if not after.status.wanted:
                after.start()
            if after.alive and self._cross(to, reason):
                return
        rate = self.rungs[self.feeding].meter.frame_rate
        self._feed(to, reason, None)
        after.changeover = Changeover(after, self._host.loop.time(), rate, None)
        self._connect(after)
        after.start()

    def _cross(self, to: int, reason: SwitchReason) -> bool:
        after = self.rungs[to]
        assert after.feeds is not None

        def done(seconds: float | None) -> None:
            crossing, self._crossing = self._crossing, None
            if seconds is not None and crossing:
                took, rate = self._host.loop.time() - crossing.decided, self.rungs[self.feeding].meter.frame_rate
                self._feed(to, reason, seconds)
                tell_cost(after, SwitchWay.MADE_BEFORE_BREAK, None, took, crossing.gap, rate)
            self.look()

        try:
            self._crossing = Crossing(self._host, after.feeds.links, after.spec.policies.stall.startup, done)
        except OSError:
            return False
        self._to = to
        self._crossing.child = after.child
        return True

    def _feed(self, to: int, reason: SwitchReason, seconds: float | None) -> None:
        """From now on it is this one; `seconds` for which it stood still, None: there was a gap."""
        self.account()
        now, before = self._host.loop.time(), self.feeding
        self.switches[reason] += 1
        self._choice.switched(to, reason, now)
        for slot in self.rungs:
            slot.changeover = None  # what was awaited is not to feed any more
        self._turn_to(to)
        self._host.tell(events.FeedSwitched(self._stream, before, to, reason, seconds))

    def _turn_to(self, rung: int) -> None:
        """What this one sends is for the pushers."""
        for number, slot in enumerate(self.rungs):
            assert slot.feeds is not None
            slot.feeds.on_feed = number == rung
            if number != rung:
                slot.follow_nobody()
        self._fed(self.rungs[rung])

    @staticmethod
    def _connect(slot: Slot) -> None:
        """If it runs, the links take what it sends from now on, wherever that begins."""
        if slot.feeds and slot.alive:
            for link, port in slot.feeds.links.items():
                link.send_from(port)

    def _give_up_crossing(self) -> None:
        if self._crossing:
            self._crossing.give_up()
            self._crossing = None


def _delivers(slot: Slot, now: float) -> bool:
    """Media comes from it in this moment."""
    last = slot.meter.last_advance
    return slot.alive and last is not None and slot.advancing(now) and now - last - slot.usual_silence(now) < GRACE
