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


class FallbackPolicy(Section):
    """How long a source may be gone before the next rung is shown, and good before it is shown again.

    `warm`: the encoders of live sources among the rungs run all the time.
    """

    after: Duration = 0.0
    return_after: PositiveDuration = 30.0
    warm: bool = False


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
