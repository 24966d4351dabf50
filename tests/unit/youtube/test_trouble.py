"""What goes wrong on demand; the server; the record."""

from __future__ import annotations

import time

import pytest
import requests

from tests.unit.youtube.asking import ALL, KEY, NOW, Asker, reason
from tests.youtube.call import Call
from tests.youtube.clock import stamp
from tests.youtube.fake import FakeYouTube
from tests.youtube.oauth import TV


@pytest.mark.parametrize("applied", [True, False])
def test_an_answer_is_lost(youtube: FakeYouTube, asker: Asker, *, applied: bool) -> None:
    youtube.lose_answer("insert", applied=applied)
    with pytest.raises(requests.ConnectionError):
        asker.insert()
    assert len(youtube.studio.made()) == applied
    assert asker.insert().status_code == 200, "once"
    assert [entry.code for entry in youtube.record.all("liveBroadcasts.insert")] == [0, 200]


@pytest.mark.parametrize("applied", [True, False])
def test_an_answer_hangs_until_it_is_well_again(youtube: FakeYouTube, asker: Asker, *, applied: bool) -> None:
    youtube.hang("liveBroadcasts.insert", applied=applied, times=None)
    with pytest.raises(requests.ReadTimeout):
        asker.session.post(
            f"{youtube.url}/youtube/v3/liveBroadcasts",
            params={"part": ALL},
            json={"snippet": {"title": "t", "scheduledStartTime": stamp(NOW)}, "status": {"privacyStatus": "public"}},
            timeout=0.3,
        )
    assert len(youtube.studio.made()) == applied
    youtube.clear()
    assert asker.insert().status_code == 200


def test_who_hangs_does_not_hold_the_others(youtube: FakeYouTube, asker: Asker) -> None:
    youtube.hang("channels.list")
    query = {"part": "id", "mine": "true"}
    with pytest.raises(requests.ReadTimeout):
        asker.session.get(f"{youtube.url}/youtube/v3/channels", params=query, timeout=0.3)
    assert asker.ids(mine="true") == []


@pytest.mark.parametrize("applied", [True, False])
def test_a_server_s_error(youtube: FakeYouTube, asker: Asker, *, applied: bool) -> None:
    youtube.fail("*", "backendError", applied=applied, times=2)
    assert reason(asker.insert()) == (500, "backendError")
    assert youtube.quota.used == 50, "it costs as much as any other"
    assert len(youtube.studio.made()) == applied
    assert asker.insert().status_code == 500
    assert asker.insert().status_code == 200
    youtube.fail("insert", "aNewWord", code=418)
    assert reason(asker.insert()) == (418, "aNewWord")


def test_too_many_requests(youtube: FakeYouTube, asker: Asker) -> None:
    youtube.fail("list", "rateLimitExceeded", retry_after=30, times=None)
    answer = asker.ask("GET", "liveBroadcasts", part="id", mine="true")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "30")
    assert asker.insert().status_code == 200, "what does not end in .list is not meant"


def test_garbage(youtube: FakeYouTube, asker: Asker) -> None:
    youtube.garbage("liveBroadcasts.insert")
    answer = asker.insert()
    assert answer.status_code == 200
    with pytest.raises(requests.JSONDecodeError):
        answer.json()
    assert len(youtube.studio.made()) == 1
    youtube.say("list", "[]")
    assert asker.ask("GET", "channels", part="id", mine="true").json() == []


def test_something_happens_before_and_after_a_call(youtube: FakeYouTube, asker: Asker) -> None:
    seen: list[int] = []
    youtube.before("insert", lambda _: seen.append(len(youtube.studio.made())))
    youtube.after("insert", lambda _: seen.append(len(youtube.studio.made())))
    asker.insert()
    asker.insert()
    assert seen == [0, 1]


def test_a_late_answer(youtube: FakeYouTube, asker: Asker) -> None:
    youtube.slow("liveBroadcasts.list", 0.3)
    began = time.monotonic()
    assert asker.ids(mine="true") == []
    assert time.monotonic() - began >= 0.3


def test_the_login_can_be_in_trouble_too(youtube: FakeYouTube, asker: Asker) -> None:
    youtube.fail("oauth.token", "SERVICE_UNAVAILABLE")
    form = {"client_id": TV.client_id, "grant_type": "refresh_token"}
    assert asker.session.post(f"{youtube.url}/token", data=form, timeout=10).status_code == 503
    youtube.fail("oauth.token", "invalid_grant")
    answer = asker.session.post(f"{youtube.url}/token", data=form, timeout=10)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_a_server_that_is_away_comes_back_with_all_that_it_knew(youtube: FakeYouTube, asker: Asker) -> None:
    made = asker.insert().json()["id"]
    youtube.server.stop()
    with pytest.raises(requests.ConnectionError):
        asker.ids(mine="true")
    youtube.server.start()
    assert asker.ids(mine="true") == [made]


def test_what_a_person_does_is_in_the_record_of_nobody(youtube: FakeYouTube, asker: Asker) -> None:
    foreign = youtube.studio.broadcast(stream=asker.stream)
    youtube.studio.start(foreign)
    youtube.studio.edit(foreign, title="Another")
    youtube.studio.bind(foreign, None)
    assert youtube.studio.look(foreign).title == "Another"
    youtube.studio.end(foreign)
    youtube.studio.delete(foreign)
    assert youtube.record.all() == []
    assert youtube.studio.all() == []


def test_the_record_knows_writes_and_no_secrets(youtube: FakeYouTube, asker: Asker) -> None:
    refresh = youtube.oauth.granted()
    form = {"client_id": TV.client_id, "client_secret": TV.client_secret, "refresh_token": refresh}
    asker.session.post(f"{youtube.url}/token", data=form | {"grant_type": "refresh_token"}, timeout=10)
    asker.session.post(f"{youtube.url}/revoke", params={"token": refresh}, timeout=10)
    asker.ids(mine="true")
    asker.insert(snippet={"title": "A title", "scheduledStartTime": stamp(NOW)})
    assert [entry.name for entry in youtube.record.writes()] == ["liveBroadcasts.insert"]
    assert youtube.record.writes()[0].body["snippet"]["title"] == "A title"
    text = repr(youtube.record.all())
    for secret in (refresh, TV.client_secret, str(asker.session.headers["Authorization"]), KEY):
        assert secret not in text
    assert youtube.record.forgive(), "a token in an address"


def test_an_ill_formed_call_fails_the_fixture() -> None:
    def ask_badly(fake: FakeYouTube) -> None:
        asker = Asker(fake)
        with asker.session:
            assert asker.ids(mine="true", brodcastType="all") == []

    with pytest.raises(AssertionError, match="there is no parameter brodcastType"), FakeYouTube() as fake:
        ask_badly(fake)


def test_what_goes_wrong_in_the_test_s_own_part_fails_the_test() -> None:
    def wrong(call: Call) -> None:
        raise KeyError(call.name)

    def ask(fake: FakeYouTube) -> None:
        asker = Asker(fake)
        fake.after("list", wrong)
        with asker.session, pytest.raises(requests.ConnectionError):
            asker.ids(mine="true")

    with pytest.raises(AssertionError, match=r"KeyError: 'liveBroadcasts\.list'"), FakeYouTube() as fake:
        ask(fake)


def test_it_is_asked_without_a_server(youtube: FakeYouTube, asker: Asker) -> None:
    headers = {"Authorization": str(asker.session.headers["Authorization"])}
    answer = youtube.talk(Call.of("GET", "/youtube/v3/channels?part=id&mine=true", headers))
    assert (answer.code, youtube.channel.id.encode() in answer.body) == (200, True)


def test_a_method_that_there_is_not(youtube: FakeYouTube, asker: Asker) -> None:
    assert asker.ask("GET", "liveBroadcast", part="id").status_code == 404
    assert asker.ask("PATCH", "liveBroadcasts", part="id").status_code == 404
    assert youtube.record.forgive() == [
        "GET /youtube/v3/liveBroadcast?part=id → 404 notFound: there is no such method",
        "PATCH /youtube/v3/liveBroadcasts?part=id → 404 notFound: there is no such method",
    ]
