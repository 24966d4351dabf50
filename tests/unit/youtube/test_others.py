"""Streams, channels, videos, thumbnails; who asks, and what it costs."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import requests

from tests.unit.youtube.asking import KEY, Asker, reason
from tests.youtube import discovery
from tests.youtube.errors import KINDS
from tests.youtube.fake import FakeYouTube
from tests.youtube.model import State

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 100


def _status(asker: Asker) -> dict[str, Any]:
    answer = asker.ask("GET", "liveStreams", part="id,status", id=asker.stream.id)
    status: dict[str, Any] = answer.json()["items"][0]["status"]
    return status


def test_the_status_of_a_stream_is_what_the_encoder_does(youtube: FakeYouTube, asker: Asker) -> None:
    youtube.rules.active_after, youtube.rules.inactive_after = 3, 8
    assert _status(asker) == {"streamStatus": "ready", "healthStatus": {"status": "noData"}}
    youtube.ingest.sends(KEY)
    youtube.clock.move(2.9)
    assert _status(asker)["streamStatus"] == "ready"
    youtube.clock.move(0.1)
    assert _status(asker)["streamStatus"] == "active"
    assert _status(asker)["healthStatus"]["status"] == "good"
    youtube.ingest.stops(KEY)
    youtube.clock.move(7.9)
    assert _status(asker)["streamStatus"] == "active"
    youtube.clock.move(0.1)
    assert _status(asker) == {"streamStatus": "inactive", "healthStatus": {"status": "noData"}}


def test_issues_are_words_of_the_document(youtube: FakeYouTube, asker: Asker) -> None:
    youtube.ingest.sends(KEY)
    youtube.ingest.health(KEY, "bad")
    youtube.ingest.issues(KEY, "gopSizeLong", "noAudioStream", severity="warning")
    health = _status(asker)["healthStatus"]
    assert health["status"] == "bad"
    assert [issue["type"] for issue in health["configurationIssues"]] == ["gopSizeLong", "noAudioStream"]
    words = discovery.document()["schemas"]["LiveStreamConfigurationIssue"]["properties"]
    assert {issue["type"] for issue in health["configurationIssues"]} <= set(words["type"]["enum"])
    youtube.ingest.issues(KEY)
    assert "configurationIssues" not in _status(asker)["healthStatus"]
    with pytest.raises(AssertionError, match="gopTooLong"):
        youtube.ingest.issues(KEY, "gopTooLong")


def test_a_new_stream_has_a_key_and_addresses(asker: Asker) -> None:
    cdn = {"frameRate": "variable", "ingestionType": "rtmp", "resolution": "variable"}
    body = {"snippet": {"title": "Ours"}, "cdn": cdn, "contentDetails": {"isReusable": True}}
    made = asker.ask("POST", "liveStreams", body, part="snippet,cdn,contentDetails,status").json()
    assert made["kind"] == "youtube#liveStream"
    assert made["cdn"]["ingestionInfo"]["streamName"]
    assert made["cdn"]["ingestionInfo"]["rtmpsIngestionAddress"] == "rtmps://a.rtmps.youtube.com:443/live2"
    assert made["id"] in asker.ids("liveStreams", mine="true")
    for name in cdn:
        short = body | {"cdn": {key: value for key, value in cdn.items() if key != name}}
        answer = asker.ask("POST", "liveStreams", short, part="snippet,cdn,contentDetails,status")
        assert reason(answer) == (400, f"{name}Required")
    asker.fake.record.forgive()
    untitled = asker.ask("POST", "liveStreams", {"snippet": {"title": ""}, "cdn": cdn}, part="snippet,cdn")
    assert reason(untitled) == (400, "titleRequired")


@pytest.mark.parametrize(
    ("query", "expected"),
    [({}, "missingRequiredParameter"), ({"mine": "true", "id": "x"}, "incompatibleParameters")],
)
def test_a_list_of_streams_takes_one_filter(asker: Asker, query: dict[str, str], expected: str) -> None:
    assert reason(asker.ask("GET", "liveStreams", part="id", **query)) == (400, expected)


def test_the_channel_of_the_login(asker: Asker) -> None:
    assert asker.ids("channels", mine="true") == [asker.fake.channel.id]
    other = asker.fake.studio.channel("UCsomebodyelsesomebody01")
    asker.fake.oauth.channel = other.id
    asker.login()
    assert asker.ids("channels", mine="true") == [other.id]
    assert asker.ids("channels", id=asker.fake.channel.id) == [asker.fake.channel.id]


def test_a_video_tells_what_viewers_see(asker: Asker) -> None:
    made = asker.fake.studio.broadcast(stream=asker.stream)

    def content() -> str:
        answer = asker.ask("GET", "videos", part="snippet,liveStreamingDetails", id=made.id)
        return str(answer.json()["items"][0]["snippet"]["liveBroadcastContent"])

    assert content() == "upcoming"
    asker.fake.studio.start(made)
    assert content() == "live"
    asker.fake.studio.end(made)
    assert content() == "none"
    assert reason(asker.ask("GET", "videos", part="snippet")) == (400, "missingRequiredParameter")


def test_a_thumbnail(asker: Asker) -> None:
    made = asker.fake.studio.broadcast()
    url = f"{asker.fake.url}/upload/youtube/v3/thumbnails/set"

    def put(picture: bytes, video: str = made.id, kind: str = "image/png") -> requests.Response:
        headers = {"Content-Type": kind}
        return asker.session.post(url, params={"videoId": video}, data=picture, headers=headers, timeout=10)

    assert put(PNG).json()["kind"] == "youtube#thumbnailSetResponse"
    assert asker.fake.studio.look(made).thumbnail == PNG
    assert reason(put(PNG, "none")) == (404, "videoNotFound")
    assert reason(put(PNG + b"0" * 2**21)) == (413, "uploadTooLarge")
    assert reason(put(b"GIF89a")) == (400, "invalidImage")
    assert asker.fake.record.forgive() == []
    assert reason(put(b"")) == (400, "mediaBodyRequired")
    assert reason(put(PNG, kind="text/plain")) == (400, "invalidImage")
    assert len(asker.fake.record.forgive()) == 2


def test_who_is_not_logged_in(youtube: FakeYouTube, asker: Asker) -> None:
    youtube.oauth.expire_access()
    assert reason(asker.ask("GET", "channels", part="id", mine="true")) == (401, "authError")
    del asker.session.headers["Authorization"]
    assert asker.ask("GET", "channels", part="id", mine="true").status_code == 401
    assert youtube.record.forgive()
    assert youtube.quota.used == 0


def test_who_may_only_read(youtube: FakeYouTube, asker: Asker) -> None:
    refresh = youtube.oauth.granted(scopes=("https://www.googleapis.com/auth/youtube.readonly",))
    grant = youtube.oauth.grants.by_refresh(refresh)
    assert grant
    asker.session.headers["Authorization"] = f"Bearer {youtube.oauth.grants.new_access(grant)}"
    assert asker.ids(mine="true") == []
    assert reason(asker.insert()) == (403, "insufficientPermissions")


def test_an_access_token_lasts_an_hour(youtube: FakeYouTube, asker: Asker) -> None:
    youtube.clock.move(3598)
    assert asker.ids(mine="true") == []
    youtube.clock.move(1)
    assert reason(asker.ask("GET", "liveBroadcasts", part="id", mine="true")) == (401, "authError")


def test_units(youtube: FakeYouTube, asker: Asker) -> None:
    asker.ids(mine="true")
    assert youtube.quota.used == 1
    made = asker.insert().json()["id"]
    asker.bind(made, asker.stream)
    assert youtube.quota.used == 101
    assert reason(asker.move(made, "live"))[0] == 403
    assert youtube.quota.used == 151, "a call that is refused costs, too"
    youtube.rules.read_units = 5
    youtube.rules.units = {"channels.list": 7}
    asker.ids("channels", mine="true")
    asker.ids("liveStreams", mine="true")
    assert youtube.quota.used == 163


def test_no_units_left_until_midnight_in_california(youtube: FakeYouTube, asker: Asker) -> None:
    youtube.quota.used = 9_990
    assert reason(asker.insert()) == (403, "quotaExceeded")
    assert asker.ids(mine="true") == []
    youtube.quota.use_up()
    assert reason(asker.ask("GET", "liveBroadcasts", part="id", mine="true")) == (403, "quotaExceeded")
    youtube.clock.move(14 * 3600 - 1)  # it was ten o'clock there
    asker.login()
    assert reason(asker.insert()) == (403, "quotaExceeded")
    youtube.clock.move(1)
    assert asker.insert().status_code == 200
    assert youtube.quota.used == 50


@pytest.mark.parametrize("word", sorted(KINDS))
def test_every_reason_comes_in_the_documented_body(youtube: FakeYouTube, asker: Asker, word: str) -> None:
    youtube.fail("liveBroadcasts.list", word)
    answer = asker.ask("GET", "liveBroadcasts", part="id", mine="true")
    assert reason(answer) == (KINDS[word].code, word)
    assert answer.json()["error"]["message"] == answer.json()["error"]["errors"][0]["message"]


def test_the_words_are_those_of_the_document() -> None:
    status = discovery.document()["schemas"]["LiveBroadcastStatus"]["properties"]["lifeCycleStatus"]["enum"]
    assert {state.value for state in State} == set(status) - {"lifeCycleStatusUnspecified"}


def test_numbers_are_never_given_twice(asker: Asker) -> None:
    made = [asker.insert().json()["id"] for _ in range(3)]
    assert all(first != second and len(first) == 11 for first, second in itertools.pairwise(made))
