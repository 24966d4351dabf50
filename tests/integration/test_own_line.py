"""While our own line is down nothing is attempted and no attempt is spent; when it is back, so are the streams."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.integration.harness.ingest import Ingest
from tests.integration.harness.netns import Door, OwnLine
from tests.integration.harness.recipes import Json, cam, secret
from tests.integration.harness.supervised import Neverdark
from tests.integration.harness.waiting import SLACK, all_along, eventually

PUSHER, ENCODER = ("cam", "pusher", "yt"), ("cam", "encoder", "")
UPLINK = 2.0
ATTEMPTS = 6
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
@pytest.mark.parametrize("how", ["lost", "unplugged"])
def test_our_own_line_is_down(how: str, tmp_path: Path) -> None:
    """Nothing is attempted, nothing is spent, layer 2 keeps its hands off; when it is back, so is the stream."""
    key = secret("main")
    with ExitStack() as world:
        line = world.enter_context(OwnLine())
        host, port = world.enter_context(socket.create_server((line.far, 0))).getsockname()
        ingest = Ingest(tmp_path / "ingest", line.far)
        world.callback(ingest.close)
        ingest.start()
        streams = {"cam": cam(ingest.url, key, **QUICK)}
        running = Neverdark(tmp_path / "neverdark", streams, network={"reference": f"{host}:{port}"})
        running.wrapper = line.wrapper
        running.port = world.enter_context(Door(line, running.port)).port
        world.enter_context(running)
        running.wait_on_air()
        if how == "lost":
            _outage(running, ingest, key, line.lose, line.find)
        else:
            _outage(running, ingest, key, line.unplug, line.plug_in)


def _outage(running: Neverdark, ingest: Ingest, key: str, cut: Callable[[], None], mend: Callable[[], None]) -> None:
    encoder = running.pid(*ENCODER)
    eventually(lambda: running.metric("network_reachable", probe="reference") == 1, SLACK + 5, "the reference is known")
    eventually(lambda: running.one(*PUSHER)["budget_remaining"] == ATTEMPTS, SLACK, "all attempts are there")

    cut()
    eventually(lambda: "our own line is down" in running.log(), NOTICED + SLACK, "noticed")
    eventually(lambda: running.one(*PUSHER)["state"] == "backoff", 1 + SLACK, "nobody tries any more")
    # What was tried before anybody knew is given back in the same turn, which is shown a moment after it.
    eventually(lambda: running.one(*PUSHER)["budget_remaining"] == ATTEMPTS, 1 + SLACK, "nothing is spent")
    before = running.one(*PUSHER)
    assert before["pid"] is None

    def nothing_is_attempted() -> bool:
        now = running.one(*PUSHER)
        same = all(now[what] == before[what] for what in ("run_id", "restarts", "pid", "budget_remaining"))
        return same and running.get("/healthz").ok and not running.on_air()

    all_along(nothing_is_attempted, 2, "the line is down")
    waits = "our own line is down: waiting until it is back"
    eventually(lambda: waits in running.log(), 3 + SLACK, "layer 2 would act by now, and says why it does not")
    assert nothing_is_attempted()
    assert running.metric("network_reachable", probe="ingest") == 0
    assert running.metric("network_reachable", probe="reference") == 0
    assert running.metric("incident_open", stream="cam", segment="network") == 1
    (incident,) = running.get("/api/incidents").json()["incidents"]
    assert (incident["segment"], incident["cause"], incident["closed"]) == ("network", "network_down", None)
    assert incident["destination"] == "yt"

    if key in ingest.publishers():  # it cannot know yet that nobody is at the other end of the old connection
        ingest.drop_publisher(key)
    mend()
    running.wait_on_air(seconds=BACK + SLACK)
    eventually(lambda: ingest.receives(key), SLACK, "received")
    assert "our own line is back" in running.log()
    eventually(lambda: running.one(*PUSHER)["budget_remaining"] == ATTEMPTS, 1 + SLACK, "all attempts are still there")
    assert sum(running.restarts()[PUSHER].values()) <= sum(before["restarts"].values()) + 2, "no storm"
    assert running.metric("recovery_attempts_total", layer="watchdog") == 0
    assert running.metric("stream_off_air_seconds_total", segment="network") > 4
    eventually(lambda: running.metric("incidents_total") == 1, SLACK, "the incident is settled")
    assert running.metric("incidents_total", segment="network") == 1
    (incident,) = running.get("/api/incidents").json()["incidents"]
    assert (incident["segment"], incident["cause"]) == ("network", "network_down"), "what ended it was not what it was"
    assert running.pid(*ENCODER) == encoder, "the encoder has nothing to do with it"
