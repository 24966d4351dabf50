"""What is sent against what is expected: by a platform, or by the owner. Pure.

The same comparison serves `check`, which knows what is configured, and the watchdog, which knows what was seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from supervisor.model.profiles import Profile
from supervisor.model.quantities import show_duration

# How far beyond its limit a value may be, as a part of it: what was measured is never exact, an encoder meets its bit
# rate only on the average, and the container adds to it.
_SLACK = 0.05
_BIT_RATE_SLACK = 0.15
_FASTER = 1.05  # seconds of media a second; a source's clock is wrong by far less
_KILO, _MEGA = 1_000, 1_000_000


class Trait(StrEnum):
    """What of it is compared."""

    KEYFRAME_INTERVAL = "keyframe_interval"
    FRAME_RATE = "frame_rate"
    BIT_RATE = "bit_rate"
    BIT_RATE_VARIATION = "bit_rate_variation"
    AUDIO_BIT_RATE = "audio_bit_rate"
    B_FRAMES = "b_frames"
    VIDEO_CODEC = "video_codec"
    SOUND = "sound"
    AUDIO_CODEC = "audio_codec"
    SAMPLE_RATE = "sample_rate"
    CHANNELS = "channels"
    AV_OFFSET = "av_offset"
    SPEED = "speed"
    TIMESTAMPS = "timestamps"


class Sent(NamedTuple):
    """What is known of what is sent; None: nothing. Durations are seconds, rates a second, bit rates bits a second.

    `bit_rate` is that of picture and sound together, `peak` how much higher than it the highest is. `reordered`: by how
    many frames a picture is sent before those that are shown earlier (B-frames). `encoder_speed` and `pace` are
    seconds of media a second, as the encoder makes it and as it is sent; `jumps` counts those of the time stamps.
    """

    keyframe_interval: float | None = None
    frame_rate: float | None = None
    bit_rate: float | None = None
    peak: float | None = None
    audio_bit_rate: int | None = None
    reordered: int | None = None
    video_codec: str | None = None
    width: int | None = None
    height: int | None = None
    sound: bool | None = None
    audio_codec: str | None = None
    sample_rate: int | None = None
    channels: int | None = None
    av_offset: float | None = None
    encoder_speed: float | None = None
    pace: float | None = None
    jumps: int = 0


class Mismatch(NamedTuple):
    """One thing that is not as expected: what is there, and what should be, in words."""

    trait: Trait
    seen: str
    expected: str

    def words(self, profile: str) -> str:
        """For people; `profile` is whose expectation it is."""
        whose = "its profile" if profile == "custom" else profile
        return f"{_NAMES[self.trait]} {self.seen}: {whose} expects {self.expected}"


_NAMES = {
    Trait.KEYFRAME_INTERVAL: "keyframe interval",
    Trait.FRAME_RATE: "frame rate",
    Trait.BIT_RATE: "bit rate",
    Trait.BIT_RATE_VARIATION: "bit rate varies:",
    Trait.AUDIO_BIT_RATE: "bit rate of the sound",
    Trait.B_FRAMES: "B-frames:",
    Trait.VIDEO_CODEC: "codec of the picture",
    Trait.SOUND: "sound:",
    Trait.AUDIO_CODEC: "codec of the sound",
    Trait.SAMPLE_RATE: "sample rate",
    Trait.CHANNELS: "channels:",
    Trait.AV_OFFSET: "sound and picture apart by",
    Trait.SPEED: "encoder runs at",
    Trait.TIMESTAMPS: "time stamps",
}


def mismatches(sent: Sent, profile: Profile, *, measured: bool = True) -> tuple[Mismatch, ...]:
    """All that is known and not as expected, the gravest for viewers first. What was `measured` is never exact."""
    slack, of_bits = (_SLACK, _BIT_RATE_SLACK) if measured else (0.0, 0.0)
    return (
        *_time(sent),
        *_picture(sent, profile, slack),
        *_bit_rates(sent, profile, of_bits),
        *_sound(sent, profile),
    )


def _time(sent: Sent) -> Iterator[Mismatch]:
    """No platform takes media faster than it can be shown, whatever its profile says."""
    if sent.encoder_speed is not None and sent.encoder_speed > _FASTER:
        yield Mismatch(Trait.SPEED, f"{sent.encoder_speed:.2f} times real time", "real time")
    elif sent.pace is not None and sent.pace > _FASTER:
        yield Mismatch(Trait.TIMESTAMPS, f"go on {sent.pace:.2f} times as fast as the clock", "those of real time")
    elif sent.jumps:
        yield Mismatch(Trait.TIMESTAMPS, f"jumped, {sent.jumps} times of late", "that they go on evenly")


def _picture(sent: Sent, profile: Profile, slack: float) -> Iterator[Mismatch]:
    interval, most = sent.keyframe_interval, profile.keyframe_interval
    if interval is not None and most is not None and interval > most * (1 + slack):
        yield Mismatch(Trait.KEYFRAME_INTERVAL, _seconds(interval), f"at most {_seconds(most)}")
    rate, fastest = sent.frame_rate, profile.frame_rate
    if rate is not None and fastest is not None and rate > fastest * (1 + slack):
        yield Mismatch(Trait.FRAME_RATE, f"{rate:.4g} fps", f"at most {fastest:g} fps")
    if sent.reordered is not None and profile.b_frames is not None and sent.reordered > profile.b_frames:
        expected = f"at most {profile.b_frames}" if profile.b_frames else "none"
        yield Mismatch(Trait.B_FRAMES, f"{sent.reordered} or more in a row", expected)
    if sent.video_codec and profile.video_codecs and sent.video_codec not in profile.video_codecs:
        yield Mismatch(Trait.VIDEO_CODEC, sent.video_codec, " or ".join(profile.video_codecs))


def _bit_rates(sent: Sent, profile: Profile, slack: float) -> Iterator[Mismatch]:
    height = min(sent.width, sent.height) if sent.width and sent.height else None
    least, most = profile.bounds(height, sent.frame_rate)
    if sent.bit_rate is not None:
        size = f" for {sent.width}x{sent.height}" if height and profile.bit_rates else ""
        if most is not None and sent.bit_rate > most * (1 + slack):
            yield Mismatch(Trait.BIT_RATE, _bits(sent.bit_rate), f"at most {_bits(most)}{size}")
        if least is not None and sent.bit_rate < least * (1 - slack):
            yield Mismatch(Trait.BIT_RATE, _bits(sent.bit_rate), f"at least {_bits(least)}{size}")
    if sent.peak is not None and profile.peak is not None and sent.peak > profile.peak * (1 + _SLACK):
        yield Mismatch(Trait.BIT_RATE_VARIATION, f"up to {sent.peak:.1f} times the mean", f"at most {profile.peak:g}")


def _sound(sent: Sent, profile: Profile) -> Iterator[Mismatch]:
    if profile.sound and sent.sound is False:
        yield Mismatch(Trait.SOUND, "none", "some, be it silence")
    if sent.sound is False:
        return
    if sent.audio_codec and profile.audio_codecs and sent.audio_codec not in profile.audio_codecs:
        yield Mismatch(Trait.AUDIO_CODEC, sent.audio_codec, " or ".join(profile.audio_codecs))
    if sent.sample_rate and profile.sample_rates and sent.sample_rate not in profile.sample_rates:
        rates = " or ".join(f"{rate}" for rate in profile.sample_rates)
        yield Mismatch(Trait.SAMPLE_RATE, f"{sent.sample_rate} Hz", f"{rates} Hz")
    if sent.channels and profile.channels and sent.channels > profile.channels:
        yield Mismatch(Trait.CHANNELS, str(sent.channels), f"at most {profile.channels}")
    most = profile.audio_bit_rate
    if sent.audio_bit_rate is not None and most is not None and sent.audio_bit_rate > most:
        yield Mismatch(Trait.AUDIO_BIT_RATE, _bits(sent.audio_bit_rate), f"at most {_bits(most)}")
    apart = profile.av_offset
    if sent.av_offset is not None and apart is not None and abs(sent.av_offset) > apart:
        yield Mismatch(Trait.AV_OFFSET, show_duration(abs(sent.av_offset)), f"at most {show_duration(apart)}")


def _seconds(seconds: float) -> str:
    return f"{seconds:.3g} s"


def _bits(rate: float) -> str:
    return f"{rate / _MEGA:.3g} Mbit/s" if rate >= _MEGA else f"{rate / _KILO:.3g} kbit/s"


class Lasting:
    """Tells what has been so at every look for some time: one burst, or one late keyframe, is no finding."""

    def __init__(self) -> None:
        self._since: dict[Trait, float] = {}

    def of(self, found: Sequence[Mismatch], now: float, lasting: float) -> tuple[Mismatch, ...]:
        """Those that have been found for `lasting` seconds, now included."""
        self._since = {one.trait: self._since.get(one.trait, now) for one in found}
        return tuple(one for one in found if now - self._since[one.trait] >= lasting)

    def forget(self) -> None:
        """What comes now is of another run, or nobody looks."""
        self._since = {}
