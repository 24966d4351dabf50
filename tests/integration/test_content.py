"""What real FFmpegs tell of picture and sound becomes findings, and a fallback of our own is none."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from tests.integration.conftest import Launch
from tests.integration.harness.recipes import Json, card
from tests.integration.harness.waiting import ON_AIR, SLACK, eventually

# So soon, and so long, is the source bad; what is found of it is named within these seconds after its threshold.
BEGINS, ENDS, AFTER, NAMED_WITHIN = 2, 7, 2.0, 15.0
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
