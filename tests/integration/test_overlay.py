"""What is laid over a picture: files that vanish and come back while the stream is on air."""

from __future__ import annotations

from pathlib import Path

from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.media import ffmpeg as run_ffmpeg
from tests.integration.harness.recipes import cam, secret
from tests.integration.harness.waiting import SLACK, eventually

ENCODER = ("cam", "encoder", "")


def test_no_file_that_vanishes_ends_the_encoder(ingest: Ingest, neverdark: Launch, tmp_path: Path, ffmpeg: str) -> None:
    text, image = tmp_path / "title.txt", tmp_path / "logo.png"
    text.write_text("first")
    stream = cam(ingest.url, secret("main"))
    stream["video"] |= {"overlay": [{"file": str(text)}, {"image": str(image), "position": "right"}]}
    running = neverdark({"cam": stream}, ffmpeg=ffmpeg)
    running.wait_on_air()
    copies = running.data_dir / "overlays"
    eventually(lambda: (copies / "cam.0.txt").read_text() == "first", SLACK, "the text is taken")
    encoder, frames = running.pid(*ENCODER), running.frames(*ENCODER)

    text.unlink()
    eventually(lambda: (copies / "cam.0.txt").read_text() == "", 1 + SLACK, "the text is gone")
    eventually(lambda: running.frames(*ENCODER) > frames + 40, 4 + SLACK, "frames are made without it")
    text.write_text("second")
    eventually(lambda: (copies / "cam.0.txt").read_text() == "second", 1 + SLACK, "the text is there again")
    assert running.pid(*ENCODER) == encoder

    client = ingest.publisher(secret("main")).client
    with run_ffmpeg("-f", "lavfi", "-i", "color=red:size=40x20", "-frames:v", "1", "-update", "1", str(image)) as made:
        made.wait(20)
    eventually(lambda: running.replaced(encoder, *ENCODER), 5 + SLACK, "an image that comes is taken")
    eventually(running.on_air, 5 + SLACK, "on air with it")
    assert ingest.publisher(secret("main")).client == client
    assert not running.get("/api/incidents").json()["incidents"]
