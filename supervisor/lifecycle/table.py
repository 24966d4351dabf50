"""The life of one process, as a table: (state, event) → next status, actions, notices. Pure.

The engine feeds events in and carries actions out; nothing here touches a process or a clock. Times are
monotonic seconds, passed in. Read `_TABLE` at the end first: it is the whole machine. How a run begins, what follows a
failure, and how one ends on purpose, stand in files of their own; here is what happens while it runs.
"""

from __future__ import annotations

from collections.abc import Callable

from supervisor.lifecycle.deadlines import next_check, stall_time, sustained
from supervisor.lifecycle.failing import failed, wait_for_line, wait_less, wait_longer
from supervisor.lifecycle.starting import restart_idle, retry, start
from supervisor.lifecycle.stopping import (
    restart_alive,
    stop_alive,
    stop_idle,
    stopping_exited,
    stopping_restart,
    stopping_start,
    stopping_stop,
    stopping_tick,
)
from supervisor.lifecycle.types import (
    Advanced,
    AskedToWait,
    Came,
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
    Start,
    Status,
    Step,
    Stop,
    Tick,
    UplinkBlocked,
    Useless,
    View,
)
from supervisor.model.terms import RestartReason, State


def step(status: Status, event: Event, view: View) -> Step:
    """One turn of the machine."""
    handler = _TABLE[status.state].get(type(event))
    return handler(status, event, view) if handler else Step(status)


# --- while it runs -------------------------------------------------------------------------------------


def _advanced(status: Status, event: Event, view: View) -> Step:
    del event
    running = status._replace(state=State.RUNNING, since=view.now, proven=status.spent, refusal=None)
    return Step(running._replace(deadline=next_check(running, view)))


def _came(status: Status, event: Event, view: View) -> Step:
    """Its time to make progress begins now; who reports none has made some by being there."""
    if not view.tracked:
        return _advanced(status, event, view)
    starting = status._replace(since=view.now)
    return Step(starting._replace(deadline=next_check(starting, view)))


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
    """What connects while the line is down would still wait long after it is back."""
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
    Stop: stop_alive,
    Restart: restart_alive,
    Exited: failed,
    UplinkBlocked: _uplink_blocked,
    Useless: _useless,
    PoliciesChanged: _alive_tick,
    Tick: _alive_tick,
}
_IDLE: dict[type[Event], _Handler] = {
    Stop: stop_idle,
    Restart: restart_idle,
    RetryNow: retry,
    AskedToWait: wait_longer,
    LineLost: wait_for_line,
    PoliciesChanged: wait_less,
    Tick: retry,
}
_TABLE: dict[State, dict[type[Event], _Handler]] = {
    State.STOPPED: {Start: start, Restart: restart_idle},
    State.STARTING: {**_ALIVE, Advanced: _advanced, Came: _came, LineLost: _starting_line_lost},
    State.RUNNING: _ALIVE,
    State.BACKOFF: _IDLE,
    State.COOLDOWN: _IDLE,
    State.STOPPING: {
        Start: stopping_start,
        Stop: stopping_stop,
        Restart: stopping_restart,
        Exited: stopping_exited,
        Tick: stopping_tick,
    },
}
