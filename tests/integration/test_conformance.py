"""What real FFmpegs send against what platforms want: each deviation is named, and what is right is not."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from tests.integration.conftest import Launch
from tests.integration.harness.media import ffmpeg as run_ffmpeg
from tests.integration.harness.recipes import Json, card
from tests.integration.harness.waiting import SLACK, eventually

COPIED: Json = {"video": {"codec": "copy"}, "audio": {"source": "copy"}}


def clip(file: Path, rate: int, keyframes: int, b_frames: int, sound: int) -> str:
    """A short film with keyframes so many frames apart."""
    picture = ("-f", "lavfi", "-i", f"testsrc2=size=320x180:rate={rate}:duration=12")
    tone = ("-f", "lavfi", "-i", f"sine=sample_rate={sound}:duration=12")
    video = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", str(b_frames), "-g", str(keyframes))
    fixed = ("-keyint_min", str(keyframes), "-sc_threshold", "0")
    with run_ffmpeg(*picture, *tone, *video, *fixed, "-c:a", "aac", "-ar", str(sound), str(file)) as made:
        assert made.wait(60) == 0
    return str(file)


def test_each_deviation_is_named_and_what_is_as_wanted_is_not(neverdark: Launch, ffmpeg: str, tmp_path: Path) -> None:
    def to(name: str, profile: object) -> Json:
        return {"watchdog": {"interval": "1s"}, "destinations": {"out": {"url": f"{name}.flv", "profile": profile}}}

    seldom = {"url": clip(tmp_path / "seldom.mp4", 10, 60, 2, 96_000), "loop": True}
    often = {"url": clip(tmp_path / "often.mp4", 90, 180, 0, 22_050), "loop": True}
    none_shown = {"like": "youtube", "b_frames": 0}
    running = neverdark(
        {
            "seldom": {"source": seldom, **COPIED, **to("seldom", none_shown)},
            "often": {"source": often, **COPIED, **to("often", "youtube")},
            "mute": {**card(), "audio": {"source": "none"}, **to("mute", "youtube")},
            "fine": {**card(), **to("fine", "youtube")},
        },
        ffmpeg=ffmpeg,
    )

    def found(stream: str) -> list[str]:
        known = running.stream(stream)["destinations"][0]["conformance"]
        return [words.partition(":")[0] for words in (known or {"findings": []})["findings"]]

    def named(stream: str, findings: list[str]) -> bool:
        return all(any(words.startswith(start) for words in found(stream)) for start in findings)

    for stream, findings in {
        "seldom": ["keyframe interval 6", "B-frames", "sample rate 96000 Hz"],
        "often": ["frame rate", "sample rate 22050 Hz"],
        "mute": ["sound"],
    }.items():
        eventually(partial(named, stream, findings), 40 + SLACK, f"{stream} is found to be so")
        assert running.metric("destination_conformance", stream=stream) == 0
        assert running.stream(stream)["destinations"][0]["watchdog"]["verdicts"]["conformance"] == "degraded"
        assert running.restarts()[stream, "pusher", "out"] == {}, "and nothing was done about it"

    fine = running.stream("fine")["destinations"][0]
    assert fine["conformance"]["findings"] == []
    assert fine["watchdog"]["verdicts"]["conformance"] == "healthy"
    assert running.metric("destination_conformance", stream="fine") == 1
    assert 0.9 <= running.metric("keyframe_interval_seconds", stream="fine") <= 1.2
