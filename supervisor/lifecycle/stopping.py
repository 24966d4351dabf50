"""How a run ends on purpose: politely, then by force, and what is asked for meanwhile. Pure; monotonic seconds."""

from __future__ import annotations

from supervisor.lifecycle.failing import worked_until
from supervisor.lifecycle.starting import afresh, hurries, spawn
from supervisor.lifecycle.types import Event, Kill, Restart, Status, Step, Terminate, View
from supervisor.model.terms import RestartReason, State


def restart_alive(status: Status, event: Event, view: View) -> Step:
    """Replace what runs: stop it first."""
    assert isinstance(event, Restart)
    if hurries(status, event):
        return Step(status)
    fresh = afresh(status, event)._replace(reason=event.reason)
    return _begin_stopping(fresh, view, force=event.force)


def stop_alive(status: Status, event: Event, view: View) -> Step:
    """It shall not run: stop it; asked while it is being killed, by force."""
    del event
    return _begin_stopping(status._replace(wanted=False), view, force=status.ending)


def _begin_stopping(status: Status, view: View, *, force: bool) -> Step:
    stopping = status._replace(state=State.STOPPING, since=view.now, signals=1, ending=False, free=False)
    if force:
        return Step(stopping._replace(deadline=None, worked=worked_until(status, view)), (Kill(),))
    stop = view.policies.stop
    return Step(stopping._replace(deadline=view.now + min(stop.second_signal, stop.kill)), (Terminate(),))


def stop_idle(status: Status, event: Event, view: View) -> Step:
    """It shall not run, and does not."""
    del event
    return Step(_stopped(status, view))


def _stopped(status: Status, view: View) -> Status:
    return status._replace(state=State.STOPPED, wanted=False, since=view.now, deadline=None, ending=False, delay=0.0)


def stopping_tick(status: Status, event: Event, view: View) -> Step:
    """FFmpeg with a blocked output ignores one SIGTERM and obeys two; what obeys none is killed."""
    del event
    stop = view.policies.stop
    if view.now >= status.since + stop.kill or status.signals > 1:
        return Step(status._replace(deadline=None), (Kill(),))
    return Step(status._replace(signals=2, deadline=status.since + stop.kill), (Terminate(),))


def stopping_start(status: Status, event: Event, view: View) -> Step:
    """It shall run after all."""
    del event, view
    if status.wanted:  # it is being replaced already, for a reason of its own
        return Step(status)
    return Step(status._replace(wanted=True, reason=RestartReason.OPERATOR))


def stopping_restart(status: Status, event: Event, view: View) -> Step:
    """It shall run again when it has ended."""
    assert isinstance(event, Restart)
    del view
    return Step(status._replace(wanted=True, reason=event.reason))


def stopping_stop(status: Status, event: Event, view: View) -> Step:
    """It shall not run when it has ended."""
    del event, view
    return Step(status._replace(wanted=False))


def stopping_exited(status: Status, event: Event, view: View) -> Step:
    """It has ended: stay so, or run again."""
    del event
    return spawn(status, view, status.reason) if status.wanted else Step(_stopped(status, view))
