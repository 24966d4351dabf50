"""A destination that is a folder of segments: what is written, kept and listed, and that nothing live pays for it."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.media import tracks
from tests.integration.harness.recipes import cam, secret
from tests.integration.harness.waiting import SLACK, all_along, eventually
from tests.integration.test_disk import on_tmpfs

TAPE = ("cam", "pusher", "tape")
LIVE, ENCODER = ("cam", "pusher", "yt"), ("cam", "encoder", "")


def recorded(url: str, key: str, folder: Path, **more: Any) -> dict[str, Any]:
    """A stream that is sent and recorded."""
    stream = cam(url, key)
    stream["destinations"]["tape"] = {"recording": {"directory": str(folder), "segment": "10s", **more}}
    return stream


def segments(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.name.startswith("cam.tape.2"))


def test_what_a_kill_leaves_can_be_played_and_is_listed(
    ingest: Ingest, neverdark: Launch, tmp_path: Path, ffmpeg: str
) -> None:
    folder = tmp_path / "100% tape"
    folder.mkdir()
    running = neverdark({"cam": recorded(ingest.url, secret("main"), folder)}, ffmpeg=ffmpeg)
    running.wait_on_air()
    first = eventually(lambda: segments(folder), 5 + SLACK, "a segment has begun")[0]
    eventually(lambda: first.stat().st_size > 30_000, 10 + SLACK, "something is in it")
    os.kill(running.pid(*TAPE), signal.SIGKILL)
    eventually(lambda: len(segments(folder)) == 2, 10 + SLACK, "the next run has a file of its own")
    assert tracks(first).keys() == {"video", "audio"}
    assert running.restarts()[LIVE] == running.restarts()[ENCODER] == {}

    def listed() -> list[str]:
        index = folder / "cam.tape.index.jsonl"
        return [json.loads(line)["segment"] for line in index.read_text().splitlines() if "segment" in line]

    both = {file.name for file in segments(folder)}
    eventually(lambda: both <= set(listed()), 15 + SLACK, "both are listed")
    (asked,) = running.get("/api/streams/cam/recordings").json()["recordings"]
    assert both <= {one["file"] for one in asked["segments"]}
    assert (asked["destination"], asked["directory"], asked["trouble"]) == ("tape", str(folder), None)
    assert [gap["seconds"] > 0 for gap in asked["gaps"]] == [True] * len(asked["gaps"])
    said = running.cli("recordings", "cam")
    assert said.returncode == 0
    assert all(name in said.stdout for name in both)


def test_a_disk_without_room_holds_up_the_recording_alone(ingest: Ingest, unstarted: Launch, tmp_path: Path) -> None:
    key, folder = secret("main"), tmp_path / "tape"
    running = unstarted({"cam": recorded(ingest.url, key, folder, keep={"free": "20%"})})
    on_tmpfs(running, "size=4m", folder)
    running.start().wait_on_air()
    assert running.process is not None
    inside = Path(f"/proc/{running.process.pid}/root{folder}")
    eventually(lambda: segments(inside), 10 + SLACK, "it is recorded")
    client = eventually(lambda: ingest.publisher(key), SLACK, "published").client

    (inside / "ballast").write_bytes(bytes(3_500_000))
    eventually(lambda: running.one(*TAPE)["state"] in {"backoff", "cooldown"}, 20 + SLACK, "the recording waits")
    eventually(lambda: "of the disk is free" in running.log(), SLACK, "and says for what")
    (incident,) = running.get("/api/streams/cam/incidents").json()["incidents"]
    assert (incident["destination"], incident["cause"]) in {("tape", "storage"), ("tape", "disk_full")}
    all_along(running.on_air, 1, "the stream is on air all the same")

    (inside / "ballast").unlink()
    eventually(lambda: running.one(*TAPE)["state"] == "running", 20 + SLACK, "it goes on where there is room again")
    assert running.restarts()[LIVE] == running.restarts()[ENCODER] == {}
    assert ingest.publisher(key).client == client
