"""A destination with a picture of its own: its pusher encodes, and what happens to the encoder is not its business."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.media import tracks
from tests.integration.harness.recipes import cam, card, secret
from tests.integration.harness.supervised import Neverdark
from tests.integration.harness.waiting import ON_AIR, SLACK, eventually
from tests.integration.test_switching import active, faults, grows, recording, steps

MAIN, SMALL, ENCODER = ("cam", "pusher", "yt"), ("cam", "pusher", "small"), ("cam", "encoder", "")


def rendered(ingest: Ingest, main: str, small: str) -> dict[str, Any]:
    """640x360 to one destination, 320x180 with few bits to another."""
    video = {"size": "320x180", "bitrate": "150k", "keyframe_interval": "1s"}
    stream = cam(ingest.url, main, **card(rate=10, size="640x360", fps=10, bitrate="600k"))
    stream["destinations"]["small"] = {"url": ingest.url, "key": small, "video": video, "audio": {"bitrate": "64k"}}
    return stream | {"fallback": [{"slate": True}]}


def encoder(running: Neverdark) -> int | None:
    """That of the source, of which the fallback's is another."""
    (found,) = (one for one in running.stream("cam")["processes"] if one["name"] == "encoder")
    pid: int | None = found["pid"]
    return pid


def test_a_rendition_stays_connected_over_switches_and_an_encoder_that_is_killed(
    ingest: Ingest, neverdark: Launch, tmp_path: Path, ffmpeg: str
) -> None:
    main, small, seen, large = secret("main"), secret("small"), tmp_path / "small.flv", tmp_path / "main.flv"
    running = neverdark({"cam": rendered(ingest, main, small)}, ffmpeg=ffmpeg)
    running.wait_on_air()
    slates = running.data_dir / "slates"
    eventually(lambda: list(slates.glob("[!.]*.mkv")), 2 * ON_AIR, "the slate is made before it is needed")
    connections = {key: ingest.publishers()[key].client for key in (main, small)}
    with recording(ingest, small, seen), recording(ingest, main, large):
        assert running.ask("POST", "/api/streams/cam/switch", {"to": "fallback1"}).status_code == 202
        eventually(lambda: active(running) == "fallback1", ON_AIR, "the slate is shown")
        grows(seen, 5_000)
        assert running.ask("POST", "/api/streams/cam/switch", {"to": "primary"}).status_code == 202
        eventually(lambda: active(running) == "primary", 2 * ON_AIR, "and the source again")
        pid = encoder(running)
        assert pid
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: encoder(running) not in {None, pid}, ON_AIR, "the encoder is replaced")
        grows(seen, 20_000)
    assert {key: ingest.publishers()[key].client for key in (main, small)} == connections
    assert running.restarts()[MAIN] == running.restarts()[SMALL] == {}
    found, canonical = tracks(seen), tracks(large)
    assert (found["video"]["width"], found["video"]["height"]) == (320, 180)
    assert (canonical["video"]["width"], canonical["video"]["height"]) == (640, 360)
    assert found["audio"]["codec_name"] == "aac"
    assert min(steps(seen)) > 0
    assert faults(seen) == ""


def test_what_encodes_too_slowly_is_said_to_be_slow_and_not_its_line(ingest: Ingest, neverdark: Launch) -> None:
    main, small = secret("main"), secret("small")
    stream = rendered(ingest, main, small)
    del stream["fallback"]
    stream["destinations"]["small"] |= {
        "video": {"size": "1920x1080", "fps": 60, "preset": "placebo", "bitrate": "20M"},
        "limits": {"backlog": "2s", "backlog_max": "8s"},
        "required": False,
    }
    running = neverdark({"cam": stream})
    running.wait_on_air()
    eventually(
        lambda: running.restarts()[SMALL].get("limit") or running.exits(*SMALL), 30 + SLACK, "it is replaced in time"
    )
    incidents = running.get("/api/streams/cam/incidents").json()["incidents"]
    assert [(one["destination"], one["cause"], one["segment"]) for one in incidents] == [("small", "slow", "pusher")]
    assert running.restarts()[MAIN] == running.restarts()[ENCODER] == {}
