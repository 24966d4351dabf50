"""Maintenance: opens and ends the windows in which the failures of streams are excused."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from supervisor.desired.excuses import Excuse, Excuses, Kind
from supervisor.desired.maintenance import LONGEST, Planned, Windows
from supervisor.machine.machine import Clock
from supervisor.model import events
from supervisor.model.maintenance import Maintenance, MaintenanceOrder
from supervisor.model.quantities import show_duration
from supervisor.model.remembered import Memory
from supervisor.model.snapshot import Refused
from supervisor.model.subjects import Subject
from supervisor.model.until import Ends


class Maintaining:
    """What the configuration plans and operators order. `windows` is what is to be remembered."""

    def __init__(
        self, streams: Collection[str], excuses: Excuses, clock: Clock, tell: events.Tell, memory: Memory
    ) -> None:
        """`streams` are those that are configured, at any time."""
        self.windows = Windows()
        self._memory = memory
        self._begun = False
        self._kept: tuple[Maintenance, ...] | None = None  # as it was handed on last; None: nothing was yet
        self.windows.restore(memory.recall_windows())
        self._streams = streams
        self._excuses = excuses
        self._clock = clock
        self._tell = tell
        self._excused: dict[str, Maintenance] = {}  # the window of each stream that is in one

    def begin(self) -> None:
        """From now on windows begin and end, and what changes is remembered."""
        self._begun = True
        self.look()

    def plan(self, planned: Sequence[Planned]) -> None:
        """From now on, this is what the configuration says."""
        self.windows.plan(planned)
        if self._begun:
            self.look()

    def order(self, order: MaintenanceOrder) -> Maintenance:
        """An operator orders one. Raises Refused."""
        if unknown := [name for name in order.streams or () if name not in self._streams]:
            raise Refused(f"streams: there is no such stream: {', '.join(unknown)}")
        now = self._clock.wall()
        since = order.since.moment(now, None) if order.since else now
        until = order.until.moment(since, None)
        if until <= max(since, now):
            raise Refused("until: expected a time that is still to come, and after the beginning")
        if until - now > LONGEST:
            raise Refused(f"until: expected a time within {show_duration(LONGEST)}: what is forgotten wakes nobody")
        lasting = order.since is None and order.until.ends is Ends.AFTER
        window = self.windows.give(order.streams, since, until, order.reason, lasting=lasting)
        self._tell(events.MaintenanceOrdered(window))
        self.look()
        return window

    def end(self, identity: str) -> Maintenance | None:
        """End one that an operator has ordered; None if there is none. Raises Refused."""
        window = self.windows.given(identity)
        if window is None:
            return None
        if window.origin == "file":
            raise Refused("this window stands in the configuration: take it out there")
        self.windows.end(identity)
        if window.since > self._clock.wall():
            self._tell(events.MaintenanceOver(window))
        self.look()
        return window

    def look(self) -> None:
        """Called every second, and when something has changed."""
        turns = self.windows.look(self._clock.wall())
        before = self._excused
        found = {name: self.windows.covering(name) for name in self._streams} if self.windows.any_open else {}
        self._excused = {name: window for name, window in found.items() if window}
        for name in {*before, *self._excused}:
            if self._excused.get(name) != before.get(name):
                self._excuse(Subject(name), self._excused.get(name))
        for window in turns.begun:
            self._tell(events.MaintenanceBegun(window))
        for window in turns.over:
            self._tell(events.MaintenanceOver(window))
        kept = self.windows.kept()
        if kept != self._kept:
            self._kept = kept
            self._memory.keep_windows(kept)

    def _excuse(self, subject: Subject, window: Maintenance | None) -> None:
        if window is None:
            self._excuses.end(subject, Kind.MAINTENANCE)
            return
        by = "operator" if window.origin == "operator" else "config"
        excuse = Excuse(Kind.MAINTENANCE, subject, self._clock.now(), None, by, window.reason or "maintenance")
        self._excuses.open(excuse)
