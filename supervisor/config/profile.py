"""What a destination expects of what it is sent: a platform's limits, or limits of the owner's own."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from supervisor.model.policies import PositiveDuration, Section
from supervisor.model.profiles import PLATFORMS, Profile
from supervisor.model.quantities import BitRate, Count, Number

_NONE = "none"


class ProfileSection(Section):
    """Limits: those of a platform (`like`), and what is written here instead of its own."""

    like: Literal["youtube", "twitch", "facebook", "none"] = "none"
    keyframe_interval: PositiveDuration | None = None
    fps: Number | None = Field(default=None, gt=0)
    bitrate_min: BitRate | None = None
    bitrate_max: BitRate | None = None
    bitrate_peak: Number | None = Field(default=None, ge=1)
    audio_bitrate: BitRate | None = None
    b_frames: Count | None = Field(default=None, ge=0, le=16)
    sound: bool | None = None
    sample_rates: tuple[Annotated[Count, Field(gt=0)], ...] | None = Field(default=None, min_length=1)
    av_offset: PositiveDuration | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.bitrate_min is not None and self.bitrate_max is not None and self.bitrate_min > self.bitrate_max:
            raise ValueError("expected bitrate_min to be no higher than bitrate_max")
        return self

    @property
    def profile(self) -> Profile | None:
        """What is expected; None: nothing."""
        platform = PLATFORMS.get(self.like)
        own = {field: value for key, field in _FIELDS.items() if (value := getattr(self, key)) is not None}
        return (platform or Profile(""))._replace(name="custom", **own) if own else platform


_FIELDS = {
    "keyframe_interval": "keyframe_interval",
    "fps": "frame_rate",
    "bitrate_min": "bit_rate_least",
    "bitrate_max": "bit_rate_most",
    "bitrate_peak": "peak",
    "audio_bitrate": "audio_bit_rate",
    "b_frames": "b_frames",
    "sound": "sound",
    "sample_rates": "sample_rates",
    "av_offset": "av_offset",
}


def _profile(value: object) -> object:
    """A platform's name alone stands for all of its limits."""
    if isinstance(value, str):
        if value not in {*PLATFORMS, _NONE}:
            names = ", ".join(PLATFORMS)
            raise ValueError(f"expected {names} or {_NONE}, or limits of your own, such as {{keyframe_interval: 4s}}")
        return {"like": value}
    return value


ProfileField = Annotated[ProfileSection | None, BeforeValidator(_profile)]
