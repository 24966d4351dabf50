"""What a source can be besides a URL: a list of videos, the output of a program."""

from __future__ import annotations

import os
from pathlib import Path

from tests.integration.conftest import Launch
from tests.integration.harness.media import QUIET
from tests.integration.harness.media import ffmpeg as run_ffmpeg
from tests.integration.harness.waiting import SLACK, eventually
from tests.integration.test_radio import longest_gap

ENCODER = ("tv", "encoder", "")
CODE = {"size": "160x90", "fps": 10, "preset": "ultrafast", "keyframe_interval": "1s"}


def film(path: Path, size: str, rate: int, *how: str, sound: bool = True, seconds: float = 1.2) -> None:
    picture = ("-f", "lavfi", "-i", f"testsrc2=size={size}:rate={rate}")
    hear = ("-f", "lavfi", "-i", "sine=frequency=500:sample_rate=44100") if sound else ()
    with run_ffmpeg(*QUIET[1:], *picture, *hear, "-t", str(seconds), *how, "-y", str(path)) as made:
        assert made.wait(60) == 0


def test_a_list_of_videos_has_no_gap_at_the_ends_of_its_files(tmp_path: Path, neverdark: Launch, ffmpeg: str) -> None:
    films = tmp_path / "films"
    films.mkdir()
    film(films / "1.mp4", "320x180", 25, "-c:v", "libx264", "-preset", "ultrafast")
    film(films / "2.ts", "176x144", 30, "-c:v", "mpeg2video", "-c:a", "mp2")
    (films / "3broken.mp4").write_bytes(os.urandom(20_000))
    film(films / "4.avi", "96x160", 15, "-c:v", "mpeg4", "-c:a", "libmp3lame")
    stream = {
        "source": {"directory": str(films)},
        "video": CODE,
        "destinations": {"a": {"url": str(tmp_path / "a.ts")}},
    }
    running = neverdark({"tv": stream}, ffmpeg=ffmpeg)
    running.wait_on_air()
    film(films / "5new.mkv", "64x64", 5, "-c:v", "mpeg4", sound=True)
    eventually(lambda: running.stream("tv")["track"] == "5new.mkv", 10 + SLACK, "one that is added is played")
    eventually(
        lambda: running.metric("playlist_tracks_total", stream="tv", result="played") >= 7, 10 + SLACK, "many ends"
    )
    assert running.metric("playlist_tracks_total", stream="tv", result="skipped") >= 1
    assert all(not any(counts.values()) for counts in running.restarts().values())
    assert not running.get("/api/incidents").json()["incidents"]
    assert running.stop() == 0
    # 0.15 s of the files' own sound, coded four ways. What a decoder gives late, having had no turn, is silent.
    assert longest_gap(tmp_path / "a.ts") <= 0.15 + 0.1 * SLACK


def test_a_program_is_the_source_and_ends_with_its_encoder(tmp_path: Path, neverdark: Launch, ffmpeg: str) -> None:
    media, note = tmp_path / "media.mkv", tmp_path / "pid"
    # So much that a pipe holds a second of it: what is in the pipe when the program ends is shown all the same.
    film(media, "320x180", 10, "-c:v", "rawvideo", seconds=30)
    script = f"echo $$ >{note}; echo token=verysecretword >&2; exec cat {media}"
    source = {"pipe": ["sh", "-c", script, "sh", "--password", "verysecretword"]}
    stream = {"source": source, "video": CODE, "destinations": {"a": {"url": str(tmp_path / "a.ts")}}}
    running = neverdark({"tv": stream}, ffmpeg=ffmpeg)
    running.wait_on_air()
    encoder, program = running.pid(*ENCODER), int(note.read_text())
    assert os.getpgid(program) == encoder
    os.kill(program, 9)
    eventually(lambda: running.exits(*ENCODER)["source_unreachable"] == 1, 10 + SLACK, "its end is the source's")
    running.wait_on_air()
    log = eventually(lambda: (running.data_dir / "logs" / "tv").glob("encoder*"), SLACK, "a log")
    told = "".join(path.read_text() for path in log)
    assert "the program ended by signal 9" in told
    assert "verysecretword" not in told + running.log()
    program = int(note.read_text())
    assert running.stop() == 0
    assert not Path(f"/proc/{program}").exists()
