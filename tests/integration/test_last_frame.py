"""What viewers see while the source is gone is the last good frame of it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.media import QUIET, publishing
from tests.integration.harness.recipes import secret
from tests.integration.harness.supervised import Neverdark
from tests.integration.harness.waiting import ON_AIR, SLACK, STARTED, eventually
from tests.integration.test_adopted_fallback import cam
from tests.integration.test_switching import active

SATURATED = re.compile(r"SATAVG=([0-9.]+)")


def saturation(file: Path) -> float:
    """How colourful a picture is on average: the test card is, a slate with text is not."""
    show = "signalstats,metadata=mode=print:key=lavfi.signalstats.SATAVG:file=-"
    argv = [*QUIET, "-i", str(file), "-frames:v", "1", "-vf", show, "-f", "null", "-"]
    said = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True).stdout
    return float(SATURATED.findall(said)[0])


def seen(running: Neverdark, folder: Path) -> float:
    picture = folder / "seen.jpg"
    picture.write_bytes(running.get("/api/streams/cam/thumbnail").content)
    return saturation(picture)


def test_the_slate_is_the_last_frame(ingest: Ingest, neverdark: Launch, ffmpeg: str, tmp_path: Path) -> None:
    key = secret("main")
    stream = cam(ingest, key, {"slate": {"last_frame": True, "every": "1h"}})
    with publishing(f"{ingest.url}/camera"):
        running = neverdark({"cam": stream}, ffmpeg=ffmpeg)
        running.wait_on_air()
        slates, frames = running.data_dir / "slates", running.data_dir / "frames"
        (frame,) = eventually(lambda: list(frames.glob("*.jpg")), STARTED, "a frame is kept")
        kept = saturation(frame)
        eventually(
            lambda: any(saturation(one) > kept / 2 for one in slates.glob("[!.]*.mkv")), 2 * ON_AIR, "and made a slate"
        )
        connection = ingest.publishers()[key].client
    eventually(lambda: active(running) == "fallback1", ON_AIR, "the source is gone")
    eventually(running.on_air, SLACK, "viewers see the slate")
    assert seen(running, tmp_path) > kept / 2 > 10
    assert ingest.publishers()[key].client == connection
