"""Pictures of what is really sent: by API, and at an incident."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import requests

from tests.integration.conftest import Launch
from tests.integration.harness.recipes import Json, card
from tests.integration.harness.supervised import Neverdark
from tests.integration.harness.waiting import SLACK, eventually

BARS = {"url": "smptebars=size=480x360:rate=10", "format": "lavfi", "realtime": True}
YELLOW, RED, BLUE = (190, 190, 0), (190, 0, 0), (0, 0, 190)
KEYFRAME = 15 + SLACK


def copied(folder: Path) -> Path:
    """A camera's HEVC with B-frames, whose pixels are no squares: to be shown 16 to 9."""
    made = folder / "camera.ts"
    words = "-f lavfi -i smptebars=size=360x288:rate=10:duration=20,setsar=64/45 -c:v libx265 -preset ultrafast"
    options = ("-x265-params", "keyint=10:min-keyint=10:bframes=2:b-adapt=0:log-level=0")
    ffmpeg = shutil.which("ffmpeg")
    assert ffmpeg, "no FFmpeg on PATH"
    subprocess.run([ffmpeg, "-nostdin", "-v", "error", *words.split(), *options, str(made)], check=True, timeout=60)
    return made


def pixels(jpeg: bytes) -> tuple[int, int, bytes]:
    """Width, height and RGB."""
    ffmpeg = shutil.which("ffmpeg")
    assert ffmpeg, "no FFmpeg on PATH"
    words = [ffmpeg, "-v", "error", "-f", "mjpeg", "-i", "pipe:0", "-f", "image2pipe", "-c:v", "ppm", "pipe:1"]
    made = subprocess.run(words, input=jpeg, capture_output=True, check=True, timeout=30).stdout
    kind, size, most, colours = made.split(b"\n", 3)
    assert (kind, most) == (b"P6", b"255")
    width, height = map(int, size.split())
    return width, height, colours


def assert_bars(jpeg: bytes, height: int) -> None:
    """The second, the sixth and the seventh bar have their colours, as near as JPEG keeps them."""
    assert len(jpeg) < 200_000
    width, tall, colours = pixels(jpeg)
    assert (width, tall) == (320, height)
    for bar, colour in ((1, YELLOW), (5, RED), (6, BLUE)):
        at = 3 * (height // 4 * width + int((bar + 0.5) * width / 7))
        found = tuple(colours[at : at + 3])
        assert all(abs(one - other) < 40 for one, other in zip(found, colour, strict=True)), (bar, found)


def picture(running: Neverdark, stream: str) -> requests.Response:
    return requests.get(f"{running.url}/api/streams/{stream}/thumbnail", timeout=KEYFRAME)


def incidents(running: Neverdark, stream: str) -> list[Json]:
    found: list[Json] = running.get(f"/api/streams/{stream}/incidents").json()["incidents"]
    return found


def test_what_is_sent_is_seen_and_kept_at_an_incident(neverdark: Launch, ffmpeg: str, tmp_path: Path) -> None:
    def to(name: str) -> Json:
        return {"destinations": {"file": {"url": str(tmp_path / f"{name}.ts")}}}

    camera = {"url": str(copied(tmp_path)), "realtime": True, "loop": True}
    streams: dict[str, object] = {
        "bars": card() | {"source": BARS} | to("bars"),
        "camera": {"source": camera, "video": {"codec": "copy"}} | to("camera"),
        "tool": {"command": ["sleep", "1000"]},
    }
    running = neverdark(streams, ffmpeg=ffmpeg)
    running.wait_on_air("bars", "camera")
    for name, height in (("bars", 240), ("camera", 180)):
        answer = picture(running, name)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg"), answer.text
        assert_bars(answer.content, height)
    assert picture(running, "tool").status_code == 409
    assert running.metric("thumbnails_total", result="made") == 2

    os.kill(running.pid("bars", "pusher", "file"), signal.SIGKILL)
    eventually(
        lambda: any(one["thumbnail"] for one in incidents(running, "bars")), KEYFRAME, "what was seen then is kept"
    )
    (one,) = incidents(running, "bars")
    assert_bars(running.get(f"/api/incidents/{one['id']}/thumbnail").content, 240)
    assert running.restarts()["bars", "encoder", ""].get("stall", 0) == 0
    assert [path.name for path in (running.data_dir / "thumbnails").iterdir()] == [f"{one['id']}.jpg"]
    assert incidents(running, "camera") == [], "looking disturbs nobody"
