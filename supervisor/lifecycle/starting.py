"""How a run begins: at first, anew on purpose, and when its wait is over. Pure; monotonic seconds."""

from __future__ import annotations

from supervisor.lifecycle.deadlines import refill_time
from supervisor.lifecycle.pauses import must_not_be_hurried
from supervisor.lifecycle.types import Event, Restart, Spawn, Status, Step, Tick, View
from supervisor.model.terms import RestartReason, State

# Somebody has looked at it, or it is something else now: what refused may not do so any more.
_ON_PURPOSE = frozenset({RestartReason.OPERATOR, RestartReason.CONFIG})
# The second layer's. Two layers that ask in turn are locked out just as well as one that asks too often.
_RECOVERIES = frozenset({RestartReason.WATCHDOG, RestartReason.LIMIT})


def spawn(status: Status, view: View, reason: RestartReason | None) -> Step:
    """A new run."""
    _, _, _, run, spent, proven, refusals, refusal, worked, *_ = status
    now, tracked = view.now, view.tracked
    fresh = Status(  # made anew and not as a copy: a respawn waits for it
        state=State.STARTING if tracked else State.RUNNING,
        wanted=True,
        since=now,
        run=run + 1,
        spent=spent,
        proven=proven,
        refusals=refusals,
        refusal=refusal if tracked else None,  # of one that tells nothing, nothing would ever end it
        worked=worked,
        deadline=now + view.policies.stall.startup if tracked else refill_time(spent, now, view),
        reason=reason,
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
