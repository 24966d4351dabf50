"""Lesson 3: an internet outage made layer 2 stop the stream, and with it layer 1's retries; nothing came back."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.netns import Door, OwnLine
from tests.integration.harness.recipes import Json, cam, secret
from tests.integration.harness.supervised import Neverdark
from tests.integration.harness.waiting import SLACK, all_along, eventually

PUSHER, ENCODER = ("cam", "pusher", "yt"), ("cam", "encoder", "")
UPLINK = 2.0
ATTEMPTS = 4
# A blocked uplink is noticed, the pusher replaced, and what a fresh one is given to connect undisturbed (5 s) runs
# out; then a probe gets no answer for 4 s.
NOTICED = UPLINK + 2 + 5 + 4 + 2
# It is looked at every 5 s, by a probe that may have just begun to wait 4 s in vain; then a stream starts.
BACK = 5 + 4 + 5
QUICK: Json = {
    "watchdog": {"interval": "1s", "failures": 3, "cooldown": "3s"},
    "restart": {"attempts": ATTEMPTS, "reset_after": "1s", "initial_delay": "500ms"},
    "uplink": {"timeout": UPLINK},
}


@pytest.mark.skipif(os.getuid() != 0, reason="a network namespace that is joined to ours needs root")
@pytest.mark.parametrize("how", ["cut", "unplugged"])
def test_lesson_03_our_own_line_is_down(how: str, tmp_path: Path, unstarted: Launch) -> None:
    """Nothing is attempted, nothing is spent, layer 2 keeps its hands off; when it is back, so is the stream."""
    key = secret("main")
    with OwnLine() as line, socket.create_server((line.far, 0)) as reference:
        ingest = Ingest(tmp_path / "ingest", line.far)
        ingest.start()
        try:
            host, port = reference.getsockname()
            running = unstarted({"cam": cam(ingest.url, key, **QUICK)}, network={"reference": f"{host}:{port}"})
            running.wrapper = line.wrapper
            with Door(line, running.port) as door:
                running.port = door.port
                running.start().wait_on_air()
                down, up = (line.cut, line.join) if how == "cut" else (line.unplug, line.plug_in)
                _outage(running, ingest, key, down, up)
                running.end()
        finally:
            ingest.close()


def _outage(running: Neverdark, ingest: Ingest, key: str, cut: Callable[[], None], mend: Callable[[], None]) -> None:
    encoder = running.pid(*ENCODER)
    eventually(lambda: running.metric("network_reachable", probe="reference") == 1, SLACK + 5, "the reference is known")
    eventually(lambda: running.one(*PUSHER)["budget_remaining"] == ATTEMPTS, SLACK, "all attempts are there")

    cut()
    eventually(lambda: "our own line is down" in running.log(), NOTICED + SLACK, "noticed")
    eventually(lambda: running.one(*PUSHER)["state"] == "backoff", 1 + SLACK, "nobody tries any more")
    before = running.one(*PUSHER)
    assert before["budget_remaining"] == ATTEMPTS, "nothing is spent"
    assert before["pid"] is None

    def nothing_is_attempted() -> bool:
        now = running.one(*PUSHER)
        same = all(now[what] == before[what] for what in ("run_id", "restarts", "pid", "budget_remaining"))
        return same and running.get("/healthz").ok and not running.on_air()

    all_along(nothing_is_attempted, 4, "the line is down")  # long enough for layer 2's three checks
    watched = running.get("/api/watchdog/status").json()["watchdogs"]["cam:yt"]
    assert watched["consecutive_unhealthy"] >= 3
    assert watched["recovery_count"] == 0
    assert "our own line is down: waiting until it is back" in running.log(), "layer 2 says why it does nothing"
    assert running.metric("network_reachable", probe="ingest") == 0
    assert running.metric("network_reachable", probe="reference") == 0
    assert running.metric("incident_open", stream="cam", segment="network") == 1
    (incident,) = running.get("/api/incidents").json()["incidents"]
    assert (incident["segment"], incident["cause"], incident["closed"]) == ("network", "network_down", None)
    assert incident["destination"] == "yt"

    mend()
    running.wait_on_air(seconds=BACK + SLACK)
    eventually(lambda: ingest.receives(key), SLACK, "received")
    assert "our own line is back" in running.log()
    assert running.one(*PUSHER)["budget_remaining"] == ATTEMPTS
    assert sum(running.restarts()[PUSHER].values()) <= sum(before["restarts"].values()) + 2, "no storm"
    assert running.metric("recovery_attempts_total", layer="watchdog") == 0
    assert running.metric("stream_off_air_seconds_total", segment="network") > 4
    assert running.metric("incidents_total", segment="network") == running.metric("incidents_total")
    assert running.pid(*ENCODER) == encoder, "the encoder has nothing to do with it"
