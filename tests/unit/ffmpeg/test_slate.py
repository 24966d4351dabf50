"""The command lines of slates: the stream's own options, and text as it was written."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from supervisor.config.shape import Audio, Source, Video
from supervisor.ffmpeg.argv import encoder_argv
from supervisor.ffmpeg.codecs import video_options
from supervisor.ffmpeg.destinations import media_output
from supervisor.ffmpeg.parameters import UNSAID, Colours
from supervisor.ffmpeg.slate import (
    Still,
    drawn_argv,
    drawn_text,
    length,
    plain_ground,
    proof_argv,
    render_argv,
    slate_argv,
)
from supervisor.machine.ffmpeg_binary import Binary

BINARY = Binary("/usr/bin/ffmpeg", (5, 1), frozenset(), frozenset())
LINKS = {"a": 20000, "b": 20001}
PROGRESS = "udp://127.0.0.1:30000"


def still(text: str = "Back soon", *, clock: bool = False, colours: Colours = UNSAID, **video: Any) -> Still:
    shape = {"size": "640x360", "fps": 30} | video
    return Still(text, Video.model_validate(shape), Audio(), clock=clock, colours=colours)


def silent() -> Still:
    return Still("x", still().video, Audio.model_validate({"source": "none"}))


def value(argv: list[str], option: str) -> str:
    assert argv.count(option) == 1, f"{option} stands {argv.count(option)} times"
    return argv[argv.index(option) + 1]


def graph(argv: list[str]) -> str:
    return next(after for before, after in pairwise(argv) if before == "-i")


@pytest.mark.parametrize(
    "video",
    [
        {"bitrate": "1M"},
        {"preset": "medium", "fps": 29.97, "keyframe_interval": 1},
        {"codec": "h264_nvenc", "bitrate": "3M"},
        {"codec": "h264_vaapi"},
    ],
)
def test_it_is_encoded_as_the_stream_is(video: dict[str, Any]) -> None:
    of = still(**video)
    wanted = video_options(of.video)
    at = wanted.index("-vf") + 1
    for argv in (render_argv(BINARY, of, "o.mkv"), render_argv(BINARY, of, "o.mkv", picture=True)):
        start = argv.index("-c:v")
        found = argv[start : start + len(wanted)]
        assert [*found[:at], *found[at + 1 :]] == [*wanted[:at], *wanted[at + 1 :]]
        chain, _, upload = wanted[at].partition(",hwupload")
        assert f"{chain},setparams=" in found[at]
        assert found[at].endswith("hwupload") is bool(_), "colours are said before the frames are in the hardware"
        assert not upload


def test_its_sound_is_the_streams() -> None:
    argv = render_argv(BINARY, still(), "o.mkv")
    assert [value(argv, option) for option in ("-c:a", "-b:a", "-ar", "-ac")] == ["aac", "128000", "48000", "2"]
    assert "arealtime" not in " ".join(argv), "it is made as fast as may be"
    assert "-an" in render_argv(BINARY, silent(), "o.mkv")
    assert "-c:a" not in slate_argv(BINARY, silent(), "s.mkv", links=LINKS, progress_url=PROGRESS)


@pytest.mark.parametrize("written", ["copy", {"codec": "copy"}])
def test_copied_sound_becomes_silence(written: str | dict[str, str]) -> None:
    audio = Audio.model_validate({"source": written} if isinstance(written, str) else written)
    argv = render_argv(BINARY, Still("x", still().video, audio), "o.mkv")
    assert value(argv, "-c:a") == "aac"


def test_it_is_copied_to_the_same_places_as_any_encoder_sends_to() -> None:
    argv = slate_argv(BINARY, still(), "/d/s.mkv", links=LINKS, progress_url=PROGRESS)
    output = media_output(LINKS, copied_sound=False)
    assert argv[-len(output) :] == output
    start = argv.index("-re")
    assert argv[start : -len(output)] == [
        *("-re", "-stream_loop", "-1", "-f", "matroska", "-i", "/d/s.mkv", "-map", "0"),
        *("-c:v", "copy", "-c:a", "copy"),
    ]
    other = encoder_argv(
        BINARY,
        Source.model_validate({"url": "a.mp4"}),
        still().video,
        Audio(),
        links=LINKS,
        progress_url=PROGRESS,
        read_timeout=5,
    )
    assert argv[:start] == other[: other.index("-re")]


def test_with_a_clock_it_is_encoded_again() -> None:
    argv = slate_argv(BINARY, still(clock=True), "/d/s.mkv", links=LINKS, progress_url=PROGRESS)
    assert value(argv, "-c:v") == "libx264"
    assert value(argv, "-c:a") == "copy"
    assert "%{localtime\\\\:%T}" in value(argv, "-vf")
    assert "localtime" not in " ".join(render_argv(BINARY, still(clock=True), "o.mkv")), "the file is the same"


def test_without_a_file_it_is_drawn() -> None:
    argv = drawn_argv(BINARY, still("a"), links=LINKS, progress_url=PROGRESS)
    assert "text=a" in graph(argv)
    assert argv[-1] == media_output(LINKS, copied_sound=False)[-1]
    assert "arealtime" in " ".join(argv)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("it's", "it\\\\\\'s"),
        ("a:b", "a\\\\:b"),
        ("a\\b", "a\\\\\\\\b"),
        ("[x],;", "\\[x\\]\\,\\;"),
        ("100 %{pts}", "100 %{pts}"),
        ("ÄÖß €", "ÄÖß €"),
    ],
)
def test_text_is_shown_as_it_is_written(text: str, written: str) -> None:
    drawn = graph(render_argv(BINARY, still(text), "o.mkv"))
    assert f":text={written}:" in drawn
    assert "expansion=none" in drawn


def test_each_line_stands_for_itself() -> None:
    drawn = graph(render_argv(BINARY, still("first\n\nthird"), "o.mkv"))
    assert drawn.count("drawtext=") == 2
    assert drawn.count("x=(w-text_w)/2") == 2


def test_much_text_is_small() -> None:
    def height(text: str) -> int:
        return int(graph(render_argv(BINARY, still(text), "o.mkv")).partition("fontsize=")[2].partition(":")[0])

    assert height("Back soon") == 39
    assert height("x" * 100) < 12
    assert 6 <= height("\n".join("abcdefgh")) < 39


def test_a_fonts_file_may_be_called_anything() -> None:
    assert "fontfile=/a\\\\:b/\\[c\\].ttf:" in graph(render_argv(BINARY, still(), "o.mkv", font="/a:b/[c].ttf"))


def test_an_image_comes_by_standard_input() -> None:
    argv = render_argv(BINARY, still(), "o.mkv", picture=True)
    assert graph(argv) == "pipe:0"
    assert argv.index("-max_pixels") < argv.index("-i")
    assert "force_original_aspect_ratio=decrease" in value(argv, "-vf")


def test_what_stands_for_it() -> None:
    whole = Still("a", still().video, Audio(), image=Path("/x.png"), last_frame=True, clock=True)
    text, plain = drawn_text(whole), plain_ground(whole)
    assert (text.image, text.last_frame, text.text, text.clock) == (None, False, "a", True)
    assert (plain.image, plain.last_frame, plain.text, plain.clock) == (None, False, "", False)
    assert "drawtext" not in graph(render_argv(BINARY, plain, "o.mkv"))


@pytest.mark.parametrize(
    ("video", "seconds"),
    [
        ({}, 60),
        ({"size": "1920x1080"}, 54),
        ({"size": "3840x2160", "fps": 60}, 6),
        ({"size": "16384x16384", "fps": 240, "keyframe_interval": 10}, 10),
        ({"keyframe_interval": 7}, 56),
    ],
)
def test_how_much_of_it_is_made(video: dict[str, Any], seconds: float) -> None:
    """Whole keyframe intervals, and no more than a machine makes in a minute or so."""
    assert length(still(**video)) == seconds
    assert value(render_argv(BINARY, still(**video), "o.mkv"), "-t") == str(seconds)


def test_of_a_last_frame_little_is_made_at_once() -> None:
    assert length(Still("x", still().video, Audio(), last_frame=True)) == 6


def test_colours_are_said_as_the_stream_says_them() -> None:
    vf = value(render_argv(BINARY, still(colours=Colours(True, 1, 13, 6)), "o.mkv"), "-vf")
    assert vf.endswith("setparams=range=full:color_primaries=bt709:color_trc=iec61966-2-1:colorspace=smpte170m")
    vf = value(render_argv(BINARY, still(colours=Colours(False, 2, 2, 2)), "o.mkv"), "-vf")
    assert vf.endswith("setparams=range=limited:color_primaries=unknown:color_trc=unknown:colorspace=unknown")


def test_the_proof_decodes_and_shows_a_frame() -> None:
    argv = proof_argv(BINARY, "/d/s.mkv")
    assert argv[-1] == "pipe:1"
    assert value(argv, "-pix_fmt") == "gray"
