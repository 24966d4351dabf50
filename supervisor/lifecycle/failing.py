"""What follows a failure: the next run at once, or a wait, which may become shorter or longer. Pure."""

from __future__ import annotations

from supervisor.lifecycle.pauses import (
    GHOST_DELAY,
    HOPELESS,
    backoff_delay,
    budget_allows,
    how_refused,
    is_ghost,
    must_not_be_hurried,
    refusals_in_a_row,
    slow_delay,
)
from supervisor.lifecycle.starting import spawn
from supervisor.lifecycle.types import AskedToWait, Event, Exited, Spawn, Status, Step, View, Waiting
from supervisor.model.terms import ExitCause, Refusal, RestartReason, State

_LINE_RECHECK = 300.0
# A server tells all streams the same moment: up to this share later, they do not come back in step.
_NOT_IN_STEP = 0.05
# Whoever connects and is no publisher ends who listens: a port that is searched all the time must not cost a core.
_AT_ONCE_AFTER = 1.0


def failed(status: Status, event: Event, view: View) -> Step:  # noqa: PLR0911 - one line a rule
    """Exit, stall, failed start: take from the budget and come back, at once, soon or slowly."""
    assert isinstance(event, Exited)
    restart, refusal = view.policies.restart, how_refused(event.cause, event.refusal)
    reason = status.reason if status.ending and status.reason else RestartReason.EXIT
    worked = worked_until(status, view)
    if status.free:  # but a moment later: the server must learn first that the one before is gone
        gone = status._replace(reason=reason, ending=False, free=False, since=view.now, worked=worked)
        return wait(gone, State.BACKOFF, restart.initial_delay, view)
    ghost = event.cause is ExitCause.INGEST_REFUSED and is_ghost(status.worked, view.now)
    if view.listens and event.cause not in HOPELESS:
        return listen_again(status._replace(worked=worked), event, view, reason)
    counts = not view.line_down and not ghost and not event.again
    another = counts and budget_allows(restart, status.spent, event.cause)
    before = 0 if view.tracked and status.state is State.RUNNING else status.refusals
    slow = refusal is not None and must_not_be_hurried(refusal)
    known = status._replace(
        worked=worked,
        refusals=refusals_in_a_row(before, event.cause, refused=slow) if counts else status.refusals,
        refusal=refusal,
        spent=status.spent + 1 if another else status.spent,
    )
    asked = before if slow else status.spent
    delay = backoff_delay(restart, asked, view.random, refused=refusal)
    if event.again or (another and delay <= 0):
        return spawn(known, view, reason)
    idle = known._replace(reason=reason, ending=False, since=view.now)
    if view.line_down:
        return wait_for_line(idle, event, view)
    if ghost:
        return wait(idle, State.BACKOFF, GHOST_DELAY, view)  # costs no attempt: it is over within a minute or so
    if not another:
        comes = refusal is Refusal.NOT_THERE
        return wait(idle, State.BACKOFF if comes else State.COOLDOWN, slow_delay(restart, delay, refusal), view)
    return wait(idle, State.BACKOFF, delay, view)


def listen_again(status: Status, event: Exited, view: View, reason: RestartReason) -> Step:
    """Nobody is asked for anything, and a publisher that comes back finds nobody while this waits: no attempts count.

    But one that cannot even listen waits longer each time, up to the longest delay.
    """
    restart = view.policies.restart
    if status.state is State.RUNNING or view.now - status.since >= _AT_ONCE_AFTER:
        known = status._replace(refusals=0, refusal=None, spent=0)
        if event.again:  # it waits for its publisher as before, and for the same reason
            return spawn(known, view, status.reason)._replace(actions=(Spawn(None),))
        return spawn(known, view, reason)
    idle = status._replace(reason=reason, ending=False, since=view.now)
    if event.again:
        return wait(idle, State.BACKOFF, _AT_ONCE_AFTER, view)._replace(notices=())
    delay = backoff_delay(restart, status.spent, view.random, refused=None)
    return wait(idle._replace(spent=min(status.spent + 1, restart.attempts)), State.BACKOFF, delay, view)


def worked_until(status: Status, view: View) -> float | None:
    """When a run last worked. As it closed no connection, its server may not know for a while that it has ended."""
    return view.now if status.state is State.RUNNING else status.worked


def wait_for_line(status: Status, event: Event, view: View) -> Step:
    """Nothing is attempted, and what was attempted in vain is given back. `RetryNow` comes when the line is back.

    Who decides that may be wrong: so, at great length, a look all the same.
    """
    del event
    return wait(status._replace(spent=status.proven, since=view.now), State.BACKOFF, _LINE_RECHECK, view)


def wait(status: Status, state: State, delay: float, view: View) -> Step:
    """Wait for `delay` seconds from now on."""
    waiting = status._replace(state=state, delay=delay, deadline=view.now + delay)
    left = max(0, view.policies.restart.attempts - status.spent)
    return Step(waiting, notices=(Waiting(state, delay, left),))


def wait_less(status: Status, event: Event, view: View) -> Step:
    """Other policies hold: wait no longer than they allow."""
    del event
    restart = view.policies.restart
    if view.line_down or must_not_be_hurried(status.refusal):
        return Step(status)
    most = restart.cooldown if status.state is State.COOLDOWN else restart.max_delay
    assert status.deadline is not None
    return Step(status._replace(deadline=min(status.deadline, status.since + most)))


def wait_longer(status: Status, event: Event, view: View) -> Step:
    """What refused it has told how long it does not want to be asked."""
    assert isinstance(event, AskedToWait)
    assert status.deadline is not None
    due = view.now + event.seconds * (1 + _NOT_IN_STEP * view.random)
    if not must_not_be_hurried(status.refusal) or due <= status.deadline:
        return Step(status)
    return wait(status, status.state, due - status.since, view._replace(now=status.since))
