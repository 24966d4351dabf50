"""The ONE place where streams become what they shall be: created, changed, started and stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping

from supervisor.desired.catalogue import Catalogue, Change, Origin
from supervisor.desired.excuses import Excuse, Excuses, Kind
from supervisor.desired.plan import StreamSpec
from supervisor.desired.wanted import Order, Orders
from supervisor.machine.machine import Clock
from supervisor.model.terms import RestartReason
from supervisor.stream.stream import Stream
from supervisor.stream.streams import Streams


class Reconciler:
    """Compares what shall be (catalogue and orders) with what is (streams). Where nothing differs, it does nothing."""

    def __init__(
        self,
        catalogue: Catalogue,
        orders: Orders,
        excuses: Excuses,
        streams: Streams,
        clock: Clock,
        make: Callable[[StreamSpec], Stream],
        changed: Callable[[], None],
    ) -> None:
        """`make` makes a new stream, which does not run yet; `changed` is called when something else shall be."""
        self._catalogue = catalogue
        self._orders = orders
        self._excuses = excuses
        self._streams = streams
        self._clock = clock
        self._make = make
        self._changed = changed

    def follow(self, origin: Origin, specs: Mapping[str, StreamSpec], why: str) -> Change:
        """A source asks for these streams. What it has changed and removed follows at once; what is new, is placed.

        What cannot be made raises, and then the next time asks for the same: nothing is removed, and nothing is known
        that is not there.
        """
        self._prepare(specs)
        change, now = self._catalogue.replace(origin, specs), self._clock.now()
        for name, spec in specs.items():
            self._orders.enable(name, enabled=spec.enabled, why=why, at=now)
        for name in change.removed:
            self._orders.forget(name)
        for name in (*change.changed, *change.removed):
            self.reconcile(name)
        self._changed()
        return change

    def _prepare(self, specs: Mapping[str, StreamSpec]) -> None:
        """All that can fail, for want of descriptors or memory: places for new processes."""
        new = dict[str, Stream]()
        try:
            for name, spec in specs.items():
                if name in self._streams:
                    self._update(self._streams[name], spec)
                else:
                    new[name] = self._make(spec)
        except BaseException:
            for stream in new.values():
                stream.close()
            raise
        self._streams.update(new)

    def take_over(self) -> None:
        """Take over what runs already and shall run, before anything is started that might publish beside it."""
        for name in self._catalogue:
            stream = self._streams.get(name)
            if stream and self._orders.wanted(name, self._clock.now()).wanted:
                stream.take_over()

    def order(self, verb: str, name: str) -> None:
        """An operator's start, stop or restart."""
        self._orders.operate(name, Order(verb != "stop", "operator", self._clock.now()))
        self.reconcile(name, restart=verb == "restart")
        self._changed()

    def end(self) -> None:
        """No stream shall run any more, from the next `reconcile` on."""
        self._orders.end(self._clock.now())

    @property
    def ending(self) -> bool:
        """Whether that is so."""
        return self._orders.ending

    def look(self) -> None:
        """Called every second: what was asked for until now is over."""
        lapsed = self._orders.lapsed(self._clock.now())
        for name in lapsed:
            self.reconcile(name)
        if lapsed:
            self._changed()

    def reconcile(self, name: str, *, restart: bool = False) -> None:
        """Make a stream what it shall be; `restart`: and replace the processes of one that runs already."""
        stream = self._streams.get(name)
        if stream is None:
            return
        wanted = self._orders.wanted(name, self._clock.now())
        if wanted.wanted and not stream.wanted:
            self._excuses.end(stream.subject, Kind.STOP)
            stream.start(wanted.why)
        elif stream.wanted and not wanted.wanted:
            self._excuses.open(Excuse(Kind.STOP, stream.subject, wanted.since, wanted.until, wanted.by, wanted.why))
            stream.stop(wanted.why)
        elif wanted.wanted and restart:
            stream.restart(RestartReason.OPERATOR)

    async def reconcile_in_turn(self, names: Iterable[str]) -> None:
        """One after the other: a thousand spawns must not keep the first exit waiting."""
        for name in tuple(names):
            self.reconcile(name)
            await asyncio.sleep(0)

    def _update(self, stream: Stream, spec: StreamSpec) -> None:
        """Give a stream the processes that it is configured to have."""
        if spec == stream.spec:
            return
        if stream.wanted:
            self._excuses.open(_reload(stream, spec, self._clock.now()))
        stream.update(spec)


def _reload(stream: Stream, spec: StreamSpec, now: float) -> Excuse:
    """As long as the replacement of its processes may take."""
    takes = max(process.policies.stop.kill + process.policies.stall.startup for process in spec.processes)
    return Excuse(Kind.RELOAD, stream.subject, now, now + takes, "config", "its configuration has changed")
