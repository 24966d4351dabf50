"""A picture and a list of tracks to two destinations: nobody hears the end of a track, or is told of it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from tests.integration.conftest import Launch
from tests.integration.harness.media import QUIET
from tests.integration.harness.supervised import Neverdark
from tests.integration.harness.waiting import SLACK, eventually

ENCODER = ("radio", "encoder", "")
# As collections are: other rates, one channel, a cover among them.
SOUNDS = {
    "1.mp3": ("-ar", "44100", "-ac", "2"),
    "2.mp3": ("-ar", "48000", "-ac", "2", "-b:a", "192k"),
    "3.mp3": ("-ar", "22050", "-ac", "1"),
    "4.mp3": ("-ar", "44100", "-ac", "2", "-q:a", "5"),
    "10.flac": ("-ar", "96000", "-ac", "2"),
}


def tone(path: Path, *how: str, seconds: float = 0.7) -> None:
    sound = ("-f", "lavfi", "-i", f"sine=frequency=500:duration={seconds}")
    subprocess.run([*QUIET, *sound, *how, "-y", str(path)], check=True, timeout=60)


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    for name, how in SOUNDS.items():
        tone(folder / name, *how)
    (folder / "5broken.mp3").write_bytes(os.urandom(20_000))
    (folder / "6empty.mp3").touch()
    return folder


def radio(music: Path, folder: Path, **more: object) -> dict[str, object]:
    cover = folder / "cover.png"
    picture = ("-f", "lavfi", "-i", "color=c=navy:s=320x180", "-frames:v", "1")
    subprocess.run([*QUIET, *picture, "-y", str(cover)], check=True, timeout=60)
    return {
        "source": {"url": str(cover), "loop": True},
        "video": {"fps": 10, "preset": "ultrafast", "keyframe_interval": "1s"},
        "audio": {"source": {"playlist": str(music)}},
        "destinations": {"a": {"url": str(folder / "a.ts")}, "b": {"url": str(folder / "b.flv")}},
        **more,
    }


def _has(file: Path, size: int) -> bool:
    return file.stat().st_size >= size


def played(running: Neverdark) -> int:
    return int(running.metric("playlist_tracks_total", stream="radio", result="played"))


def longest_gap(recording: Path) -> float:
    """Seconds between two pieces of sound, or of silence within it, after its first moment."""
    show = ("-select_streams", "a", "-show_entries", "packet=pts_time", "-of", "csv=p=0")
    out = subprocess.run(["ffprobe", "-v", "error", *show, str(recording)], capture_output=True, timeout=60, check=True)
    times = [float(line.strip(b",")) for line in out.stdout.split()]
    look = ("-af", "silencedetect=noise=-50dB:duration=0.03", "-f", "null", "-")
    argv = ["ffmpeg", "-hide_banner", "-nostdin", "-i", str(recording), *look]
    said = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True).stderr
    silences = list(zip(_found("silence_start", said), _found("silence_duration", said), strict=False))
    heard = [seconds for start, seconds in silences if start > 0.05]
    return max([0.0, *heard, *(after - before for before, after in pairwise(times))])


def _found(key: str, said: str) -> Iterator[float]:
    return map(float, re.findall(rf"{key}: ([-\d.]+)", said))


def test_a_radio_has_no_gap_at_the_ends_of_its_tracks(
    music: Path, tmp_path: Path, neverdark: Launch, ffmpeg: str
) -> None:
    running = neverdark({"radio": radio(music, tmp_path)}, ffmpeg=ffmpeg)
    running.wait_on_air()
    tone(music / "7new.mp3", "-ar", "32000")
    eventually(lambda: running.stream("radio")["track"] == "7new.mp3", 10 + SLACK, "a track that is added is played")
    eventually(lambda: played(running) >= 14, 15 + SLACK, "many tracks end")
    assert running.metric("playlist_tracks_total", stream="radio", result="skipped") >= 2
    assert all(not any(counts.values()) for counts in running.restarts().values())
    assert not running.get("/api/incidents").json()["incidents"]
    assert running.log().count("skipped 5broken.mp3") == 1
    recordings = (tmp_path / "a.ts", tmp_path / "b.flv")
    for recording in recordings:  # FFmpeg writes when it has gathered 32 KiB, and a stop does not wait for that
        eventually(partial(_has, recording, 60_000), 15 + SLACK, "it is written")
    assert running.stop() == 0
    for recording in recordings:
        assert longest_gap(recording) <= 0.1


def test_sound_that_is_lost_is_noticed_although_there_is_a_picture(
    music: Path, tmp_path: Path, neverdark: Launch, ffmpeg: str
) -> None:
    """The player is gone: the picture does not go on without it, and the next one goes on with the next track."""
    running = neverdark({"radio": radio(music, tmp_path)}, ffmpeg=ffmpeg)
    running.wait_on_air()
    encoder = running.pid(*ENCODER)
    (player,) = Path(f"/proc/{encoder}/task/{encoder}/children").read_text().split()
    os.kill(int(player), signal.SIGKILL)
    eventually(lambda: running.replaced(encoder, *ENCODER), 8 + SLACK, "the encoder ends with its sound")
    running.wait_on_air()
    assert running.exits(*ENCODER)["source_ended"] == 1


def test_a_list_whose_tracks_are_all_broken_is_the_sources_failure(
    music: Path, tmp_path: Path, neverdark: Launch, ffmpeg: str
) -> None:
    for name in SOUNDS:
        (music / name).unlink()
    sound = {"source": {"playlist": str(music)}, "video": {"generate": "waveform"}, "audio": {}}
    running = neverdark({"radio": radio(music, tmp_path, **sound)}, ffmpeg=ffmpeg)
    eventually(lambda: running.exits(*ENCODER)["source_unreachable"], SLACK, "it fails")
    assert "no track of the source's list can be played" in running.log()
    tone(music / "1.mp3")
    running.wait_on_air()
