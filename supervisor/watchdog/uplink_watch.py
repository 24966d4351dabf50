"""Looks at every connection to an ingest once a second, in a thread, and judges what the kernel says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence

from supervisor.judge.uplink import UplinkMeter
from supervisor.lifecycle.types import RetryNow
from supervisor.machine.machine import Clock
from supervisor.model import events
from supervisor.model.quantities import Address
from supervisor.model.terms import ProcessKey, State
from supervisor.probes.probes import Probes
from supervisor.probes.uplink import ConnectionKey, Observation, ProbeFailed, Sockets, Watched
from supervisor.watchdog.interfaces import SendingProcess

_DEFAULT_INTERVAL = 1.0
_NOTHING = Sockets({}, frozenset())
_ANY_HOST = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - compared with, not listened on


class UplinkWatch:
    """Feeds the uplink meters of pushers and commands and tells those that are blocked."""

    def __init__(
        self,
        clock: Clock,
        probes: Probes,
        senders: Callable[[], Sequence[SendingProcess]],
        tell: events.Tell,
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
            interval = self.interval
            await asyncio.sleep(interval)
            await self.look(interval)

    @property
    def interval(self) -> float:
        """Seconds between two samples: the shortest that anybody wants."""
        specs = [sender.spec for sender in self._senders()]
        own = [spec.policies.uplink.interval for spec in specs if spec.ingest]
        return min(own + [one.uplink.interval for spec in specs for one in spec.observed], default=_DEFAULT_INTERVAL)

    async def look(self, interval: float) -> None:
        """Take a sample of every connection, and judge it; `interval` is the usual distance between two."""
        senders = self._senders()
        watched = _watched(senders)
        sockets = _NOTHING  # who has no process has no connection, whether or not anybody else has one
        if watched or self._awaited(senders):
            try:
                sockets = await self._probes.uplinks(watched)
            except ProbeFailed as error:
                if not self._failing:
                    self._tell(events.ProbeTrouble("uplink", str(error)))
                self._failing = True
                self._judge(self._senders(), _NOTHING, {}, interval)
                return
            self._failing = False
        senders = self._senders()  # there may be others by now
        self._judge(senders, sockets, {one.key: one.pid for one in watched}, interval)
        self._look_for_returned(senders, sockets)

    def _judge(
        self, senders: Iterable[SendingProcess], sockets: Sockets, pids: Mapping[ConnectionKey, int], interval: float
    ) -> None:
        now, wall, connections = self._clock.now(), self._clock.wall(), sockets.connections
        for sender in senders:
            child = sender.child
            pid = child.pid if child else None
            for key, meter, timeout in _meters(sender):
                # Between the sample and now a process may have been replaced: it says nothing of the new one.
                if pid is not None and pids.get(key) != pid:
                    continue
                sample = connections.get(key) if pid is not None else None
                if meter.update(sample, now, wall, timeout, interval):
                    sender.uplink_blocked(timeout)

    def _look_for_returned(self, senders: Sequence[SendingProcess], sockets: Sockets) -> None:
        awaited = self._awaited(senders)
        if not awaited and not self._tried:  # as a rule
            self._silent_before.clear()
            return
        listening = {address for _, address in awaited if _listens(address, sockets)}
        # An ingest may refuse and be back between two samples, so that nobody saw it silent: that is worth one try,
        # and another only after one has worked.
        for sender, address in awaited:
            if address in listening and (address in self._silent_before or sender.key not in self._tried):
                self._tried.add(sender.key)
                sender.dispatch(RetryNow())
        self._silent_before = {address for _, address in awaited} - listening
        self._tried &= {sender.key for sender in senders if sender.status.state is not State.RUNNING}

    def _awaited(self, senders: Iterable[SendingProcess]) -> list[tuple[SendingProcess, Address]]:
        """Ingests on this machine that somebody waits for: whether they listen can be seen without a connection."""
        return [
            (sender, way.address)
            for sender in senders
            if sender.waits_for_ingest
            for way in sender.spec.ingests
            if self._probes.is_here(way.address.host)
        ]


def _listens(address: Address, sockets: Sockets) -> bool:
    return any(
        port == address.port and (host in _ANY_HOST or _same_host(host, address.host))
        for host, port in sockets.listening
    )


def _watched(senders: Iterable[SendingProcess]) -> list[Watched]:
    watched = []
    for sender in senders:
        if child := sender.child:
            if sender.spec.ingest:
                peer = sender.spec.ingest if sender.spec.uploads else None
                watched.append(Watched(sender.key, child.pid, peer))
            watched.extend(
                Watched(Observation(sender.key, observed.name), child.pid, peer=observed.ingest)
                for observed in sender.spec.observed
            )
    return watched


def _meters(sender: SendingProcess) -> Sequence[tuple[ConnectionKey, UplinkMeter, float]]:
    """What each connection of a process is judged by: its meter and the time that it has."""
    if sender.uplink:
        return ((sender.key, sender.uplink, sender.spec.policies.uplink.timeout),)
    return [
        (Observation(sender.key, observed.name), sender.observed[observed.name], observed.uplink.timeout)
        for observed in sender.spec.observed
    ]


def _same_host(listening: str, wanted: str) -> bool:
    return listening == wanted or (wanted == "localhost" and Address(listening, 1).is_loopback)
