"""When an ingest, a source or the reference host is to be probed. Pure; times are monotonic seconds, passed in.

A probe costs its server a connection, so nothing is probed that is known well enough: what works again, what nobody
asks for, what was probed a moment ago.
"""

from __future__ import annotations

from dataclasses import dataclass

from supervisor.model.terms import Reach

USUAL_PAUSE, LONG_PAUSE = 5.0, 30.0
_OFTEN_FOR = 60.0  # then seldom: an ingest that is gone for hours is not to be pestered
_FRESH = 2 * LONG_PAUSE
_FORGOTTEN = 15.0  # after so long in which nobody has asked
_PATIENCE = 3.0  # before the first probe, where the trouble may be over by itself


@dataclass(slots=True)
class LatestProbe:
    """What is known of one target (an ingest, a source, the reference host)."""

    since: float  # since when it is asked for
    reach: Reach | None = None  # what the latest probe found; None: there was none yet
    began: float = 0.0  # when that probe began
    ended: float = 0.0
    busy: bool = False  # another one is under way
    asked: float = 0.0  # when somebody last wanted to know
    beside: Reach | None = None  # of an ingest that was not reached: what the reference host said of the same moment

    def fresh_reach(self, now: float) -> Reach | None:
        """What it tells of now, if it does."""
        return self.reach if now - self.ended < _FRESH else None

    def is_forgotten(self, now: float, *, works: bool) -> bool:
        """Whether it is of no more use: media flows there (`works`), or nobody has asked for it in a while."""
        return not self.busy and (works or self.asked < now - _FORGOTTEN)


def reference_is_due(reference: LatestProbe, now: float, *, calm: bool, doubted: LatestProbe | None) -> bool:
    """Whether the reference host is to be probed; `calm`: nothing is in trouble.

    `doubted` is the latest probe that found no way to an ingest: what the reference host says must be newer than it.
    """
    if reference.reach is None or now >= reference.ended + (LONG_PAUSE if calm else USUAL_PAUSE):
        return True
    return doubted is not None and reference.ended < doubted.began


def target_is_due(
    target: LatestProbe, now: float, *, urgent: bool, line_is_down: bool, reference: LatestProbe | None
) -> bool:
    """Whether an ingest or a source is to be probed; `urgent`: its failure points at the way itself.

    While our own line is down nothing is pestered by being asked; once the reference host answers again, all that was
    not probed since is.
    """
    if target.reach is None:
        return urgent or now >= target.since + _PATIENCE
    if not line_is_down:
        return now >= target.ended + (USUAL_PAUSE if now < target.since + _OFTEN_FOR else LONG_PAUSE)
    line_is_back = reference and reference.reach and reference.reach.line_is_up and reference.began > target.ended
    return bool(line_is_back) or now >= target.ended + USUAL_PAUSE
