"""What the encoder of each rung is to be: another source, or a slate, in the stream's own picture and sound."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.config.file import load
from supervisor.config.shape import Config
from supervisor.desired.plan import adapted, plan
from supervisor.desired.rungs import rung_encoder, rungs_of, slate_encoder
from supervisor.ffmpeg.opening import NOTHING_KNOWN, Traits
from supervisor.ffmpeg.parameters import Colours, Picture
from supervisor.ffmpeg.slate import render_argv
from supervisor.machine.ffmpeg_binary import Binary
from supervisor.model.quantities import Size
from supervisor.model.terms import Role

FFMPEG = Binary("/usr/bin/ffmpeg", (5, 1), frozenset(), frozenset())
RUNGS = "[{source: {url: 'rtsp://u:S3CR3T@b/1'}}, {source: {url: a.mp4, loop: true}}, {slate: {clock: true}}]"
FOUND = Traits(Picture(1920, 1080, 25.0, square=True, colours=Colours(False, 1, 1, 1)), silent=True)
LINKS = {"d": 20000}


def config(folder: Path, more: str = "", rungs: str = RUNGS) -> Config:
    file = folder / "neverdark.yml"
    stream = f"source: {{url: 'rtsp://a/1'}}, destinations: {{d: {{url: x.flv}}}}, fallback: {rungs}"
    file.write_text(f"streams:\n  cam: {{{stream}{more and ', '}{more}}}\n")
    return load(file).config


def encoder(found: Config) -> tuple[str, ...]:
    stream = plan(found, FFMPEG, lambda *_: 20000, ca_file=None, variables=frozenset())["cam"]
    return next(spec.argv for spec in stream.processes if spec.key.role is Role.ENCODER)


def value(argv: tuple[str, ...], option: str) -> str:
    return argv[argv.index(option) + 1]


def test_a_stream_without_a_fallback_has_no_rungs(tmp_path: Path) -> None:
    assert rungs_of(config(tmp_path, rungs="[]"), "cam") == ()


def test_rungs_are_counted_from_one(tmp_path: Path) -> None:
    rungs = rungs_of(config(tmp_path), "cam")
    assert [rung.label for rung in rungs] == ["fallback1", "fallback2", "fallback3"]
    assert [rung.live for rung in rungs] == [True, False, False]
    assert [rung.still is None for rung in rungs] == [True, True, False]


def test_the_built_in_slate_says_whose_it_is(tmp_path: Path) -> None:
    still = rungs_of(config(tmp_path), "cam")[-1].still
    assert still
    assert (still.text, still.clock, still.sound) == ("Back soon\ncam", True, True)


@pytest.mark.parametrize(
    ("video", "traits", "size", "fps", "codec"),
    [
        ("", NOTHING_KNOWN, Size(1280, 720), 30, "libx264"),
        ("", FOUND, Size(1920, 1080), 25, "libx264"),
        ("video: {size: 640x360, codec: h264_nvenc}", FOUND, Size(640, 360), 25, "h264_nvenc"),
        ("video: {fps: 50}", FOUND, Size(1920, 1080), 50, "libx264"),
        ("video: {codec: copy}", FOUND, Size(1920, 1080), 25, "libx264"),
        ("video: {codec: copy}", NOTHING_KNOWN, Size(1280, 720), 30, "libx264"),
    ],
)
def test_a_slate_is_as_the_stream_is(
    tmp_path: Path, video: str, traits: Traits, size: Size, fps: float, codec: str
) -> None:
    still = rungs_of(config(tmp_path, video), "cam", traits)[-1].still
    assert still
    assert (still.size, still.fps, still.video.codec) == (size, fps, codec)
    assert any(f"={size}" in word for word in render_argv(FFMPEG, still, "out.mkv")), "a slate can be made of it"
    assert still.colours == (traits.picture.colours if traits.picture else Colours())


def test_another_source_makes_the_streams_own_picture(tmp_path: Path) -> None:
    found = config(tmp_path, "video: {bitrate: 2M, preset: medium}")
    rung = rungs_of(found, "cam", FOUND)[0]
    spec = rung_encoder(found, "cam", rung, FFMPEG, LINKS, FOUND)
    own = adapted(found, "cam", FFMPEG, lambda *_: 20000, FOUND)
    assert value(spec.argv, "-i") == "rtsp://u:S3CR3T@b/1"
    start, same = spec.argv.index("-c:v"), own.index("-c:v")
    assert spec.argv[start:] == own[same:]
    assert "0:a:0?" in spec.argv, "that the first source is silent says nothing of this one"
    assert "S3CR3T" not in repr(spec)


def test_a_rungs_secrets_are_the_streams(tmp_path: Path) -> None:
    stream = plan(config(tmp_path), FFMPEG, lambda *_: 20000, ca_file=None, variables=frozenset())["cam"]
    assert any("S3CR3T" in secret for secret in stream.secrets)


def test_the_streams_own_command_line_is_as_without_a_fallback(tmp_path: Path) -> None:
    assert encoder(config(tmp_path)) == encoder(config(tmp_path, rungs="[]"))


def test_a_slates_encoder_is_one_like_any_other(tmp_path: Path) -> None:
    found = config(tmp_path, rungs="[{slate: true}]")
    still = rungs_of(found, "cam")[-1].still
    assert still
    spec = slate_encoder(found, "cam", still, "/d/s.mkv", FFMPEG, LINKS, font=None)
    assert spec.key.role is Role.ENCODER
    assert (spec.tracked, spec.video, spec.feeds) == (True, True, ("d",))
    assert (spec.source, spec.live, spec.takes_sound, spec.copies_picture) == (None, False, False, True)
    assert value(spec.argv, "-i") == "/d/s.mkv"
    assert value(spec.argv, "-progress") == "{progress}"
    drawn = slate_encoder(found, "cam", still, None, FFMPEG, LINKS, font=None)
    assert "drawtext" in " ".join(drawn.argv)
    assert not drawn.copies_picture
