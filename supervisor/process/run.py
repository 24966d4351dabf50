"""One pid: what is known of it from its start until what followed from its end is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from supervisor.machine.process import Child
    from supervisor.model.terms import RestartReason

_REPORTED_SECONDS = 2.0  # FFmpeg reports twice a second, whether or not anything advances


@dataclass(slots=True, eq=False)
class Run:
    """Times are monotonic seconds, but for `started`."""

    child: Child
    run_id: str
    started: float  # wall clock
    began: float
    reason: RestartReason | None  # why it takes the place of another run; None: there was none
    fed_before: float = 0.0  # what its feeder had delivered when it last advanced, or began (media seconds)
    adopted: bool = False  # an earlier neverdark has started it
    believed: float | None = None  # when it was taken over, at an age at which it must be at work, and not starting
    over: bool = False  # it has ended, and is reaped
    last_report: float = float("-inf")
    resumed: float | None = None  # when a pusher's media came back, after it had nothing to send
    was_stopped: bool = False  # by somebody else, at the moment when we killed it
    read_to_end: bool = False  # what it reads has ended, and it would go on without
    left: bool = False  # it lives on, and is looked at no more: somebody else's
    not_carried: str | None = None  # why it is of no use: a track that cannot be sent on

    def reported(self, now: float) -> bool:
        """It was alive enough to report, a moment before `now`, whether or not anything advanced."""
        return now - self.last_report < _REPORTED_SECONDS
