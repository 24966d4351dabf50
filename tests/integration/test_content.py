"""What real FFmpegs tell of picture and sound becomes findings, and a fallback of our own is none."""

from __future__ import annotations

import subprocess
from functools import partial
from pathlib import Path

from tests.integration.conftest import Launch
from tests.integration.harness.recipes import Json, card
from tests.integration.harness.waiting import ON_AIR, SLACK, eventually
from tests.integration.test_thumbnails import pixels

# So soon, and so long, is the source bad; what is found of it is named within these seconds after its threshold.
BEGINS, ENDS, AFTER, NAMED_WITHIN = 2, 7, 2.0, 15.0
PICTURED = ON_AIR + AFTER + NAMED_WITHIN + 2 * SLACK
BAD = f"enable='between(t,{BEGINS},{ENDS})'"
PICTURE = "testsrc2=size=320x180:rate=10"
SOURCES = {
    "black": f"{PICTURE},drawbox={BAD}:color=black:t=fill[out0];sine=sample_rate=44100[out1]",
    "silent": f"{PICTURE}[out0];sine,volume={BAD}:volume=0[out1]",
    "loud": f"{PICTURE}[out0];sine,volume={BAD}:volume=20:precision=double[out1]",
    "mute": PICTURE,
}
SHORT: Json = {"black": {"after": AFTER}, "silent": {"after": AFTER}, "loud": {"after": AFTER}}


def test_black_silent_and_loud_are_named_and_over_and_nothing_else_is(
    neverdark: Launch, ffmpeg: str, tmp_path: Path
) -> None:
    streams: Json = {}
    for name, url in SOURCES.items():
        picture = card()
        streams[name] = picture | {
            "source": picture["source"] | {"url": url},
            "content": SHORT,
            "destinations": {"file": {"url": str(tmp_path / f"{name}.ts")}},
        }
    running = neverdark(streams, ffmpeg=ffmpeg)

    def incidents(stream: str) -> list[Json]:
        found: list[Json] = running.get(f"/api/streams/{stream}/incidents").json()["incidents"]
        return found

    def verdict(stream: str, expected: str) -> bool:
        verdicts = running.stream(stream)["content"]["verdicts"]
        return bool(verdicts.get(stream) == expected)

    bad = [name for name in SOURCES if name != "mute"]
    for name in bad:
        (found,) = eventually(partial(incidents, name), ON_AIR + BEGINS + AFTER + NAMED_WITHIN + SLACK, name)
        assert (found["cause"], found["segment"], found["layer"]) == (name, "source", "watchdog")
        assert running.on_air(name)
        eventually(partial(verdict, name, "healthy"), ENDS + SLACK, f"{name} is over")
        assert running.metric("content_found_total", stream=name, finding=name) == 1
        assert running.metric("content_found_total", stream=name) == 1
        assert len(incidents(name)) == 1
        assert running.restarts()[name, "encoder", ""] == {}
    assert incidents("mute") == []
    mute = running.stream("mute")["content"]
    assert (mute["verdict"], mute["verdicts"]["silent"], mute["sound"]) == ("healthy", "unknown", -120.0)
    assert 0.3 < running.metric("picture_luma_ratio", stream="mute") < 0.7


def black_recording(ffmpeg: str, folder: Path) -> Path:
    """Of a camera without light or sound."""
    made = folder / "black.ts"
    words = "-f lavfi -i color=black:size=320x180:rate=10 -f lavfi -i anullsrc -t 6 -c:v libx264 -g 10 -bf 0 -c:a aac"
    subprocess.run([ffmpeg, "-nostdin", "-v", "error", *words.split(), str(made)], check=True, timeout=60)
    return made


def test_the_incident_shows_the_black_picture_and_viewers_the_slate_and_what_is_copied_is_seen_too(
    neverdark: Launch, ffmpeg: str, tmp_path: Path
) -> None:
    picture = card()
    dark = {"url": f"{PICTURE},drawbox=enable='gt(t,3)':color=black:t=fill"}
    bounds: Json = {"black": {"after": AFTER}, "silent": {"after": AFTER}, "every": "5s", "length": "1s"}
    recording = {"url": str(black_recording(ffmpeg, tmp_path)), "realtime": True, "loop": True}
    streams: Json = {
        "dark": picture
        | {"video": picture["video"] | {"size": "320x180", "fps": 10}}
        | {"source": picture["source"] | dark, "fallback": [{"slate": True}], "fallback_policy": {"after": "0s"}},
        "copied": {"source": recording, "video": {"codec": "copy"}, "audio": {"codec": "copy"}},
    }
    for name in streams:
        streams[name] |= {"content": bounds, "destinations": {"file": {"url": str(tmp_path / f"{name}.ts")}}}
    running = neverdark(streams, ffmpeg=ffmpeg)

    def incident(stream: str) -> Json:
        found = running.get(f"/api/streams/{stream}/incidents").json()["incidents"]
        return found[0] if found and found[0]["thumbnail"] else {}

    for name in streams:
        one = eventually(partial(incident, name), PICTURED, f"{name} is found and pictured")
        assert (one["cause"], one["segment"]) == ("black", "source")
        width, height, colours = pixels(running.get(f"/api/incidents/{one['id']}/thumbnail").content)
        assert max(colours) < 30, "no slate, and nothing that was seen before"
        assert width * height * 3 == len(colours)
        assert running.on_air(name)
    eventually(lambda: running.stream("dark")["source"] == "fallback1", SLACK, "viewers see the slate")
    verdicts = running.stream("copied")["content"]["verdicts"]
    eventually(lambda: running.metric("content_found_total", stream="copied", finding="silent") == 1, SLACK, verdicts)
