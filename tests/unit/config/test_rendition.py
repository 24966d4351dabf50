"""A destination's own picture and sound, as they are written, and what its pusher is told of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.config.file import load
from supervisor.config.problems import ConfigError
from supervisor.config.shape import Config
from supervisor.desired.plan import ProcessSpec, StreamSpec, plan
from supervisor.ffmpeg.parameters import Parameters
from supervisor.model.terms import Role
from supervisor.preflight.platforms import unlike_platforms
from supervisor.preflight.preflight import unusable
from tests.unit.hand_machine import BINARY

STREAM = "source: {url: x.mp4}, video: {size: 1280x720, fps: 30, bitrate: 3M, preset: fast}"


def read(folder: Path, destination: str, stream: str = STREAM) -> Config:
    file = folder / "neverdark.yml"
    both = f"d: {{url: 'rtmp://h/live', key: made-up-d, {destination}}}, e: {{url: 'rtmp://h/live', key: made-up-e}}"
    file.write_text(f"streams: {{a: {{{stream}, destinations: {{{both}}}}}}}")
    return load(file).config


def planned(folder: Path, destination: str, stream: str = STREAM) -> StreamSpec:
    return plan(read(folder, destination, stream), BINARY, lambda *_: 20_000, ca_file=None, variables=frozenset())["a"]


def pusher(spec: StreamSpec, name: str = "d") -> ProcessSpec:
    return next(one for one in spec.processes if (one.key.role, one.key.destination) == (Role.PUSHER, name))


def value(spec: ProcessSpec, option: str) -> str:
    """The last one counts."""
    return spec.argv[len(spec.argv) - 1 - spec.argv[::-1].index(option) + 1]


def test_what_is_not_named_is_the_streams_own(tmp_path: Path) -> None:
    spec = planned(tmp_path, "video: {size: 640x360, bitrate: 800k}")
    small = pusher(spec)
    assert (value(small, "-c:v"), value(small, "-preset"), value(small, "-r")) == ("libx264", "fast", "30")
    assert (value(small, "-b:v"), value(small, "-g")) == ("800000", "60")
    assert "scale=640:360" in value(small, "-vf")
    assert value(small, "-c") == "copy", "its sound is as it was"
    assert "-c:a" not in small.argv
    expected = {one.name: one.expected_bytes_per_second for one in spec.destinations}
    assert expected == {"d": (800_000 + 128_000) / 8, "e": (3_000_000 + 128_000) / 8}


def test_who_has_none_copies_as_ever(tmp_path: Path) -> None:
    plain = pusher(planned(tmp_path, "video: {size: 640x360}"), "e")
    assert plain.made_anew is None
    assert not {"-c:v", "-vf", "-b:v", "-r", "-g"} & set(plain.argv)


def test_of_a_stream_that_copies_it_is_encoded(tmp_path: Path) -> None:
    small = pusher(planned(tmp_path, "video: {size: 640x360}", "source: {url: x.mp4}, video: {codec: copy}"))
    assert (value(small, "-c:v"), value(small, "-preset"), value(small, "-fps_mode")) == ("libx264", "veryfast", "vfr")


def test_filters_and_overlays_are_not_laid_over_it_again(tmp_path: Path) -> None:
    stream = "source: {url: x.mp4}, video: {size: 1280x720, filters: hflip, overlay: [{text: hello}]}"
    small = pusher(planned(tmp_path, "video: {bitrate: 1M}", stream))
    assert "hflip" not in value(small, "-vf")
    assert "drawtext" not in value(small, "-vf")


def test_sound_alone(tmp_path: Path) -> None:
    quiet = pusher(planned(tmp_path, "audio: {bitrate: 64k}"))
    assert (value(quiet, "-c:a"), value(quiet, "-b:a"), value(quiet, "-c")) == ("aac", "64000", "copy")
    assert "-c:v" not in quiet.argv


def test_a_connection_knows_only_what_is_copied(tmp_path: Path) -> None:
    seen = Parameters(frozenset({b"sps"}), b"aac")
    sized, same, quiet = (
        pusher(planned(tmp_path, written)).made_anew
        for written in ("video: {size: 640x360}", "audio: {bitrate: 64k}", "audio: {bitrate: 64k}, video: {fps: 10}")
    )
    assert sized
    assert sized.sent(seen) == Parameters(audio=b"aac")
    assert same
    assert same.sent(seen) == Parameters(frozenset({b"sps"}))
    assert quiet
    assert quiet.sent(seen) == Parameters()


@pytest.mark.parametrize(
    ("written", "stream", "says"),
    [
        ("video: {codec: copy}", STREAM, "d.video.codec: 'copy': expected"),
        ("video: {size: big}", STREAM, "d.video.size: 'big': expected"),
        ("video: {keyframe_interval: 60}", STREAM, "d.video.keyframe_interval: 60: expected at most 10s"),
        ("video: {overlay: []}", STREAM, "d.video.*** (line 1): unknown key"),
        ("video: {}", STREAM, "d.video: expected what is to be unlike the stream's own"),
        ("audio: {}", STREAM, "d.audio"),
        ("audio: {source: none}", STREAM, "d.audio.*** (line 1): unknown key"),
        ("audio: {bitrate: 64k}", "source: {url: x.mp4}, audio: {source: none}", "d.audio: cannot be had with audio"),
        ("video: {size: 640x360}", "command: [true]", "d.video: cannot be had with command"),
    ],
)
def test_what_cannot_be_had_is_one_clear_error(tmp_path: Path, written: str, stream: str, says: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read(tmp_path, written, stream)
    line = str(raised.value).splitlines()[0]
    assert line.removeprefix(f"{tmp_path / 'neverdark.yml'}: streams.a.destinations.").startswith(says)


def test_a_wrong_preset_is_named_where_it_stands(tmp_path: Path) -> None:
    found = [str(one) for one in unusable(read(tmp_path, "video: {preset: veryfats}"), BINARY)]
    assert found == ["streams.a.destinations.d.video.preset: 'veryfats': did you mean veryfast?"]


def test_a_profile_is_held_against_the_rendition(tmp_path: Path) -> None:
    read(tmp_path, "profile: youtube, video: {bitrate: 500k, keyframe_interval: 6s}")
    file = tmp_path / "neverdark.yml"
    found = [str(one).removeprefix("streams.a.") for one in unlike_platforms(load(file), file)]
    assert found == [
        "destinations.d.video.keyframe_interval: 6 s: youtube expects at most 4 s",
        "destinations.d.video.bitrate: 500 kbit/s: youtube expects at least 1.5 Mbit/s for 1280x720",
    ]
