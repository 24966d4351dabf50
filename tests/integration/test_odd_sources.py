"""Sources whose sound or frame rate is unusual: declared sound that never comes, few frames, frames without a time."""

from __future__ import annotations

import time

from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.mjpeg import MjpegCamera
from tests.integration.harness.recipes import cam, secret
from tests.integration.harness.rtsp import RtspCamera
from tests.integration.harness.supervised import Neverdark
from tests.integration.harness.waiting import SLACK, STARTED, eventually

STREAMS = ("silent", "slow", "untimed")


def test_unusual_sources_get_on_air_and_stay_there(ingest: Ingest, neverdark: Launch, ffmpeg: str) -> None:
    """With the defaults; nobody is blamed for what is no failure, and the connection is the first one."""
    password = secret("camera")
    with (
        RtspCamera("viewer", password, sound="alaw") as silent,
        RtspCamera("viewer", password, rate=1) as slow,
        MjpegCamera(rate=10) as untimed,
    ):
        silent.mute()
        streams = {name: cam(ingest.url, secret(name)) for name in STREAMS}
        for name, url in zip(STREAMS, (silent.url, slow.url, untimed.url), strict=True):
            streams[name]["source"] = {"url": url}
        running = neverdark(streams, ffmpeg=ffmpeg)
        running.wait_on_air("untimed", seconds=STARTED)
        media, began = _media(running, "untimed"), time.monotonic()
        running.wait_on_air(*STREAMS, seconds=STARTED)

        assert running.stream("silent")["note"] == "declares sound and sends none: silence takes its place"
        assert [running.stream(name)["note"] for name in ("slow", "untimed")] == [None, None]
        eventually(lambda: time.monotonic() - began > 10, 10 + SLACK, "long enough to tell a rate")
        assert 0.8 < (_media(running, "untimed") - media) / (time.monotonic() - began) < 1.2, "taken for 25 fps: 0.4"
        frames = running.frames("slow", "pusher", "yt")
        eventually(lambda: running.frames("slow", "pusher", "yt") > frames + 40, STARTED, "at a normal rate")
        for name in STREAMS:
            assert running.restarts()[name, "encoder", ""] == {"config": 1}
            assert running.restarts()[name, "pusher", "yt"] == {}
            assert running.one(name, "encoder")["budget_remaining"] == 10
        assert running.get("/api/incidents").json() == {"incidents": []}


def _media(running: Neverdark, stream: str) -> float:
    return float(running.metric("progress_media_seconds_total", stream=stream, role="pusher"))
