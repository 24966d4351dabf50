"""Orders with an end, and maintenance: by the API and by the commands that talk to it."""

from __future__ import annotations

import argparse
import json
import socket
import time
from typing import Any

import pytest
import requests

from exporter import connection
from exporter.api import models
from supervisor.commands import client
from supervisor.commands import maintenance as command
from supervisor.commands.api import Api
from supervisor.model.maintenance import Maintenance
from supervisor.model.selection import Selection, parse_selection
from supervisor.model.snapshot import Refused, Wanted
from supervisor.model.until import Ends
from tests.unit.exporter.conftest import PATIENCE, Client, Serve
from tests.unit.exporter.scenes import three_streams
from tests.unit.exporter.snapshots import NOW, FakeControl, snapshot
from tests.unit.exporter.snapshots import command as bare

CARD = Selection("test-card")
LENS = Maintenance("M1", ("test-card",), NOW, NOW + 3600, "new lens", "operator")
NIGHTLY = Maintenance("F1", None, NOW + 7200, NOW + 9000, None, "file")
SHOWN = {
    "id": "M1",
    "streams": ["test-card"],
    "since": "2026-01-01T00:00:00.250Z",
    "until": "2026-01-01T01:00:00.250Z",
    "reason": "new lens",
    "origin": "operator",
}


@pytest.fixture
def control() -> FakeControl:
    return FakeControl(three_streams())


@pytest.fixture
def served(serve: Serve, control: FakeControl) -> Client:
    return serve(control)


def post(served: Client, path: str, body: Any) -> requests.Response:
    return requests.post(served.url + path, json=body, timeout=PATIENCE)


# --- orders ----------------------------------------------------------------------------------------


def test_an_order_may_say_until_when_and_why(served: Client, control: FakeControl) -> None:
    answer = post(served, "/api/streams/test-card/stop", {"until": "2h", "reason": "lunch"})
    assert (answer.status_code, answer.json()) == (
        202,
        {"stream": "test-card", "accepted": "stop", "until": "2026-01-01T00:01:00.250Z"},
    )
    ((until, reason),) = control.said
    assert until is not None
    assert (until.ends, until.seconds, reason) == (Ends.AFTER, 7200.0, "lunch")
    assert post(served, "/api/streams/test-card/start", {}).status_code == 202
    assert control.said[1] == (None, None)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            {"until": "soon"},
            "until: expected a time such as 22:00 or 2026-12-24T22:00, or a duration such as 2h, or next",
        ),
        ({"until": 5}, "until: expected a time"),
        ({"reason": "x" * 201}, "reason: "),
        ({"reason": "a\x1b[2Jb"}, "reason: expected one line of text"),
        ({"untl": "2h"}, "untl: "),
        ([1], "body: "),
    ],
)
def test_a_body_that_is_none_is_422_and_nothing_is_done(
    served: Client, control: FakeControl, body: Any, said: str
) -> None:
    answer = post(served, "/api/streams/test-card/stop", body)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(said)
    assert control.requests == []


def test_an_order_that_cannot_be_is_409(served: Client, control: FakeControl) -> None:
    control.refusal = Refused("this stream has no schedule")
    answer = post(served, "/api/streams/test-card/stop", {"until": "next"})
    assert (answer.status_code, answer.json()) == (409, {"detail": "this stream has no schedule"})


def test_a_stream_tells_whose_word_it_is_and_which_maintenance_it_is_in(serve: Serve) -> None:
    scheduled = bare("a")._replace(
        wanted=False,
        desired=Wanted(False, "schedule", "schedule", NOW, NOW + 3600),
        maintenance=True,
        maintenance_window=LENS,
    )
    shown = serve(FakeControl(snapshot(scheduled))).get("/api/streams/a").json()
    models.Stream.model_validate(shown)
    assert shown["desired"] == {
        "by": "schedule",
        "why": "schedule",
        "since": "2026-01-01T00:00:00.250Z",
        "until": "2026-01-01T01:00:00.250Z",
    }
    assert shown["maintenance_window"] == SHOWN


# --- a body's bounds -------------------------------------------------------------------------------


CHUNKED = (
    b"POST /api/streams/test-card/stop HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)


def send_for_ever(one: socket.socket) -> None:
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE:
        one.sendall(b"400\r\n" + b" " * 1024 + b"\r\n")


def test_a_body_that_is_too_large_is_refused_before_it_is_read(served: Client, control: FakeControl) -> None:
    answer = post(served, "/api/streams/test-card/stop", {"reason": "x" * connection.LARGEST_BODY})
    assert (answer.status_code, answer.json()) == (413, {"detail": "the body is larger than 65536 bytes"})
    with socket.create_connection(served.address, PATIENCE) as one:
        one.sendall(CHUNKED)
        with pytest.raises(ConnectionError):  # it is closed, although each piece is small
            send_for_ever(one)
    assert control.requests == []


# --- maintenance -----------------------------------------------------------------------------------


def test_windows_are_listed_ordered_and_ended(served: Client, control: FakeControl) -> None:
    control.windows = [LENS, NIGHTLY]
    listed = served.get("/api/maintenance").json()
    models.MaintenanceList.model_validate(listed)
    assert listed["maintenance"][0] == SHOWN
    assert listed["maintenance"][1]["streams"] is None
    answer = post(served, "/api/maintenance", {"streams": ["test-card"], "until": "1h", "reason": "new lens"})
    assert (answer.status_code, answer.json()) == (202, SHOWN)
    assert post(served, "/api/maintenance", {"streams": "all", "from": "12:00", "until": "2h"}).status_code == 202
    named, every = control.maintenance_orders
    assert (named.streams, named.since, named.until.seconds, named.reason) == (["test-card"], None, 3600.0, "new lens")
    assert every.streams is None
    assert every.since is not None
    assert served.ask("DELETE", "/api/maintenance/M1").json() == SHOWN
    assert served.ask("DELETE", "/api/maintenance/M9").status_code == 404
    control.refusal = Refused("it stands in the configuration")
    assert served.ask("DELETE", "/api/maintenance/F1").status_code == 409


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "streams: "),
        ({"until": "1h"}, "streams: "),
        ({"streams": [], "until": "1h"}, "streams: expected a list of streams, or the word all"),
        ({"streams": "a", "until": "1h"}, "streams: expected a list of streams, or the word all"),
        ({"streams": ["a"]}, "until: "),
        ({"streams": ["a"], "until": "forever"}, "until: expected a time such as 22:00"),
        ({"streams": ["a"], "until": "1h", "from": "x"}, "from: expected a time such as 22:00"),
    ],
)
def test_maintenance_of_nobody_or_without_end_is_422(
    served: Client, control: FakeControl, body: Any, said: str
) -> None:
    answer = post(served, "/api/maintenance", body)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]
    assert control.maintenance_orders == []


def test_maintenance_needs_the_token(serve: Serve, control: FakeControl) -> None:
    client = serve(control, token="correct horse")
    assert post(client, "/api/maintenance", {"streams": "all", "until": "1h"}).status_code == 401
    assert client.ask("DELETE", "/api/maintenance/M1").status_code == 401
    assert client.get("/api/maintenance").status_code == 200


# --- the commands ----------------------------------------------------------------------------------


def words(*streams: str, **said: Any) -> argparse.Namespace:
    usual = {"all": False, "lasting": None, "until": None, "begin": None, "reason": None, "end": False, "json": False}
    return argparse.Namespace(streams=[parse_selection(word) for word in streams], **(usual | said))


def last_line(capfd: pytest.CaptureFixture[str]) -> str:
    """What was printed last; before it the server writes down who gave the order."""
    return capfd.readouterr().out.splitlines()[-1]


def run(served: Client, *streams: str, **said: Any) -> int:
    return command.carry_out(Api(served.url, None), command.asked(words(*streams, **said)))


def test_the_command_orders_and_lists(served: Client, control: FakeControl, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(served, "test-card", lasting="1h", reason="new lens") == 0
    assert run(served, all=True, until="22:00", begin="21:00") == 0
    named, every = control.maintenance_orders
    assert (named.streams, named.until.seconds, named.reason) == (["test-card"], 3600.0, "new lens")
    assert (every.streams, every.until.any_day) == (None, True)
    capfd.readouterr()
    assert run(served) == 0
    assert capfd.readouterr().out == "no maintenance, and none is planned\n"
    control.windows = [LENS, NIGHTLY]
    assert run(served) == 0
    first, second = capfd.readouterr().out.splitlines()
    assert first.startswith("M1  test-card until 2026-01-01 ")
    assert first.endswith(": new lens")
    assert second.endswith(", from the configuration")
    assert run(served, json=True) == 0
    assert [one["id"] for one in json.loads(capfd.readouterr().out)["maintenance"]] == ["M1", "F1"]


def test_the_command_ends_what_is_about_these_streams_alone(
    served: Client, control: FakeControl, capfd: pytest.CaptureFixture[str]
) -> None:
    control.windows = [LENS, LENS._replace(id="M2", streams=("test-card", "harbour-cam")), NIGHTLY]
    assert run(served, "test-card", end=True) == 0
    assert last_line(capfd) == "M1  test-card has ended: new lens"
    assert run(served, "harbour-cam", end=True) == 1
    err = capfd.readouterr().err
    assert err == (
        "neverdark: nobody has ordered maintenance of harbour-cam alone; "
        "it is in M2, which is about others, too: --end M2\n"
    )
    assert run(served, "M2", end=True) == 0
    assert run(served, all=True, end=True) == 1, "what stands in the file is ended there"


@pytest.mark.parametrize(
    ("streams", "said", "expected"),
    [
        (["a"], {}, "expected one of --for and --until"),
        (["a"], {"lasting": "1h", "until": "22:00"}, "expected one of --for and --until"),
        (["a"], {"lasting": "soon"}, "--for: expected a duration"),
        (["a"], {"until": "forever"}, "--until: expected a time"),
        (["a"], {"lasting": "1h", "begin": "x"}, "--from: expected a time"),
        ([], {"lasting": "1h"}, "expected the streams that are meant, or --all"),
        (["a"], {"all": True, "lasting": "1h"}, "expected streams or --all, not both"),
        ([], {"end": True}, "--end: expected streams or ids, or --all"),
        (["a"], {"end": True, "lasting": "1h"}, "--end: expected"),
    ],
)
def test_words_that_make_no_sense_are_refused(streams: list[str], said: dict[str, Any], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        command.asked(words(*streams, **said))


def test_an_order_tells_until_when_it_holds(
    served: Client, control: FakeControl, capfd: pytest.CaptureFixture[str]
) -> None:
    api = Api(served.url, None)
    assert client.order(api, "stop", [CARD], "2h", "lunch") == 0
    assert last_line(capfd).startswith("test-card: stop accepted, until 2026-01-01 ")
    assert client.order(api, "start", [CARD]) == 0
    assert last_line(capfd) == "test-card: start accepted"
    control.refusal = Refused("this stream has no schedule")
    assert client.order(api, "stop", [CARD], "next") == 1
    assert capfd.readouterr().err == "neverdark: this stream has no schedule\n"
