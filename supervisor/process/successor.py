"""The next run of an encoder, started beside the one that still feeds: a replacement that costs no frame."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from supervisor.model.fallback import SwitchWay
from supervisor.model.terms import RestartReason
from supervisor.process.changeover import REPLACEMENTS, tell_cost
from supervisor.process.crossing import Crossing

if TYPE_CHECKING:
    from supervisor.process.launch import Launch
    from supervisor.process.run import Run
    from supervisor.process.slot import Slot


class Successor:
    """Lives on the engine's loop, from its making until its run takes the place of the other, or is given up."""

    def __init__(self, slot: Slot, launch: Launch, reason: RestartReason, progress: str) -> None:
        """Start it. Raises OSError or ValueError where there can be none."""
        self.reason = reason
        self.decided = slot.host.loop.time()
        self.has_crossed = False
        self._ended = False
        self._slot = slot
        feeds = slot.feeds
        assert feeds is not None
        fill = feeds.begin_beside(slot.spec.feeds)
        crossing: Crossing | None = None
        try:
            # It opens the same source once more. One that takes longer than a start may take is not waited for.
            crossing = Crossing(slot.host, feeds.next_links, slot.spec.policies.stall.startup, self._crossed)
            self.run: Run = launch.start_beside(reason, progress, fill)
        except (OSError, ValueError):
            if crossing:
                crossing.give_up()
            feeds.drop_next()
            raise
        self._crossing = crossing
        crossing.child = self.run.child
        slot.host.exits.add(self.run.child.pidfd, self._on_exit)

    @property
    def helper(self) -> tuple[int, str] | None:
        """Its pid and run, while it is not the slot's own."""
        return None if self._ended else (self.run.child.pid, self.run.run_id)

    def surrender(self) -> Run | None:
        """Its run is the slot's from now on; None if it is over already."""
        if self._ended:
            return None
        feeds = self._slot.feeds
        assert feeds is not None
        if not self.has_crossed:
            self._crossing.give_up()
            feeds.take_next(connect=True)
        self._slot.host.exits.remove(self.run.child.pidfd)
        self._ended = True
        return self.run

    def give_up(self) -> None:
        """Nobody wants it any more."""
        if not self._ended:
            if not self.has_crossed:
                self._crossing.give_up()
            self._end()

    def _end(self) -> None:
        """End it, and reap it when it is gone."""
        self.run.child.signal_group(signal.SIGKILL)
        if self._slot.feeds:
            self._slot.feeds.drop_next()

    def _on_exit(self) -> None:
        child = self.run.child
        child.reap()
        self.run.over = self._ended = True
        self._slot.host.exits.remove(child.pidfd)
        child.close()
        if not self.has_crossed and self._slot.successor is self:
            self._crossing.give_up()
            if self._slot.feeds:
                self._slot.feeds.drop_next()
            self._slot.go_without(self)

    def _crossed(self, seconds: float | None) -> None:
        slot = self._slot
        if seconds is None:
            self._end()
            slot.go_without(self)
            return
        self.has_crossed = True
        assert slot.feeds is not None
        slot.feeds.take_next(connect=False)
        gap, took = self._crossing.gap, slot.host.loop.time() - self.decided
        slot.follow_with(self, seconds)
        way, replaces = SwitchWay.MADE_BEFORE_BREAK, REPLACEMENTS.get(self.reason)
        tell_cost(slot, way, replaces, took, gap, slot.meter.frame_rate)
