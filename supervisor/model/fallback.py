"""A stream's sources by number, when one takes another's place, and why. Durations are seconds."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from supervisor.model.policies import PositiveDuration, Section
from supervisor.model.quantities import Duration


class SwitchReason(StrEnum):
    """Why a stream's media comes from another source."""

    FAILED = "failed"  # the one before delivers nothing, or nothing that anybody should see
    RETURNED = "returned"  # a better one is good again
    ORDERED = "ordered"  # by an operator


class SwitchWay(StrEnum):
    """How another encoder came to feed."""

    MADE_BEFORE_BREAK = "made_before_break"  # it delivered before the one before was left
    BROKEN_FIRST = "broken_first"  # the one before had nothing to send any more, or had to be ended first


class ReplacementReason(StrEnum):
    """Why an encoder that delivered was replaced on purpose."""

    RESTART = "restart"  # by an operator
    RELOAD = "reload"  # of a configuration that changes it
    WATCHDOG = "watchdog"  # what it delivers does not reach viewers


class Obstacle(StrEnum):
    """What keeps a link from going over to another encoder before the one before is ended."""

    KERNEL = "kernel"  # it, or the container, does not do with loopback sockets what a switch needs
    READER_ALONE = "reader_alone"  # taken over, and a rule of the system leaves its socket to its pusher alone


class FallbackPolicy(Section):
    """How long a source may be gone before the next rung is shown, and good before it is shown again.

    `warm`: the encoders of live sources among the rungs run all the time. `page_after` so long on a fallback that
    nobody has ordered, somebody is woken; 0: nobody is.
    """

    after: Duration = 0.0
    return_after: PositiveDuration = 30.0
    warm: bool = False
    page_after: Duration = 0.0


class SourceOrder(NamedTuple):
    """An operator wants viewers to see this source, since and until when (wall clock; None: until another order)."""

    source: str
    why: str
    since: float
    until: float | None


class FallbackWaits(NamedTuple):
    """Seconds after which a stream's own source is left and taken back; the latter is longer after one that flapped."""

    after: float
    return_after: float


def source_name(rung: int) -> str:
    """`primary` is the stream's own source; then come `fallback1` and so on."""
    return f"fallback{rung}" if rung else "primary"
