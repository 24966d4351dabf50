"""What is laid over a picture, drawn by both FFmpegs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest

from supervisor.config.overlay import POSITIONS, Overlay
from supervisor.config.shape import Video
from supervisor.ffmpeg.codecs import video_options
from supervisor.ffmpeg.overlay import escaped
from supervisor.ffmpeg.parameters import parse_parameters

WIDTH, HEIGHT = 96, 64
BOTH = pytest.mark.parametrize("ffmpeg", [shutil.which("ffmpeg"), imageio_ffmpeg.get_ffmpeg_exe()], ids=["5.1", "9.0"])


def _run(ffmpeg: str, *arguments: str) -> bytes:
    argv = [ffmpeg, "-hide_banner", "-nostdin", "-loglevel", "error", *arguments]
    done = subprocess.run(argv, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _chain(**video: Any) -> str:
    options = video_options(Video.model_validate(video))
    return options[options.index("-vf") + 1]


def _lit(ffmpeg: str, chain: str) -> list[tuple[int, int]]:
    """Where a black picture is not black after it went through a chain, in the fourth frame."""
    source = ("-f", "lavfi", "-i", f"color=black:size={WIDTH}x{HEIGHT}:rate=25", "-vf", f"{chain},format=gray")
    frames = _run(ffmpeg, *source, "-frames:v", "4", "-f", "rawvideo", "-")
    picture = frames[-WIDTH * HEIGHT :]
    return [(at % WIDTH, at // WIDTH) for at, light in enumerate(picture) if light > 60]


def _logo(folder: Path) -> Path:
    found = folder / "a 'logo', [x];:y.png"
    _run("ffmpeg", "-f", "lavfi", "-i", "color=white:size=20x10", "-frames:v", "1", "-update", "1", f"file:{found}")
    return found


@BOTH
@pytest.mark.parametrize("position", POSITIONS)
def test_an_image_stands_where_it_is_wanted(position: str, ffmpeg: str, tmp_path: Path) -> None:
    overlay = {"image": str(_logo(tmp_path)), "position": position, "margin": 4}
    lit = _lit(ffmpeg, _chain(overlay=[overlay], size=f"{WIDTH}x{HEIGHT}"))
    assert lit
    x, y = min(x for x, _ in lit), min(y for _, y in lit)
    left = 4 if "left" in position else WIDTH - 20 - 4 if "right" in position else (WIDTH - 20) // 2
    top = 4 if "top" in position else HEIGHT - 10 - 4 if "bottom" in position else (HEIGHT - 10) // 2
    assert (abs(x - left) <= 1, abs(y - top) <= 1) == (True, True), (x, y)
    assert 180 <= len(lit) <= 220


@BOTH
def test_texts_and_images_are_laid_one_over_the_other(ffmpeg: str, tmp_path: Path) -> None:
    (tmp_path / "it's: a [file], really;.txt").write_text("HELLO")
    logo = {"image": str(_logo(tmp_path)), "position": "bottom-right", "margin": 2, "width": 40, "opacity": 0.6}
    file = {"file": str(tmp_path / "it's: a [file], really;.txt"), "size": 16, "margin": 2}
    lit = _lit(ffmpeg, _chain(overlay=[logo, file, logo | {"position": "top-right"}]))
    assert [any(x < 48 and y < 32 for x, y in lit), any(x > 54 and y > 40 for x, y in lit)] == [True, True]
    assert any(x > 54 and y < 20 for x, y in lit)
    assert not any(x < 48 and y > 40 for x, y in lit)


@BOTH
@pytest.mark.parametrize(
    "text", ["it's 100%", "a:b", "[x];y,z", "%{localtime}", "\\n", "ünï", "two\nlines", "'", "=x="]
)
def test_any_text_is_drawn(text: str, ffmpeg: str) -> None:
    assert _lit(ffmpeg, _chain(overlay=[{"text": text, "size": 20, "margin": 0}]))


@BOTH
@pytest.mark.parametrize("text", ["it's 100%", "a:b\\c", "[x];y,z", "%{localtime}", "\\\\'", "ünï"])
def test_a_value_comes_through_the_graph_as_it_is(text: str, ffmpeg: str) -> None:
    chain = f"metadata=mode=add:key=k:value={escaped(text)},metadata=mode=print:key=k:file=-"
    said = _run(ffmpeg, "-f", "lavfi", "-i", "color=size=16x16", "-vf", chain, "-frames:v", "1", "-f", "null", "-")
    assert f"k={text}" in said.decode()


@BOTH
def test_an_empty_text_shows_nothing(ffmpeg: str, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("")
    overlay = {"file": str(tmp_path / "empty.txt"), "background": "white", "size": 20, "margin": 20}
    assert not _lit(ffmpeg, _chain(overlay=[overlay]))


def test_the_owners_filters_come_before_the_size() -> None:
    chain = _chain(filters="hqdn3d,crop=100:50", size="320x240", overlay=[{"text": "x"}])
    parts = [chain.index(part) for part in ("hqdn3d,crop=100:50", "scale=320:240", "drawtext=", "format=yuv420p")]
    assert parts == sorted(parts)


def test_without_any_of_it_the_command_line_is_as_before() -> None:
    assert "drawtext" not in _chain()
    assert Overlay(text="x").position == "top-left"


@BOTH
def test_an_image_changes_nothing_of_what_is_announced(ffmpeg: str, tmp_path: Path) -> None:
    """Also not where the size is known, as it is to all runs but the first: else every connection was replaced."""
    logo = tmp_path / "logo.png"
    _run(ffmpeg, "-f", "lavfi", "-i", "color=red:size=8x8", "-frames:v", "1", str(logo))
    announced = set()
    for video in ({}, {"size": "96x64"}, {"overlay": [{"image": str(logo)}]}):
        for more in ({}, {"size": "96x64", "fps": 10}):
            options = video_options(Video.model_validate({**video, **more}))
            card = ("-f", "lavfi", "-i", f"testsrc2=size={WIDTH}x{HEIGHT}:rate=10")
            made = _run(ffmpeg, *card, *options, "-frames:v", "2", "-f", "mpegts", "-")
            found = [parse_parameters(made[at : at + 1316]).video for at in range(0, len(made), 1316)]
            announced.add(next(filter(None, found)))
    assert len(announced) == 1
