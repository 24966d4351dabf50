"""A destination's profile: a word, or limits of the owner's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.config.file import load
from supervisor.config.problems import ConfigError
from supervisor.model.profiles import PLATFORMS, Profile

STREAM = "streams: {a: {source: {url: x.mp4}, destinations: {d: {url: x.flv%s}}}}"


def profile(folder: Path, written: str | None) -> Profile | None:
    file = folder / "neverdark.yml"
    file.write_text(STREAM % ("" if written is None else f", profile: {written}"))
    section = load(file).config.streams["a"].destinations["d"].profile
    return section.profile if section else None


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_platforms_name_stands_for_its_limits(tmp_path: Path, name: str) -> None:
    assert profile(tmp_path, name) == PLATFORMS[name]


@pytest.mark.parametrize("written", [None, "none", "{}", "{like: none}"])
def test_nothing_is_expected(tmp_path: Path, written: str | None) -> None:
    assert profile(tmp_path, written) is None


def test_own_limits_alone(tmp_path: Path) -> None:
    written = (
        "{keyframe_interval: 4s, fps: 50, bitrate_min: 500k, bitrate_max: 6M, bitrate_peak: 1.5, audio_bitrate: 160k,"
        " b_frames: 0, sound: false, sample_rates: [48000, 96000], av_offset: 500ms}"
    )
    assert profile(tmp_path, written) == Profile(
        "custom",
        keyframe_interval=4.0,
        frame_rate=50.0,
        bit_rate_least=500_000,
        bit_rate_most=6_000_000,
        peak=1.5,
        audio_bit_rate=160_000,
        b_frames=0,
        sound=False,
        sample_rates=(48_000, 96_000),
        av_offset=0.5,
    )


def test_own_limits_in_place_of_a_platforms(tmp_path: Path) -> None:
    expected = PLATFORMS["twitch"]._replace(name="custom", bit_rate_most=8_500_000)
    assert profile(tmp_path, "{like: twitch, bitrate_max: 8500k}") == expected


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("vimeo", "destinations.d.profile: 'vimeo': expected youtube, twitch, facebook or none, or limits of your own"),
        (
            "custom",
            "expected youtube, twitch, facebook or none, or limits of your own, such as {keyframe_interval: 4s}",
        ),
        ("[youtube]", "destinations.d.profile: a list: expected keys and values"),
        ("{like: vimeo}", "destinations.d.profile.like"),
        ("{keyframe_interval: often}", "destinations.d.profile.keyframe_interval: 'often': expected a duration"),
        ("{b_frames: -1}", "destinations.d.profile.b_frames"),
        ("{sample_rates: []}", "destinations.d.profile.sample_rates"),
        ("{bitrate_peak: 0.5}", "destinations.d.profile.bitrate_peak"),
        ("{bitrate_min: 6M, bitrate_max: 5M}", "expected bitrate_min to be no higher than bitrate_max"),
    ],
)
def test_one_error_names_key_and_value_and_what_was_expected(tmp_path: Path, written: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        profile(tmp_path, written)
    (problem,) = caught.value.problems
    assert said in str(problem)
