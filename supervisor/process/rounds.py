"""What is looked at every second at the place of one process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from supervisor.lifecycle.types import Useless
from supervisor.model.terms import RestartReason, State, Trouble

if TYPE_CHECKING:
    from supervisor.process.slot import Slot

_BACKLOG_SHARE = 0.85  # of what is allowed at most: it is looked at once a second, and a new connection takes its time


def look(slot: Slot, now: float) -> None:
    """What the second since the last look has shown may call for another run."""
    if slot.content:
        slot.content.look(now)
    run = slot.run
    if run is None or run.over:
        return
    intake, feeder = slot.intake, slot.feeder
    if intake is not None and feeder is not None:
        if slot.spec.listens and slot.waits_for_viewer:
            intake.link.empty()  # who calls shall see what is, not what was
            return
        behind = intake.weigh(feeder.meter, slot.meter, now)
        if not behind and not (slot.uplink and slot.uplink.unsent_bytes):
            return  # nothing waits anywhere
        if slot.backlog >= _BACKLOG_SHARE * slot.spec.policies.limits.backlog_max and not slot.status.ending:
            intake.drop_backlog()
            slot.host.machine.forget_unsent(run.child.pid)
            slot.dispatch(_what_waits(slot, now))
    elif slot.feeds:
        if slot.status.state is State.STARTING and slot.feeds.robbed_by(run.child.pid):
            slot.dispatch(Useless(RestartReason.START_TIMEOUT, Trouble.PORT_TAKEN))
        if slot.source and not slot.source.watch.settled:
            slot.reports.look_at_source()


def _what_waits(slot: Slot, now: float) -> Useless:
    """Why a pusher is so far behind: its line takes too little, it encodes too slowly, or it sends nothing at all.

    Its own silence may be allowed for longer than this, after a source that delivers in pieces.
    """
    last = slot.meter.last_advance
    silent = 0.0 if last is None else now - last
    if silent >= slot.spec.policies.stall.timeout:
        return Useless(RestartReason.STALL, Trouble.STALL, silent=silent)
    if slot.encodes_late:
        return Useless(RestartReason.LIMIT, Trouble.SLOW, free=True)
    return Useless(RestartReason.UPLINK, Trouble.BACKLOG, free=True)
