"""How a run begins: at first, anew on purpose, and when its wait is over. Pure; monotonic seconds."""

from __future__ import annotations

from typing import Any

from supervisor.lifecycle.deadlines import refill_time
from supervisor.lifecycle.pauses import must_not_be_hurried
from supervisor.lifecycle.types import Event, Restart, Spawn, Status, Step, Tick, View
from supervisor.model.terms import RestartReason, State

# Somebody has looked at it, or it is something else now: what refused may not do so any more.
_ON_PURPOSE = frozenset({RestartReason.OPERATOR, RestartReason.CONFIG})
# The second layer's. Two layers that ask in turn are locked out just as well as one that asks too often.
_RECOVERIES = frozenset({RestartReason.WATCHDOG, RestartReason.LIMIT})


def spawn(status: Status, view: View, reason: RestartReason | None, **known: Any) -> Step:
    """A new run. `known` are other fields of the status that change with it, in one copy: a respawn waits for it."""
    stall = view.policies.stall
    if not view.tracked:
        known["refusal"] = None  # else nothing would ever end it
    fresh = status._replace(
        **known,
        state=State.STARTING if view.tracked else State.RUNNING,
        wanted=True,
        since=view.now,
        run=status.run + 1,
        reason=reason,
        ending=False,
        free=False,
        signals=0,
        delay=0.0,
        deadline=view.now + stall.startup
        if view.tracked
        else refill_time(known.get("spent", status.spent), view.now, view),
    )
    return Step(fresh, (Spawn(reason),))


def start(status: Status, event: Event, view: View) -> Step:
    """It shall run: with all its attempts."""
    del event
    return spawn(status._replace(spent=0, proven=0, refusals=0, refusal=None), view, None)


def restart_idle(status: Status, event: Event, view: View) -> Step:
    """Replace what does not run at the moment: at once, instead of after its wait."""
    assert isinstance(event, Restart)
    if hurries(status, event):
        return Step(status)
    return spawn(afresh(status, event), view, event.reason)


def hurries(status: Status, event: Restart) -> bool:
    """Whether the second layer would ask a server that counts how often it is asked."""
    return event.reason in _RECOVERIES and must_not_be_hurried(status.refusal)


def afresh(status: Status, event: Restart) -> Status:
    """With all its attempts; on purpose, also with no refusal remembered."""
    fresh = status._replace(spent=0, proven=0)
    return fresh._replace(refusals=0, refusal=None) if event.reason in _ON_PURPOSE else fresh


def retry(status: Status, event: Event, view: View) -> Step:
    """The wait is over, or what it failed on is back."""
    if isinstance(event, Tick) and status.deadline is not None and view.now < status.deadline:
        return Step(status)
    return spawn(status, view, status.reason)
