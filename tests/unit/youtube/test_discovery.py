"""What the official document has against a call."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.youtube import discovery

PART = ("part", "id,snippet,status,contentDetails")
GOOD: dict[str, Any] = {
    "snippet": {"title": "t", "scheduledStartTime": "2026-11-27T18:00:00Z"},
    "status": {"privacyStatus": "public", "selfDeclaredMadeForKids": False},
    "contentDetails": {
        "enableAutoStart": False,
        "latencyPreference": "normal",
        "monitorStream": {"enableMonitorStream": False, "broadcastStreamDelayMs": 0},
    },
}


def _faults(
    verb: str, path: str, *query: tuple[str, str], body: Any = None, kind: str = "application/json"
) -> list[str]:
    method = discovery.method_of(verb, path)
    assert method
    sent = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return discovery.faults(method, query, sent, kind)


def _insert(**changes: Any) -> list[str]:
    return _faults("POST", "/youtube/v3/liveBroadcasts", PART, body=GOOD | changes)


def test_what_is_well_formed() -> None:
    assert _insert() == []
    assert _faults("PUT", "/youtube/v3/liveBroadcasts", PART, body=GOOD | {"id": "x"}) == []
    assert _faults("DELETE", "/youtube/v3/liveBroadcasts", ("id", "x")) == []
    assert _faults("POST", "/youtube/v3/liveBroadcasts/bind", ("id", "x"), PART, ("streamId", "s")) == []
    moved = (("id", "x"), ("part", "status"), ("broadcastStatus", "live"))
    assert _faults("POST", "/youtube/v3/liveBroadcasts/transition", *moved) == []
    listed = (("id", "x"), ("id", "y"), ("part", "id"), ("part", "status"), ("maxResults", "50"))
    assert _faults("GET", "/youtube/v3/liveBroadcasts", *listed) == []
    assert (
        _faults("POST", "/upload/youtube/v3/thumbnails/set", ("videoId", "x"), body=b"\x89PNG", kind="image/png") == []
    )


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ((PART, ("mine", "true"), ("broadcasttype", "all")), "there is no parameter broadcasttype"),
        ((("mine", "true"),), "the parameter part is missing"),
        ((("part", ""), ("mine", "true")), "the parameter part is missing"),
        ((("part", "id,stats"), ("mine", "true")), "there is no part 'stats'"),
        ((PART, ("mine", "True")), "mine=True is neither true nor false"),
        ((PART, ("broadcastStatus", "live")), "broadcastStatus=live is none of "),
        ((PART, ("mine", "true"), ("mine", "true")), "mine is given 2 times"),
        ((PART, ("mine", "true"), ("maxResults", "51")), "maxResults=51 is no number from 0 to 50"),
        ((PART, ("mine", "true"), ("access_token", "t")), "access_token stands in the address"),
    ],
)
def test_a_query(query: tuple[tuple[str, str], ...], fault: str) -> None:
    found = _faults("GET", "/youtube/v3/liveBroadcasts", *query)
    assert any(line.startswith(fault) for line in found), found


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"snippets": {}}, "LiveBroadcast has no field snippets"),
        ({"snippet": GOOD["snippet"] | {"tags": []}}, "LiveBroadcastSnippet has no field snippet.tags"),
        ({"snippet": {"title": "t"}}, "snippet.scheduledStartTime is missing"),
        ({"status": {}}, "status.privacyStatus is missing"),
        ({"status": {"privacyStatus": "hidden"}}, "status.privacyStatus: 'hidden' is none of "),
        ({"snippet": GOOD["snippet"] | {"title": 1}}, "snippet.title is no string"),
        ({"contentDetails": {"enableAutoStart": "false"}}, "contentDetails.enableAutoStart is no boolean"),
        ({"contentDetails": {"monitorStream": False}}, "contentDetails.monitorStream is no MonitorStreamInfo"),
        (
            {"contentDetails": {"monitorStream": {"broadcastStreamDelayMs": True}}},
            "contentDetails.monitorStream.broadcastStreamDelayMs is no integer",
        ),
        ({"statistics": {}}, "the part statistics is written and not named"),
    ],
)
def test_a_body(changes: dict[str, Any], fault: str) -> None:
    found = _insert(**changes)
    assert any(line.startswith(fault) for line in found), found


def test_an_update_says_which_and_all_that_it_must() -> None:
    body = {"contentDetails": {"enableAutoStop": False}}
    found = _faults("PUT", "/youtube/v3/liveBroadcasts", ("part", "contentDetails"), body=body)
    assert found == [
        "contentDetails.monitorStream.broadcastStreamDelayMs is missing",
        "contentDetails.monitorStream.enableMonitorStream is missing",
        "id is missing",
    ]


def test_bodies_where_none_belong_and_where_one_does() -> None:
    moved = (("id", "x"), ("part", "status"), ("broadcastStatus", "live"))
    assert _faults("POST", "/youtube/v3/liveBroadcasts/transition", *moved, body={"a": 1}) == ["it has a body"]
    assert _faults("POST", "/youtube/v3/liveBroadcasts", PART, body=b"{") == ["its body is no JSON"]
    wrong = _faults("POST", "/youtube/v3/liveBroadcasts", PART, body=GOOD, kind="text/plain")
    assert wrong == ["its content type is text/plain"]
    assert _faults("POST", "/upload/youtube/v3/thumbnails/set", ("videoId", "x"), kind="image/gif") == [
        "its content type is image/gif, none of image/jpeg, image/png, application/octet-stream",
        "it has no body",
    ]


def test_a_path_or_a_verb_that_there_is_not() -> None:
    assert discovery.method_of("GET", "/youtube/v3/livebroadcasts") is None
    assert discovery.method_of("PATCH", "/youtube/v3/liveBroadcasts") is None
    assert discovery.method_of("GET", "/youtube/v3/liveBroadcasts/bind") is None
