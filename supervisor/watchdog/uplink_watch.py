"""Looks at every connection to an ingest once a second, in a thread, and judges what the kernel says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence

from supervisor.judge.uplink import UplinkMeter
from supervisor.lifecycle.types import RetryNow
from supervisor.machine.machine import Clock
from supervisor.model import events
from supervisor.model.quantities import Address
from supervisor.model.terms import ProcessKey, State
from supervisor.probes.probes import Probes
from supervisor.probes.uplink import Evidence, Observation, ProbeFailed, Subject, Watched
from supervisor.process.slot import Slot

_DEFAULT_INTERVAL = 1.0
_ANY_HOST = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - compared with, not listened on


class UplinkWatch:
    """Feeds the uplink meters of pushers and commands and tells those that are blocked."""

    def __init__(
        self,
        clock: Clock,
        probes: Probes,
        senders: Callable[[], Sequence[Slot]],
        tell: events.Listener,
    ) -> None:
        self._clock = clock
        self._probes = probes
        self._senders = senders
        self._tell = tell
        self._silent_before: set[Address] = set()
        self._tried: set[ProcessKey] = set()
        self._failing = False

    async def run_forever(self) -> None:
        """Sample, judge, wait; a probe that fails is told of once and tried again."""
        while True:
            interval = min((i for slot in self._senders() for i in _intervals(slot)), default=_DEFAULT_INTERVAL)
            await asyncio.sleep(interval)
            senders = self._senders()
            watched = [one for slot in senders for one in _watched(slot)]
            if not watched and not self._awaited(senders):
                continue
            try:
                evidence = await self._probes.uplinks(watched)
            except ProbeFailed as error:
                if not self._failing:
                    self._tell(events.ProbeTrouble("uplink", str(error)))
                self._failing = True
                continue
            self._failing = False
            pids = {one.key: one.pid for one in watched}
            self._judge(evidence, pids, self._clock.now(), self._clock.wall(), interval)

    def _judge(self, evidence: Evidence, pids: dict[Subject, int], now: float, wall: float, interval: float) -> None:
        for slot in self._senders():
            for key, meter, timeout in _meters(slot):
                # Between the look and now a process may have been replaced: old evidence says nothing of the new.
                same = slot.child is not None and pids.get(key) == slot.child.pid
                if not same and slot.child:
                    continue
                sample = evidence.connections.get(key) if same else None
                if meter.update(sample, now, wall, timeout, interval):
                    slot.uplink_blocked(timeout)
        self._look_for_returned(evidence)

    def _look_for_returned(self, evidence: Evidence) -> None:
        awaited = self._awaited(self._senders())
        listening = {address for _, address in awaited if _listens(address, evidence)}
        # An ingest may refuse and be back between two looks, so that nobody saw it silent: that is worth one try,
        # and another only after one has worked.
        for slot, address in awaited:
            if address in listening and (address in self._silent_before or slot.key not in self._tried):
                self._tried.add(slot.key)
                slot.dispatch(RetryNow())
        self._silent_before = {address for _, address in awaited} - listening
        self._tried -= {slot.key for slot in self._senders() if slot.status.state is State.RUNNING}

    def _awaited(self, senders: Iterable[Slot]) -> list[tuple[Slot, Address]]:
        """Ingests on this machine that somebody waits for: whether they listen can be seen without a connection."""
        return [
            (slot, way.address)
            for slot in senders
            if slot.waits_for_ingest
            for way in slot.spec.ingests
            if self._probes.is_here(way.address.host)
        ]


def _listens(address: Address, evidence: Evidence) -> bool:
    return any(
        port == address.port and (host in _ANY_HOST or _same_host(host, address.host))
        for host, port in evidence.listening
    )


def _intervals(slot: Slot) -> Iterator[float]:
    if slot.spec.ingest:
        yield slot.spec.policies.uplink.interval
    for observed in slot.spec.observed:
        yield observed.uplink.interval


def _watched(slot: Slot) -> Iterator[Watched]:
    if slot.child is None:
        return
    if slot.spec.ingest:
        yield Watched(slot.key, slot.child.pid)
    for observed in slot.spec.observed:
        yield Watched(Observation(slot.key, observed.name), slot.child.pid, peer=observed.ingest)


def _meters(slot: Slot) -> Iterator[tuple[Subject, UplinkMeter, float]]:
    """What each connection of a process is judged by: its meter and the time that it has."""
    if slot.uplink:
        yield slot.key, slot.uplink, slot.spec.policies.uplink.timeout
    for observed in slot.spec.observed:
        yield Observation(slot.key, observed.name), slot.observed[observed.name], observed.uplink.timeout


def _same_host(listening: str, wanted: str) -> bool:
    return listening == wanted or (wanted == "localhost" and Address(listening, 1).is_loopback)
