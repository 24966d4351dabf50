"""What `check` says a platform will not like: one line for each key, with its value and what is expected."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from supervisor.config.file import load
from supervisor.preflight.platforms import unlike_platforms

YOUTUBE, TWITCH = "rtmp://a.rtmp.youtube.com/live2", "rtmp://live.twitch.tv/app"
FINE = {"size": "1920x1080", "fps": 30, "bitrate": "4500k"}


def to(url: str, profile: Any = None) -> dict[str, Any]:
    return {"url": url, "key": "made-up", **({} if profile is None else {"profile": profile})}


def warned(folder: Path, *destinations: dict[str, Any], **stream: Any) -> list[str]:
    file = folder / "neverdark.yml"
    named = {f"d{number}": one for number, one in enumerate(destinations)}
    cam = {"source": {"url": "x.mp4"}, "destinations": named, **stream}
    file.write_text(json.dumps({"streams": {"a": cam}}))
    return [str(warning).removeprefix("streams.a.") for warning in unlike_platforms(load(file), file)]


@pytest.mark.parametrize("url", [YOUTUBE, TWITCH, "rtmps://live-api-s.facebook.com:443/rtmp", "rtmp://h/live", "x.flv"])
def test_a_stream_as_platforms_want_it(tmp_path: Path, url: str) -> None:
    assert warned(tmp_path, to(url), video=FINE) == warned(tmp_path, to(url)) == []


@pytest.mark.parametrize(
    ("stream", "said"),
    [
        ({"video": {"keyframe_interval": "8s"}}, "video.keyframe_interval: 8 s: youtube expects at most 4 s"),
        ({"video": {"fps": 90}}, "video.fps: 90 fps: youtube expects at most 60 fps"),
        (
            {"video": FINE | {"bitrate": "1M"}},
            "video.bitrate: 1 Mbit/s: youtube expects at least 3 Mbit/s for 1920x1080",
        ),
        (
            {"video": FINE | {"bitrate": "20M"}},
            "video.bitrate: 20 Mbit/s: youtube expects at most 10 Mbit/s for 1920x1080",
        ),
        ({"audio": {"source": "none"}}, "audio.source: none: youtube expects some, be it silence"),
        (
            {"video": {"codec": "copy"}},
            "video.codec: copy: whether the picture will be as youtube expects shows when it is sent",
        ),
        (
            {"video": {"codec": "copy"}, "audio": {"source": "copy"}},
            "video.codec: copy: whether the picture and the sound will be as youtube expects shows when it is sent",
        ),
        (
            {"audio": {"codec": "copy"}},
            "audio.codec: copy: whether the sound will be as youtube expects shows when it is sent",
        ),
    ],
)
@pytest.mark.parametrize("destination", [to(YOUTUBE), to("rtmp://h/live", "youtube")], ids=["guessed", "said"])
def test_what_a_platform_will_not_like(
    tmp_path: Path, stream: dict[str, Any], said: str, destination: dict[str, Any]
) -> None:
    assert warned(tmp_path, destination, **stream) == [said]


def test_each_platform_speaks_for_itself_and_two_of_one_once(tmp_path: Path) -> None:
    video = FINE | {"bitrate": "8M", "keyframe_interval": "3s"}
    backup = to("rtmp://b.rtmp.youtube.com/live2?backup=1")
    assert warned(tmp_path, to(YOUTUBE), backup, to(TWITCH), video=video) == [
        "video.keyframe_interval: 3 s: twitch expects at most 2 s",
        "video.bitrate: 8 Mbit/s: twitch expects at most 6 Mbit/s",
    ]
    assert len(warned(tmp_path, to(YOUTUBE), backup, video=FINE | {"bitrate": "1M"})) == 1


def test_own_limits(tmp_path: Path) -> None:
    own = {"sample_rates": [44_100], "keyframe_interval": "1s"}
    assert warned(tmp_path, to(YOUTUBE, own)) == [
        "video.keyframe_interval: 2 s: the destination's profile expects at most 1 s",
        "audio: 48000 Hz: the destination's profile expects 44100 Hz",
    ]


def test_none_ends_the_guess(tmp_path: Path) -> None:
    assert warned(tmp_path, to(YOUTUBE, "none"), video={"keyframe_interval": "8s"}) == []


def test_of_a_command_nothing_is_configured(tmp_path: Path) -> None:
    assert warned(tmp_path, to(YOUTUBE, "youtube"), command=["true"], source=None) == []
