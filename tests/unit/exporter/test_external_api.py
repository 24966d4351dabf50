"""/api/external: what a program may say of itself, what is refused in which words, and what is shown of it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
import requests

from supervisor.model.external import Announcement, ExternalSnapshot, Recovery
from supervisor.model.snapshot import Refused
from tests.unit.exporter.conftest import PATIENCE, Client, Serve
from tests.unit.exporter.scenes import three_streams
from tests.unit.exporter.snapshots import NOW, FakeControl

URL = "rtmp://127.0.0.1/live/secret-key"
SHOW = ExternalSnapshot(
    name="show",
    pid=4711,
    begun=12,
    since=NOW,
    ended=None,
    watched=True,
    on_air=False,
    reason="command: starting",
    shown_url="rtmp://127.0.0.1/live/***",
    progress="file",
    recovery="webhook",
    recoveries=0,
    last_recovery=None,
)
SHOWN = {
    "start_time": 12,
    "destination_url": "rtmp://127.0.0.1/live/***",
    "name": "show",
    "pid": 4711,
    "since": "2026-01-01T00:00:00.250Z",
    "ended": None,
    "watched": True,
    "on_air": False,
    "reason": "command: starting",
    "progress": "file",
    "recovery": "webhook",
    "recoveries": 0,
    "last_recovery": None,
}


@pytest.fixture
def control() -> FakeControl:
    control = FakeControl(three_streams())
    control.programs = [SHOW]
    return control


@pytest.fixture
def served(serve: Serve, control: FakeControl) -> Client:
    return serve(control)


def post(served: Client, path: str, body: Any = None) -> requests.Response:
    return requests.post(served.url + path, json=body, timeout=PATIENCE)


def delete(served: Client, path: str) -> requests.Response:
    return requests.delete(served.url + path, timeout=PATIENCE)


def test_what_a_program_says_reaches_the_engine_whole(served: Client, control: FakeControl) -> None:
    body = {
        "pid": 4711,
        "start_time": 12,
        "destination_url": URL,
        "progress_url": "http://127.0.0.1:1/p",
        "recovery": {"command": ["sh", "-c", "a\nb"], "timeout": 5},
        "replace": True,
    }
    answer = post(served, "/api/external/show/started", body)
    assert (answer.status_code, answer.json()) == (202, SHOWN)
    recovery = Recovery(("sh", "-c", "a\nb"), "", 5.0)
    assert control.announced == [Announcement("show", 4711, 12, URL, "", "http://127.0.0.1:1/p", recovery, True)]
    assert [order.what for order in control.orders] == ["started"]
    assert post(served, "/api/external/show/started", {"pid": 2, "destination_url": URL}).status_code == 202
    assert control.announced[1] == Announcement("show", 2, None, URL)
    assert "secret-key" not in repr(control.announced)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "pid: Field required"),
        ({"pid": 0}, "pid: "),
        ({"pid": "x"}, "pid: "),
        ({"start_time": -1}, "start_time: "),
        ({"destination_url": ""}, "destination_url: "),
        ({"destination_url": "rtmp://h/a/secret-key\n"}, "destination_url: expected one line of text"),
        ({"progress_file": "relative"}, "progress_file: expected the whole path of a file"),
        ({"progress_url": "file:///etc/passwd"}, "progress_url: expected a URL that begins with http"),
        ({"progress_file": "/p", "progress_url": "http://h/"}, "body: expected a progress_file or a progress_url"),
        ({"recovery": {}}, "recovery: expected either a command or a webhook"),
        ({"recovery": {"command": ["a"], "webhook": "http://h/"}}, "recovery: expected either"),
        ({"recovery": {"command": []}}, "command: "),
        ({"recovery": {"command": [""]}}, "recovery: expected a program and its arguments"),
        ({"recovery": {"command": "a b"}}, "command: "),
        ({"recovery": {"webhook": "ftp://h/secret-key"}}, "webhook: expected a URL that begins with http"),
        ({"recovery": {"webhook": "gopher://h/"}}, "webhook: "),
        ({"recovery": {"webhook": "http://h/", "timeout": 0}}, "timeout: "),
        ({"recovry": {}}, "recovry: "),
    ],
)
def test_what_is_badly_said_is_refused_with_its_key_and_not_repeated(
    served: Client, control: FakeControl, body: dict[str, Any], said: str
) -> None:
    whole = {"pid": 4711, "destination_url": URL, **body} if body else {}
    answer = post(served, "/api/external/show/started", whole)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]
    assert "secret-key" not in answer.text
    assert control.announced == []


@pytest.mark.parametrize("name", ["Show", "a b", "x" * 64, "..", "-a"])
def test_a_name_is_one_that_a_stream_may_have(served: Client, name: str) -> None:
    answer = post(served, f"/api/external/{quote(name, safe='')}/started", {"pid": 1, "destination_url": URL})
    assert answer.status_code in {404, 422}


def test_what_the_engine_refuses_is_told(served: Client, control: FakeControl) -> None:
    body = {"pid": 4711, "destination_url": URL}
    control.refusal = Refused("pid: process 4711 has ended")
    answer = post(served, "/api/external/show/started", body)
    assert (answer.status_code, answer.json()) == (409, {"detail": "pid: process 4711 has ended"})
    assert delete(served, "/api/external/show").status_code == 409
    control.refusal = ValueError("destination_url: expected a port")
    answer = post(served, "/api/external/show/started", body)
    assert (answer.status_code, answer.json()) == (422, {"detail": "destination_url: expected a port"})


def test_it_is_shown_stopped_and_forgotten(served: Client) -> None:
    assert served.get("/api/external").json() == {"external": [SHOWN]}
    assert served.get("/api/external/show").json() == SHOWN
    assert post(served, "/api/external/show/stopped").json() == SHOWN
    assert delete(served, "/api/external/show").status_code == 200
    for answer in (
        served.get("/api/external/other"),
        post(served, "/api/external/other/stopped"),
        delete(served, "/api/external/other"),
    ):
        assert (answer.status_code, answer.json()) == (404, {"detail": "there is no such program"})
