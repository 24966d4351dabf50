"""That `check` proves the last rung of each stream, or says in one line why it cannot be shown."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from supervisor.config.file import load
from supervisor.machine import slates as slates_module
from supervisor.machine.ffmpeg_binary import Binary
from supervisor.preflight import fallback as fallback_module
from supervisor.preflight.fallback import LastRungs, last_rungs

FFMPEG = Binary(shutil.which("ffmpeg") or "ffmpeg", (5, 1), frozenset(), frozenset())
BEHIND = "{slate: true} behind it can always be shown"
SMALL = "video: {size: 64x36, fps: 5, keyframe_interval: 1}"


def checked(folder: Path, *rungs: str, video: str = SMALL, binary: Binary = FFMPEG, seconds: float = 60) -> LastRungs:
    file = folder / "neverdark.yml"
    streams = "".join(
        f"  {name}: {{source: {{url: a.mp4}}, {video}, fallback: {rung}, destinations: {{d: {{url: {name}.flv}}}}}}\n"
        for name, rung in zip("abcdefgh", rungs, strict=False)
    )
    file.write_text(f"streams:\n{streams}", encoding="utf-8")
    return last_rungs(load(file).config, binary, seconds)


def image(path: Path) -> str:
    source = ("-f", "lavfi", "-i", "testsrc2=size=32x90", "-frames:v", "1", "-f", "image2", "-update", "1")
    subprocess.run([FFMPEG.path, "-v", "error", "-nostdin", *source, "-c:v", "png", f"file:{path}"], check=True)
    return f'[{{slate: {{image: "{path.name}"}}}}]'


def test_what_can_be_shown_is_said_to_be_so(tmp_path: Path) -> None:
    odd = image(tmp_path / "we ird%03d's:é,[x];.png")
    found = checked(tmp_path, "[{slate: true}]", odd, "[{slate: {text: \"100% 'ä': \\\\ [x]\\nb\"}}]", "[]")
    assert (found.problems, found.warnings) == ([], [])
    shown = "in 64x36 at 5 frames a second, can always be shown"
    assert found.proved == (
        f"streams.a.fallback: the last rung, a slate with text {shown}",
        f"streams.b.fallback: the last rung, a slate with image {shown}",
        f"streams.c.fallback: the last rung, a slate with text {shown}",
    )


def test_a_size_that_is_not_known_is_not_said(tmp_path: Path) -> None:
    found = checked(tmp_path, "[{slate: true}]", video="video: {fps: 5}")
    assert found.proved[0].endswith("a slate with text in the stream's size once that is known, can always be shown")


def test_of_a_last_frame_it_is_said_what_is_shown_until_there_is_one(tmp_path: Path) -> None:
    found = checked(tmp_path, "[{slate: {last_frame: true}}]")
    assert "a slate with the last good frame, and its text until one was kept, in 64x36 at 5" in found.proved[0]


def test_an_image_that_is_none_is_one_problem(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "folder.png").mkdir()
    names = ("text.png", "folder.png", "gone.png")
    found = checked(tmp_path, *(f"[{{slate: {{image: {name}}}}}]" for name in names))
    place = [f"streams.{name}.fallback[0].slate.image: '{tmp_path}/{names[at]}':" for at, name in enumerate("abc")]
    told = [str(problem) for problem in found.problems]
    assert told[0].startswith(f"{place[0]} expected an image that FFmpeg can read: ")
    assert told[1:] == [
        f"{place[1]} expected an image: this is a directory, not an image",
        f"{place[2]} expected an image: there is no such file now",
    ]
    assert (found.warnings, found.proved) == ([], ())


def test_a_last_rung_that_may_fail_is_a_warning(tmp_path: Path) -> None:
    found = checked(tmp_path, "[{source: {url: 'rtsp://10.0.0.1/a'}}, {source: {url: b.mp4, loop: true}}]")
    assert [str(warning) for warning in found.warnings] == [
        f"streams.a.fallback: its last rung is a source, which may fail as well; {BEHIND}"
    ]
    assert (found.problems, found.proved) == ([], ())


def test_of_a_copied_picture_the_parameters_change(tmp_path: Path) -> None:
    found = checked(tmp_path, "[{slate: true}]", video="video: {codec: copy}")
    assert "some platforms refuse" in str(found.warnings[0])
    assert len(found.proved) == 1


def stub(folder: Path, fails_with: str) -> Binary:
    """An FFmpeg that fails whenever one of its words holds `fails_with`."""
    script = folder / "ffmpeg"
    fails = f'case "$*" in *{fails_with}*) echo "[x @ 0x1] [error] no such filter" >&2; exit 1;; esac'
    script.write_text(f'#!/bin/sh\n{fails}\nexec {FFMPEG.path} "$@"\n')
    script.chmod(0o755)
    return Binary(str(script), (5, 1), frozenset(), frozenset())


def test_text_that_cannot_be_drawn_is_a_warning(tmp_path: Path) -> None:
    found = checked(tmp_path, "[{slate: true}]", binary=stub(tmp_path, "drawtext"))
    assert [str(warning) for warning in found.warnings] == [
        "streams.a.fallback[0].slate: FFmpeg cannot draw its text, and a plain picture is shown instead: no such filter"
    ]


def test_what_cannot_be_made_at_all_is_a_problem(tmp_path: Path) -> None:
    found = checked(tmp_path, "[{slate: true}]", binary=stub(tmp_path, "color="))
    assert [str(problem) for problem in found.problems] == [
        "streams.a.fallback[0].slate: FFmpeg cannot make it: no such filter"
    ]


def test_many_alike_are_tried_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    real = slates_module.render

    def counted(*words: object, **named: object) -> None:
        made.append("one")
        real(*words, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(fallback_module, "render", counted)
    found = checked(tmp_path, *["[{slate: true}]"] * 8)
    assert len(made) == 1
    assert len(found.proved) == 8


def test_its_time_is_bounded(tmp_path: Path) -> None:
    found = checked(tmp_path, "[{slate: true}]", seconds=0)
    assert [str(warning) for warning in found.warnings] == [
        "streams.a.fallback[0].slate: FFmpeg has not made it in time"
    ]
