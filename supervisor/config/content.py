"""What is looked at in picture and sound: each check on or off, from when on it is so, and what follows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field

from supervisor.model.content import Bounds, ContentPolicy, Defect, Sampling
from supervisor.model.policies import PositiveDuration, Ratio, Section
from supervisor.model.quantities import Number

_ON_OR_OFF = "expected true, false, or a section"
_SHORTEST_FROZEN = 10.0
_SHORTEST_EVERY = 5.0
_LONGEST_SAMPLE = 30.0


def _switched(value: object) -> object:
    """True and false alone, or a section, which is a switch that is on unless it says otherwise."""
    if isinstance(value, bool):
        return {"enabled": value}
    if isinstance(value, Mapping):
        return {"enabled": True, **value}
    if isinstance(value, Section):
        return value
    raise ValueError(_ON_OR_OFF)


Decibels = Annotated[Number, Field(ge=-120, le=0)]


class BlackSection(Section):
    """Nine tenths of the picture, and all of it on average, are no brighter than `level`."""

    enabled: bool = True
    after: PositiveDuration = 10.0
    level: Ratio = 0.03


class FrozenSection(Section):
    """Nothing at all differs from the picture before."""

    enabled: bool = True
    after: Annotated[PositiveDuration, Field(ge=_SHORTEST_FROZEN)] = 30.0


class SilentSection(Section):
    """The mean level of the sound is no higher than `level`."""

    enabled: bool = True
    after: PositiveDuration = 15.0
    level: Decibels = -70.0


class LoudSection(Section):
    """The mean level of the sound is no lower than `level`: what is clipped is as loud as that."""

    enabled: bool = True
    after: PositiveDuration = 10.0
    level: Decibels = -6.0


class MotionSection(Section):
    """In a picture that has moved, nothing differs by more than `level` from second to second."""

    enabled: bool = False
    after: PositiveDuration = 600.0
    level: Ratio = 0.001


class ContentSection(Section):
    """What is looked at in a stream; `enabled` None: whatever the defaults say."""

    enabled: bool | None = None
    black: Annotated[BlackSection, BeforeValidator(_switched)] = BlackSection()
    frozen: Annotated[FrozenSection, BeforeValidator(_switched)] = FrozenSection()
    silent: Annotated[SilentSection, BeforeValidator(_switched)] = SilentSection()
    loud: Annotated[LoudSection, BeforeValidator(_switched)] = LoudSection()
    motion: Annotated[MotionSection, BeforeValidator(_switched)] = MotionSection()
    unhealthy_after: PositiveDuration = 60.0
    recover: Literal["fallback", "restart", "none"] = "fallback"
    every: Annotated[PositiveDuration, Field(ge=_SHORTEST_EVERY)] = 60.0
    length: Annotated[PositiveDuration, Field(le=_LONGEST_SAMPLE)] = 6.0

    def overridden_by(self, *others: Self) -> Self:
        """This section with what `others` really name, check by check and key by key, the last one winning."""
        merged = self
        for other in others:
            named: dict[str, Any] = {}
            for key in other.model_fields_set:
                mine, theirs = getattr(merged, key), getattr(other, key)
                named[key] = mine.overridden_by(theirs) if isinstance(mine, Section) else theirs
            merged = merged.model_copy(update=named)
        return merged

    def policy(self, *, copied: bool) -> ContentPolicy | None:
        """The checks that are on, with their bounds; None: nothing is to be looked at. `copied`: the picture is."""
        checks: tuple[tuple[Defect, bool, Bounds], ...] = (
            (Defect.BLACK, self.black.enabled, Bounds(self.black.after, self.black.level)),
            (Defect.FROZEN, self.frozen.enabled, Bounds(self.frozen.after)),
            (Defect.SILENT, self.silent.enabled, Bounds(self.silent.after, self.silent.level)),
            (Defect.LOUD, self.loud.enabled, Bounds(self.loud.after, self.loud.level)),
            (Defect.STILL, self.motion.enabled, Bounds(self.motion.after, self.motion.level)),
        )
        bounds = {defect: bounds for defect, enabled, bounds in checks if enabled}
        if not self.enabled or not bounds:
            return None
        sampling = Sampling(self.every, self.length) if copied else None
        return ContentPolicy(bounds, self.unhealthy_after, self.recover, sampling)


Content = Annotated[ContentSection, BeforeValidator(_switched)]


def refused(stream: Mapping[str, Any]) -> str | None:
    """Why a stream cannot have what its raw tree says of content, in words; None: it can, or does not say."""
    own = stream.get("content")
    if not own or (isinstance(own, Mapping) and own.get("enabled") is False):
        return None
    if stream.get("command") is not None:
        return "cannot be had with command: neverdark does not see its picture and sound"
    return None
