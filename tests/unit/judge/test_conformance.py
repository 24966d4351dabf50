"""What is sent against what is expected: each trait alone, in words; and only what lasts."""

from __future__ import annotations

from typing import Any

import pytest

from supervisor.judge.conformance import Lasting, Mismatch, Sent, Trait, mismatches
from supervisor.model.profiles import PLATFORMS, Profile

YOUTUBE, TWITCH, FACEBOOK = (PLATFORMS[name] for name in ("youtube", "twitch", "facebook"))
GOOD = Sent(
    keyframe_interval=2.0,
    frame_rate=30.0,
    bit_rate=4_700_000.0,
    peak=1.2,
    audio_bit_rate=128_000,
    reordered=0,
    video_codec="h264",
    width=1920,
    height=1080,
    sound=True,
    audio_codec="aac",
    sample_rate=48_000,
    channels=2,
    av_offset=-0.1,
    encoder_speed=1.002,
    pace=1.001,
)
OWN = Profile("custom", b_frames=0, av_offset=0.5, peak=1.5, bit_rate_least=1_000_000)


@pytest.mark.parametrize("profile", [YOUTUBE, TWITCH, FACEBOOK, OWN, Profile("custom")])
def test_of_what_is_good_or_not_known_nothing_is_said(profile: Profile) -> None:
    assert mismatches(GOOD, profile) == mismatches(Sent(), profile) == ()


ROWS: list[tuple[Profile, dict[str, Any], Trait, str]] = [
    (
        YOUTUBE,
        {"keyframe_interval": 8.0},
        Trait.KEYFRAME_INTERVAL,
        "keyframe interval 8 s: youtube expects at most 4 s",
    ),
    (YOUTUBE, {"frame_rate": 90.0}, Trait.FRAME_RATE, "frame rate 90 fps: youtube expects at most 60 fps"),
    (YOUTUBE, {"sample_rate": 96_000}, Trait.SAMPLE_RATE, "sample rate 96000 Hz: youtube expects 44100 or 48000 Hz"),
    (TWITCH, {"sample_rate": 22_050}, Trait.SAMPLE_RATE, "sample rate 22050 Hz: twitch expects 44100 or 48000 Hz"),
    (YOUTUBE, {"sound": False}, Trait.SOUND, "sound: none: youtube expects some, be it silence"),
    (FACEBOOK, {"audio_codec": "mp3"}, Trait.AUDIO_CODEC, "codec of the sound mp3: facebook expects aac"),
    (TWITCH, {"video_codec": "h265"}, Trait.VIDEO_CODEC, "codec of the picture h265: twitch expects h264"),
    (TWITCH, {"channels": 6}, Trait.CHANNELS, "channels: 6: twitch expects at most 2"),
    (FACEBOOK, {"audio_bit_rate": 320_000}, Trait.AUDIO_BIT_RATE, ": facebook expects at most 256 kbit/s"),
    (TWITCH, {"bit_rate": 8_000_000.0}, Trait.BIT_RATE, "bit rate 8 Mbit/s: twitch expects at most 6 Mbit/s"),
    (
        YOUTUBE,
        {"bit_rate": 800_000.0},
        Trait.BIT_RATE,
        "bit rate 800 kbit/s: youtube expects at least 3 Mbit/s for 1920x1080",
    ),
    (TWITCH, {"peak": 3.0}, Trait.BIT_RATE_VARIATION, "up to 3.0 times the mean: twitch expects at most 2"),
    (TWITCH, {"reordered": 3}, Trait.B_FRAMES, "B-frames: 3 or more in a row: twitch expects at most 2"),
    (OWN, {"reordered": 1}, Trait.B_FRAMES, "B-frames: 1 or more in a row: its profile expects none"),
    (OWN, {"av_offset": -0.75}, Trait.AV_OFFSET, "apart by 750ms: its profile expects at most 500ms"),
    (OWN, {"bit_rate": 500_000.0}, Trait.BIT_RATE, "bit rate 500 kbit/s: its profile expects at least 1 Mbit/s"),
    (OWN, {"encoder_speed": 4.0, "pace": 4.0}, Trait.SPEED, "encoder runs at 4.00 times real time"),
    (OWN, {"pace": 1.2}, Trait.TIMESTAMPS, "time stamps go on 1.20 times as fast as the clock"),
    (OWN, {"jumps": 2}, Trait.TIMESTAMPS, "time stamps jumped, 2 times of late"),
]


@pytest.mark.parametrize(("profile", "changed", "trait", "words"), ROWS, ids=[row[2] for row in ROWS])
def test_each_is_named_alone_with_what_is_seen_and_what_is_expected(
    profile: Profile, changed: dict[str, Any], trait: Trait, words: str
) -> None:
    (found,) = mismatches(GOOD._replace(**changed), profile)
    assert found.trait is trait
    assert words in found.words(profile.name)


def test_every_trait_has_a_row() -> None:
    assert {row[2] for row in ROWS} == set(Trait)


@pytest.mark.parametrize(
    ("changed", "profile"),
    [
        ({"keyframe_interval": 2.05}, TWITCH),
        ({"frame_rate": 60.5}, TWITCH),
        ({"bit_rate": 6_400_000.0}, TWITCH),
        ({"encoder_speed": 1.04, "pace": 1.04}, YOUTUBE),
        ({"reordered": 2}, YOUTUBE),
        ({"peak": 30.0}, YOUTUBE),
    ],
)
def test_what_is_measured_is_never_exact(changed: dict[str, Any], profile: Profile) -> None:
    assert mismatches(GOOD._replace(**changed), profile) == ()


def test_what_is_configured_is() -> None:
    near = Sent(keyframe_interval=2.05, bit_rate=6_400_000.0, frame_rate=60.5)
    assert len(mismatches(near, TWITCH, measured=False)) == 3


def test_without_sound_nothing_else_is_said_of_it() -> None:
    found = mismatches(GOOD._replace(sound=False, sample_rate=96_000, channels=8), TWITCH)
    assert [one.trait for one in found] == [Trait.SOUND]


KEYFRAMES = Mismatch(Trait.KEYFRAME_INTERVAL, "8 s", "at most 4 s")
RATE = Mismatch(Trait.FRAME_RATE, "90 fps", "at most 60 fps")


def test_only_what_lasts_counts() -> None:
    lasting = Lasting()
    assert [lasting.of([KEYFRAMES], now, 180.0) for now in (0.0, 30.0, 179.0)] == [()] * 3
    assert lasting.of([KEYFRAMES, RATE], 180.0, 180.0) == (KEYFRAMES,)
    other = KEYFRAMES._replace(seen="9 s")
    assert lasting.of([other], 210.0, 180.0) == (other,), "another value of the same"
    assert lasting.of([], 240.0, 180.0) == lasting.of([KEYFRAMES], 270.0, 180.0) == (), "it was good for a while"
    assert lasting.of([KEYFRAMES], 450.0, 180.0) == (KEYFRAMES,)
    lasting.forget()
    assert lasting.of([KEYFRAMES], 480.0, 180.0) == ()
