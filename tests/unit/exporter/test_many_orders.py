"""One order to several streams: by the API and by the commands."""

from __future__ import annotations

import argparse
from typing import Any

import pytest
import requests

from exporter.api import models
from supervisor.cli import main
from supervisor.commands import client
from supervisor.commands import maintenance as command
from supervisor.commands.api import Api
from supervisor.model.selection import parse_selection
from supervisor.model.snapshot import Refused
from supervisor.model.until import Ends
from tests.unit.exporter.conftest import PATIENCE, Client, Serve
from tests.unit.exporter.snapshots import FakeControl, snapshot, stream

STREAMS = snapshot(
    stream("a", group="lobby", labels={"site": "berlin"}),
    stream("b", group="lobby", labels={"site": "bonn"}),
    stream("c", labels={"site": "berlin", "floor": "3"}),
    stream("d"),
)


@pytest.fixture
def control() -> FakeControl:
    return FakeControl(STREAMS)


@pytest.fixture
def served(serve: Serve, control: FakeControl) -> Client:
    return serve(control)


def post(served: Client, **body: Any) -> requests.Response:
    return requests.post(f"{served.url}/api/orders", json=body, timeout=PATIENCE)


def order(served: Client, verb: str, *words: str, **said: Any) -> int:
    return client.order(Api(served.url, None), verb, [parse_selection(word) for word in words], **said)


# --- the API ---------------------------------------------------------------------------------------


def test_a_stream_shows_its_group_and_labels(served: Client) -> None:
    shown = requests.get(f"{served.url}/api/streams", timeout=PATIENCE).json()["streams"]
    assert [(one["group"], one["labels"]) for one in shown] == [
        ("lobby", {"site": "berlin"}),
        ("lobby", {"site": "bonn"}),
        (None, {"site": "berlin", "floor": "3"}),
        (None, {}),
    ]


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"streams": ["d", "a", "d"]}, ["a", "d"]),
        ({"group": "lobby"}, ["a", "b"]),
        ({"labels": {"site": "berlin"}}, ["a", "c"]),
        ({"labels": {"site": "berlin", "floor": "3"}}, ["c"]),
        ({"group": "lobby", "labels": {"site": "berlin"}}, ["a"]),
    ],
)
def test_who_is_ordered_and_what_is_recorded(
    served: Client, control: FakeControl, body: dict[str, Any], names: list[str]
) -> None:
    answer = post(served, action="restart", until="2h", reason="new switch", **body)
    models.OrderedAll.model_validate(answer.json())
    assert answer.status_code == 202
    assert answer.json()["accepted"] == len(names)
    assert answer.json()["streams"] == [
        {"stream": name, "status": 202, "detail": None, "until": "2026-01-01T00:01:00.250Z"} for name in names
    ]
    assert control.requests == [("restart", name) for name in names]
    assert {(until.ends, reason) for until, reason in control.said if until} == {(Ends.AFTER, "new switch")}
    assert [(told.what, told.subject.stream, told.by) for told in control.orders] == [
        ("restart", name, "local") for name in names
    ]


def test_what_some_refuse_is_said_of_each(served: Client, control: FakeControl) -> None:
    control.refusing = {"b"}
    answer = post(served, action="stop", group="lobby")
    assert answer.status_code == 207
    assert answer.json() == {
        "action": "stop",
        "accepted": 1,
        "streams": [
            {"stream": "a", "status": 202, "detail": None, "until": None},
            {"stream": "b", "status": 409, "detail": "not now", "until": None},
        ],
    }
    assert [told.subject.stream for told in control.orders] == ["a"], "what was refused is no order"
    control.refusing = {"a", "b"}
    assert (post(served, action="stop", group="lobby").status_code, len(control.orders)) == (207, 1)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"streams": ["a", "x", "y"]}, "there is no such stream: x, y"),
        ({"group": "roof"}, "no stream fits group=roof"),
        ({"labels": {"site": "rome", "floor": "1"}}, "no stream fits site=rome,floor=1"),
    ],
)
def test_where_nobody_is_meant_nothing_is_done(
    served: Client, control: FakeControl, body: dict[str, Any], detail: str
) -> None:
    answer = post(served, action="stop", **body)
    assert (answer.status_code, answer.json()) == (404, {"detail": detail})
    assert not control.requests
    assert not control.orders


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"streams": []},
        {"streams": "a"},
        {"streams": ["A!"]},
        {"streams": ["a"], "group": "lobby"},
        {"group": "Lobby"},
        {"labels": {}},
        {"labels": {"site": ""}},
        {"labels": {"site": "x\n"}},
        {"labels": {f"l{n}": "x" for n in range(17)}},
        {"group": "lobby", "until": "soon"},
        {"group": "lobby", "why": "x"},
        {"group": "lobby", "action": "explode"},
    ],
)
def test_what_makes_no_sense_is_refused(served: Client, control: FakeControl, body: dict[str, Any]) -> None:
    answer = post(served, **{"action": "stop", **body})
    assert answer.status_code == 422
    assert not control.requests


def test_it_needs_the_scope_control(serve: Serve, control: FakeControl) -> None:
    served = serve(control, token="a-token-for-all")
    assert post(served, action="stop", group="lobby").status_code == 401
    assert not control.requests


# --- the commands ----------------------------------------------------------------------------------


def test_a_line_for_each(served: Client, control: FakeControl, capfd: pytest.CaptureFixture[str]) -> None:
    assert order(served, "restart", "d", "group=lobby", "site=berlin") == 0
    lines = capfd.readouterr().out.splitlines()
    assert [line for line in lines if line.endswith("accepted")] == [f"{name}: restart accepted" for name in "abcd"]
    assert len(control.requests) == 4, "who is meant twice is ordered once"


def test_one_that_fails_does_not_hide_the_others(
    served: Client, control: FakeControl, capfd: pytest.CaptureFixture[str]
) -> None:
    control.refusing = {"b"}
    assert order(served, "stop", "group=lobby", until="2h") == 1
    out, err = capfd.readouterr()
    assert "a: stop accepted, until " in out
    assert err == "neverdark: b: stop refused: not now\n"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["group=roof"], 2, "no stream fits group=roof"),
        (["a", "site=rome"], 2, "no stream fits site=rome"),
        (["a", "x"], 1, "there is no such stream: x; there are a, b, c, d"),
        (["x", "group=lobby"], 1, "there is no such stream: x; there are a, b, c, d"),
    ],
)
def test_where_nobody_is_meant_the_command_does_nothing(
    served: Client, control: FakeControl, capfd: pytest.CaptureFixture[str], words: list[str], code: int, said: str
) -> None:
    assert order(served, "stop", *words) == code
    assert capfd.readouterr().err == f"neverdark: {said}\n"
    assert not control.requests


def test_one_name_is_ordered_as_ever(served: Client, control: FakeControl, capfd: pytest.CaptureFixture[str]) -> None:
    control.refusal = Refused("not now")
    assert order(served, "stop", "a") == 1
    assert capfd.readouterr().err == "neverdark: not now\n"
    control.refusal = None
    assert order(served, "stop", "a") == 0
    assert control.requests == [("stop", "a")]


@pytest.mark.parametrize("verb", ["start", "stop", "restart", "maintenance"])
def test_a_word_that_means_nothing_is_wrong_usage(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([verb, "group=Lobby"])
    assert ended.value.code == 2
    assert "'group=Lobby': expected the name of a stream, group=NAME" in capsys.readouterr().err


def test_maintenance_of_a_group(served: Client, control: FakeControl, capfd: pytest.CaptureFixture[str]) -> None:
    usual = {"all": False, "lasting": "1h", "until": None, "begin": None, "reason": None, "end": False, "json": False}
    api = Api(served.url, None)

    def run(word: str) -> int:
        return command.carry_out(api, command.asked(argparse.Namespace(streams=[parse_selection(word)], **usual)))

    assert run("group=lobby") == 0
    assert [order.streams for order in control.maintenance_orders] == [["a", "b"]]
    assert run("group=roof") == 2
    assert capfd.readouterr().err == "neverdark: no stream fits group=roof\n"
