"""The life of one process, as a table: (state, event) → next status, actions, notices. Pure.

The engine feeds events in and carries actions out; nothing here touches a process or a clock. Times are
monotonic seconds, passed in. Read `_TABLE` at the end first: it is the whole machine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from supervisor.lifecycle.deadlines import next_check, refill_time, stall_time, sustained
from supervisor.lifecycle.pauses import (
    GHOST_DELAY,
    backoff_delay,
    budget_allows,
    how_refused,
    is_ghost,
    must_not_be_hurried,
    refusals_in_a_row,
    slow_delay,
)
from supervisor.lifecycle.types import (
    Advanced,
    AskedToWait,
    Event,
    Exited,
    Kill,
    LineLost,
    Notice,
    PoliciesChanged,
    Refilled,
    Restart,
    RetryNow,
    Silent,
    Spawn,
    Start,
    Status,
    Step,
    Stop,
    Terminate,
    Tick,
    UplinkBlocked,
    Useless,
    View,
    Waiting,
)
from supervisor.model.terms import Refusal, RestartReason, State

_LINE_RECHECK = 300.0
# A server tells all streams the same moment: up to this share later, they do not come back in step.
_NOT_IN_STEP = 0.05
# Somebody has looked at it, or it is something else now: what refused may not do so any more.
_ON_PURPOSE = frozenset({RestartReason.OPERATOR, RestartReason.CONFIG})
# The second layer's. Two layers that ask in turn are locked out just as well as one that asks too often.
_RECOVERIES = frozenset({RestartReason.WATCHDOG, RestartReason.LIMIT})


def step(status: Status, event: Event, view: View) -> Step:
    """One turn of the machine."""
    handler = _TABLE[status.state].get(type(event))
    return handler(status, event, view) if handler else Step(status)


# --- the moves -------------------------------------------------------------------------------------


def _spawn(status: Status, view: View, reason: RestartReason | None, **known: Any) -> Step:
    """A new run; `known` are other fields of the status that change with it: one copy, because viewers wait for it."""
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


def _start(status: Status, event: Event, view: View) -> Step:
    del event
    return _spawn(status._replace(spent=0, proven=0, refusals=0, refusal=None), view, None)


def _restart_idle(status: Status, event: Event, view: View) -> Step:
    assert isinstance(event, Restart)
    if _hurries(status, event):
        return Step(status)
    return _spawn(_fresh(status, event), view, event.reason)


def _hurries(status: Status, event: Restart) -> bool:
    return event.reason in _RECOVERIES and must_not_be_hurried(status.refusal)


def _fresh(status: Status, event: Restart) -> Status:
    fresh = status._replace(spent=0, proven=0)
    return fresh._replace(refusals=0, refusal=None) if event.reason in _ON_PURPOSE else fresh


def _restart_alive(status: Status, event: Event, view: View) -> Step:
    assert isinstance(event, Restart)
    if _hurries(status, event):
        return Step(status)
    fresh = _fresh(status, event)._replace(reason=event.reason)
    return _begin_stopping(fresh, view, force=event.force)


def _stop_alive(status: Status, event: Event, view: View) -> Step:
    del event
    return _begin_stopping(status._replace(wanted=False), view, force=status.ending)


def _begin_stopping(status: Status, view: View, *, force: bool) -> Step:
    stopping = status._replace(state=State.STOPPING, since=view.now, signals=1, ending=False, free=False)
    if force:
        return Step(stopping._replace(deadline=None, worked=_worked(status, view)), (Kill(),))
    stop = view.policies.stop
    return Step(stopping._replace(deadline=view.now + min(stop.second_signal, stop.kill)), (Terminate(),))


def _stop_idle(status: Status, event: Event, view: View) -> Step:
    del event
    return Step(_stopped(status, view))


def _stopped(status: Status, view: View) -> Status:
    return status._replace(state=State.STOPPED, wanted=False, since=view.now, deadline=None, ending=False, delay=0.0)


def _stopping_tick(status: Status, event: Event, view: View) -> Step:
    """FFmpeg with a blocked output ignores one SIGTERM and obeys two; what obeys none is killed."""
    del event
    stop = view.policies.stop
    if view.now >= status.since + stop.kill or status.signals > 1:
        return Step(status._replace(deadline=None), (Kill(),))
    return Step(status._replace(signals=2, deadline=status.since + stop.kill), (Terminate(),))


def _stopping_start(status: Status, event: Event, view: View) -> Step:
    del event, view
    if status.wanted:  # it is being replaced already, for a reason of its own
        return Step(status)
    return Step(status._replace(wanted=True, reason=RestartReason.OPERATOR))


def _stopping_restart(status: Status, event: Event, view: View) -> Step:
    assert isinstance(event, Restart)
    del view
    return Step(status._replace(wanted=True, reason=event.reason))


def _stopping_stop(status: Status, event: Event, view: View) -> Step:
    del event, view
    return Step(status._replace(wanted=False))


def _stopping_exited(status: Status, event: Event, view: View) -> Step:
    del event
    return _spawn(status, view, status.reason) if status.wanted else Step(_stopped(status, view))


def _advanced(status: Status, event: Event, view: View) -> Step:
    del event
    running = status._replace(state=State.RUNNING, since=view.now, proven=status.spent, refusal=None)
    return Step(running._replace(deadline=next_check(running, view)))


def _failed(status: Status, event: Event, view: View) -> Step:
    """Exit, stall, failed start: take from the budget and come back, at once, soon or slowly."""
    assert isinstance(event, Exited)
    restart, refusal = view.policies.restart, how_refused(event.cause, event.refusal)
    reason = status.reason if status.ending and status.reason else RestartReason.EXIT
    worked = _worked(status, view)
    if status.free:  # but a moment later: the server must learn first that the one before is gone
        gone = status._replace(reason=reason, ending=False, free=False, since=view.now, worked=worked)
        return _wait(gone, State.BACKOFF, restart.initial_delay, view)
    ghost = is_ghost(event.cause, None if status.worked is None else view.now - status.worked)
    counts = not view.line_down and not ghost and not event.again
    another = counts and budget_allows(restart, status.spent, event.cause)
    before = 0 if view.tracked and status.state is State.RUNNING else status.refusals
    known = {
        "worked": worked,
        "refusals": refusals_in_a_row(before, refusal, event.cause) if counts else status.refusals,
        "refusal": refusal,
        "spent": status.spent + 1 if another else status.spent,
    }
    asked = before if must_not_be_hurried(refusal) else status.spent
    delay = backoff_delay(restart, asked, view.random, refused=refusal)
    if event.again or (another and delay <= 0):
        return _spawn(status, view, reason, **known)
    idle = status._replace(**known, reason=reason, ending=False, since=view.now)  # type: ignore[arg-type]
    if view.line_down:
        return _wait_for_line(idle, event, view)
    if ghost:
        return _wait(idle, State.BACKOFF, GHOST_DELAY, view)  # costs no attempt: it is over within a minute or so
    if not another:
        comes = refusal is Refusal.NOT_THERE
        return _wait(idle, State.BACKOFF if comes else State.COOLDOWN, slow_delay(restart, delay, refusal), view)
    return _wait(idle, State.BACKOFF, delay, view)


def _worked(status: Status, view: View) -> float | None:
    """A run that ends now without a goodbye may live on at the other end for a while."""
    return view.now if status.state is State.RUNNING else status.worked


def _wait_for_line(status: Status, event: Event, view: View) -> Step:
    """Nothing is attempted, and what was attempted in vain is given back. `RetryNow` comes when the line is back.

    Who decides that may be wrong: so, at great length, a look all the same.
    """
    del event
    return _wait(status._replace(spent=status.proven, since=view.now), State.BACKOFF, _LINE_RECHECK, view)


def _wait(status: Status, state: State, delay: float, view: View) -> Step:
    waiting = status._replace(state=state, delay=delay, deadline=view.now + delay)
    left = max(0, view.policies.restart.attempts - status.spent)
    return Step(waiting, notices=(Waiting(state, delay, left),))


def _wait_less(status: Status, event: Event, view: View) -> Step:
    del event
    restart = view.policies.restart
    if view.line_down or must_not_be_hurried(status.refusal):
        return Step(status)
    most = restart.cooldown if status.state is State.COOLDOWN else restart.max_delay
    assert status.deadline is not None
    return Step(status._replace(deadline=min(status.deadline, status.since + most)))


def _wait_longer(status: Status, event: Event, view: View) -> Step:
    assert isinstance(event, AskedToWait)
    assert status.deadline is not None
    due = view.now + event.seconds * (1 + _NOT_IN_STEP * view.random)
    if not must_not_be_hurried(status.refusal) or due <= status.deadline:
        return Step(status)
    return _wait(status, status.state, due - status.since, view._replace(now=status.since))


def _retry(status: Status, event: Event, view: View) -> Step:
    if isinstance(event, Tick) and status.deadline is not None and view.now < status.deadline:
        return Step(status)
    return _spawn(status, view, status.reason)


def _alive_tick(status: Status, event: Event, view: View) -> Step:
    """Look whether it stalled, whether its budget is earned back, and when to look again."""
    del event
    if status.ending:
        return Step(status._replace(deadline=None))
    stalled_at, reason = stall_time(status, view)
    if stalled_at is not None and view.now >= stalled_at:
        silent = view.now - (status.since if view.last_advance is None else view.last_advance)
        return _kill(status, reason, silent)
    notices: tuple[Notice, ...] = ()
    if status.spent and sustained(status, view):
        status, notices = status._replace(spent=0, proven=0), (Refilled(),)
    return Step(status._replace(deadline=next_check(status, view)), notices=notices)


def _kill(status: Status, reason: RestartReason, silent: float) -> Step:
    ending = status._replace(ending=True, reason=reason, deadline=None)
    return Step(ending, (Kill(),), (Silent(reason, silent),))


def _starting_line_lost(status: Status, event: Event, view: View) -> Step:
    """What connects into the void would go on for long after the line is back."""
    del event, view
    return Step(status if status.ending else status._replace(ending=True, deadline=None), (Kill(),))


def _uplink_blocked(status: Status, event: Event, view: View) -> Step:
    assert isinstance(event, UplinkBlocked)
    if status.ending:
        return Step(status)
    silent = view.policies.uplink.timeout if event.seconds is None else event.seconds
    return _kill(status, RestartReason.UPLINK, silent)


def _useless(status: Status, event: Event, view: View) -> Step:
    assert isinstance(event, Useless)
    del view
    if status.ending:
        return Step(status)
    ending = status._replace(ending=True, free=event.free, reason=event.reason, deadline=None)
    return Step(ending, (Kill(),), (Silent(event.reason, event.silent, event.trouble),))


# --- the table -------------------------------------------------------------------------------------

_Handler = Callable[[Status, Event, View], Step]

_ALIVE: dict[type[Event], _Handler] = {
    Stop: _stop_alive,
    Restart: _restart_alive,
    Exited: _failed,
    UplinkBlocked: _uplink_blocked,
    Useless: _useless,
    PoliciesChanged: _alive_tick,
    Tick: _alive_tick,
}
_IDLE: dict[type[Event], _Handler] = {
    Stop: _stop_idle,
    Restart: _restart_idle,
    RetryNow: _retry,
    AskedToWait: _wait_longer,
    LineLost: _wait_for_line,
    PoliciesChanged: _wait_less,
    Tick: _retry,
}
_TABLE: dict[State, dict[type[Event], _Handler]] = {
    State.STOPPED: {Start: _start, Restart: _restart_idle},
    State.STARTING: {**_ALIVE, Advanced: _advanced, LineLost: _starting_line_lost},
    State.RUNNING: _ALIVE,
    State.BACKOFF: _IDLE,
    State.COOLDOWN: _IDLE,
    State.STOPPING: {
        Start: _stopping_start,
        Stop: _stopping_stop,
        Restart: _stopping_restart,
        Exited: _stopping_exited,
        Tick: _stopping_tick,
    },
}
