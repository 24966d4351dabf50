"""What picture and sound show: what can be wrong with them, by which bounds, and how they are now. Pure.

Luma is a share of what lies between black and white, levels of sound are dB below full scale, durations are seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal, NamedTuple

from supervisor.model.terms import Trouble, Verdict


class Defect(StrEnum):
    """What can be wrong with media that flows. The causes of findings have the same names."""

    BLACK = "black"
    FROZEN = "frozen"
    SILENT = "silent"
    LOUD = "loud"
    STILL = "still"

    @property
    def cause(self) -> Trouble:
        """As incidents name it."""
        return Trouble(self.value)


# As causes: media that flows and is worth nothing to viewers.
DEFECTS = frozenset(defect.cause for defect in Defect)
OF_SOUND = frozenset({Defect.SILENT, Defect.LOUD})


class Bounds(NamedTuple):
    """When it is so: at `level` or beyond in every sample of `after` seconds. Frozen has no level: exactly nothing."""

    after: float
    level: float = 0.0


class Sampling(NamedTuple):
    """In seconds: how often a sample of copied media is looked at, and how much of its sound."""

    every: float
    length: float


class ContentPolicy(NamedTuple):
    """What is looked at, and by which bounds. What was found is unhealthy `unhealthy_after` seconds later.

    `sampling`: the picture is copied, and so the encoder itself sees nothing of it.
    """

    bounds: Mapping[Defect, Bounds]
    unhealthy_after: float
    recover: Literal["fallback", "restart", "none"]
    sampling: Sampling | None = None


class Level(StrEnum):
    """What an encoder tells of its picture and sound, once a second.

    Of the picture: the mean luma, the luma that nine tenths of the picture do not exceed, the mean difference from the
    picture a second before. Of the sound that viewers hear: its mean and its peak, in dB; and whether it is the
    source's own.
    """

    LUMA = "luma"
    BRIGHT = "bright"
    DIFFERENCE = "difference"
    SOUND = "sound"
    PEAK = "peak"
    OWN_SOUND = "own_sound"


class Found(NamedTuple):
    """A defect that is there: since when (wall clock), how bad that is, and in words for people."""

    defect: Defect
    since: float
    verdict: Verdict
    said: str


class ContentState(NamedTuple):
    """Picture and sound of one stream. `verdicts` and `counts` (how often it was found) have what is looked at.

    `verdict` is the worst of what is known. Levels are None while they are not known.
    """

    verdict: Verdict
    verdicts: Mapping[Defect, Verdict]
    counts: Mapping[Defect, int]
    findings: tuple[Found, ...] = ()
    luma: float | None = None
    difference: float | None = None
    sound: float | None = None
    peak: float | None = None
