"""Destinations by number and by URL, and orders to their watchdogs: over a kill of neverdark, removal and return."""

from __future__ import annotations

from urllib.parse import quote

from tests.integration.conftest import Launch
from tests.integration.harness.recipes import BAIT, Json, secret
from tests.integration.harness.supervised import Neverdark
from tests.integration.harness.waiting import SLACK, eventually

URL = "rtmp://127.0.0.1:9/live"
COMMAND = ("cam", "command", "")


def observed(*destinations: str) -> Json:
    """A command that does nothing, and where it is said to send."""
    places = {name: {"url": URL, "key": secret(name)} for name in destinations}
    return {"command": ["sleep", "1000"], "destinations": places, "watchdog": {"interval": 1}}


def numbers(running: Neverdark) -> dict[str, int]:
    shown = running.get("/api/streams").json()["streams"]
    return {place["full_name"]: place["id"] for stream in shown for place in stream["destinations"]}


def watchdog(running: Neverdark, word: object) -> Json:
    found: Json = running.get(f"/api/watchdog/{word}/status").json()
    return found


def found_by(running: Neverdark, url: str) -> list[str]:
    answer = running.get(f"/api/streams?destination_url={quote(url)}")
    assert BAIT not in answer.text, "the key is not repeated"
    return [stream["stream"] for stream in answer.json()["streams"]]


def test_a_destination_keeps_its_number_and_what_was_ordered(neverdark: Launch) -> None:
    token = secret("token")
    running = neverdark({"cam": observed("yt", "backup"), "lobby": observed("tv")}, api_token=token)
    running.wait_on_air()
    ids = numbers(running)
    assert ids == {"cam:yt": 1, "cam:backup": 2, "lobby:tv": 3}
    assert found_by(running, f"RTMP://127.0.0.1/live/{secret('yt')}") == []
    assert found_by(running, f"RTMP://127.0.0.1:9/live/{secret('yt')}") == ["cam"]
    assert found_by(running, f"{URL}/{secret('nobody')}") == []
    assert found_by(running, f"{URL}/") == ["cam", "lobby"]

    eventually(lambda: all(watchdog(running, number)["running"] for number in (1, 2, 3)), 5 + SLACK, "all look")
    assert running.post("/api/watchdog/1/stop").status_code == 401
    answer = running.post("/api/watchdog/1/stop", token)
    assert answer.json() == {"message": "Watchdog stopped for destination 1 (cam:yt)", "destination_id": 1}
    stopped = watchdog(running, "cam:yt")
    assert (stopped["running"], stopped["message"]) == (False, "Watchdog not running")
    assert running.metric("watchdog_running", stream="cam", destination="yt") == 0
    assert running.metric("watchdog_stopped_timestamp_seconds", stream="cam", destination="yt") > 0
    assert running.get("/healthz").ok
    assert running.get("/readyz").ok, "the stream goes on"
    assert "stop watchdog ordered by an operator" in running.log()

    pid = running.pid(*COMMAND)
    running.crash()
    running.start()
    running.wait_on_air()
    assert running.pid(*COMMAND) == pid
    assert numbers(running) == ids
    assert watchdog(running, 1)["stopped_since"] == stopped["stopped_since"]
    eventually(lambda: watchdog(running, 2)["running"], 5 + SLACK, "the others look")
    assert not watchdog(running, 1)["running"]
    message = {"message": "Watchdog started for destination 1 (cam:yt)", "destination_id": 1}
    assert running.post("/api/watchdog/cam:yt/start", token).json() == message
    eventually(lambda: watchdog(running, 1)["running"], 5 + SLACK, "it looks again")

    streams = running.config["streams"]
    for shown, expected in (
        ({"lobby": observed("new", "tv")}, {"lobby:new": 4, "lobby:tv": 3}),
        (streams, ids),
    ):
        running.config["streams"] = shown
        running.write_config()
        assert running.post("/api/config/reload?allow_removal=true", token).status_code == 200
        assert numbers(running) == expected
    assert running.post("/api/watchdog/stop-all", token).json() == {"message": "All watchdogs stopped"}
    assert not any(watchdog(running, number)["running"] for number in (1, 2, 3))
    assert running.post("/api/watchdog/reload", token).json()["active_watchdogs"] == 3
    assert watchdog(running, 4) == {"detail": "Destination not found"}
