"""What goes into a process' lifecycle and what comes out: status, events, view, actions, notices. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from supervisor.model.policies import Policies
from supervisor.model.terms import ExitCause, Refusal, RestartReason, State, Trouble


class Status(NamedTuple):
    """What the machine remembers of one process."""

    state: State = State.STOPPED
    wanted: bool = False
    since: float = 0.0  # when `state` was entered
    run: int = 0  # the number of the last run, from 1
    spent: int = 0  # attempts taken from the budget
    proven: int = 0  # of these, how many before it last made progress: what is given back when our line was to blame
    refusals: int = 0  # how often in a row a server has said no
    refusal: Refusal | None = None  # how the last run was refused, until one makes progress
    worked: float | None = None  # when a run that had made progress last ended without closing its connection
    deadline: float | None = None  # when `Tick` is due
    reason: RestartReason | None = None  # why it is being, or was last, replaced
    ending: bool = False  # we killed it; its exit is still to come
    free: bool = False  # and that costs no attempt
    signals: int = 0  # polite signals sent in STOPPING
    delay: float = 0.0  # the wait that BACKOFF or COOLDOWN began with


# --- events ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Start:
    """It shall run."""


@dataclass(frozen=True, slots=True)
class Stop:
    """It shall not run."""


@dataclass(frozen=True, slots=True)
class Restart:
    """Replace it on purpose, with a fresh budget; `force` skips the polite signals."""

    reason: RestartReason
    force: bool = False


@dataclass(frozen=True, slots=True)
class Advanced:
    """The first sign of progress of this run."""


@dataclass(frozen=True, slots=True)
class Came:
    """The run that is being started is there: somebody else has started it."""


@dataclass(frozen=True, slots=True)
class Exited:
    """The process is gone, or could not be started. `refusal`: how its source refused it.

    `again`: it has failed at nothing, and the next run does it otherwise: at once, and it costs no attempt.
    """

    cause: ExitCause
    refusal: Refusal | None = None
    again: bool = False


@dataclass(frozen=True, slots=True)
class UplinkBlocked:
    """Its ingest acknowledged nothing for so many seconds while data waited; None: as long as its own policy allows."""

    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Useless:
    """It runs and must be replaced at once. `free`: through no fault of its own, so that it costs no attempt."""

    reason: RestartReason
    trouble: Trouble
    free: bool = False
    silent: float = 0.0  # seconds for which it has made no progress, where that is the trouble


@dataclass(frozen=True, slots=True)
class RetryNow:
    """What it failed on is known to be back."""


@dataclass(frozen=True, slots=True)
class AskedToWait:
    """What refused it has told for how many seconds it does not want to be asked again."""

    seconds: float


@dataclass(frozen=True, slots=True)
class LineLost:
    """Our own line is down: what it waits for cannot be reached, and trying costs attempts."""


@dataclass(frozen=True, slots=True)
class PoliciesChanged:
    """Other deadlines hold from now on."""


@dataclass(frozen=True, slots=True)
class Tick:
    """`Status.deadline` has passed."""


Event = (
    Start
    | Stop
    | Restart
    | Advanced
    | Came
    | Exited
    | UplinkBlocked
    | Useless
    | RetryNow
    | AskedToWait
    | LineLost
    | PoliciesChanged
    | Tick
)


# --- what is known besides -------------------------------------------------------------------------


class View(NamedTuple):
    """The world as the machine may see it at `now`."""

    now: float
    policies: Policies
    random: float = 0.0  # 0 to 1, for jitter
    tracked: bool = True  # whether it reports progress at all
    last_advance: float | None = None  # of this run
    line_down: bool = False  # and it is on the other side of the line that this process has its peer
    usual: float = 0.0  # seconds of silence that its source is known for
    fed: float | None = None  # seconds of media that its feeder delivered since `last_advance`; None: it has none
    listens: bool = False  # what it reads comes to it by itself: nobody is asked for anything


# --- actions and notices -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Spawn:
    """Start a new run. `reason` is None for a first start."""

    reason: RestartReason | None


@dataclass(frozen=True, slots=True)
class Kill:
    """SIGKILL to the group."""


@dataclass(frozen=True, slots=True)
class Terminate:
    """SIGTERM to the group."""


ProcessAction = Spawn | Kill | Terminate


@dataclass(frozen=True, slots=True)
class Silent:
    """Notice: it showed no progress (or no acknowledged byte) for too long and is being killed.

    `trouble` says what is wrong instead, where media did flow.
    """

    reason: RestartReason
    seconds: float
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Notice: the next attempt is `delay` seconds away, in BACKOFF or COOLDOWN."""

    state: State
    delay: float
    attempts_left: int


@dataclass(frozen=True, slots=True)
class Refilled:
    """Notice: sustained progress has refilled the budget."""


Notice = Silent | Waiting | Refilled


class Step(NamedTuple):
    """What an event leads to. Actions come first; notices, of which facts are made, are taken afterwards."""

    status: Status
    actions: tuple[ProcessAction, ...] = ()
    notices: tuple[Notice, ...] = ()
