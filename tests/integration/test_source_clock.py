"""A source that ends, and one whose clock jumps: FFmpeg would hold on to our silence, and be found as a stall."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Thread

from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.media import ffmpeg as running_ffmpeg
from tests.integration.harness.media import record
from tests.integration.harness.recipes import Json
from tests.integration.harness.supervised import Neverdark
from tests.integration.harness.waiting import SLACK, eventually

SECONDS = 8  # of the clip, which take as long to send
JUMPS_AFTER = 20  # seconds, on a machine that is slow to start
NEVER = {"startup": "60s", "timeout": "60s"}  # a stall would be noticed too late for these tests


@contextmanager
def television(clip: Path) -> Iterator[str]:
    """Sends a clip in its own time to whoever connects by TCP, each from its beginning, and closes at its end."""
    server = socket.create_server(("127.0.0.1", 0))

    def send(viewer: socket.socket) -> None:
        data, began, sent = clip.read_bytes(), time.monotonic(), 0
        with viewer, suppress(OSError):
            while sent < len(data):
                due = int((time.monotonic() - began + 1.0) * len(data) / SECONDS)
                viewer.sendall(data[sent:due])
                sent = due
                time.sleep(0.05)

    def serve() -> None:
        with suppress(OSError):
            while True:
                Thread(target=send, args=(server.accept()[0],), daemon=True).start()

    Thread(target=serve, daemon=True).start()
    try:
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def stream(source: str, ingest: Ingest, name: str) -> Json:
    video = {"codec": "libx264", "bitrate": "300k", "preset": "veryfast", "keyframe_interval": "1s"}
    destinations = {"yt": {"url": ingest.url, "key": f"out-{name}"}}
    return {"source": {"url": source}, "video": video, "stall": NEVER, "destinations": destinations}


def replaced(running: Neverdark, name: str) -> dict[str, int]:
    return running.restarts()[name, "encoder", ""]


def incident(running: Neverdark, name: str) -> Json:
    incidents: list[Json] = running.get(f"/api/streams/{name}/incidents").json()["incidents"]
    return incidents[-1]


def test_the_end_of_a_source_is_noticed_at_once(neverdark: Launch, ingest: Ingest, ffmpeg: str, tmp_path: Path) -> None:
    """FFmpeg 9 went on with silence: 13 s dark each time and a stall, where FFmpeg 5 ended."""
    with ExitStack() as stack:
        streams: dict[str, object] = {
            name: stream(
                stack.enter_context(television(record(tmp_path / f"{name}.ts", SECONDS, sound=sound))), ingest, name
            )
            for name, sound in (("quiet", False), ("loud", True))
        }
        running = neverdark(streams, ffmpeg=ffmpeg)
        for name in streams:
            eventually(partial(replaced, running, name), 2 * SECONDS + SLACK, "it is read again")
            running.wait_on_air(name, seconds=SECONDS)
            assert running.exits(name, "encoder", "").keys() == {"source_ended"}
            assert replaced(running, name).keys() == {"exit"}
            seen = incident(running, name)
            assert (seen["cause"], seen["segment"]) == ("source_ended", "source")


@contextmanager
def jumping(url: str, seconds: int, *, sound: bool) -> Iterator[None]:
    """A camera behind a relay, whose clock jumps when it has run for so long that somebody watches by then."""
    jump = f"PTS+if(gt(T,{JUMPS_AFTER}),{seconds}/TB,0)"
    inputs = ["-re", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25"]
    inputs += ["-re", "-f", "lavfi", "-i", "sine", "-af", f"asetpts='{jump}'", "-c:a", "aac"] if sound else []
    picture = ["-vf", f"setpts='{jump}'", "-fps_mode", "passthrough", "-enc_time_base", "1/1000", "-c:v", "libx264"]
    codec = ["-preset", "ultrafast", "-tune", "zerolatency", "-g", "25", "-pix_fmt", "yuv420p"]
    with running_ffmpeg(*inputs, *picture, *codec, "-max_interleave_delta", "100000", "-f", "flv", url):
        yield


def test_a_clock_that_jumps_further_than_silence_may_run_ahead_costs_a_moment(
    neverdark: Launch, ingest: Ingest, ffmpeg: str
) -> None:
    """The picture waited for silence that came in real time: a stall, and 13 to 17 s dark."""
    cameras = {"quiet": (120, False), "loud": (3600, True)}
    urls = {name: ingest.url.replace("/live", f"/live/camera-{name}") for name in cameras}
    with ExitStack() as stack:
        for name, (seconds, sound) in cameras.items():
            stack.enter_context(jumping(urls[name], seconds, sound=sound))
        running = neverdark({name: stream(urls[name], ingest, name) for name in cameras}, ffmpeg=ffmpeg)
        for name in cameras:
            eventually(partial(replaced, running, name), JUMPS_AFTER + 10 + SLACK, "the encoder is replaced")
            running.wait_on_air(name, seconds=10 + SLACK)
            assert replaced(running, name) == {"stall": 1}
            seen = incident(running, name)
            assert (seen["cause"], seen["segment"]) == ("clock_jumped", "source")
            assert not running.exits(name, "pusher", "yt"), "and the platform's connection stands"
