"""insert, update, bind, delete and list, line by line."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.youtube.asking import ALL, KEY, NOW, Asker, reason
from tests.youtube.clock import stamp
from tests.youtube.fake import FakeYouTube
from tests.youtube.model import Channel

SOON = stamp(NOW + 5)


def test_an_insert_answers_the_object_itself_with_the_defaults(asker: Asker) -> None:
    made = asker.insert().json()
    assert made["kind"] == "youtube#liveBroadcast"
    assert "items" not in made
    assert made["status"]["lifeCycleStatus"] == "created"
    assert made["contentDetails"]["monitorStream"]["enableMonitorStream"] is True
    assert (made["contentDetails"]["enableAutoStart"], made["contentDetails"]["enableAutoStop"]) == (False, False)
    assert "boundStreamId" not in made["contentDetails"]
    assert made["snippet"]["channelId"] == asker.fake.channel.id


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"snippet": {"scheduledStartTime": SOON}}, "titleRequired"),
        ({"snippet": {"title": "t"}}, "scheduledStartTimeRequired"),
        ({"status": {}}, "privacyStatusRequired"),
        ({"snippet": {"title": "t" * 101, "scheduledStartTime": SOON}}, "invalidTitle"),
        ({"snippet": {"title": "a <b>", "scheduledStartTime": SOON}}, "invalidTitle"),
        ({"snippet": {"title": "t", "description": "d" * 5001, "scheduledStartTime": SOON}}, "invalidDescription"),
        ({"snippet": {"title": "t", "scheduledStartTime": stamp(NOW - 60)}}, "invalidScheduledStartTime"),
        ({"snippet": {"title": "t", "scheduledStartTime": "soon"}}, "invalidScheduledStartTime"),
        ({"status": {"privacyStatus": "secret"}}, "invalidPrivacyStatus"),
    ],
)
def test_an_insert_that_is_not_taken(asker: Asker, changes: dict[str, Any], expected: str) -> None:
    assert reason(asker.insert(**changes)) == (400, expected)
    assert asker.fake.studio.all() == []
    asker.fake.record.forgive()


def test_now_is_taken_as_a_start_and_a_title_of_100(asker: Asker) -> None:
    assert asker.insert(snippet={"title": "t" * 100, "scheduledStartTime": stamp(NOW)}).status_code == 200


def test_whose_clock_stayed_behind_may_still_insert(asker: Asker) -> None:
    """neverdark's clock is not moved with the fake's."""
    asker.fake.clock.move(86_400)
    asker.login()
    assert asker.insert(snippet={"title": "t", "scheduledStartTime": SOON}).status_code == 200


def test_an_update_puts_back_what_it_leaves_out(asker: Asker) -> None:
    start = stamp(NOW + 60)
    made = asker.insert(
        snippet={"title": "t", "description": "text", "scheduledStartTime": start, "categoryId": "10"},
        status={"privacyStatus": "unlisted", "selfDeclaredMadeForKids": True},
        contentDetails={"enableDvr": False, "monitorStream": {"enableMonitorStream": False}},
    ).json()
    body = {"id": made["id"], "snippet": {"title": "new", "scheduledStartTime": start}}
    changed = asker.ask("PUT", "liveBroadcasts", body, part="snippet").json()
    assert (changed["snippet"]["title"], changed["snippet"]["description"]) == ("new", "")
    assert changed["snippet"]["categoryId"] == "22"
    kept = asker.fake.studio.look(made["id"])
    assert (kept.privacy, kept.details["enableDvr"], kept.monitor) == ("unlisted", False, False)
    monitor = {"enableMonitorStream": True, "broadcastStreamDelayMs": 0}
    body = {"id": made["id"], "status": {"privacyStatus": "public"}, "contentDetails": {"monitorStream": monitor}}
    asker.ask("PUT", "liveBroadcasts", body, part="status,contentDetails")
    after = asker.fake.studio.look(made["id"])
    assert (after.details["enableDvr"], after.monitor) == (True, True)
    assert after.status == {"privacyStatus": "public", "selfDeclaredMadeForKids": False}


@pytest.mark.parametrize(
    ("monitor", "expected"),
    [
        ({}, "enableMonitorStreamRequired"),
        ({"enableMonitorStream": False}, "broadcastStreamDelayMsRequired"),
    ],
)
def test_an_update_of_details_says_what_becomes_of_the_monitor_stream(
    asker: Asker, monitor: dict[str, Any], expected: str
) -> None:
    made = asker.fake.studio.broadcast(stream=asker.stream)
    body = {"id": made.id, "contentDetails": {"monitorStream": monitor}}
    assert reason(asker.ask("PUT", "liveBroadcasts", body, part="contentDetails")) == (400, expected)
    assert asker.fake.record.forgive()


@pytest.mark.parametrize("state", ["testing", "live", "complete"])
def test_details_are_fixed_once_it_is_on_show(asker: Asker, state: str) -> None:
    shown = asker.fake.studio.broadcast(stream=asker.stream, state=state)
    monitor = {"enableMonitorStream": False, "broadcastStreamDelayMs": 0}
    body = {"id": shown.id, "contentDetails": {"monitorStream": monitor}}
    assert reason(asker.ask("PUT", "liveBroadcasts", body, part="contentDetails"))[0] == 403


def test_a_live_broadcast_gets_another_title_with_its_old_start(asker: Asker) -> None:
    shown = asker.fake.studio.broadcast(stream=asker.stream, state="live")
    shown = asker.fake.studio.schedule(shown, NOW - 3600)
    snippet = {"title": "new", "scheduledStartTime": shown.snippet["scheduledStartTime"]}
    answer = asker.ask("PUT", "liveBroadcasts", {"id": shown.id, "snippet": snippet}, part="snippet")
    assert answer.json()["snippet"]["title"] == "new"
    snippet = {"title": "new", "scheduledStartTime": stamp(NOW - 3601)}
    answer = asker.ask("PUT", "liveBroadcasts", {"id": shown.id, "snippet": snippet}, part="snippet")
    assert reason(answer) == (400, "invalidScheduledStartTime")


@pytest.mark.parametrize("state", ["created", "ready"])
def test_bind_and_unbind(asker: Asker, state: str) -> None:
    other = asker.fake.studio.stream("other-key")
    made = asker.fake.studio.broadcast(stream=other if state == "ready" else None)
    bound = asker.bind(made, asker.stream).json()
    assert (bound["status"]["lifeCycleStatus"], bound["contentDetails"]["boundStreamId"]) == ("ready", asker.stream.id)
    unbound = asker.bind(made, None).json()
    assert unbound["status"]["lifeCycleStatus"] == "created"
    assert "boundStreamId" not in unbound["contentDetails"]


@pytest.mark.parametrize("state", ["testStarting", "testing", "liveStarting", "live", "complete", "revoked"])
def test_bind_is_for_created_and_ready_only(asker: Asker, state: str) -> None:
    made = asker.fake.studio.broadcast(stream=asker.stream, state=state)
    asker.fake.rules.stuck = {made.state}
    assert reason(asker.bind(made, asker.stream)) == (403, "liveBroadcastBindingNotAllowed")


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("created", 204),
        ("ready", 204),
        ("complete", 204),
        ("testStarting", 403),
        ("testing", 403),
        ("liveStarting", 403),
        ("live", 403),
    ],
)
def test_delete_is_for_what_nobody_sees(asker: Asker, state: str, code: int) -> None:
    made = asker.fake.studio.broadcast(stream=None if state == "created" else asker.stream, state=state)
    answer = asker.ask("DELETE", "liveBroadcasts", id=made.id)
    assert answer.status_code == code
    if code == 204:
        assert answer.content == b""
        assert asker.ids(id=made.id) == []
    else:
        assert reason(answer)[1] == "liveBroadcastDeletionNotAllowed"


def test_who_is_not_there(asker: Asker) -> None:
    gone = "bc999999999"
    assert asker.ids(id=gone) == []
    assert asker.ids("liveStreams", id=gone) == []
    assert reason(asker.move(gone, "live")) == (404, "liveBroadcastNotFound")
    assert reason(asker.bind(gone, asker.stream)) == (404, "liveBroadcastNotFound")
    assert reason(asker.ask("DELETE", "liveBroadcasts", id=gone)) == (404, "liveBroadcastNotFound")
    made = asker.fake.studio.broadcast()
    answer = asker.ask("POST", "liveBroadcasts/bind", id=made.id, part=ALL, streamId="none")
    assert reason(answer) == (404, "liveStreamNotFound")


def test_another_channel_s_broadcasts_are_not_there_either(asker: Asker) -> None:
    theirs = asker.fake.studio.channel("UCsomebodyelsesomebody01")
    foreign = asker.fake.studio.of(theirs).broadcast()
    assert asker.ids(mine="true", broadcastType="all") == []
    assert asker.ids(id=foreign.id) == []
    assert reason(asker.move(foreign, "complete")) == (404, "liveBroadcastNotFound")
    assert isinstance(theirs, Channel)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, "missingRequiredParameter"),
        ({"mine": "true", "id": "x"}, "incompatibleParameters"),
        ({"mine": "true", "broadcastStatus": "all"}, "incompatibleParameters"),
        ({"id": "x", "broadcastStatus": "active"}, "incompatibleParameters"),
        ({"mine": "true", "pageToken": "nonsense"}, "invalidPageToken"),
        ({"mine": "true", "maxResults": "51"}, "invalidParameter"),
        ({"broadcastStatus": "live"}, "invalidParameter"),
        ({"id": ",".join(f"b{number}" for number in range(51))}, "invalidFilters"),
    ],
)
def test_a_list_takes_exactly_one_filter(asker: Asker, query: dict[str, str], expected: str) -> None:
    assert reason(asker.ask("GET", "liveBroadcasts", part="id", **query)) == (400, expected)
    asker.fake.record.forgive()


def test_part_is_required_and_known(asker: Asker) -> None:
    assert reason(asker.ask("GET", "liveBroadcasts", mine="true")) == (400, "required")
    assert reason(asker.ask("GET", "liveBroadcasts", mine="true", part="state")) == (400, "unknownPart")
    assert len(asker.fake.record.forgive()) == 2


def test_only_the_parts_that_were_asked_for(asker: Asker) -> None:
    asker.fake.studio.broadcast()
    shown = asker.ask("GET", "liveBroadcasts", part="id,status", mine="true").json()["items"][0]
    assert shown.keys() == {"kind", "etag", "id", "status"}
    stream = asker.ask("GET", "liveStreams", part="id,status", id=asker.stream.id)
    assert KEY not in stream.text
    whole = asker.ask("GET", "liveStreams", part="cdn", mine="true").json()["items"][0]["cdn"]["ingestionInfo"]
    assert whole["streamName"] == KEY
    assert whole["backupIngestionAddress"] == "rtmp://b.rtmp.youtube.com/live2?backup=1"


def test_persistent_broadcasts_are_hidden_by_default(asker: Asker) -> None:
    event = asker.fake.studio.broadcast()
    persistent = asker.fake.studio.broadcast(persistent=True)
    assert asker.ids(mine="true") == [event.id]
    assert asker.ids(mine="true", broadcastType="persistent") == [persistent.id]
    assert asker.ids(mine="true", broadcastType="all") == [persistent.id, event.id]
    assert asker.ids(id=persistent.id) == [persistent.id]


def test_a_list_by_status(asker: Asker) -> None:
    made = {
        name: asker.fake.studio.broadcast(stream=asker.stream, state=name).id
        for name in ("ready", "testing", "live", "complete")
    }
    assert asker.ids(broadcastStatus="upcoming") == [made["ready"]]
    assert asker.ids(broadcastStatus="active") == [made["live"], made["testing"]]
    assert asker.ids(broadcastStatus="completed") == [made["complete"]]
    assert len(asker.ids(broadcastStatus="all")) == 4


def test_ids_are_repeated_or_stand_with_commas(asker: Asker) -> None:
    first, second, _ = (asker.fake.studio.broadcast().id for _ in range(3))
    assert asker.ids(id=f"{first},{second}") == [second, first]
    url = f"{asker.fake.url}/youtube/v3/liveBroadcasts?part=id&id={first}&id={second}&id=none"
    assert [item["id"] for item in asker.session.get(url, timeout=10).json()["items"]] == [second, first]


def test_pages(asker: Asker) -> None:
    made = [asker.fake.studio.broadcast(f"number {number}").id for number in range(12)][::-1]
    found: list[str] = []
    sizes: list[int] = []
    token: dict[str, str] = {}
    for _ in range(3):
        answer = asker.ask("GET", "liveBroadcasts", part="id", mine="true", **token).json()
        found += [item["id"] for item in answer["items"]]
        sizes.append(len(answer["items"]))
        token = {"pageToken": answer.get("nextPageToken", "")}
        asker.fake.studio.broadcast("made meanwhile")
    assert (sizes, found) == ([5, 5, 2], made)
    assert token == {"pageToken": ""}
    assert answer["pageInfo"]["resultsPerPage"] == 5


def test_lists_lag_behind_writes(youtube: FakeYouTube, asker: Asker) -> None:
    youtube.rules.list_lag, youtube.rules.video_lag = 10, 15
    made = asker.insert().json()["id"]
    youtube.clock.move(9)
    assert asker.ids(mine="true") == asker.ids(id=made) == []
    asker.bind(made, asker.stream)
    youtube.clock.move(1)
    answer = asker.ask("GET", "liveBroadcasts", part=ALL, id=made).json()["items"][0]
    assert answer["status"]["lifeCycleStatus"] == "created"
    assert asker.ids("videos", id=made) == []
    youtube.clock.move(9)
    answer = asker.ask("GET", "liveBroadcasts", part=ALL, id=made).json()["items"][0]
    assert answer["contentDetails"]["boundStreamId"] == asker.stream.id
    assert asker.ids("videos", id=made) == [made]
    asker.ask("DELETE", "liveBroadcasts", id=made)
    assert asker.ids(id=made) == [made]
    youtube.clock.move(10)
    assert asker.ids(id=made) == []


def test_limits_of_inserts(youtube: FakeYouTube, asker: Asker) -> None:
    youtube.rules.inserts_a_day = 1
    assert asker.insert().status_code == 200
    assert reason(asker.insert()) == (403, "userRequestsExceedRateLimit")
    assert len(asker.ids(mine="true")) == 1, "reads go on"
    youtube.clock.move(15 * 3600)  # past midnight in California
    asker.login()
    assert asker.insert().status_code == 200
    youtube.rules.broadcasts_limit = 2
    assert reason(asker.insert()) == (403, "userBroadcastsExceedLimit")


def test_two_broadcasts_on_one_stream_may_both_be_live(youtube: FakeYouTube, asker: Asker) -> None:
    youtube.ingest.sends(KEY)
    for _ in range(2):
        ready = youtube.studio.broadcast(stream=asker.stream)
        assert asker.move(ready, "live").status_code == 200
    assert len(youtube.studio.live()) == 2
