"""What platforms take: their published limits, as a table, and the record of such limits. Pure.

Rates are bits a second, or frames or samples a second; durations are seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

_HALF_RATE = 30.0  # frames a second: platforms tell their bit rates for up to 30, and for more


class BitRates(NamedTuple):
    """The bit rates for pictures of some height, at up to 30 frames a second, or at more."""

    height: int
    fast: bool
    least: int
    most: int


class Profile(NamedTuple):
    """What is expected of what is sent. None, or nothing: whatever it is.

    `b_frames` is by how many frames a picture may be sent before those that are shown earlier, `peak` how much higher
    than the mean the highest bit rate may be. `sound`: there must be some.
    """

    name: str
    keyframe_interval: float | None = None
    frame_rate: float | None = None
    bit_rate_least: int | None = None
    bit_rate_most: int | None = None
    bit_rates: tuple[BitRates, ...] = ()
    peak: float | None = None
    audio_bit_rate: int | None = None
    b_frames: int | None = None
    video_codecs: tuple[str, ...] = ()
    sound: bool = False
    audio_codecs: tuple[str, ...] = ()
    sample_rates: tuple[int, ...] = ()
    channels: int | None = None
    av_offset: float | None = None

    def bounds(self, height: int | None, frame_rate: float | None) -> tuple[int | None, int | None]:
        """The lowest and the highest bit rate for a picture; of a height between two rows, what either allows."""
        least, most = self.bit_rate_least, self.bit_rate_most
        if height is None or not self.bit_rates:
            return least, most
        rows = self.bit_rates
        if frame_rate is not None:
            told = {row.height for row in rows if row.fast}  # lower pictures have one row for all
            fast = frame_rate > _HALF_RATE
            rows = tuple(row for row in rows if row.fast is fast or (fast and row.height not in told))
        below = [row for row in rows if row.height <= height] or rows[-1:]
        above = [row for row in rows if row.height >= height] or rows[:1]
        lowest = min(row.least for row in below if row.height == below[0].height)
        highest = max(row.most for row in above if row.height == above[-1].height)
        return lowest if least is None else least, highest if most is None else most


def _rows(*rows: tuple[int, int, float, float]) -> tuple[BitRates, ...]:
    """From height, frames a second, and bounds in megabits; the highest picture first."""
    return tuple(
        BitRates(height, rate > _HALF_RATE, round(least * 1e6), round(most * 1e6)) for height, rate, least, most in rows
    )


PLATFORMS: Final[Mapping[str, Profile]] = {
    # "Choose live encoder settings, bitrates and resolutions" in YouTube's help (answer 2853702), as of 2026: keyframes
    # every 2 s, at most 4; up to 60 fps; AAC or MP3; 44.1 kHz for stereo, 48 for 5.1. Its bounds are told for AV1 and
    # H.265; for H.264 it recommends up to 12 Mbit/s at 1080p60 and 24 at 1440p60, and below 1080p at 30 fps the least
    # and the two B-frames are those that it told last for H.264 (2014).
    "youtube": Profile(
        "youtube",
        keyframe_interval=4.0,
        frame_rate=60.0,
        bit_rates=_rows(
            (2160, 60, 10, 40),
            (2160, 30, 8, 35),
            (1440, 60, 6, 30),
            (1440, 30, 5, 25),
            (1080, 60, 4, 12),
            (1080, 30, 3, 10),
            (720, 60, 2.25, 8),
            (720, 30, 1.5, 8),
            (480, 30, 0.5, 8),
            (360, 30, 0.4, 8),
            (240, 30, 0.3, 8),
        ),
        b_frames=2,
        video_codecs=("h264", "h265"),
        sound=True,
        audio_codecs=("aac", "mp3"),
        sample_rates=(44_100, 48_000),
        channels=6,
    ),
    # "Broadcasting guidelines" and "Broadcast recommendations" of Twitch, as of 2026: keyframes every 2 s, constant bit
    # rate of up to 6 Mbit/s (some channels may send more), up to 60 fps, AAC of up to 320 kbit/s, 44.1 or 48 kHz, mono
    # or stereo. The two B-frames are those of its recommendations for OBS.
    "twitch": Profile(
        "twitch",
        keyframe_interval=2.0,
        frame_rate=60.0,
        bit_rate_most=6_000_000,
        peak=2.0,
        audio_bit_rate=320_000,
        b_frames=2,
        video_codecs=("h264",),
        sound=True,
        audio_codecs=("aac", "mp3"),
        sample_rates=(44_100, 48_000),
        channels=2,
    ),
    # "Live Video API, recommended settings" of Facebook's documentation for developers, as of 2026: keyframes every
    # 2 s, at most 4; both sound and picture; AAC of up to 256 kbit/s, stereo, 44.1 or 48 kHz; constant bit rate.
    "facebook": Profile(
        "facebook",
        keyframe_interval=4.0,
        frame_rate=60.0,
        bit_rates=_rows(
            (1080, 60, 4.5, 9),
            (1080, 30, 3, 6),
            (720, 60, 2.25, 6),
            (720, 30, 1.5, 4),
            (480, 30, 0.6, 2),
            (360, 30, 0.4, 1),
        ),
        peak=2.0,
        audio_bit_rate=256_000,
        video_codecs=("h264",),
        sound=True,
        audio_codecs=("aac",),
        sample_rates=(44_100, 48_000),
        channels=2,
    ),
}

# Where each platform takes streams: these hosts, and what ends like this.
_HOSTS: Final[Mapping[str, tuple[str, ...]]] = {
    "youtube": ("youtube.com",),
    "twitch": ("twitch.tv", "global-contribute.live-video.net"),
    "facebook": ("facebook.com", "fbcdn.net"),
}


def platform_of(host: str) -> str | None:
    """The platform that a host belongs to; None: none that is known here."""
    name = host.lower().rstrip(".")
    return next(
        (platform for platform, ends in _HOSTS.items() for end in ends if name == end or name.endswith(f".{end}")), None
    )
