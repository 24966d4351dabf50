"""FFmpeg as the world around neverdark: cameras, foreign publishers, and a look into what was received."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.integration.harness.recipes import Json

QUIET = ("ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "error")
_PICTURE = ("-f", "lavfi", "-i", "testsrc2=size=320x180:rate=10")
_CODEC = ("-c:v", "libx264", "-preset", "ultrafast", "-b:v", "300k", "-g", "10", "-pix_fmt", "yuv420p")


@contextmanager
def ffmpeg(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """An FFmpeg of the test's own, ended with the block."""
    with subprocess.Popen([*QUIET, *arguments], stdin=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def publishing(url: str) -> Iterator[subprocess.Popen[bytes]]:
    """Somebody else publishes a test card to an RTMP URL: a camera, or a second publisher on our key."""
    with ffmpeg("-re", *_PICTURE, *_CODEC, "-f", "flv", url) as process:
        yield process


@contextmanager
def insisting(url: str) -> Iterator[None]:
    """A publisher as OBS is, with sound: it calls again until it is heard, and whenever it was dropped."""
    container = "flv" if url.startswith("rtmp") else "mpegts"
    picture = ("-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25", "-f", "lavfi", "-i", "sine")
    argv = [*QUIET[:-1], "fatal", "-re", *picture, *_CODEC, "-c:a", "aac", "-f", container, url]
    loop = ["sh", "-c", 'while :; do "$@" 2>/dev/null; sleep 0.3; done', "publisher", *argv]
    with subprocess.Popen(loop, stdin=subprocess.DEVNULL, start_new_session=True) as process:
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def record(path: Path, seconds: float, *, sound: bool = False) -> Path:
    """Make a file with so much of a test card."""
    inputs = [*_PICTURE, *(("-f", "lavfi", "-i", "sine", "-c:a", "aac") if sound else ())]
    subprocess.run([*QUIET, *inputs, *_CODEC, "-t", f"{seconds:g}", "-y", str(path)], check=True, timeout=60)
    return path


def tracks(path: Path) -> dict[str, Json]:
    """What a file holds, by kind of track, as ffprobe sees it; a file that is still being written will do."""
    argv = ["ffprobe", "-loglevel", "error", "-show_streams", "-of", "json", str(path)]
    found = json.loads(subprocess.run(argv, capture_output=True, timeout=30, check=True).stdout)
    return {track["codec_type"]: track for track in found["streams"]}


def loudness(path: Path) -> float:
    """The mean volume in dB; digital silence is -91."""
    argv = [
        "ffmpeg",
        "-hide_banner",
        "-nostdin",
        "-i",
        str(path),
        "-vn",
        "-af",
        "volumedetect",
        "-f",
        "null",
        "-",
    ]
    said = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=True).stderr
    return float(said.partition("mean_volume:")[2].split()[0])


class MediaLink(NamedTuple):
    """Where a pusher's media comes in, and the port that it may come from."""

    host: str
    port: int
    sender: int


def media_link(pid: int) -> MediaLink:
    """The media socket that a pusher holds, by the kernel's table. Raises LookupError."""
    inode = re.fullmatch(r"socket:\[(\d+)\]", str(Path(f"/proc/{pid}/fd/3").readlink()))
    for line in Path("/proc/net/udp").read_text().splitlines()[1:]:
        fields = line.split()
        if inode and fields[9] == inode[1]:
            (host, port), (_, sender) = (field.split(":") for field in fields[1:3])
            return MediaLink(socket.inet_ntoa(bytes.fromhex(host)[::-1]), int(port, 16), int(sender, 16))
    raise LookupError(f"the pusher {pid} has no media socket")
