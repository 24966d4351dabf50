"""A process that is alive and does not advance is noticed and replaced in time, whatever the cause."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.media import publishing
from tests.integration.harness.recipes import cam, secret
from tests.integration.harness.supervised import Neverdark
from tests.integration.harness.valve import Valve
from tests.integration.harness.waiting import SLACK, eventually

TIMEOUT = 3.0
STALL = {"stall": {"startup": "20s", "timeout": TIMEOUT}}
PUSHER, ENCODER = ("cam", "pusher", "yt"), ("cam", "encoder", "")


def freeze(running: Neverdark, name: tuple[str, str, str]) -> None:
    """SIGSTOP, and wait until neverdark has put another process in its place, as fast as is promised."""
    old = running.pid(*name)
    os.kill(old, signal.SIGSTOP)
    eventually(lambda: running.pid(*name) != old, TIMEOUT + 3 + SLACK, "a frozen process is replaced")
    assert not Path(f"/proc/{old}").exists(), "SIGKILL ends a stopped process; SIGTERM would not"


def test_a_frozen_encoder_is_replaced(ingest: Ingest, neverdark: Launch, ffmpeg: str) -> None:
    key = secret("main")
    running = neverdark({"cam": cam(ingest.url, key, **STALL)}, ffmpeg=ffmpeg)
    running.wait_on_air()
    client, pusher = ingest.publisher(key).client, running.pid(*PUSHER)

    freeze(running, ENCODER)

    running.wait_on_air()
    # A pusher is not to blame for what its encoder does not send: same process, same connection.
    assert running.restarts() == {PUSHER: {}, ENCODER: {"stall": 1}}
    assert running.pid(*PUSHER) == pusher
    assert ingest.publisher(key).client == client
    assert running.one(*ENCODER)["last_failure"]["cause"] == "stall"


def test_a_frozen_pusher_is_replaced(ingest: Ingest, neverdark: Launch) -> None:
    key = secret("main")
    running = neverdark({"cam": cam(ingest.url, key, **STALL)})
    running.wait_on_air()
    encoder = running.pid(*ENCODER)

    freeze(running, PUSHER)

    running.wait_on_air()
    eventually(lambda: ingest.receives(key), SLACK, "the new pusher publishes")
    assert running.restarts() == {PUSHER: {"stall": 1}, ENCODER: {}}
    assert running.pid(*ENCODER) == encoder


def test_an_ingest_that_accepts_and_says_nothing(valve: Valve, neverdark: Launch) -> None:
    """A hung socket from the first byte: FFmpeg waits for the handshake for ever."""
    valve.freeze()
    running = neverdark({"cam": cam(valve.url, secret("main"), stall={"startup": TIMEOUT, "timeout": TIMEOUT})})

    eventually(
        lambda: running.restarts()[PUSHER].get("start_timeout"),
        TIMEOUT + 3 + SLACK,
        "a silent ingest is noticed",
    )
    assert not running.on_air()
    assert running.restarts()[ENCODER] == {}

    valve.thaw()
    running.wait_on_air()


def test_a_source_whose_socket_hangs(ingest: Ingest, valve: Valve, neverdark: Launch) -> None:
    """The camera's connection stays open and nothing comes any more."""
    key = secret("main")
    stream = cam(ingest.url, key, stall={"startup": "20s", "timeout": TIMEOUT})
    stream["source"] = {"url": f"{valve.url}/camera"}
    with publishing(f"{ingest.url}/camera"):
        eventually(lambda: ingest.receives("camera"), 5 + SLACK, "the camera is there")
        running = neverdark({"cam": stream})
        running.wait_on_air()
        client, old = ingest.publisher(key).client, running.pid(*ENCODER)

        valve.freeze()

        eventually(lambda: running.one(*ENCODER)["pid"] != old, TIMEOUT + 3 + SLACK, "noticed")
        failure = running.one(*ENCODER)["last_failure"]["cause"]
        assert failure in {"stall", "source_unreachable", "source_ended"}

        valve.thaw()
        running.wait_on_air()
        assert ingest.publisher(key).client == client
        assert running.restarts()[PUSHER] == {}
