"""What viewers are given while encoders change places: no frame less, on the connection that they have."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.media import QUIET, ffmpeg, publishing
from tests.integration.harness.recipes import cam, card, secret
from tests.integration.harness.supervised import Neverdark
from tests.integration.harness.waiting import ON_AIR, all_along, eventually

PUSHER, ENCODER = ("cam", "pusher", "yt"), ("cam", "encoder", "")
FRAME = 0.1  # seconds, of the test card


@contextmanager
def recording(ingest: Ingest, key: str, file: Path) -> Iterator[None]:
    """What a viewer gets, from now on."""
    with ffmpeg(
        "-i", f"{ingest.url}/{key}", "-c", "copy", "-flush_packets", "1", "-f", "flv", "-y", str(file)
    ) as viewer:
        eventually(lambda: file.exists() and file.stat().st_size > 3_000, ON_AIR, "a viewer sees it")
        yield
        viewer.send_signal(signal.SIGINT)  # a file that ends in the middle of a frame would be a fault of its own
        viewer.wait(ON_AIR)


def grows(file: Path, by: int = 40_000) -> None:
    size = file.stat().st_size
    eventually(lambda: file.stat().st_size > size + by, ON_AIR, "the viewer goes on seeing something")


def steps(file: Path) -> list[float]:
    """Seconds from each frame to the next, as they were received."""
    argv = ["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "packet=dts_time", "-of", "csv=p=0"]
    said = subprocess.run([*argv, str(file)], capture_output=True, text=True, timeout=60, check=True).stdout
    stamps = [float(word.strip(",")) for word in said.split()]
    return [after - before for before, after in pairwise(stamps)]


def faults(file: Path) -> str:
    """What a decoder finds wrong."""
    argv = [*QUIET, "-i", str(file), "-fps_mode", "passthrough", "-f", "null", "-"]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True).stderr


def active(running: Neverdark) -> str:
    return str(running.stream("cam")["source"])


def test_a_planned_restart_costs_no_frame(ingest: Ingest, neverdark: Launch, ffmpeg: str, tmp_path: Path) -> None:
    key, seen = secret("main"), tmp_path / "seen.flv"
    running = neverdark({"cam": cam(ingest.url, key)}, ffmpeg=ffmpeg)
    running.wait_on_air()
    connection = ingest.publishers()[key].client
    with recording(ingest, key, seen):
        pid = running.pid(*ENCODER)
        assert running.post("/api/streams/cam/restart").status_code == 202
        eventually(lambda: running.pid(*ENCODER) != pid, ON_AIR, "another encoder feeds")
        grows(seen)
    assert ingest.publishers()[key].client == connection
    assert running.restarts() == {PUSHER: {}, ENCODER: {"operator": 1}}
    assert 0 < min(steps(seen)) <= max(steps(seen)) < 2.5 * FRAME
    assert faults(seen) == ""


def test_the_slate_is_shown_while_the_source_is_gone(ingest: Ingest, neverdark: Launch, tmp_path: Path) -> None:
    key, seen = secret("main"), tmp_path / "seen.flv"
    stream = card(size="320x180", fps=10) | {
        "source": {"url": f"{ingest.url}/camera"},
        "destinations": {"yt": {"url": ingest.url, "key": key}},
        "fallback": [{"slate": True}],
        "fallback_policy": {"return_after": "3s"},
    }
    with publishing(f"{ingest.url}/camera"):
        running = neverdark({"cam": stream})
        running.wait_on_air()
        connection = ingest.publishers()[key].client
        slates = running.data_dir / "slates"
        eventually(lambda: list(slates.glob("[!.]*.mkv")), ON_AIR, "the slate is made before it is needed")
    with recording(ingest, key, seen):
        eventually(lambda: active(running) == "fallback1", ON_AIR, "viewers see the slate")
        grows(seen, 5_000)
        assert running.stream("cam")["on_air"]
        with publishing(f"{ingest.url}/camera"):
            eventually(lambda: active(running) == "primary", 3 * ON_AIR, "the source is taken back")
            all_along(lambda: active(running) == "primary", 2.0, "and stays")
            grows(seen)
            assert ingest.publishers()[key].client == connection
            metric = {"stream": "cam", "source": "primary"}
            assert running.metric("stream_source_active", **metric) == 1
    assert min(steps(seen)) > 0
    assert faults(seen) == ""
