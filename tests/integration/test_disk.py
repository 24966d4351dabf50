"""A disk that is full or read-only costs log lines, never a stream, and it is told."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest

from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.recipes import cam, secret
from tests.integration.harness.supervised import Neverdark
from tests.integration.harness.waiting import SLACK, all_along, eventually

PUSHER, ENCODER = ("cam", "pusher", "yt"), ("cam", "encoder", "")


def on_tmpfs(running: Neverdark, options: str, folder: Path | None = None) -> None:
    """Its data_dir, or `folder`, becomes a file system of its own, in a mount namespace that goes when neverdark does.

    Root needs no user namespace for that; anybody else gets one, so that the test runs for everybody.
    """
    folder = folder or running.data_dir
    folder.mkdir()
    mount = 'mount -t tmpfs -o "$1" tmpfs "$2" && shift 2 && exec "$@"'
    namespace = ["unshare", "--mount"] if os.getuid() == 0 else ["unshare", "--map-root-user", "--mount"]
    running.wrapper = [*namespace, "sh", "-c", mount, "sh", options, str(folder)]


def fill(folder: Path) -> None:
    with (folder / "ballast").open("wb", buffering=0) as ballast, contextlib.suppress(OSError):
        while True:
            ballast.write(bytes(4096))


def test_a_disk_that_fills_up_is_told_once_and_streams_go_on(ingest: Ingest, unstarted: Launch) -> None:
    key = secret("main")
    # A destination that fails again and again makes log lines again and again.
    stream = cam(ingest.url, key, restart={"max_delay": "500ms", "attempts": 1000})
    stream["destinations"]["dead"] = {"url": "rtmp://127.0.0.1:9/live", "key": secret("dead"), "required": False}
    running = unstarted({"cam": stream})
    on_tmpfs(running, "size=8m")  # what is remembered needs some of it, and more while it is written
    running.start().wait_on_air()
    client = eventually(lambda: ingest.publisher(key), SLACK, "published").client

    fill(running.inside())

    eventually(lambda: "cannot write" in running.log(), 5 + SLACK, "it is told")
    tried = running.restarts()["cam", "pusher", "dead"]["exit"]
    eventually(lambda: running.restarts()["cam", "pusher", "dead"]["exit"] >= tried + 4, 6 + SLACK, "life goes on")
    assert running.log().count("cannot write") == 1, "told once, not with every line"
    assert running.metric("data_dir_free_bytes") < 8192
    assert running.on_air()
    assert running.restarts()[PUSHER] == running.restarts()[ENCODER] == {}
    assert ingest.publisher(key).client == client

    (running.inside() / "ballast").unlink()
    eventually(lambda: "can write again" in running.log(), 15 + SLACK, "and it is told when it is over")
    assert running.log().count("can write again") == 1


@pytest.mark.parametrize("options", ["size=256k,ro", "size=4k"], ids=["read-only", "no room at all"])
def test_a_disk_that_takes_nothing_from_the_start(options: str, ingest: Ingest, unstarted: Launch) -> None:
    key = secret("main")
    running = unstarted({"cam": cam(ingest.url, key)})
    on_tmpfs(running, options)
    running.start().wait_on_air()
    eventually(lambda: ingest.receives(key), SLACK, "received")

    # Its processes are kept as ever.
    assert running.post("/api/streams/cam/restart").status_code == 202
    eventually(lambda: running.restarts()[ENCODER] == {"operator": 1}, 5 + SLACK, "restarted")
    running.wait_on_air()
    all_along(running.on_air, 1, "on air")
    assert running.log().count("cannot write") == 1


def test_a_full_disk_leaves_no_litter_where_recordings_are_kept(
    tmp_path: Path, ingest: Ingest, unstarted: Launch
) -> None:
    key, folder = secret("main"), tmp_path / "records"
    stream = cam(ingest.url, key)
    stream["destinations"]["tape"] = {"url": str(folder / "tape.ts"), "required": False}
    running = unstarted({"cam": stream})
    on_tmpfs(running, "size=6m", folder)
    running.start().wait_on_air()
    assert running.process is not None
    inside = Path(f"/proc/{running.process.pid}/root{folder}")
    eventually(lambda: (inside / "tape.ts").stat().st_size > 0, 10 + SLACK, "it is recorded")

    def disk_full() -> float:
        return running.metric("process_exits_total", stream="cam", role="pusher", destination="tape", cause="disk_full")

    def empty() -> list[str]:
        return [file.name for file in inside.iterdir() if not file.stat().st_size]

    def at_rest() -> bool:
        return running.metric("restart_backoff_seconds", stream="cam", role="pusher", destination="tape") > 5

    fill(inside)
    eventually(disk_full, 10 + SLACK, "the disk is full")
    eventually(at_rest, SLACK + 5, "it is tried less often")
    whole = (inside / "tape.ts").stat().st_size
    assert running.on_air()
    assert running.restarts()[ENCODER] == running.restarts()[PUSHER] == {}
    running.post("/api/streams/cam/restart")
    eventually(lambda: disk_full() >= 2 and not empty(), 10 + SLACK, "an attempt in vain, and nothing is left of it")
    assert {file.name for file in inside.iterdir()} == {"tape.ts", "ballast"}
    assert (inside / "tape.ts").stat().st_size == whole > 0

    (inside / "ballast").unlink()
    running.post("/api/streams/cam/restart")
    eventually(lambda: len([*inside.glob("tape.*Z-*.ts")]) == 1 and not empty(), 10 + SLACK, "it goes on in a new file")
    assert (inside / "tape.ts").stat().st_size == whole
