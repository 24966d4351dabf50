"""Streams by API: what is asked of the engine, how it answers, and what is told of the order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from exporter.http import HttpServer
from supervisor.model.edits import Configured, Edit, Invalid, NoSuchStream, OutOfReach, Wrong
from supervisor.model.quantities import Address
from supervisor.model.snapshot import Refused
from supervisor.model.subjects import Subject
from tests.unit.exporter.snapshots import FakeControl, snapshot

WATCHDOG = {"enabled": True, "interval": 30.0, "failures": 3, "cooldown": 120.0}
KNOWN = Configured(
    "cam", "api", {"destinations": {"out": {"url": "rtmp://h/live", "key": "***"}}}, (), {"out": WATCHDOG}
)


@pytest.fixture
def control() -> FakeControl:
    control = FakeControl(snapshot())
    control.configurations.append(KNOWN)
    return control


@pytest.fixture
def url(control: FakeControl) -> Iterator[str]:
    server = HttpServer(control, Address("127.0.0.1", 0), None, "1.0")
    server.start()
    yield f"http://{server.address}/api/streams"
    server.stop()


def ask(method: str, url: str, body: Any = None, content: bytes | None = None) -> requests.Response:
    return requests.request(method, url, json=body, data=content, timeout=20)


@pytest.mark.parametrize(
    ("method", "path", "body", "edit", "what"),
    [
        ("POST", "", {"name": "new", "drills": False}, Edit("make", "new", {"drills": False}), "make stream"),
        ("PUT", "/cam", {"drills": False}, Edit("replace", "cam", {"drills": False}), "change stream"),
        ("PATCH", "/cam", {"name": "cam", "x": None}, Edit("patch", "cam", {"x": None}), "change stream"),
        ("DELETE", "/cam", None, Edit("remove", "cam"), "remove stream"),
        (
            "POST",
            "/cam/destinations",
            {"name": "b", "url": "x"},
            Edit("make", "cam", {"url": "x"}, "b"),
            "add destination",
        ),
        (
            "PUT",
            "/cam/destinations/out",
            {"url": "x"},
            Edit("replace", "cam", {"url": "x"}, "out"),
            "change destination",
        ),
        ("PATCH", "/cam/destinations/out", {"a": 1}, Edit("patch", "cam", {"a": 1}, "out"), "change destination"),
        ("DELETE", "/cam/destinations/out", None, Edit("remove", "cam", None, "out"), "remove destination"),
        (
            "PUT",
            "/cam/destinations/out/watchdog-config",
            {"enable_watchdog": False, "watchdog_check_interval": 60, "watchdog_failures": None},
            Edit("replace", "cam", {"enabled": False, "interval": 60}, "out", "watchdog"),
            "change watchdog",
        ),
    ],
)
def test_each_route_asks_for_its_edit_and_is_told_as_an_order(
    url: str, control: FakeControl, method: str, path: str, body: Any, edit: Edit, what: str
) -> None:
    dry = ask(method, f"{url}{path}?dry_run=true", body)
    assert dry.status_code == 200
    assert dry.json()["dry_run"] is True
    assert control.orders == [], "what changes nothing is no order"
    made = ask(method, url + path, body)
    assert made.status_code == (201 if method == "POST" else 200)
    assert control.edits == [(edit, True), (edit, False)]
    assert made.json() == {
        "stream": edit.stream,
        "origin": "api",
        "dry_run": False,
        "change": "changed",
        "processes": [],
        "warnings": [],
        "config": {"source": {"url": "***"}},
    }
    (order,) = control.orders
    assert (order.what, order.subject, order.by) == (what, Subject(edit.stream, edit.destination or ""), "local")


@pytest.mark.parametrize(
    ("refusal", "status", "detail"),
    [
        (Refused("it stands in the file"), 409, "it stands in the file"),
        (NoSuchStream(), 404, "there is no such stream"),
        (OutOfReach("nothing was changed"), 503, "nothing was changed"),
    ],
)
def test_what_is_refused_says_why_and_is_no_order(
    url: str, control: FakeControl, refusal: Exception, status: int, detail: str
) -> None:
    control.edit_refusal = refusal
    answer = ask("PUT", f"{url}/cam", {})
    assert (answer.status_code, answer.json()) == (status, {"detail": detail})
    assert control.orders == []


def test_every_mistake_is_in_one_answer(url: str, control: FakeControl) -> None:
    control.edit_refusal = Invalid((Wrong("a", "'x'", "expected y"), Wrong("b.watchdog.interval", None, "expected z")))
    answer = ask("PUT", f"{url}/cam", {})
    assert answer.status_code == 422
    assert answer.json()["detail"] == "a: 'x': expected y; b.watchdog.interval: expected z"
    assert answer.json()["problems"][0] == {"path": "a", "value": "'x'", "expected": "expected y"}
    flat = ask("PUT", f"{url}/cam/destinations/out/watchdog-config", {}).json()
    assert flat["problems"][1]["path"] == "watchdog_check_interval", "under the name that was sent"


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b'{"name": "a", "name": "b"}', 400),
        (b'{"name": "a", "x": NaN}', 400),
        (b'{"name": "a", "x": "\xff"}', 400),
        (b'{"name": "a", "x": 1e999}', 400),
        (b"[" * 30_000, 400),
        (b"[" * 400 + b"]" * 400, 400),
        (b"[]", 422),
        (b"{}", 422),
        (b'{"name": 7}', 422),
    ],
)
def test_a_body_that_is_none_reaches_no_engine(url: str, control: FakeControl, content: bytes, status: int) -> None:
    answer = ask("POST", url, content=content)
    assert answer.status_code == status
    assert "expected" in answer.json()["detail"]
    assert control.edits == []


def test_a_name_cannot_be_changed(url: str, control: FakeControl) -> None:
    answer = ask("PUT", f"{url}/cam", {"name": "other"})
    assert answer.status_code == 422
    assert "a name cannot be changed" in answer.text
    assert control.edits == []


def test_an_unknown_setting_of_a_watchdog_is_refused_without_being_repeated(url: str) -> None:
    answer = ask("PUT", f"{url}/cam/destinations/out/watchdog-config", {"interval": 3, "bait secret": 1})
    assert answer.status_code == 422
    assert {one["path"] for one in answer.json()["problems"]} == {"interval", "***"}


def test_what_is_configured_is_shown(url: str) -> None:
    shown = {"stream": "cam", "name": "out", "origin": "api", "config": {"url": "rtmp://h/live", "key": "***"}}
    assert ask("GET", f"{url}/cam/config").json() == {
        "stream": "cam",
        "origin": "api",
        "config": KNOWN.config,
        "problems": [],
    }
    listed = ask("GET", f"{url}/cam/destinations").json()
    assert listed == {"stream": "cam", "origin": "api", "destinations": [shown]}
    assert ask("GET", f"{url}/cam/destinations/out").json() == shown
    assert ask("GET", f"{url}/cam/destinations/out/watchdog-config").json() == {
        "enable_watchdog": True,
        "watchdog_check_interval": 30.0,
        "watchdog_failures": 3,
        "watchdog_cooldown": 120.0,
    }
    missing = ask("GET", f"{url}/cam/destinations/none")
    assert (missing.status_code, missing.json()) == (404, {"detail": "Destination not found"})
    assert ask("GET", f"{url}/none/config").status_code == 404
