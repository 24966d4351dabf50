"""What a source may do to us: end, hang, refuse, go away and come back."""

from __future__ import annotations

import time
from pathlib import Path

from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.media import publishing, record
from tests.integration.harness.recipes import cam, secret
from tests.integration.harness.rtsp import RtspCamera
from tests.integration.harness.valve import Valve
from tests.integration.harness.waiting import SLACK, eventually

PUSHER, ENCODER = ("cam", "pusher", "yt"), ("cam", "encoder", "")
QUICK = {"initial_delay": "200ms", "max_delay": "1s", "attempts": 100}


def test_a_camera_that_was_lost_is_used_again(ingest: Ingest, neverdark: Launch, ffmpeg: str) -> None:
    """By RTSP, with a password: gone, back, and the platform's connection is the same all the while."""
    key, password = secret("main"), secret("camera")
    with RtspCamera("viewer", password) as camera:
        stream = cam(ingest.url, key, restart=QUICK, stall={"timeout": "3s"})
        stream["source"] = {"url": camera.url}
        running = neverdark({"cam": stream}, ffmpeg=ffmpeg)
        running.wait_on_air()
        before, pusher = eventually(lambda: ingest.publisher(key), SLACK, "published"), running.pid(*PUSHER)

        camera.refuse()
        eventually(lambda: not running.on_air(), 5 + SLACK, "the loss is noticed")
        # FFmpeg 5 ends with its source; 9 goes on with silence and is found by its frames, which do not advance.
        eventually(lambda: sum(running.restarts()[ENCODER].values()) >= 2, 3 + 3 + SLACK, "it is tried again")
        eventually(
            lambda: running.one(*ENCODER)["last_failure"]["cause"] == "source_unreachable", SLACK, "the source is named"
        )

        camera.listen()
        running.wait_on_air()
        eventually(lambda: ingest.publisher(key).bytes_in > before.bytes_in, SLACK, "media goes on")
        assert ingest.publisher(key).client == before.client
        assert running.pid(*PUSHER) == pusher
        assert running.restarts()[PUSHER] == {}, "pushers wait for their encoder, and are not to blame"
        assert running.metric("stream_off_air_seconds_total", stream="cam", segment="source") > 0


def test_a_camera_that_refuses_the_password_is_named_so(ingest: Ingest, neverdark: Launch) -> None:
    with RtspCamera("viewer", secret("right")) as camera:
        stream = cam(ingest.url, secret("main"))
        stream["source"] = {"url": camera.url.replace(secret("right"), secret("wrong"))}
        running = neverdark({"cam": stream})
        eventually(lambda: running.exits(*ENCODER).get("source_refused"), 5 + SLACK, "refused, and known to be")
        failure = running.one(*ENCODER)["last_failure"]
        assert failure["cause"] == "source_refused"
        assert failure["log"], "what FFmpeg said, without the password: that is looked for at the end of every test"


def test_a_camera_by_rtmp_that_was_lost_is_used_again(
    ingest: Ingest, valve: Valve, neverdark: Launch, ffmpeg: str
) -> None:
    key = secret("main")
    stream = cam(ingest.url, key, restart=QUICK, stall={"timeout": "3s"})
    stream["source"] = {"url": f"{valve.url}/camera"}
    with publishing(f"{ingest.url}/camera"):
        eventually(lambda: ingest.receives("camera"), 5 + SLACK, "the camera is there")
        running = neverdark({"cam": stream}, ffmpeg=ffmpeg)
        running.wait_on_air()
        client = eventually(lambda: ingest.publisher(key), SLACK, "published").client

        valve.refuse()
        eventually(lambda: running.exits(*ENCODER).get("source_unreachable"), 3 + 5 + SLACK, "the loss is noticed")
        valve.listen()

        eventually(lambda: not running.one(*ENCODER)["backoff_seconds"] and running.on_air(), 15, "on air again")
        assert ingest.publisher(key).client == client
        assert running.restarts()[PUSHER] == {}


def test_a_file_that_ends_begins_again_on_the_same_connection(
    ingest: Ingest, neverdark: Launch, tmp_path: Path, ffmpeg: str
) -> None:
    """FFmpeg 5 ends with it. A later one goes on with silence until its frames are missed: a minute ahead of the clock
    at most, or the timestamps at the platform would jump by many."""
    key = secret("main")
    stream = cam(ingest.url, key, restart=QUICK | {"reset_after": "1s"}, stall={"timeout": "3s"})
    stream["source"] = {"url": str(record(tmp_path / "clip.mp4", 4)), "realtime": True}
    began = time.monotonic()
    running = neverdark({"cam": stream}, ffmpeg=ffmpeg)
    running.wait_on_air()
    client = eventually(lambda: ingest.publisher(key), SLACK, "published").client

    eventually(lambda: sum(running.restarts()[ENCODER].values()) >= 2, 2 * (4 + 3 + 2) + SLACK, "it ended, twice")
    media = running.metric("progress_media_seconds_total", stream="cam", role="pusher")
    assert media < time.monotonic() - began + 2 * 60 + 10, "unbounded, it is a thousand seconds by now"
    assert running.exits(*ENCODER).keys() <= {"source_ended", "killed"}
    assert running.restarts()[PUSHER] == {}
    assert ingest.publisher(key).client == client


def test_a_file_with_sound_that_is_looped_flows_evenly(
    ingest: Ingest, neverdark: Launch, tmp_path: Path, ffmpeg: str
) -> None:
    """With the wrong options FFmpeg 9 delivers such a source in bursts, ten seconds apart."""
    stream = cam(ingest.url, secret("main"), stall={"timeout": "4s"})
    stream["source"] = {"url": str(record(tmp_path / "clip.mp4", 2, sound=True)), "loop": True}
    running = neverdark({"cam": stream}, ffmpeg=ffmpeg)
    running.wait_on_air()
    eventually(lambda: running.frames(*PUSHER) > 70, 8 + SLACK, "it flows, over several loops of the file")
    assert running.restarts() == {PUSHER: {}, ENCODER: {}}


def test_a_source_that_never_answers_is_given_up_and_tried_again(
    ingest: Ingest, valve: Valve, neverdark: Launch
) -> None:
    """It accepts the connection and says nothing: FFmpeg alone would wait for ever."""
    valve.freeze()
    stream = cam(ingest.url, secret("main"), restart=QUICK, stall={"startup": "20s", "timeout": "3s"})
    stream["source"] = {"url": f"{valve.url}/camera"}
    with publishing(f"{ingest.url}/camera"):
        running = neverdark({"cam": stream})
        eventually(
            lambda: running.exits(*ENCODER).get("source_unreachable", 0) >= 2,
            2 * (3 + 1) + SLACK,
            "it is given up, and tried again",
        )
        assert running.restarts()[PUSHER] == {}
        valve.thaw()
        running.wait_on_air()
