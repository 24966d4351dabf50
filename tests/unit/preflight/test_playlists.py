"""What `check` says of a list, with a program in FFmpeg's place that takes what is not named `bad`."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.config.problems import ConfigWarning, Problem
from supervisor.config.shape import Source
from supervisor.machine.ffmpeg_binary import Binary
from supervisor.preflight.playlists import look_at_list

PLACE = "streams.radio.audio.source"


@pytest.fixture
def binary(tmp_path: Path) -> Binary:
    path = tmp_path / "ffmpeg"
    path.write_text('#!/bin/sh\ncase "$*" in *bad*) exit 1;; esac\n')
    path.chmod(0o755)
    return Binary(str(path), (5, 1), frozenset(), frozenset())


def source(tmp_path: Path, *names: str) -> Source:
    folder = tmp_path / "list"
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(b"sound")
    return Source(playlist=(folder,))


def test_a_list_that_can_be_played(tmp_path: Path, binary: Binary) -> None:
    assert look_at_list(PLACE, source(tmp_path, "1.mp3", "2.mp3"), binary, videos=False) is None


def test_a_list_without_a_track_is_a_mistake(tmp_path: Path, binary: Binary) -> None:
    found = look_at_list(PLACE, source(tmp_path, "cover.jpg"), binary, videos=False)
    assert isinstance(found, Problem)
    assert str(found).startswith(
        f"{PLACE}.playlist: expected at least one track: a file whose name ends with one of .aac"
    )


def test_a_broken_one_among_the_first_is_told_and_no_more_are_tried(tmp_path: Path, binary: Binary) -> None:
    names = ("1.mp3", "2bad.mp3", "3bad\n.mp3", "4.mp3", "5.mp3", "6bad.mp3")
    found = look_at_list(PLACE, source(tmp_path, *names), binary, videos=False)
    assert isinstance(found, ConfigWarning)
    assert str(found) == (
        f"{PLACE}.playlist: of the first 5 tracks, 2 have no sound that can be decoded and are skipped: "
        "2bad.mp3, 3bad?.mp3"
    )


def test_sounds_where_videos_are_expected_are_told_as_such(tmp_path: Path, binary: Binary) -> None:
    found = look_at_list("streams.tv.source", source(tmp_path, "1.mp3"), binary, videos=True)
    assert isinstance(found, Problem)
    assert "generate: waveform" in str(found)


def test_a_list_of_videos(tmp_path: Path, binary: Binary) -> None:
    found = look_at_list("streams.tv.source", source(tmp_path, "1.mp4", "2bad.mkv", "3.mp3"), binary, videos=True)
    assert str(found).endswith("of the first 2 tracks, 1 have no picture that can be decoded and are skipped: 2bad.mkv")
