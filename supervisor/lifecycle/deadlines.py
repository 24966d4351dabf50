"""When a run counts as stalled, when its budget is earned back, and when to look again. Pure; monotonic seconds."""

from __future__ import annotations

from supervisor.lifecycle.pauses import fed_enough
from supervisor.lifecycle.types import Status, View
from supervisor.model.terms import RestartReason, State

_IDLE_RECHECK = 1.0  # how often a process that is not being fed looks again


def stall_time(status: Status, view: View) -> tuple[float | None, RestartReason]:
    """When this run counts as stalled; None while there is nothing that it could have done.

    A pusher is held to account only for what its encoder delivered since the pusher last advanced: nothing to send is
    no stall, however long it lasts, and an encoder that is back does not make the pusher late at once.
    """
    stall = view.policies.stall
    began = view.last_advance is not None
    limit, reason = (stall.timeout, RestartReason.STALL) if began else (stall.startup, RestartReason.START_TIMEOUT)
    if not view.tracked:
        return None, reason
    limit += view.usual
    due = (status.since if view.last_advance is None else view.last_advance) + limit
    if view.fed is None or view.now < due:
        return due, reason
    return (due if fed_enough(view.fed, limit) else None), reason


def sustained(status: Status, view: View) -> bool:
    """Whether it has made progress for long enough to have its budget back."""
    if status.state is not State.RUNNING:
        return False
    earned = status.since + view.policies.restart.reset_after
    proof = view.last_advance if view.tracked else view.now
    return proof is not None and proof >= earned


def refill_time(spent: int, running_since: float, view: View) -> float | None:
    """When that will be so; None: nothing is spent."""
    return running_since + view.policies.restart.reset_after if spent else None


def next_check(status: Status, view: View) -> float | None:
    """When to look at a run again; None: there is nothing to see."""
    due = None
    if view.tracked and (due := stall_time(status, view)[0]) is None:
        due = view.now + _IDLE_RECHECK
    if status.state is State.RUNNING and (refill := refill_time(status.spent, status.since, view)) is not None:
        refill = max(refill, view.now + _IDLE_RECHECK)
        due = refill if due is None else min(due, refill)
    return due
