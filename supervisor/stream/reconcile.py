"""The ONE place where streams become what they shall be: created, changed, started and stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Iterable, Mapping

from supervisor.desired.catalogue import Catalogue, Change
from supervisor.desired.plan import StreamSpec
from supervisor.desired.wanted import Orders
from supervisor.machine.machine import Clock
from supervisor.model import events
from supervisor.model.snapshot import Wanted
from supervisor.model.terms import RestartReason
from supervisor.model.until import Until
from supervisor.stream.stream import Stream
from supervisor.stream.streams import Streams


class Reconciler:
    """Compares what shall be (catalogue and orders) with what is (streams). Where nothing differs, it does nothing."""

    def __init__(
        self,
        catalogue: Catalogue,
        orders: Orders,
        streams: Streams,
        clock: Clock,
        make: Callable[[StreamSpec], Stream],
        changed: Callable[[], None],
        tell: events.Tell,
    ) -> None:
        """`make` makes a new stream, which does not run yet; `changed` is called when something else shall be."""
        self._tell = tell
        self._due: dict[str, None] = {}  # the streams for which some word has ended
        self._is_due = asyncio.Event()
        self._catalogue = catalogue
        self._orders = orders
        self._streams = streams
        self._clock = clock
        self._make = make
        self._changed = changed

    def follow(self, specs: Mapping[str, StreamSpec], why: str, made: Container[str] = ()) -> Change:
        """These streams are asked for, those of `made` by API. What has changed follows at once; what is new is placed.

        What cannot be made raises, and then the next time asks for the same: nothing is removed, and nothing is known
        that is not there.
        """
        return self._follow(specs, why, lambda: self._catalogue.replace(specs, made))

    def announce(self, specs: Mapping[str, StreamSpec], why: str) -> Change:
        """The same for programs that have announced themselves."""
        return self._follow(specs, why, lambda: self._catalogue.announce(specs))

    def _follow(self, specs: Mapping[str, StreamSpec], why: str, enter: Callable[[], Change]) -> Change:
        self._prepare(specs)
        change, now = enter(), self._clock.wall()
        self._orders.keep_only(self._catalogue)
        for name, spec in specs.items():
            self._orders.enable(name, enabled=spec.enabled, why=why, at=now)
            self._orders.schedule(name, spec.schedule, now)
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
                    self._streams[name].update(spec)
                else:
                    new[name] = self._make(spec)
        except BaseException:
            for stream in new.values():
                stream.close()
            raise
        self._streams.update(new)

    def revise(self, spec: StreamSpec) -> None:
        """One stream that there is is to be otherwise; whether it shall run is no matter of this."""
        if spec.name in self._streams and spec.name in self._catalogue:
            self._streams[spec.name].update(spec)
            self._catalogue.revise(spec)
            self._changed()

    def take_over(self) -> None:
        """Take over what runs already and shall run, before anything is started that might publish beside it."""
        for name in self._catalogue:
            stream = self._streams.get(name)
            if stream and self._orders.wanted(name, self._clock.wall()).wanted:
                stream.take_over()

    def order(self, verb: str, name: str, until: Until | None = None, why: str = "operator") -> Wanted:
        """An operator's start, stop or restart, until some time (None: see `Orders.ordered`). Raises Refused."""
        now = self._clock.wall()
        order = self._orders.ordered(name, until, now, wanted=verb != "stop", why=why)
        self._orders.operate(name, order)
        self._tell(events.StreamOrdered(name, order.wanted, why, order.until))
        self.reconcile(name, restart=verb == "restart")
        self._changed()
        return self.wanted(name)

    def switched_off(self, specs: Mapping[str, StreamSpec]) -> list[str]:
        """Which streams other hours on air would switch off."""
        return self._orders.switched_off({name: spec.schedule for name, spec in specs.items()}, self._clock.wall())

    def wanted(self, name: str) -> Wanted:
        """Whose word it is that a stream shall run or not."""
        return self._orders.wanted(name, self._clock.wall())

    @property
    def specs(self) -> dict[str, StreamSpec]:
        """What each stream is to be, by name."""
        return {name: entry.spec for name, entry in self._catalogue.items()}

    def end(self) -> None:
        """No stream shall run any more, from the next `reconcile` on."""
        self._orders.end(self._clock.wall())

    @property
    def ending(self) -> bool:
        """Whether that is so."""
        return self._orders.ending

    def look(self) -> None:
        """Called every second: what was asked for until now is over."""
        ended, switched = self._orders.lapsed(self._clock.wall())
        for name in ended:
            self._tell(events.OrderLapsed(name))
        if ended or switched:
            self._due |= dict.fromkeys([*ended, *switched])
            self._is_due.set()

    async def run_forever(self) -> None:
        """Make those streams what they shall be for which `look` has found that a word has ended."""
        while True:
            while not self._due:
                self._is_due.clear()
                await self._is_due.wait()
            name = next(iter(self._due))
            del self._due[name]
            self.reconcile(name)
            if not self._due:
                self._changed()
            await asyncio.sleep(0)  # a thousand spawns must not keep the first exit waiting

    def clock_was_set(self, seconds: float) -> None:
        """By so much; what that means for the hours on air is seen at the next `look`."""
        self._orders.clock_was_set(seconds)

    def reconcile(self, name: str, *, restart: bool = False) -> None:
        """Make a stream what it shall be; `restart`: and replace the processes of one that runs already."""
        stream = self._streams.get(name)
        if stream is None:
            return
        wanted = self.wanted(name)
        if wanted.wanted and not stream.wanted:
            stream.start(wanted.why)
        elif stream.wanted and not wanted.wanted:
            stream.stop(wanted.why)
        elif wanted.wanted and restart:
            stream.restart(RestartReason.OPERATOR)

    async def reconcile_in_turn(self, names: Iterable[str]) -> None:
        """One after the other: a thousand spawns must not keep the first exit waiting."""
        for name in tuple(names):
            self.reconcile(name)
            await asyncio.sleep(0)
