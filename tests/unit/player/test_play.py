"""The player, with a program in FFmpeg's place that sends a file as it is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from supervisor.player import play as player
from supervisor.player.play import play_all
from supervisor.player.tracks import Order

# Its last argument but those of the output is `file:PATH`. One that is named `hangs` sends some, and then nothing.
FFMPEG = """#!/bin/sh
for word in "$@"; do case "$word" in file:*) path="${word#file:}";; esac; done
cat "$path"
case "$path" in *hangs*) exec sleep 1000;; esac
"""
# An encoder that copies the sound to a file, and then is done.
ENCODER = ["sh", "-c", 'exec cat <&4 >"$0"']


@pytest.fixture
def ffmpeg(tmp_path: Path) -> str:
    path = tmp_path / "ffmpeg"
    path.write_text(FFMPEG)
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    return folder


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def order(tmp_path: Path, music: Path, *, loop: bool = False) -> Order:
    return Order([str(music)], str(tmp_path / "note.json"), shuffle=False, loop=loop)


def run(tmp_path: Path, music: Path, ffmpeg: str, **options: object) -> tuple[int, str, bytes]:
    out = tmp_path / "heard"
    usual = {"list": [str(music)], "shuffle": False, "loop": False, "note": str(tmp_path / "note"), "ffmpeg": ffmpeg}
    argv = [sys.executable, "-I", "-S", str(player.__file__), json.dumps(usual | options), *ENCODER, str(out)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stderr, out.read_bytes() if out.exists() else b""


def test_it_becomes_the_encoder_and_plays_one_track_after_another(tmp_path: Path, music: Path, ffmpeg: str) -> None:
    (music / "1.mp3").write_bytes(b"aaaa" * 50_000)
    (music / "2.mp3").write_bytes(b"")
    (music / "3.mp3").write_bytes(b"bbbbb")  # not whole: the next must begin where samples begin
    (music / "4.mp3").write_bytes(b"cccc")
    code, said, heard = run(tmp_path, music, ffmpeg)
    assert (code, heard) == (0, b"aaaa" * 50_000 + b"bbbbb\0\0\0" + b"cccc")
    lines = [line for line in said.splitlines() if line]
    assert lines == [
        "[player] [info] playing 1.mp3",
        "[player] [warning] skipped 2.mp3: it has no sound that can be decoded",
        "[player] [info] playing 3.mp3",
        "[player] [info] playing 4.mp3",
    ]


@pytest.mark.parametrize(
    ("tracks", "reason"),
    [((), "there is no track in the list"), (("1.mp3", "2.mp3"), "no track of the list can be played")],
)
def test_without_sound_there_is_no_encoder(
    tmp_path: Path, music: Path, ffmpeg: str, tracks: tuple[str, ...], reason: str
) -> None:
    """FFmpeg waits for ever where it has a picture, and sound that ended before it began."""
    for name in tracks:
        (music / name).write_bytes(b"")
    code, said, _ = run(tmp_path, music, ffmpeg, loop=True)
    assert code == 1
    assert said.splitlines()[-1] == f"[player] [fatal] {reason}"
    assert not (tmp_path / "heard").exists()


def test_a_track_that_hangs_is_left(
    tmp_path: Path, music: Path, ffmpeg: str, pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(player, "_PATIENCE", 200)
    (music / "1hangs.mp3").write_bytes(b"aaaa")
    (music / "2.mp3").write_bytes(b"bbbb")
    play_all(order(tmp_path, music), ffmpeg, pipe[1])
    assert os.read(pipe[0], 100) == b"aaaabbbb"


def test_it_ends_when_nobody_hears_it(tmp_path: Path, music: Path, ffmpeg: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    (music / "1hangs.mp3").write_bytes(b"")
    play_all(order(tmp_path, music, loop=True), ffmpeg, writing)  # and not only after its patience
    os.close(writing)


def test_a_name_cannot_forge_a_line(tmp_path: Path, music: Path, ffmpeg: str) -> None:
    (music / "1\n[player] [fatal] x.mp3").write_bytes(b"aaaa")
    _, said, _ = run(tmp_path, music, ffmpeg)
    assert [line for line in said.splitlines() if line] == ["[player] [info] playing 1?[player] [fatal] x.mp3"]


def test_the_encoder_has_the_usual_signals(tmp_path: Path, music: Path, ffmpeg: str) -> None:
    (music / "1.mp3").write_bytes(b"aaaa")
    out = tmp_path / "heard"
    usual = {"list": [str(music)], "shuffle": False, "loop": False, "note": str(tmp_path / "note"), "ffmpeg": ffmpeg}
    ask = ["sh", "-c", 'grep SigIgn /proc/$$/status >"$0"', str(out)]
    argv = [sys.executable, "-I", "-S", str(player.__file__), json.dumps(usual), *ask]
    subprocess.run(argv, capture_output=True, timeout=60, check=True)
    ignored = int(out.read_text().split()[1], 16)
    assert not ignored & (1 << signal.SIGPIPE - 1 | 1 << signal.SIGXFSZ - 1)
