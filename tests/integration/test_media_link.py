"""Between encoder and pusher: loopback ports that others may take, and datagrams that nobody may lose."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.media import QUIET, media_link
from tests.integration.harness.recipes import cam, secret
from tests.integration.harness.supervised import Neverdark
from tests.integration.harness.waiting import SLACK, all_along, eventually

PUSHER, ENCODER = ("cam", "pusher", "yt"), ("cam", "encoder", "")
STREAMS, BITRATE, HOGS, SECONDS = 4, 20_000_000, 4, 10


def media_port(running: Neverdark) -> int:
    """Where the pusher's media comes in."""
    return media_link(running.pid(*PUSHER)).port


@contextmanager
def taken(port: int) -> Iterator[None]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.1", port))
        yield


def test_a_port_that_is_taken_at_the_start_is_left_alone(ingest: Ingest, unstarted: Launch) -> None:
    running = unstarted({"cam": cam(ingest.url, secret("main"))}, ports="20000-20002")
    with ExitStack() as strangers:
        for port in (20000, 20002):
            try:
                strangers.enter_context(taken(port))
            except OSError:
                continue  # by another test's neverdark: as good
        running.start().wait_on_air()
        assert media_port(running) == 20001
        assert running.restarts() == {PUSHER: {}, ENCODER: {}}


def test_a_port_cannot_be_taken_while_its_pusher_is_down(ingest: Ingest, neverdark: Launch, ffmpeg: str) -> None:
    """neverdark holds it: whoever is replaced finds it as it was, and nobody else had it meanwhile."""
    slow = {"initial_delay": "2s", "jitter": 0}
    running = neverdark({"cam": cam(ingest.url, secret("main"), restart=slow)}, ffmpeg=ffmpeg)
    running.wait_on_air()
    port, pid = media_port(running), running.pid(*PUSHER)

    subprocess.run(["kill", "-KILL", str(pid)], check=True)
    eventually(lambda: running.one(*PUSHER)["state"] == "backoff", SLACK, "it is down")
    with pytest.raises(OSError, match="in use"), taken(port):
        pass
    eventually(lambda: running.replaced(pid, *PUSHER), 2 + SLACK, "it is back")
    running.wait_on_air()
    assert media_port(running) == port
    assert running.restarts()[ENCODER] == {}


@pytest.mark.alone
def test_four_times_twenty_megabits_beside_cpu_hogs_lose_no_datagram(neverdark: Launch, tmp_path: Path) -> None:
    clip = tmp_path / "clip.ts"
    picture = "testsrc2=size=1280x720:rate=25,noise=alls=80:allf=t"
    rate = str(BITRATE)
    argv = [*QUIET, "-f", "lavfi", "-i", picture, "-t", "4", "-c:v", "libx264", "-preset", "ultrafast", "-g", "50"]
    argv += ["-b:v", rate, "-minrate", rate, "-maxrate", rate, "-bufsize", rate, "-x264-params", "nal-hrd=cbr"]
    subprocess.run([*argv, "-pix_fmt", "yuv420p", str(clip)], check=True, timeout=90)
    assert clip.stat().st_size > 0.9 * BITRATE / 8 * 4, "the clip is not what this test is about"

    streams: dict[str, object] = {
        f"cam{number}": {
            "source": {"url": str(clip), "realtime": True, "loop": True},
            "video": {"codec": "copy"},
            "audio": {"source": "none"},
            "destinations": {"file": {"url": str(tmp_path / f"out{number}.ts")}},
        }
        for number in range(STREAMS)
    }
    running = neverdark(streams)
    running.wait_on_air()
    hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(HOGS)]
    try:
        before = running.metric("progress_bytes_total", role="pusher")
        all_along(lambda: running.metric("media_dropped_datagrams_total") == 0, SECONDS, "datagrams are lost")
        sent = running.metric("progress_bytes_total", role="pusher") - before
    finally:
        for hog in hogs:
            hog.send_signal(signal.SIGKILL)
            hog.wait()
    # It was the load that it claims to be. FFmpeg reports its progress late, so not all of it is seen yet.
    assert sent > 0.7 * STREAMS * BITRATE / 8 * SECONDS
    texts = [file.read_text(errors="replace") for file in running.log_files()]  # the database is among them
    corrupt = [line for text in texts for line in text.splitlines() if "corrupt" in line]
    assert not corrupt, "FFmpeg has seen a gap"
    assert not any(running.restarts().values())
    running.stop()
    for recording in tmp_path.glob("out*.ts"):
        recording.unlink()  # 100 MB
