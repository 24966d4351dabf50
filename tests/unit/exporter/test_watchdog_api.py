"""Orders to watchdogs, word for word as the clients of an older system know them."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.api import models
from supervisor.model.events import OrderGiven
from supervisor.model.policies import WatchdogPolicy
from supervisor.model.snapshot import NotEnabled
from supervisor.model.subjects import ITSELF, Subject
from tests.unit.exporter.conftest import Client, Serve
from tests.unit.exporter.snapshots import NOW, FakeControl, destination, encoder, snapshot, stream, watchdog

OFF = WatchdogPolicy(enabled=False, interval=45.0)
PLACES = (
    destination("youtube"),
    destination("backup", watchdog=None, watching=OFF),
    destination("twitch", watchdog=watchdog(running=False, verdicts={}, stopped_since=NOW - 60)),
)


@pytest.fixture
def control() -> FakeControl:
    return FakeControl(snapshot(stream("harbour-cam", encoder("harbour-cam"), destinations=PLACES)))


@pytest.fixture
def client(serve: Serve, control: FakeControl) -> Client:
    return serve(control)


@pytest.mark.parametrize("word", ["1", "harbour-cam:youtube"])
@pytest.mark.parametrize(("verb", "done"), [("start", "started"), ("stop", "stopped"), ("restart", "restarted")])
def test_an_order_is_carried_out_told_and_answered(
    client: Client, control: FakeControl, word: str, verb: str, done: str
) -> None:
    answer = client.post(f"/api/watchdog/{word}/{verb}")
    message = f"Watchdog {done} for destination 1 (harbour-cam:youtube)"
    assert (answer.status_code, answer.json()) == (200, {"message": message, "destination_id": 1})
    models.WatchdogOrdered.model_validate(answer.json())
    assert control.watchdog_orders == [(verb, "harbour-cam:youtube")]
    assert control.orders == [
        OrderGiven(f"{verb} watchdog", Subject("harbour-cam", "youtube"), "local", "127.0.0.1")
    ], "not as an order to the stream"


@pytest.mark.parametrize("route", ["start", "stop", "restart", "status"])
@pytest.mark.parametrize("word", ["4", "youtube", "harbour-cam", "nobody:youtube", "0"])
def test_what_is_not_there_is_not_found(client: Client, control: FakeControl, word: str, route: str) -> None:
    answer = client.ask("GET" if route == "status" else "POST", f"/api/watchdog/{word}/{route}")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Destination not found"})
    assert (control.watchdog_orders, control.orders) == ([], [])


def test_one_that_vanishes_meanwhile_is_not_found_either(client: Client, control: FakeControl) -> None:
    control.knows_destinations = False
    answer = client.post("/api/watchdog/1/stop")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Destination not found"})
    assert control.orders == []


def test_what_is_not_enabled_is_not_started(client: Client, control: FakeControl) -> None:
    control.refusal = NotEnabled("it is not")
    answer = client.post("/api/watchdog/2/start")
    assert (answer.status_code, answer.json()) == (400, {"detail": "Watchdog is not enabled for this destination"})
    assert control.orders == []


def test_a_destination_without_a_number_is_ordered_by_its_name(client: Client, control: FakeControl) -> None:
    (one,) = control.now.streams
    control.now = control.now._replace(streams=(one._replace(destinations=(one.destinations[0]._replace(id=None),)),))
    answer = client.post("/api/watchdog/harbour-cam:youtube/stop")
    message = "Watchdog stopped for destination (harbour-cam:youtube)"
    assert answer.json() == {"message": message, "destination_id": None}


def test_the_status_of_one_says_whether_it_runs_and_whether_it_should(client: Client) -> None:
    shown = {word: client.get(f"/api/watchdog/{word}/status").json() for word in ("1", "2", "harbour-cam:twitch")}
    for one in shown.values():
        models.WatchdogReport.model_validate(one)
    assert shown["1"] == {
        "destination_id": 1,
        "destination_name": "harbour-cam:youtube",
        "watchdog_enabled": True,
        **_of_all(client)["harbour-cam:youtube"],
        "message": None,
    }
    assert shown["1"]["running"]
    off, stopped = shown["2"], shown["harbour-cam:twitch"]
    assert (off["watchdog_enabled"], off["running"], off["message"]) == (False, False, "Watchdog not running")
    assert (off["check_interval"], off["verdict"], off["stopped_since"]) == (45, "unknown", None)
    assert (stopped["watchdog_enabled"], stopped["running"]) == (True, False)
    assert stopped["stopped_since"] == "2025-12-31T23:59:00.250Z"


def _of_all(client: Client) -> dict[str, Any]:
    watchdogs: dict[str, Any] = client.get("/api/watchdog/status").json()["watchdogs"]
    return watchdogs


def test_a_reload_starts_all_and_shows_them(client: Client, control: FakeControl) -> None:
    answer = client.post("/api/watchdog/reload")
    models.WatchdogsReloaded.model_validate(answer.json())
    watchdogs = _of_all(client)
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "message": "Watchdog configuration reloaded",
            "active_watchdogs": len(watchdogs),
            "watchdog_count": len(watchdogs),
            "watchdogs": watchdogs,
        },
    )
    assert control.watchdog_orders == [("start", "all")]
    assert control.orders == [OrderGiven("reload watchdogs", ITSELF, "local", "127.0.0.1")]


def test_all_are_stopped(client: Client, control: FakeControl) -> None:
    answer = client.post("/api/watchdog/stop-all")
    assert (answer.status_code, answer.json()) == (200, {"message": "All watchdogs stopped"})
    models.WatchdogsStopped.model_validate(answer.json())
    assert control.watchdog_orders == [("stop", "all")]
    assert control.orders == [OrderGiven("stop all watchdogs", ITSELF, "local", "127.0.0.1")]


@pytest.mark.parametrize("path", ["1/start", "1/stop", "1/restart", "reload", "stop-all"])
def test_every_order_needs_the_token(serve: Serve, control: FakeControl, path: str) -> None:
    client = serve(control, "secret-token")
    assert client.post(f"/api/watchdog/{path}").status_code == 401
    assert client.post(f"/api/watchdog/{path}", Authorization="Bearer wrong").status_code == 401
    assert client.get(f"/api/watchdog/{path}").status_code == 405
    assert (control.watchdog_orders, control.orders) == ([], [])
    assert client.post(f"/api/watchdog/{path}", Authorization="Bearer secret-token").status_code == 200
    assert len(control.orders) == 1


def test_the_orders_are_documented_with_their_errors(client: Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    for verb in ("start", "stop", "restart"):
        known = paths[f"/api/watchdog/{{id}}/{verb}"]["post"]
        assert {"200", "400", "401", "403", "404", "429", "503"} <= set(known["responses"])
        assert known["security"]
    assert set(paths["/api/watchdog/{id}/status"]) == {"get"}


def test_metrics_tell_of_a_stop_only_while_it_lasts(client: Client) -> None:
    shown = client.get("/metrics").text
    labels = 'stream="harbour-cam",destination="twitch"'
    lines = [line for line in shown.splitlines() if line.startswith("livestream_watchdog_stopped_timestamp_seconds{")]
    assert lines == [f"livestream_watchdog_stopped_timestamp_seconds{{{labels}}} {NOW - 60}"]
    assert f"livestream_watchdog_running{{{labels}}} 0" in shown
    assert f"livestream_watchdog_verdict{{{labels}" not in shown, "this one's series make room for it"
