"""Streams come on air and survive the loss of their processes."""

from __future__ import annotations

import os
import signal
from functools import partial

from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.recipes import card, secret
from tests.integration.harness.waiting import SLACK, eventually


def test_two_streams_are_on_air_within_ten_seconds(ingest: Ingest, neverdark: Launch) -> None:
    keys = {"one": secret("one"), "two": secret("two")}
    streams = {name: card() | {"destinations": {"main": {"url": ingest.url, "key": key}}} for name, key in keys.items()}
    running = neverdark(streams)
    running.wait_on_air("one", "two")
    for key in keys.values():
        eventually(partial(ingest.receives, key), 2 + SLACK, "media reaches the ingest")
    assert running.get("/readyz").status_code == 200
    assert running.restarts() == {name: {} for name in running.pids()}
    assert running.metric("stream_on_air", stream="one") == 1
    assert running.metric("process_exits_total") == 0


def test_an_encoder_that_is_killed_does_not_cost_the_connection(ingest: Ingest, neverdark: Launch, ffmpeg: str) -> None:
    key = secret("main")
    running = neverdark({"cam": card() | {"destinations": {"yt": {"url": ingest.url, "key": key}}}}, ffmpeg=ffmpeg)
    running.wait_on_air()
    before = eventually(lambda: ingest.publisher(key), SLACK, "published")
    pusher, old, sent = (
        running.pid("cam", "pusher", "yt"),
        running.pid("cam", "encoder"),
        running.frames("cam", "pusher", "yt"),
    )

    os.kill(old, signal.SIGKILL)

    # Promised: frames within 3 s, the same client at the ingest, no other restart.
    eventually(lambda: running.pid("cam", "encoder") != old, 3 + SLACK, "another encoder")
    eventually(lambda: running.frames("cam", "pusher", "yt") > sent + 30, 3 + 3 + SLACK, "the pusher sends on")
    after = ingest.publisher(key)
    assert after.client == before.client
    assert after.seconds > before.seconds
    assert after.timestamp > before.timestamp
    assert running.pid("cam", "pusher", "yt") == pusher
    assert running.restarts() == {("cam", "pusher", "yt"): {}, ("cam", "encoder", ""): {"exit": 1}}
    assert running.exits("cam", "encoder") == {"killed": 1}
    assert running.metric("uplink_connections_total", stream="cam") == 1


def test_a_pusher_that_is_killed_comes_back_alone(ingest: Ingest, neverdark: Launch) -> None:
    key = secret("main")
    running = neverdark({"cam": card() | {"destinations": {"yt": {"url": ingest.url, "key": key}}}})
    running.wait_on_air()
    before = eventually(lambda: ingest.publisher(key), SLACK, "published")
    encoder, old = running.pid("cam", "encoder"), running.pid("cam", "pusher", "yt")

    os.kill(old, signal.SIGKILL)

    eventually(lambda: running.pid("cam", "pusher", "yt") != old, 3 + SLACK, "another pusher")
    eventually(
        lambda: ingest.publisher(key).client != before.client and ingest.receives(key),
        3 + SLACK,
        "it publishes",
    )
    running.wait_on_air()
    assert running.pid("cam", "encoder") == encoder
    assert running.restarts() == {("cam", "pusher", "yt"): {"exit": 1}, ("cam", "encoder", ""): {}}


def test_kills_are_all_counted_and_no_counter_falls(ingest: Ingest, neverdark: Launch) -> None:
    """Counters are sums over runs: FFmpeg's begin at 0 with each. `metrics` compares every scrape with the last."""
    key = secret("main")
    quick = {"restart": {"initial_delay": 0, "attempts": 100}}
    streams = {"cam": card() | quick | {"destinations": {"yt": {"url": ingest.url, "key": key}}}}
    running = neverdark(streams)
    running.wait_on_air()
    for kill in range(1, 6):
        for role, destination in (("encoder", ""), ("pusher", "yt")):
            old = running.pid("cam", role, destination)
            os.kill(old, signal.SIGKILL)
            eventually(partial(running.replaced, old, "cam", role, destination), SLACK, "replaced")
            running.metrics()
        assert running.metric("process_restarts_total", reason="exit") == 2 * kill
    running.wait_on_air()
    assert running.metric("process_exits_total", cause="killed") == 10
    assert running.metric("progress_frames_total", role="pusher") > 0


def test_the_api_names_what_an_operator_needs(ingest: Ingest, neverdark: Launch) -> None:
    key = secret("main")
    streams = {"cam": card() | {"destinations": {"yt": {"url": ingest.url, "key": key}}}}
    running = neverdark(streams)
    running.wait_on_air()
    stream = running.stream("cam")
    assert stream["wanted"]
    assert stream["on_air"]
    assert stream["health"] == "healthy"
    for process in stream["processes"]:
        assert process["state"] == "running"
        assert os.getpgid(process["pid"]) == process["pid"]
        assert process["last_failure"] is None
    assert stream["destinations"][0]["url"] == f"{ingest.url}/***"
