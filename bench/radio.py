"""A radio for half an hour: a picture and a folder of tracks to two keys, judged by what another FFmpeg recorded.

`python -m bench.radio FOLDER [--minutes 30] [--ffmpeg PATH]` prints figures and leaves the recordings in FOLDER. Tracks
are tones, each with a frequency of its own, so that what was heard can be told from the recording. While it runs one is
added, one removed, one replaced before its turn, and one overwritten in the middle of being played.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import time
from itertools import pairwise
from pathlib import Path

from tests.integration.harness.ingest import Ingest
from tests.integration.harness.media import QUIET
from tests.integration.harness.supervised import Neverdark

_HZ = 200  # between the tones of two tracks
_CRITICAL = 0.1
# Seconds, and how it is encoded. A number's place is its frequency.
_TRACKS: dict[str, tuple[int, tuple[str, ...]]] = {
    "01 plain.mp3": (62, ("-ar", "44100", "-ac", "2")),
    "02 48k.mp3": (75, ("-ar", "48000", "-ac", "2", "-b:a", "320k")),
    "03 mono.mp3": (88, ("-ar", "22050", "-ac", "1", "-b:a", "48k")),
    "04 vbr.mp3": (101, ("-ar", "44100", "-ac", "2", "-q:a", "4")),
    "05 cover.mp3": (70, ("-ar", "44100", "-ac", "2")),
    "06 Подмосковные вечера.mp3": (94, ("-ar", "44100", "-ac", "2")),
    "07 さくら さくら.mp3": (120, ("-ar", "32000", "-ac", "2")),
    "08 removed.mp3": (80, ("-ar", "44100", "-ac", "2")),
    "09 replaced.mp3": (66, ("-ar", "44100", "-ac", "2")),
    "10 فيروز.mp3": (105, ("-ar", "48000", "-ac", "1")),
    "11 lofi.mp3": (83, ("-ar", "16000", "-ac", "1", "-b:a", "32k")),
    "12 overwritten.mp3": (150, ("-ar", "44100", "-ac", "2")),
    "13 no xing.mp3": (64, ("-ar", "44100", "-ac", "2", "-write_xing", "0")),
    "14 last.mp3": (77, ("-ar", "44100", "-ac", "2", "-q:a", "0")),
}
_BROKEN = "05z broken.mp3"


def tone(path: Path, frequency: int, seconds: int, *how: str, tags: str = "") -> None:
    """One track; its name is its title, whatever the script."""
    sound = ("-f", "lavfi", "-i", f"sine=frequency={frequency}:duration={seconds}:sample_rate=48000")
    tagged = ("-metadata", f"title={tags or path.stem}", "-metadata", "artist=Ансамбль 合唱団")
    subprocess.run([*QUIET, *sound, *how, *tagged, "-f", "mp3", "-y", str(path)], check=True, timeout=120)


def make_tracks(music: Path, cover: Path) -> None:
    """All of them: other rates, one channel and two, a cover, other scripts, and one that is broken."""
    for place, (name, (seconds, how)) in enumerate(_TRACKS.items(), 1):
        tone(music / name, _HZ * place, seconds, *how)
    plain = music / "05 cover.mp3"
    with_cover = music.parent / "cover.mp3"
    add = ("-i", str(plain), "-i", str(cover), "-map", "0:a", "-map", "1:v", "-c", "copy", "-id3v2_version", "3")
    subprocess.run([*QUIET, *add, "-disposition:v", "attached_pic", "-y", str(with_cover)], check=True, timeout=60)
    with_cover.replace(plain)
    (music / _BROKEN).write_bytes(os.urandom(300_000))


def record(ingest: Ingest, key: str, into: Path) -> subprocess.Popen[bytes]:
    """An FFmpeg that knows nothing of neverdark, at the ingest's side."""
    argv = ["ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "warning", "-i", f"{ingest.url}/{key}"]
    with (into.parent / f"{into.stem}.log").open("ab") as log:
        return subprocess.Popen([*argv, "-c", "copy", "-y", str(into)], stdout=log, stderr=log)


def ask(argv: list[str], *, errors: bool = False) -> str:
    """What FFmpeg or ffprobe answers."""
    done = subprocess.run(argv, capture_output=True, text=True, timeout=900, check=True, errors="replace")
    return done.stderr if errors else done.stdout


def judge(recording: Path) -> dict[str, object]:
    """Gaps of sound and picture, silence, the distance of the two, and which tones were heard."""
    show = ("-show_entries", "packet=codec_type,pts_time,dts_time", "-of", "csv=p=0")
    times: dict[str, list[float]] = {"audio": [], "video": []}
    back = 0
    for line in ask(["ffprobe", "-v", "error", *show, str(recording)]).splitlines():
        kind, pts, dts, *_ = line.split(",")
        moment = float(dts if dts != "N/A" else pts)
        back += bool(times[kind]) and moment <= times[kind][-1]
        times[kind].append(moment)
    look = ["ffmpeg", "-hide_banner", "-nostdin", "-i", str(recording)]
    said = ask([*look, "-vn", "-af", "silencedetect=noise=-50dB:duration=0.01", "-f", "null", "-"], errors=True)
    silences = [float(found) for found in re.findall(r"silence_duration: ([\d.]+)", said)]
    stats = "astats=metadata=1:reset=1:measure_perchannel=Zero_crossings:measure_overall=none"
    crossings = f"aresample=8000,asetnsamples=8000,{stats},ametadata=print:file=-:key=lavfi.astats.1.Zero_crossings"
    heard: list[int] = []
    for found in re.findall(
        r"crossings=(\d+)", ask([*look[:3], "-v", "error", *look[3:], "-vn", "-af", crossings, "-f", "null", "-"])
    ):
        place = round(int(found) / 2 / _HZ)
        if abs(int(found) / 2 - place * _HZ) < 5 and (not heard or heard[-1] != place):
            heard.append(place)
    bright = "signalstats,metadata=print:file=-:key=lavfi.signalstats.YAVG"
    keyframes = [*look[:3], "-v", "error", "-skip_frame", "nokey", *look[3:], "-an", "-vf", bright, "-f", "null", "-"]
    light = [float(found) for found in re.findall(r"YAVG=([\d.]+)", ask(keyframes))]
    sound, picture = times["audio"], times["video"]
    gaps = {kind: max(after - before for before, after in pairwise(moments)) for kind, moments in times.items()}
    return {
        "seconds": round(sound[-1] - sound[0], 1),
        "sound_longest_step_ms": round(gaps["audio"] * 1000),
        "sound_steps_over_100_ms": sum(after - before > _CRITICAL for before, after in pairwise(sound)),
        "picture_longest_step_ms": round(gaps["video"] * 1000),
        "timestamps_back": back,
        "silences_ms": sorted((round(silence * 1000) for silence in silences), reverse=True)[:20],
        "picture_minus_sound_at_begin_and_end_ms": [round((picture[at] - sound[at]) * 1000) for at in (0, -1)],
        "brightness_least_and_most": [min(light), max(light)],
        "tones_heard": heard,
    }


def run(folder: Path, minutes: float, ffmpeg: str) -> dict[str, object]:
    """The whole of it; `folder` must be empty."""
    music, cover = folder / "music", folder / "cover.png"
    music.mkdir(parents=True)
    picture = ("-f", "lavfi", "-i", "testsrc2=s=1280x720", "-frames:v", "1")
    subprocess.run([*QUIET, *picture, "-y", str(cover)], check=True, timeout=60)
    make_tracks(music, cover)
    ingest = Ingest(folder / "nginx")
    ingest.start()
    stream = {
        "source": {"url": str(cover), "loop": True},
        "video": {"fps": 25, "preset": "ultrafast", "size": "1280x720", "bitrate": "1M"},
        "audio": {"source": {"playlist": str(music)}},
        "destinations": {key: {"url": ingest.url, "key": key} for key in ("one", "two")},
    }
    result: dict[str, object] = {}
    recorders: list[subprocess.Popen[bytes]] = []
    with Neverdark(folder / "neverdark", {"radio": stream}, ffmpeg=ffmpeg) as running:
        try:
            running.wait_on_air()
            recorders = [record(ingest, key, folder / f"{key}.mkv") for key in ("one", "two")]
            result["tracks"] = watch(running, music, minutes)
            result["incidents"] = running.get("/api/incidents").json()["incidents"]
            result["restarts"] = {" ".join(name): sum(counts.values()) for name, counts in running.restarts().items()}
            result["played"] = running.metric("playlist_tracks_total", stream="radio", result="played")
            result["skipped"] = running.metric("playlist_tracks_total", stream="radio", result="skipped")
        finally:
            for recorder in recorders:
                recorder.terminate()
                recorder.wait(20)
            running.stop()
            ingest.close()
    (folder / "before.json").write_text(json.dumps(result, indent=1))
    result["recordings"] = {key: judge(folder / f"{key}.mkv") for key in ("one", "two")}
    return result


def watch(running: Neverdark, music: Path, minutes: float) -> list[tuple[int, str]]:
    """What neverdark says is played, and when; edits the list meanwhile."""
    seen: list[tuple[int, str]] = []
    began = time.monotonic()
    edited = overwritten = False
    while (passed := time.monotonic() - began) < minutes * 60:
        track = running.stream("radio")["track"]
        if track and (not seen or seen[-1][1] != track):
            seen.append((round(passed), track))
        if not edited and len(seen) >= 3:
            edited = True
            tone(music / "04a added.mp3", _HZ * 15, 60, "-ar", "44100")
            (music / "08 removed.mp3").unlink()
            tone(music.parent / "new.mp3", _HZ * 16, 71, "-ar", "48000", "-ac", "1")
            (music.parent / "new.mp3").replace(music / "09 replaced.mp3")
        if not overwritten and track == "12 overwritten.mp3" and passed - seen[-1][0] > 30:
            overwritten = True
            shutil.copyfile(music / "01 plain.mp3", music / track)
        time.sleep(1)
    return seen


def main() -> None:
    """Print what was found as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.radio", description="a radio for half an hour")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--ffmpeg", default="ffmpeg")
    given = parser.parse_args()
    print(json.dumps(run(given.folder, given.minutes, given.ffmpeg), indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
