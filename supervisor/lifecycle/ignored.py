"""What each state of a process ignores, and so that nobody has to guess, why. Pure."""

from __future__ import annotations

from supervisor.lifecycle.types import (
    Advanced,
    AskedToWait,
    Came,
    Event,
    Exited,
    LineLost,
    PoliciesChanged,
    RetryNow,
    Start,
    Stop,
    Tick,
    UplinkBlocked,
    Useless,
)
from supervisor.model.terms import State

IGNORED: dict[State, dict[type[Event], str]] = {
    State.STOPPED: {
        Stop: "already stopped",
        Advanced: "a report of a run that is over",
        Came: "nothing is being started",
        Exited: "there is no run",
        UplinkBlocked: "there is no run",
        Useless: "there is no run",
        RetryNow: "it is not wanted",
        AskedToWait: "it asks nobody",
        LineLost: "it is not wanted",
        PoliciesChanged: "nothing is due",
        Tick: "nothing is due",
    },
    State.STARTING: {Start: "already starting", RetryNow: "already trying", AskedToWait: "already trying"},
    State.RUNNING: {
        Start: "already running",
        Advanced: "known",
        Came: "known",
        RetryNow: "nothing to retry",
        AskedToWait: "it has been let in",
        LineLost: "what runs may outlast it",
    },
    State.BACKOFF: {
        Start: "it will start by itself",
        Advanced: "a report of a run that is over",
        Came: "nothing is being started",
        Exited: "there is no run",
        UplinkBlocked: "there is no run",
        Useless: "there is no run",
    },
    State.COOLDOWN: {
        Start: "it will start by itself; a restart hurries it",
        Advanced: "a report of a run that is over",
        Came: "nothing is being started",
        Exited: "there is no run",
        UplinkBlocked: "there is no run",
        Useless: "there is no run",
    },
    State.STOPPING: {
        Advanced: "it is going",
        Came: "it is going",
        UplinkBlocked: "it is going",
        Useless: "it is going",
        RetryNow: "it is going",
        AskedToWait: "it is going",
        LineLost: "it is going",
        PoliciesChanged: "the stop that has begun goes on as it began",
    },
}
