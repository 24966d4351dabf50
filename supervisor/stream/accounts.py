"""The account of each stream outlives neverdark, and the time in which there was none is booked.

What media flowed in that time, the counts of the processes tell that were taken over: they went on counting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Container, Mapping
from typing import NamedTuple

from supervisor.desired.absence import LONGEST, length, wanted_within, without
from supervisor.desired.maintenance import Windows
from supervisor.desired.schedule import Schedule, Window
from supervisor.desired.wanted import Orders
from supervisor.machine.machine import Clock
from supervisor.model.remembered import Account, KnownRun, KnownUplink, Memory
from supervisor.model.thresholds import ON_AIR_SECONDS
from supervisor.process.slot import Slot
from supervisor.stream.stream import Stream
from supervisor.stream.streams import Streams

_EVERY = 60.0
_SLICE = 50  # streams at a time: an exit must not wait for all
_CLOCKS_DIFFER = 0.01  # a source's clock, and what is dropped and repeated to follow it


class _Noted(NamedTuple):
    """What was handed on last of a stream, and how that is told from other states."""

    state: tuple[bool, bool, int]
    account: Account


class Accounts:
    """Lives on the engine's loop."""

    def __init__(self, streams: Streams, orders: Orders, windows: Windows, memory: Memory, clock: Clock) -> None:
        """`windows` are those of maintenance: what is off air in one is not asked for."""
        self._streams = streams
        self._orders = orders
        self._windows = windows
        self._memory = memory
        self._clock = clock
        self._open: dict[str, Account] = {}  # of streams that were taken over, until what they have counted is known
        self._schedules: dict[Schedule, list[Window]] = {}
        self._noted: dict[str, _Noted] = {}

    @property
    def open(self) -> Container[str]:
        """The streams whose time is not to be booked yet."""
        return self._open

    # --- what was before ---------------------------------------------------------------------------

    def take_over(self) -> None:
        """Go on with what was noted last of each stream: the runs that are to be taken over are."""
        for name, account in self._memory.recall_accounts().items():
            if stream := self._streams.get(name):
                if any(_know(slot, account) for slot in stream.slots.values()):
                    self._open[name] = account
                else:
                    self._book(stream, account, self._clock.wall() - account.at, 0.0)
        self._schedules.clear()

    def settle(self, *, at_once: bool) -> None:
        """Book the absence for the streams of which all is known; `at_once`: for the others as well."""
        for name in tuple(self._open):
            stream = self._streams.get(name)
            if stream is None:
                del self._open[name]
            elif at_once or all(slot.is_known for slot in stream.slots.values()):
                self._settle(stream, self._open.pop(name))

    def _settle(self, stream: Stream, account: Account) -> None:
        now = self._clock.now()
        away = now - account.now
        self._book(stream, account, away, stream.proven(lambda slot: _media(slot, account, now)))

    def _book(self, stream: Stream, account: Account, away: float, media: float) -> None:
        """The time since `account` was noted, `away` seconds ago. Nothing may fall that somebody has seen already.

        What was booked between that and the end of who noted it, nobody knows. It was on air if all the time is proven;
        otherwise the sums begin anew, and a falling counter is known to have done so.
        """
        air, name = stream.air.time, stream.spec.name
        away = min(max(0.0, away), LONGEST)
        if account.left or (account.on_air and media >= away > 0):
            air.go_on(account.on_air_seconds, account.off_air_seconds)
        if not account.wanted:
            return
        until = self._clock.wall()
        wanted = wanted_within(self._orders.looked_up(name, self._schedules), until - away, until)
        quiet = [(one.since, one.until) for one in self._windows.within(until - away, until) if one.covers(name)]
        seconds = length(wanted)
        proven = seconds if media >= away else min(media, seconds)  # all of it: no rounding error is unknown
        unknown = min(seconds - proven, length(without(wanted, quiet)))
        air.nobody_was_there(self._clock.now(), proven + unknown, proven, on_fallback=stream.on_fallback)

    # --- what is now -------------------------------------------------------------------------------

    def look(self) -> None:
        """Called every second, when all accounts are done: what has changed is noted."""
        changed = dict[str, Account]()
        known = self._noted
        for name, stream in self._streams.items():
            noted = known.get(name)
            if (noted is None or noted.state != _state(stream)) and name not in self._open:
                changed[name] = self._account(stream)
        for name in [name for name in self._noted if name not in self._streams]:
            changed[name] = self._noted.pop(name).account._replace(wanted=False, on_air=False)
        if changed:
            self._memory.note_accounts(changed)

    async def run_forever(self) -> None:
        """Note all of them now and then: less is unknown if we are killed."""
        while True:
            await asyncio.sleep(_EVERY)
            found = dict[str, Account]()
            for name in tuple(self._streams):
                if (stream := self._streams.get(name)) and name not in self._open:
                    found[name] = self._account(stream)
                    if len(found) % _SLICE == 0:
                        await asyncio.sleep(0)
            self._memory.note_accounts(found)

    def end(self, *, left: bool) -> None:
        """Note all of them for the last time; `left`: their processes run on."""
        if left:
            self.settle(at_once=True)
        self._memory.note_accounts({name: self._account(stream, left=left) for name, stream in self._streams.items()})

    def _account(self, stream: Stream, *, left: bool = False) -> Account:
        air = stream.air.time
        account = Account(
            self._clock.wall(),
            self._clock.now(),
            stream.wanted,
            stream.on_air,
            air.on_air,
            {str(segment): seconds for segment, seconds in air.off_air.items() if seconds},
            {
                run.run_id: KnownRun(slot.meter.run_media, _uplinks(slot))
                for slot in stream.slots.values()
                if (run := slot.run) and not run.over
            },
            left,
        )
        self._noted[stream.spec.name] = _Noted(_state(stream), account)
        return account


def _state(stream: Stream) -> tuple[bool, bool, int]:
    """A change of this is noted at once: what was counted until then could otherwise be lost."""
    connections = 0
    for slot in stream.senders:
        if slot.uplink:
            connections += slot.uplink.connections
        else:
            for meter in slot.observed.values():
                connections += meter.connections
    return stream.wanted, stream.on_air, connections


def _uplinks(slot: Slot) -> Mapping[str, KnownUplink]:
    return {name: known for name, meter in slot.uplinks.items() if (known := meter.known)}


def _know(slot: Slot, account: Account) -> bool:
    """Tell a place what was noted of its run; False: its run was not taken over."""
    run = slot.run
    if run is None or not run.adopted:
        return False
    if known := account.runs.get(run.run_id):
        for name, meter in slot.uplinks.items():
            if name in known.uplinks:
                meter.know(known.uplinks[name])
    return True


def _media(slot: Slot, account: Account, now: float) -> float:
    """Seconds of media that a process has made since `account` was noted; all of that time, if hardly any lacks."""
    run = slot.run
    if run is None or not run.adopted:
        return 0.0
    known = account.runs.get(run.run_id)
    since = account.now if known else max(account.now, run.began)
    if not slot.spec.tracked:
        return now - since  # that it lives is all that it proves, as ever
    media = slot.meter.run_media - (known.media if known else 0.0)
    if slot.meter.last_advance is None:
        return max(0.0, media)
    slack = ON_AIR_SECONDS + slot.usual_silence(now) + _CLOCKS_DIFFER * (now - since)
    return now - since if media >= now - since - slack else max(0.0, media)
