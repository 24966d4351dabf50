"""A disk that is full or read-only costs log lines, never a stream; lesson 15: somebody is told."""

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


def on_tmpfs(running: Neverdark, options: str) -> None:
    """Its data_dir becomes a file system of its own, in a mount namespace that goes when neverdark does.

    Root needs no user namespace for that; anybody else gets one, so that the test runs for everybody.
    """
    running.data_dir.mkdir()
    mount = 'mount -t tmpfs -o "$1" tmpfs "$2" && shift 2 && exec "$@"'
    namespace = ["unshare", "--mount"] if os.getuid() == 0 else ["unshare", "--map-root-user", "--mount"]
    running.wrapper = [*namespace, "sh", "-c", mount, "sh", options, str(running.data_dir)]


def fill(folder: Path) -> None:
    with (folder / "ballast").open("wb", buffering=0) as ballast, contextlib.suppress(OSError):
        while True:
            ballast.write(bytes(4096))


def test_lesson_15_a_disk_that_fills_up_is_told_once_and_streams_go_on(ingest: Ingest, unstarted: Launch) -> None:
    key = secret("main")
    # A destination that fails again and again makes log lines again and again.
    stream = cam(ingest.url, key, restart={"max_delay": "500ms", "attempts": 1000})
    stream["destinations"]["dead"] = {"url": "rtmp://127.0.0.1:9/live", "key": secret("dead"), "required": False}
    running = unstarted({"cam": stream})
    on_tmpfs(running, "size=256k")
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
