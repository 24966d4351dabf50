"""The API's client: what is sent, what is made of the answers, and what happens when there is none."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from supervisor.config.youtube import QuotaSection
from supervisor.platforms.youtube.calls import World
from supervisor.platforms.youtube.client import Channel, Client, NewBroadcast
from supervisor.platforms.youtube.errors import Kind, Unsure, YoutubeError
from supervisor.platforms.youtube.ledger import Ledger
from supervisor.platforms.youtube.model import (
    Broadcast,
    HealthStatus,
    Issue,
    LifeCycle,
    LiveStream,
    Privacy,
    Severity,
    StreamStatus,
)
from supervisor.platforms.youtube.quota import Use
from tests.unit.platforms.scripted import CHANNEL, Said, Script, account_at, refusal, scripted
from tests.unit.small_server import nobody

NOON = 1_795_809_600.0
ACCESS = "ya29.made-up-access"
KEY = "abcd-efgh-made-up-key"
NEW = NewBroadcast("A title", "Some words", 1_795_798_544.9, Privacy.UNLISTED, "22", "low", dvr=False)


class Login:
    def __init__(self) -> None:
        self.given: list[str] = []
        self.number = 0

    def access(self) -> str:
        return f"{ACCESS}-{self.number}"

    def refused(self, access: str) -> None:
        self.given.append(access)
        self.number += 1


class Bench:
    """A client, and what it leans on."""

    def __init__(self, script: Script, folder: Path, **quota: Any) -> None:
        self.script = script
        self.login = Login()
        self.ledger = Ledger(QuotaSection(**quota), None, lambda: NOON)
        self.slept: list[float] = []
        self.told: list[tuple[str, str]] = []
        account = account_at(script.url, folder, quota=quota)
        world = World(lambda: NOON, self.slept.append, lambda: 0.5)
        self.client = Client(
            account, self.login, self.ledger, world=world, report=lambda *words: self.told.append(words)
        )

    def failing(self, call: str, *words: Any, **more: Any) -> YoutubeError:
        with pytest.raises(YoutubeError) as raised:
            getattr(self.client, call)(*words, **more)
        return raised.value


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with scripted(Said(200, {"items": []})) as script:
        made = Bench(script, tmp_path)
        yield made
        made.client.close()


def item(name: str = "b1", **status: str) -> dict[str, Any]:
    return {
        "id": name,
        "snippet": {
            "title": "T",
            "description": "D",
            "scheduledStartTime": "2026-11-27T20:00:00Z",
            "actualStartTime": "2026-11-27T20:00:10.5Z",
        },
        "status": {"lifeCycleStatus": "live", "privacyStatus": "public", **status},
        "contentDetails": {
            "boundStreamId": "s1",
            "enableAutoStart": False,
            "enableAutoStop": True,
            "monitorStream": {"enableMonitorStream": False},
        },
    }


BROADCAST = Broadcast(
    "b1",
    LifeCycle.LIVE,
    "s1",
    "T",
    "D",
    Privacy.PUBLIC,
    NOON,
    NOON + 10.5,
    auto_start=False,
    auto_stop=True,
    monitor=False,
)

WRITES = [
    ("insert", (NEW,)),
    ("update", ("b1", NEW)),
    ("bind", ("b1", "s1")),
    ("transition", ("b1", "live")),
    ("delete", ("b1",)),
]


# --- reads -------------------------------------------------------------------------------------------


def test_all_broadcasts_of_all_types_page_by_page(bench: Bench) -> None:
    bench.script.say(Said(200, {"items": [item()], "nextPageToken": "P2"}), Said(200, {"items": [item("b2")]}))
    assert [one.id for one in bench.client.broadcasts()] == ["b1", "b2"]
    first, second = bench.script.calls
    parts = {"part": ["id,snippet,contentDetails,status"], "mine": ["true"], "broadcastType": ["all"]}
    assert first.query == {**parts, "maxResults": ["50"]}
    assert second.query == {**first.query, "pageToken": ["P2"]}
    assert (first.method, first.path) == ("GET", "/youtube/v3/liveBroadcasts")
    assert first.headers["authorization"] == f"Bearer {ACCESS}-0"
    assert bench.told == [("liveBroadcasts.list", "ok")] * 2


def test_a_broadcast_as_a_value(bench: Bench) -> None:
    bench.script.say(Said(200, {"items": [item()]}))
    assert bench.client.broadcasts(["b1"]) == (BROADCAST,)


def test_ids_are_asked_fifty_at_a_time_and_without_another_filter(bench: Bench) -> None:
    bench.client.broadcasts([f"b{number:03d}" for number in range(51)])
    assert [len(call.query["id"]) for call in bench.script.calls] == [50, 1]
    assert not any("mine" in call.query or "broadcastStatus" in call.query for call in bench.script.calls)
    bench.client.streams([])
    assert len(bench.script.calls) == 2


def test_pages_without_an_end_have_one(bench: Bench) -> None:
    bench.script.say(Said(200, {"items": [], "nextPageToken": "again"}))
    assert bench.client.broadcasts() == ()
    assert len(bench.script.calls) == 20


def test_streams_without_their_keys(bench: Bench) -> None:
    health = {
        "status": "bad",
        "configurationIssues": [{"type": "gopSizeLong", "severity": "error", "reason": "r"}, {"severity": "info"}, 7],
    }
    row = {"id": "s1", "status": {"streamStatus": "active", "healthStatus": health}}
    bench.script.say(Said(200, {"items": [row]}))
    issues = (Issue("gopSizeLong", Severity.ERROR, "r"),)
    assert bench.client.streams(["s1"]) == (LiveStream("s1", StreamStatus.ACTIVE, HealthStatus.BAD, issues),)
    assert bench.script.calls[0].query["part"] == ["id,status"]


def test_a_word_that_nobody_knows_is_unknown(bench: Bench) -> None:
    bench.script.say(Said(200, {"items": [item(lifeCycleStatus="abducted", privacyStatus="odd")]}))
    (found,) = bench.client.broadcasts(["b1"])
    assert (found.life_cycle, found.privacy) == (LifeCycle.UNKNOWN, Privacy.UNKNOWN)
    bench.script.say(Said(200, {"items": [{"id": "b1", "snippet": 1, "status": [], "contentDetails": None}]}))
    assert bench.client.broadcasts(["b1"]) == (Broadcast("b1", LifeCycle.UNKNOWN),)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"status": "ok"},
        {"items": None},
        {"error": {"code": 500}},
        {"items": [None, 5, {"id": 7}]},
        {"items": [{"id": "b1"}, {"status": {}}]},
        {"kind": "youtube#liveStreamListResponse", "items": [{"id": "s1"}]},
        {"kind": "youtube#liveStreamListResponse"},
    ],
)
def test_what_is_no_list_of_broadcasts_says_nothing_of_what_is_there(bench: Bench, body: dict[str, Any]) -> None:
    """That there is none leads to a new one."""
    bench.script.say(Said(200, body))
    with pytest.raises(YoutubeError) as raised:
        bench.client.broadcasts()
    assert raised.value.kind is Kind.UNREADABLE


@pytest.mark.parametrize(
    "body",
    [{"items": []}, {"kind": "youtube#liveBroadcastListResponse"}, {"kind": "youtube#listResponse", "items": []}],
)
def test_a_list_may_be_empty(bench: Bench, body: dict[str, Any]) -> None:
    bench.script.say(Said(200, body))
    assert bench.client.broadcasts() == ()


def test_a_key_is_compared_and_not_kept(bench: Bench) -> None:
    row = {"id": "s1", "cdn": {"ingestionInfo": {"streamName": KEY}}}
    bench.script.say(Said(200, {"items": [row]}))
    assert bench.client.stream_key_matches("s1", KEY) is True
    assert bench.client.stream_key_matches("s1", f"{KEY}?backup=1") is True
    assert bench.client.stream_key_matches("s1", "another") is False
    assert bench.client.stream_key_matches("s2", KEY) is None
    assert KEY not in repr(vars(bench.client))


def test_whose_channel_it_is(bench: Bench) -> None:
    assert bench.client.channel() is None
    bench.script.say(Said(200, {"items": [{"id": CHANNEL, "snippet": {"title": "Mine"}}]}))
    assert bench.client.channel() == Channel(CHANNEL, "Mine")


# --- writes ------------------------------------------------------------------------------------------


def test_a_new_broadcast_needs_no_test_and_stops_only_when_told(bench: Bench) -> None:
    bench.script.say(Said(200, item()))
    assert bench.client.insert(NEW) == BROADCAST
    (call,) = bench.script.calls
    assert (call.method, call.path, call.query["part"]) == (
        "POST",
        "/youtube/v3/liveBroadcasts",
        ["id,snippet,contentDetails,status"],
    )
    body = {
        "snippet": {
            "title": "A title",
            "description": "Some words",
            "scheduledStartTime": "2026-11-27T16:55:44Z",
            "categoryId": "22",
        },
        "status": {"privacyStatus": "unlisted", "selfDeclaredMadeForKids": False},
        "contentDetails": {
            "enableAutoStart": False,
            "enableAutoStop": False,
            "enableDvr": False,
            "latencyPreference": "low",
            "monitorStream": {"enableMonitorStream": False, "broadcastStreamDelayMs": 0},
        },
    }
    assert call.json == body
    bench.client.update("b1", NEW)
    assert bench.script.calls[1].json == {"id": "b1", **body}  # what is left out would go to its default
    assert bench.script.calls[1].method == "PUT"


def test_bind_transition_and_delete(bench: Bench) -> None:
    bench.script.say(Said(200, item()), Said(200, item()), Said(204, b""))
    assert bench.client.bind("b1", "s1") == BROADCAST
    assert bench.client.transition("b1", "complete") == BROADCAST
    bench.client.delete("b1")
    bind, transition, delete = bench.script.calls
    assert (bind.path, bind.query["id"], bind.query["streamId"]) == (
        "/youtube/v3/liveBroadcasts/bind",
        ["b1"],
        ["s1"],
    )
    assert (transition.path, transition.query["broadcastStatus"]) == (
        "/youtube/v3/liveBroadcasts/transition",
        ["complete"],
    )
    assert (delete.method, delete.query) == ("DELETE", {"id": ["b1"]})


def test_what_is_so_already_is_a_success(bench: Bench) -> None:
    bench.script.say(refusal(403, "redundantTransition"))
    assert bench.client.transition("b1", "live") is None
    bench.script.say(refusal(404, "liveBroadcastNotFound"))
    bench.client.delete("b1")
    assert bench.failing("transition", "b1", "live").kind is Kind.NOT_FOUND


def test_a_picture(bench: Bench, tmp_path: Path) -> None:
    picture = tmp_path / "p.png"
    picture.write_bytes(b"\x89PNG made up")
    bench.client.set_thumbnail("b1", picture)
    (call,) = bench.script.calls
    assert (call.path, call.query) == ("/upload/youtube/v3/thumbnails/set", {"videoId": ["b1"]})
    assert (call.headers["content-type"], call.body) == ("image/png", b"\x89PNG made up")
    picture.write_bytes(b"x" * 2_000_001)
    with pytest.raises(ValueError, match="at most"):
        bench.client.set_thumbnail("b1", picture)
    assert len(bench.script.calls) == 1


# --- trouble -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("lost", [Said(None), Said(503, "oops"), Said(200, '{"id": "b1", "sn'), Said(200, [1])])
def test_a_read_is_tried_three_times_with_pauses_by_chance(bench: Bench, lost: Said) -> None:
    bench.script.say(lost, lost, Said(200, {"items": [item()]}))
    assert bench.client.broadcasts(["b1"]) == (BROADCAST,)
    assert bench.slept == [0.375, 1.5]
    bench.script.say(lost)
    bench.failing("broadcasts", ["b1"])
    assert len(bench.script.calls) == 6


@pytest.mark.parametrize("lost", [Said(None), Said(500, "x"), refusal(503, "backendError"), Said(302, "")])
@pytest.mark.parametrize(("call", "words"), WRITES)
def test_a_write_whose_answer_is_lost_is_made_once_and_unsure(
    bench: Bench, lost: Said, call: str, words: tuple[Any, ...]
) -> None:
    bench.script.say(lost)
    assert isinstance(bench.failing(call, *words), Unsure)
    assert len(bench.script.calls) == 1
    assert bench.slept == []


@pytest.mark.parametrize(
    "lost", [Said(200, '{"id": "b1", "sn'), Said(200, {}), Said(200, "{}", (("Content-Length", "9"),))]
)
@pytest.mark.parametrize(("call", "words"), WRITES[:-1])
def test_an_answer_that_cannot_be_read_leaves_a_write_unsure(
    bench: Bench, lost: Said, call: str, words: tuple[Any, ...]
) -> None:
    bench.script.say(lost)
    assert isinstance(bench.failing(call, *words), Unsure)
    assert len(bench.script.calls) == 1


def test_a_write_that_never_left_is_not_unsure(tmp_path: Path) -> None:
    made = Bench(Script(url=f"http://{nobody()}"), tmp_path)
    error = made.failing("insert", NEW)
    assert (error.kind, isinstance(error, Unsure)) == (Kind.NETWORK, False)


def test_a_refused_token_is_renewed_once(bench: Bench) -> None:
    bench.script.say(refusal(401, "authError"), Said(200, item()))
    assert bench.client.insert(NEW) == BROADCAST
    assert bench.login.given == [f"{ACCESS}-0"]
    assert bench.script.calls[1].headers["authorization"] == f"Bearer {ACCESS}-1"
    bench.script.say(Said(401, "no"))
    error = bench.failing("insert", NEW)
    assert (error.kind, isinstance(error, Unsure), len(bench.script.calls)) == (Kind.TOKEN, False, 4)


def test_what_is_refused_is_not_asked_again(bench: Bench) -> None:
    bench.script.say(refusal(429, "rateLimitExceeded", Retry_After="77"))
    error = bench.failing("broadcasts")
    assert (error.kind, error.retry_after, bench.slept) == (Kind.RATE, 77.0, [])
    bench.script.say(refusal(403, "userRequestsExceedRateLimit"))
    assert bench.failing("insert", NEW).kind is Kind.INSERTS
    assert bench.failing("broadcasts").kind is Kind.RATE
    assert bench.told[-1] == ("liveBroadcasts.list", "rate")


def test_units_are_counted_before_they_are_spent_and_the_servers_word_closes_the_day(bench: Bench) -> None:
    bench.script.say(Said(None))
    bench.failing("broadcasts")
    bench.failing("insert", NEW)
    assert bench.ledger.day.used == 53
    bench.script.say(refusal(403, "quotaExceeded"))
    assert bench.failing("broadcasts").kind is Kind.QUOTA
    asked = len(bench.script.calls)
    for use in Use:
        error = bench.failing("broadcasts", use=use)
        assert (error.kind, error.reason) == (Kind.QUOTA, "closed")
    assert len(bench.script.calls) == asked


def test_polling_leaves_the_reserve_to_repairs(tmp_path: Path) -> None:
    with scripted(Said(200, {"items": []})) as script:
        made = Bench(script, tmp_path, limit=10, reserve=8)
        made.client.broadcasts()
        made.client.broadcasts()
        assert made.failing("broadcasts").kind is Kind.QUOTA
        made.client.broadcasts(use=Use.REPAIR)
        assert len(script.calls) == 3


def test_nothing_secret_in_any_word(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    said: list[str] = []
    for answer in (
        Said(None),
        Said(401, ACCESS),
        refusal(403, ACCESS),
        Said(200, KEY),
        Said(302, "", (("Location", KEY),)),
    ):
        bench.script.say(answer)
        error = bench.failing("broadcasts")
        said += [str(error), repr(error), repr(error.__cause__)]
    said += [repr(bench.client), caplog.text, repr(bench.told)]
    for secret in (ACCESS, KEY, "GOCSPX"):
        assert not any(secret in words for words in said)


@pytest.mark.parametrize(
    ("wrong", "corrected"), [(-43_200.0, True), (43_200.0, True), (-20.0, False)], ids=["behind", "ahead", "nearly"]
)
def test_where_our_clock_is_wrong_by_hours_theirs_counts(tmp_path: Path, wrong: float, *, corrected: bool) -> None:
    """Or a broadcast would be scheduled for the past, which they refuse, or be rotated as soon as it is live."""
    with scripted(Said(200, {"items": []})) as script:
        account = account_at(script.url, tmp_path)
        world = World(lambda: time.time() + wrong, lambda _: None)
        client = Client(account, Login(), Ledger(account.quota, None, world.wall), world=world)
        assert client.wall() == pytest.approx(time.time() + wrong, abs=10)
        client.streams(["s1"])
        assert client.wall() == pytest.approx(time.time() + (0 if corrected else wrong), abs=10)
        client.close()
