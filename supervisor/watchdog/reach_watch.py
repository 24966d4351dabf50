"""Probes ingests and sources while nothing advances there, and tells our own line from theirs.

What is probed, and how often, is decided in `judge.probe_schedule` and `questions`; how, in `probes`. An ingest whose
pusher advances is left alone: that it acknowledges is better proof than any probe, and some take one connection only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Generic, TypeVar

from supervisor.desired.plan import ProcessSpec, Way
from supervisor.ffmpeg.sources import SourcePlace
from supervisor.judge.attribution import FailureEvidence
from supervisor.judge.our_line import doubted, judge_our_line, reference_beside
from supervisor.judge.probe_schedule import LatestProbe, reference_is_due, target_is_due
from supervisor.lifecycle.types import LineLost, RetryNow
from supervisor.machine.machine import Clock
from supervisor.model import events
from supervisor.model.facts import Fact
from supervisor.model.quantities import Address
from supervisor.model.terms import ExitCause, ProcessKey, Reach, Trouble
from supervisor.probes.probes import Probes
from supervisor.watchdog.interfaces import ConnectingProcess
from supervisor.watchdog.questions import questions_of, ways_to_probe

_TICK = 1.0
_LATELY = 10.0  # seconds: a source that delivers in pieces has pauses

Target = Way | SourcePlace | Address  # an ingest, a source, the reference host
P = TypeVar("P", bound=ConnectingProcess)


class ReachWatch(Generic[P]):
    """Keeps the latest probe of each target. Lives on the engine's loop."""

    def __init__(
        self,
        clock: Clock,
        probes: Probes,
        processes: Callable[[], Iterable[P]],
        find: Callable[[ProcessKey], P | None],
        reference: Callable[[], Address | None],
        tell: events.Tell,
        learned: Callable[[P], None],
    ) -> None:
        """`learned` is called when something was found out about the latest failure of a process."""
        self.down_since: float | None = None  # monotonic: since when our own line is down
        self._clock = clock
        self._probes = probes
        self._processes = processes
        self._find = find
        self._reference = reference
        self._tell = tell
        self._learned = learned
        self._known: dict[Target, LatestProbe] = {}
        self._pending: set[asyncio.Task[None]] = set()

    # --- what is known -----------------------------------------------------------------------------

    def line_down(self, address: Address) -> bool:
        """Whether our own line keeps this ingest from us."""
        return self.down_since is not None and not self._probes.is_here(address.host)

    def reach(self, target: Target | None) -> Reach | None:
        """What the latest probe of a target found, while it is fresh."""
        probe = self._known.get(target) if target is not None else None
        return probe.fresh_reach(self._clock.now()) if probe else None

    def add_to(self, evidence: FailureEvidence, spec: ProcessSpec) -> FailureEvidence:
        """The evidence of a failure, with what was found on the way of that process."""
        way = next((way for way in spec.ingests if self.reach(way)), None)
        return evidence._replace(
            ingest=self.reach(way),
            reference=self._known[way].beside if way else None,
            source=self.reach(spec.source),
        )

    def reachable(self) -> dict[str, bool]:
        """For each kind of target that something is known of: whether all of them are there."""
        found = {}
        works = [probe.reach.works for target, probe in self._known.items() if isinstance(target, Way) and probe.reach]
        if works or self._something_flows():
            found["ingest"] = all(works)
        reference = self.reach(self._reference())
        if reference is not None:
            found["reference"] = reference.line_is_up
        return found

    def _reference_probe(self) -> LatestProbe | None:
        reference = self._reference()
        return self._known.get(reference) if reference else None

    def _far(self) -> list[LatestProbe]:
        """The probes of ingests that are not on this machine."""
        ways = ((target, probe) for target, probe in self._known.items() if isinstance(target, Way))
        return [probe for way, probe in ways if probe.reach and not self._probes.is_here(way.address.host)]

    def _something_flows(self) -> bool:
        now = self._clock.now()
        return any(p.connected and p.spec.ingests and p.advancing(now) for p in self._processes())

    def _line_carries(self) -> bool:
        """Media arrives over our line. To advance is not enough: what nobody takes goes into a buffer for seconds."""
        now = self._clock.now()
        since = now - _LATELY if self.down_since is None else max(self.down_since, now - _LATELY)
        return any(
            process.connected and process.advancing(now) and (process.acknowledged_at or 0.0) > since
            for process in self._processes()
            if any(not self._probes.is_here(way.address.host) for way in process.spec.ingests)
        )

    # --- when to probe -----------------------------------------------------------------------------

    async def run_forever(self) -> None:
        """Probe what is asked for, once a second; decide about the line."""
        while True:
            await asyncio.sleep(_TICK)
            self.look(self._clock.now())

    def look(self, now: float) -> None:
        """Begin the probes that are due, forget what is of no more use, judge our line. `now` is monotonic."""
        troubled = False
        silent = [process for process in self._processes() if not process.advancing(now)]  # as a rule nobody is
        refusing = {process.spec.source for process in silent if process.refused}
        for process in silent:
            for target, urgent in questions_of(process, now, self._probes.is_here):
                if target in refusing:
                    continue  # it may count a question without a password as a wrong one, and it has answered already
                troubled = True
                self._want(target, now, urgent=urgent)
        if (reference := self._reference()) is not None:
            self._want_reference(reference, now, calm=not troubled)
        self._forget(now)
        self._judge_line(now)

    def hear(self, fact: Fact) -> None:
        """A listener: what fails on the way is probed in that moment; in the next one it may be retrying."""
        match fact.what:
            case events.ProcessSilent(key, trouble=Trouble.UPLINK_BLOCKED):
                pass
            case events.ProcessExited(key, cause=ExitCause.INGEST_UNREACHABLE, planned=False):
                pass
            case _:
                return
        if process := self._find(key):
            for way in ways_to_probe(process, self._probes.is_here):
                self._want(way, self._clock.now(), urgent=True)

    def _want(self, target: Way | SourcePlace, now: float, *, urgent: bool) -> None:
        probe = self._asked_for(target, now)
        down, reference = self.down_since is not None, self._reference_probe()
        if not probe.busy and target_is_due(probe, now, urgent=urgent, line_is_down=down, reference=reference):
            self._begin(target, probe)
            if isinstance(target, Way) and not (probe.reach and probe.reach.line_is_up):
                self._probe_reference_beside(now)

    def _probe_reference_beside(self, now: float) -> None:
        """Both in the same moment, or what one says proves nothing of the other."""
        if (reference := self._reference()) is not None:
            probe = self._asked_for(reference, now)
            if not probe.busy:
                self._begin(reference, probe)

    def _want_reference(self, reference: Address, now: float, *, calm: bool) -> None:
        probe = self._asked_for(reference, now)
        if not probe.busy and reference_is_due(probe, now, calm=calm, doubted=doubted(self._far())):
            self._begin(reference, probe)

    def _asked_for(self, target: Target, now: float) -> LatestProbe:
        probe = self._known.setdefault(target, LatestProbe(since=now))
        probe.asked = now
        return probe

    def _begin(self, target: Target, probe: LatestProbe) -> None:
        probe.busy = True
        task = asyncio.get_running_loop().create_task(self._take(target, probe))
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)

    def _forget(self, now: float) -> None:
        """What works again needs no probe, and what nobody has asked for in a while is of no use."""
        if not self._known.keys() - {self._reference()}:  # that one is asked for all the time
            return
        flowing = set[Target]()
        for process in self._processes():
            if process.advancing(now):
                flowing.update(process.spec.ingests, {process.spec.source} if process.spec.source else ())
        for target, probe in list(self._known.items()):
            if probe.is_forgotten(now, works=target in flowing):
                del self._known[target]

    # --- what a probe finds ------------------------------------------------------------------------

    async def _take(self, target: Target, probe: LatestProbe) -> None:
        before, began = probe.reach, self._clock.now()
        try:
            probe.reach = await self._probe(target)
        finally:
            probe.busy, probe.began, probe.ended = False, began, self._clock.now()
        if probe.reach.line_is_up:
            probe.beside = None
        self._compare()
        if isinstance(target, Address):
            self._teach_lost()
            return
        if probe.reach.works:  # explains no failure: perhaps it is back
            if before is not None and not before.works:
                self._back(target)
            return
        for process in list(self._processes()):
            if target in process.spec.ingests or target == process.spec.source:
                self._teach(process)

    def _lost(self) -> dict[Target, LatestProbe]:
        """The ingests to which no way was found."""
        return {
            target: probe
            for target, probe in self._known.items()
            if isinstance(target, Way) and probe.reach and not probe.reach.line_is_up
        }

    def _compare(self) -> None:
        """Keep what the reference host says of each ingest: asked again later, it says nothing of then any more."""
        reference = self._reference_probe()
        for probe in self._lost().values():
            beside = reference_beside(reference, probe)
            if self.down_since is not None and beside is not None and beside.line_is_up:
                continue  # our line has come back while the ingest was asked: it must be asked again
            if beside is not None or reference is None:
                probe.beside = beside

    def _teach_lost(self) -> None:
        """The reference host was probed. An ingest beside it may have failed faster, before its answer was known."""
        lost = self._lost().keys()
        for process in list(self._processes()):
            if not lost.isdisjoint(process.spec.ingests):
                self._teach(process)

    def _probe(self, target: Target) -> Awaitable[Reach]:
        if isinstance(target, Way) and target.rtmp:
            return self._probes.reach_ingest(target.address, tls=target.tls)
        if isinstance(target, Way):
            return self._probes.reach_host(target.address)
        if isinstance(target, Address):
            return self._probes.reach_host(target)
        return self._probes.reach_source(target)

    def _teach(self, slot: P) -> None:
        """Add what was found to the evidence of the failure that it explains."""
        if slot.advancing(self._clock.now()):
            return
        slot.weigh_again()
        self._learned(slot)

    def _back(self, target: Way | SourcePlace) -> None:
        for process in list(self._processes()):
            source = process.spec.source == target and process.waits_for_source
            if source or (target in process.spec.ingests and process.over_the_line):
                process.dispatch(RetryNow())  # means nothing to one that does not wait

    # --- our own line ------------------------------------------------------------------------------

    def _judge_line(self, now: float) -> None:
        down = self._is_down()
        if down is None or down == (self.down_since is not None):
            return
        lasted = 0.0 if self.down_since is None else now - self.down_since
        self.down_since = now if down else None
        self._tell(events.LineChanged(down, lasted))
        for process in list(self._processes()):
            if process.over_the_line and any(not self._probes.is_here(w.address.host) for w in process.spec.ingests):
                if down:
                    self._teach(process)
                process.dispatch(LineLost() if down else RetryNow())
            elif not down and process.waits_for_source:
                process.dispatch(RetryNow())

    def _is_down(self) -> bool | None:
        far = self._far()
        # Without a doubt it is up, whether or not anything flows.
        flows = (bool(far) or self.down_since is not None) and self._line_carries()
        return judge_our_line(
            far,
            self._reference_probe(),
            has_reference=self._reference() is not None,
            down_since=self.down_since,
            something_flows=flows,
        )
