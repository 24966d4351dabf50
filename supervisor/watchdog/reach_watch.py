"""Looks at ingests and sources while nothing advances there, and tells our own line from theirs.

What is looked at, and how often, is decided here; how, in `probes`. An ingest whose pusher advances is left alone:
that it acknowledges is better proof than any probe, and some take one connection only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass

from supervisor.desired.plan import ProcessSpec, Way
from supervisor.ffmpeg.sources import SourcePlace
from supervisor.judge.attribution import Evidence
from supervisor.judge.line import line_down
from supervisor.lifecycle.types import AskedToWait, LineLost, RetryNow
from supervisor.model import events
from supervisor.model.facts import Fact
from supervisor.model.quantities import Address
from supervisor.model.terms import ExitCause, ProcessKey, Reach, Role, State, Trouble
from supervisor.probes.probes import Probes
from supervisor.process.slot import Slot

_TICK = 1.0
_USUAL, _SELDOM = 5.0, 30.0
_OFTEN_FOR = 60.0  # then seldom: an ingest that is gone for hours is not to be pestered
_STALE = 2 * _SELDOM
_FORGOTTEN = 15.0
_CONNECTING = 5.0  # so long a pusher may try undisturbed
# These point at the way itself, so the look is taken at once. After others a retry tells more than a look would.
_URGENT = frozenset({Trouble.UPLINK_BLOCKED, ExitCause.INGEST_UNREACHABLE})
_ASKING = _URGENT | {ExitCause.INGEST_CLOSED, ExitCause.OTHER, Trouble.START_TIMEOUT, Trouble.STALL}
_PATIENCE = 3.0

Target = Way | SourcePlace | Address  # an ingest, a source, the reference host


@dataclass(slots=True)
class _Look:
    """What is known of one target."""

    since: float  # since when it is asked for
    reach: Reach | None = None
    began: float = 0.0  # when the look that gave `reach` began
    at: float = 0.0  # and ended
    busy: bool = False  # another one is under way
    asked: float = 0.0  # when somebody last wanted to know


class ReachWatch:
    """Keeps the latest looks. Lives on the engine's loop."""

    def __init__(
        self,
        probes: Probes,
        slots: Callable[[], Iterable[Slot]],
        find: Callable[[ProcessKey], Slot | None],
        reference: Callable[[], Address | None],
        tell: events.Listener,
        learned: Callable[[Slot], None],
    ) -> None:
        self.down_since: float | None = None
        self._probes = probes
        self._slots = slots
        self._find = find
        self._reference = reference
        self._tell = tell
        self._learned = learned
        self._looks: dict[Target, _Look] = {}
        self._pending: set[asyncio.Task[None]] = set()
        self._told_to_wait: set[ProcessKey] = set()  # by what refused it last time

    # --- what is known -----------------------------------------------------------------------------

    def line_down(self, address: Address) -> bool:
        """Whether our own line keeps this ingest from us."""
        return self.down_since is not None and not self._probes.is_here(address.host)

    def reach(self, target: Target | None) -> Reach | None:
        """The latest look at a target, while it is fresh."""
        look = self._looks.get(target) if target is not None else None
        return look.reach if look and asyncio.get_running_loop().time() - look.at < _STALE else None

    def add_to(self, evidence: Evidence, spec: ProcessSpec) -> Evidence:
        """The evidence of a failure, with what was found on the way of that process."""
        way = next((way for way in spec.ingests if self.reach(way)), None)
        return evidence._replace(
            ingest=self.reach(way),
            reference=self._reference_beside(self._looks[way]) if way else None,
            source=self.reach(spec.source),
        )

    def _reference_beside(self, ingest: _Look | None) -> Reach | None:
        """The look at the reference host, if it says something of the moment when that ingest could not be reached.

        What was so before the trouble proves nothing; nor does a line that is up by now, until the ingest was asked
        again.
        """
        reference = self._reference()
        look = self._looks.get(reference) if reference else None
        if look is None or look.reach is None or ingest is None:
            return look.reach if look else None
        too_old = look.at < ingest.began
        too_new = look.reach.line_is_up and look.began > ingest.at
        return None if too_old or too_new else look.reach

    def reachable(self) -> dict[str, bool]:
        """For each probe that knows: whether all that it looks at is there."""
        found = {}
        ingests = [look for target, look in self._looks.items() if isinstance(target, Way) and look.reach]
        works = [look.reach.works for look in ingests if look.reach]
        if works or self._something_flows(only_far=False):
            found["ingest"] = all(works)
        reference = self.reach(self._reference())
        if reference is not None:
            found["reference"] = reference.line_is_up
        return found

    # --- when to look ------------------------------------------------------------------------------

    async def run_forever(self) -> None:
        """Look at what is asked for, once a second; decide about the line."""
        while True:
            await asyncio.sleep(_TICK)
            self._turn(asyncio.get_running_loop().time())

    def _turn(self, now: float) -> None:
        troubled = False
        slots = [slot for slot in self._slots() if slot.spec.ingests or slot.spec.source]
        refusing = {slot.spec.source for slot in slots if slot.refused}
        for slot in slots:
            for target, urgent in self._asked_for(slot, now):
                if target in refusing:
                    continue  # it may count a question without a password as a wrong one, and it has answered already
                troubled = True
                self._want(target, now, urgent=urgent)
        if (reference := self._reference()) is not None:
            self._want(reference, now, calm=not troubled)
        self._forget(slots, now)
        self._judge_line(now)

    def _forget(self, slots: Iterable[Slot], now: float) -> None:
        """What works again needs no look, and what nobody has asked for in a while is of no use."""
        if not self._looks:
            return
        flowing = set[Target]()
        for slot in slots:
            if slot.advancing(now):
                flowing.update(slot.spec.ingests, {slot.spec.source} if slot.spec.source else ())
        for target, look in list(self._looks.items()):
            if not look.busy and (target in flowing or look.asked < now - _FORGOTTEN):
                del self._looks[target]

    def hear(self, fact: Fact) -> None:
        """A listener: what fails on the way is looked at in that moment; in the next one it may be retrying."""
        match fact.what:
            case events.ProcessSilent(key, trouble=Trouble.UPLINK_BLOCKED):
                pass
            case events.ProcessExited(key, cause=ExitCause.INGEST_UNREACHABLE, planned=False):
                pass
            case events.ProcessExited(key, run_id, planned=False):
                self._ask_how_long(key, run_id)
                return
            case _:
                return
        now = asyncio.get_running_loop().time()
        for way in self._ways(slot) if (slot := self._find(key)) else ():
            self._want(way, now, urgent=True)

    def _ask_how_long(self, key: ProcessKey, run_id: str) -> None:
        """A web server that refuses may say how long it wants to be left alone; again only while it does."""
        slot = self._find(key)
        if slot is None or slot.run_id != run_id or not slot.may_be_told_to_wait:
            return
        if slot.status.refusals > 1 and key not in self._told_to_wait:
            return
        self._told_to_wait.discard(key)
        self._keep(self._wait_as_asked(slot, run_id))

    async def _wait_as_asked(self, slot: Slot, run_id: str) -> None:
        assert slot.spec.question_url is not None
        seconds = await self._probes.retry_after(slot.spec.question_url)
        if seconds is not None and slot.run_id == run_id and self._find(slot.key) is slot:
            self._told_to_wait.add(slot.key)
            slot.dispatch(AskedToWait(seconds))

    def _keep(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)

    def _ways(self, slot: Slot) -> list[Way]:
        """Where a slot connects to, without those of which a look could tell nothing new.

        Whether one of this machine's own listens can be seen without a connection (`UplinkWatch`).
        """
        return [
            way for way in slot.spec.ingests if not (slot.evidence.answered and self._probes.is_here(way.address.host))
        ]

    def _asked_for(self, slot: Slot, now: float) -> Iterator[tuple[Target, bool]]:
        status = slot.status
        if not status.wanted or slot.advancing(now) or status.state in {State.STOPPING, State.STOPPED}:
            return
        trying = status.state is State.STARTING and now - status.since < _CONNECTING
        if slot.key.role is Role.ENCODER:
            if slot.spec.source and not trying:
                yield slot.spec.source, False
            return
        starved = slot.feeder is not None and not slot.feeder.advancing(now)
        if trying or (starved and not slot.last_cause):
            return
        waiting = status.state in {State.BACKOFF, State.COOLDOWN} and slot.last_cause in _ASKING
        connecting = status.state is State.STARTING and not starved
        if waiting or connecting:
            for way in self._ways(slot):
                yield way, slot.last_cause in _URGENT

    def _want(self, target: Target, now: float, *, urgent: bool = False, calm: bool = False) -> None:
        look = self._looks.setdefault(target, _Look(since=now))
        look.asked = now
        if not look.busy and self._due(target, look, now, urgent=urgent, calm=calm):
            look.busy = True
            self._keep(self._take(target, look))

    def _due(self, target: Target, look: _Look, now: float, *, urgent: bool, calm: bool) -> bool:
        if isinstance(target, Address):
            pause = _SELDOM if calm else _USUAL
            doubted = self._doubted()
            return look.reach is None or now >= look.at + pause or (doubted is not None and look.at < doubted.began)
        if look.reach is None:
            return urgent or now >= look.since + _PATIENCE
        if self.down_since is None:
            return now >= look.at + (_USUAL if now < look.since + _OFTEN_FOR else _SELDOM)
        reference = self._looks.get(known) if (known := self._reference()) else None
        line_is_back = reference and reference.reach and reference.reach.line_is_up and reference.began > look.at
        return bool(line_is_back) or now >= look.at + _USUAL

    async def _take(self, target: Target, look: _Look) -> None:
        loop = asyncio.get_running_loop()
        before, began = look.reach, loop.time()
        try:
            look.reach = await self._probe(target)
        finally:
            look.busy, look.began, look.at = False, began, loop.time()
        if isinstance(target, Address):
            return
        if look.reach.works:  # explains no failure: perhaps it is back
            if before is not None and not before.works:
                self._back(target)
            return
        for slot in list(self._slots()):
            if target in slot.spec.ingests or target == slot.spec.source:
                self._teach(slot)

    def _probe(self, target: Target) -> Awaitable[Reach]:
        if isinstance(target, Way):
            return self._probes.reach_ingest(target.address, tls=target.tls)
        if isinstance(target, Address):
            return self._probes.reach_host(target)
        return self._probes.reach_source(target)

    def _teach(self, slot: Slot) -> None:
        """Add what was found to the evidence of the failure that it explains."""
        if slot.advancing(asyncio.get_running_loop().time()):
            return
        slot.weigh_again()
        self._learned(slot)

    def _back(self, target: Way | SourcePlace) -> None:
        for slot in list(self._slots()):
            source = slot.spec.source == target and slot.waits_for_source
            if source or (target in slot.spec.ingests and slot.over_the_line):
                slot.dispatch(RetryNow())  # means nothing to one that does not wait

    # --- our own line ------------------------------------------------------------------------------

    def _something_flows(self, *, only_far: bool) -> bool:
        now = asyncio.get_running_loop().time()
        return any(
            slot.connected and slot.advancing(now)
            for slot in self._slots()
            if any(not (only_far and self._probes.is_here(way.address.host)) for way in slot.spec.ingests)
        )

    def _far(self) -> list[_Look]:
        """Looks at ingests that are not on this machine."""
        ways = ((target, look) for target, look in self._looks.items() if isinstance(target, Way))
        return [look for way, look in ways if look.reach and not self._probes.is_here(way.address.host)]

    def _doubted(self) -> _Look | None:
        """The latest look that found no way to an ingest."""
        lost = [look for look in self._far() if look.reach and not look.reach.line_is_up]
        return max(lost, key=lambda look: look.began, default=None)

    def _is_down(self) -> bool | None:
        """Whether our line is down; None: not to be told now, it is as it was. A proof that it is up comes first."""
        far = [look.reach for look in self._far() if look.reach]
        doubted = bool(far) or self.down_since is not None  # else it is up, whether or not anything flows
        flows = doubted and self._something_flows(only_far=True)
        reference = self._reference()
        if flows or reference is None or any(reach.line_is_up for reach in far):
            return line_down(far, None, something_flows=flows)
        look = self._looks.get(reference)
        answers = look is not None and look.reach is not None and look.reach.line_is_up
        if look and answers and self.down_since is not None and look.began > self.down_since:
            return False
        known = self._reference_beside(self._doubted())
        return line_down(far, known, something_flows=False) if far and known is not None else None

    def _judge_line(self, now: float) -> None:
        down = self._is_down()
        if down is None or down == (self.down_since is not None):
            return
        lasted = 0.0 if self.down_since is None else now - self.down_since
        self.down_since = now if down else None
        self._tell(events.LineChanged(down, lasted))
        for slot in list(self._slots()):
            if slot.over_the_line and any(not self._probes.is_here(way.address.host) for way in slot.spec.ingests):
                if down:
                    self._teach(slot)
                slot.dispatch(LineLost() if down else RetryNow())
            elif not down and slot.waits_for_source:
                slot.dispatch(RetryNow())
