"""Dark and still scenes, looked at for as long as told: nothing may be found in them.

Each scene is a camera of its own, an FFmpeg with an encoder such as cameras have, which a real neverdark takes in with
the content checks as they are by default. Ends with 1 when any finding came.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import requests

from tests.integration.harness.supervised import Neverdark
from tests.integration.harness.waiting import free_port

FINDINGS = ("black", "frozen", "silent", "loud")


class Scene(NamedTuple):
    """What a camera sees, in FFmpeg's filters, how loud it is around it (dB), and how it encodes that."""

    size: str
    rate: int
    seen: str
    bitrate: str
    gop: int  # frames from one keyframe to the next
    loudness: float = -50.0


_LAMP = "drawbox=x=iw*3/4:y=ih/4:w=iw/3:h=ih/3:color=0x505040:t=fill"
_BLACK_SKY = "drawbox=c=0x020202:t=fill,drawbox=x=40:y=90:w=80:h=36:color=0x908060:t=fill"
SCENES = {
    # A still street with sensor noise.
    "night": Scene("640x360", 25, f"{_LAMP},noise=alls=4:allf=t", "400k", 50),
    # Hardly any noise, hardly any bits for it, and keyframes that are 12 s apart: most likely to seem frozen.
    "smooth": Scene("320x180", 12, f"{_LAMP},noise=alls=2:allf=t", "60k", 144),
    # The exposure wanders up and down.
    "pumping": Scene("320x180", 12, f"{_LAMP},noise=alls=3:allf=t,eq=brightness=0.03*sin(t/4):eval=frame", "200k", 24),
    # From colour to infrared and back, every minute.
    "infrared": Scene("320x180", 12, f"{_LAMP},noise=alls=3:allf=t,hue=s=0:b=1:enable='lt(mod(t,120),60)'", "200k", 24),
    "rain": Scene("320x180", 12, f"{_LAMP},noise=alls=25:allf=t", "300k", 24),
    # A black sky, and lamps in a twentieth of the picture.
    "moonless": Scene("320x180", 12, f"{_BLACK_SKY},noise=alls=4:allf=t", "200k", 24),
    "quiet": Scene("320x180", 12, f"{_LAMP},noise=alls=3:allf=t", "200k", 24, -66.0),
}


@contextlib.contextmanager
def camera(scene: Scene, url: str) -> Iterator[None]:
    """It sends MPEG-TS there."""
    words = [
        *("ffmpeg", "-nostdin", "-v", "error", "-re"),
        *("-f", "lavfi", "-i", f"color=c=0x141414:size={scene.size}:rate={scene.rate},{scene.seen},format=yuv420p"),
        *(
            "-re",
            "-f",
            "lavfi",
            "-i",
            f"anoisesrc=color=pink:sample_rate=48000:amplitude={10 ** (scene.loudness / 20) * 8}",
        ),
        *("-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-threads", "1", "-bf", "0"),
        *("-b:v", scene.bitrate, "-maxrate", scene.bitrate, "-bufsize", scene.bitrate, "-g", str(scene.gop)),
        *("-c:a", "aac", "-b:a", "64k", "-f", "mpegts", f"{url}?pkt_size=1316"),
    ]
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()


class Seen:
    """What one stream has shown."""

    def __init__(self) -> None:
        self.values: dict[str, list[float]] = {}
        self.longest = self._equal = 0  # looks in a row at which nothing differed
        self.unknown = 0

    def take(self, content: dict[str, object]) -> None:
        for key in ("luma", "difference", "sound"):
            value = content[key]
            if isinstance(value, (int, float)):
                self.values.setdefault(key, []).append(float(value))
        self._equal = self._equal + 1 if content["difference"] == 0 else 0
        self.longest = max(self.longest, self._equal)
        self.unknown += content["verdict"] == "unknown"

    def __str__(self) -> str:
        spans = [f"{key} {min(found):.4g}..{max(found):.4g}" for key, found in self.values.items()]
        return f"{', '.join(spans)}; at most {self.longest} looks in a row without a difference; {self.unknown} unknown"


def watch(minutes: float, names: list[str], ffmpeg: str, folder: Path) -> dict[str, str]:
    """Look on: what was found of each, in words, empty for nothing; how it looked is printed."""
    ports = {name: free_port() for name in names}
    streams = {
        name: {
            "source": {"url": f"udp://127.0.0.1:{ports[name]}"},
            "video": {"codec": "libx264", "preset": "ultrafast", "bitrate": "400k", "keyframe_interval": "2s"},
            "destinations": {"out": {"url": f"udp://127.0.0.1:{free_port()}"}},
        }
        for name in names
    }
    seen = {name: Seen() for name in names}
    found = {}
    with contextlib.ExitStack() as running_now:
        for name in names:
            running_now.enter_context(camera(SCENES[name], f"udp://127.0.0.1:{ports[name]}"))
        running_now.enter_context(contextlib.redirect_stdout(io.StringIO()))  # its log, at the end
        running = running_now.enter_context(Neverdark(folder, streams, defaults={"content": True}, ffmpeg=ffmpeg))
        ends = time.monotonic() + 60 * minutes
        while time.monotonic() < ends:
            for name in names:
                with contextlib.suppress(requests.RequestException, AssertionError):
                    if content := running.stream(name)["content"]:
                        seen[name].take(content)
            time.sleep(1)
        for name in names:
            counts = {one: running.metric("content_found_total", stream=name, finding=one) for one in FINDINGS}
            found[name] = ", ".join(f"{one} {count:g}" for one, count in counts.items() if count)
            incidents = running.get(f"/api/streams/{name}/incidents").json()["incidents"]
            restarts = sum(running.restarts()[name, "encoder", ""].values())
            words = f"{name}: {found[name] or 'nothing found'}; {len(incidents)} incidents, {restarts:g} restarts"
            print(f"{words}; {seen[name]}", file=sys.stderr)
    return found


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--ffmpeg", default="ffmpeg", help="the program that neverdark uses")
    parser.add_argument("scenes", nargs="*", choices=[*SCENES, []])
    options = parser.parse_args()
    print(f"from {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC for {options.minutes:g} minutes", flush=True)
    with tempfile.TemporaryDirectory(prefix="neverdark-night-") as folder:
        found = watch(options.minutes, options.scenes or list(SCENES), options.ffmpeg, Path(folder))
    return 1 if any(found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
