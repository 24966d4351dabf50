"""The public page: live, not live, or unknown; and unknown for whatever is not certain."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from supervisor.platforms.youtube.http import new_session
from supervisor.platforms.youtube.model import Page
from supervisor.platforms.youtube.page import look, read_page
from tests.unit.platforms.scripted import CHANNEL, Said, scripted
from tests.unit.small_server import nobody

OTHER = "UCabcdefghijklmnopqrstuv"


def page(player: object, canonical: str = "https://www.youtube.com/watch?v=x", how: str = "var {} = {};") -> str:
    said = how.format("ytInitialPlayerResponse", player if isinstance(player, str) else json.dumps(player))
    return (
        f'<html><head><link rel="canonical" href="{canonical}"></head><body><script>{said if player else ""}</script>'
        '<script>var ytInitialData = {"badges": [{"style": "LIVE_NOW"}]};</script></body></html>'
    )


def video(status: str = "OK", now: object = None, **details: Any) -> dict[str, Any]:
    times = {} if now is None else {"isLiveNow": now}
    return {
        "playabilityStatus": {"status": status},
        "videoDetails": {"videoId": "x", **details},
        "microformat": {"playerMicroformatRenderer": {"liveBroadcastDetails": times}},
    }


@pytest.mark.parametrize(
    ("player", "found"),
    [
        (video(isLive=True, isLiveContent=True), Page.LIVE),
        (video(now=True), Page.LIVE),
        ({"microformat": video(now=True)["microformat"]}, Page.LIVE),
        (video(isLiveContent=True), Page.NOT_LIVE),
        (video(isLiveContent=True, isPostLiveDvr=True, now=False), Page.NOT_LIVE),
        (video(isUpcoming=True, now=False), Page.NOT_LIVE),
        (video("LIVE_STREAM_OFFLINE", isUpcoming=True), Page.NOT_LIVE),
        (video("LIVE_STREAM_OFFLINE", isLive=True), Page.NOT_LIVE),
        (video("LOGIN_REQUIRED"), Page.UNKNOWN),
        (video("UNPLAYABLE", isLiveContent=True), Page.UNKNOWN),
        (video(isLive="true", now=1), Page.NOT_LIVE),
        ({"playabilityStatus": {"status": "LOGIN_REQUIRED"}}, Page.UNKNOWN),
        ({"videoDetails": [], "microformat": 7, "playabilityStatus": None}, Page.UNKNOWN),
        ("{broken", Page.UNKNOWN),
        ("[1]", Page.UNKNOWN),
        ("null", Page.UNKNOWN),
    ],
)
def test_what_the_player_says(player: object, found: Page) -> None:
    assert read_page(page(player), CHANNEL) is found


def test_in_whatever_way_it_is_written() -> None:
    for how in ("var {} = {};", 'window["{}"] = {};', "{}={}", "{} = null; var ytInitialPlayerResponse = {}"):
        assert read_page(page(video(isLive=True), how=how), CHANNEL) is Page.LIVE
    title = "var ytInitialPlayerResponse = {} </script> \u2028"
    assert read_page(page(video(isLive=True, title=title)), CHANNEL) is Page.LIVE


def test_a_canonical_link_alone_proves_nothing() -> None:
    assert read_page(page(""), CHANNEL) is Page.UNKNOWN
    own = f"https://www.youtube.com/channel/{CHANNEL}"
    assert read_page(page("", own), CHANNEL) is Page.NOT_LIVE  # the channel's own page, without a player
    assert read_page(page("", own), OTHER) is Page.UNKNOWN
    assert read_page(page("{broken", own), CHANNEL) is Page.UNKNOWN
    assert read_page(page("", own).replace("ytInitialData", "x"), CHANNEL) is Page.UNKNOWN


@pytest.mark.parametrize(
    "text", ["", "<html>", "captcha", "<form action='https://consent.youtube.com/save'>", "ytInitialPlayerResponse"]
)
def test_any_other_page_is_unknown(text: str) -> None:
    assert read_page(text, CHANNEL) is Page.UNKNOWN


@pytest.mark.parametrize(
    "piece",
    [
        "ytInitialPlayerResponse={",
        'ytInitialPlayerResponse={"a":',
        "ytInitialPlayerResponse = ",
        '<link rel="canonical" href="',
    ],
)
def test_no_page_takes_long(piece: str) -> None:
    text = piece * (2_000_000 // len(piece))
    begun = time.process_time()
    assert read_page(text, CHANNEL) is Page.UNKNOWN
    assert time.process_time() - begun < 5


def test_it_is_asked_for_at_the_address_of_the_channel() -> None:
    with scripted(Said(200, page(video(isLive=True)))) as script, new_session() as session:
        assert look(session, script.url, CHANNEL) is Page.LIVE
        (call,) = script.calls
        assert (call.method, call.path) == ("GET", f"/channel/{CHANNEL}/live")
        assert call.headers["cookie"] == "SOCS=CAI"
        assert "authorization" not in call.headers


def test_a_long_page_is_read_as_far_as_it_needs() -> None:
    with scripted(Said(200, page(video(isLive=True)) + " " * 5_000_000)) as script, new_session() as session:
        assert look(session, script.url, CHANNEL) is Page.LIVE


def test_the_same_server_may_send_us_on_but_not_away() -> None:
    live = Said(200, page(video(isLive=True)))
    here = Said(302, "", (("Location", "/@name/live"),))
    with scripted(here, live) as script, new_session() as session:
        assert look(session, script.url, CHANNEL) is Page.LIVE
        script.say(here)
        assert look(session, script.url, CHANNEL) is Page.UNKNOWN
        with scripted(live) as other:
            script.say(Said(302, "", (("Location", f"{other.url}/m?continue=x"),)))
            assert look(session, script.url, CHANNEL) is Page.UNKNOWN
            assert other.calls == []
        script.say(Said(302, "", (("Location", "http://["),)))
        assert look(session, script.url, CHANNEL) is Page.UNKNOWN


@pytest.mark.parametrize("said", [Said(429, page(video())), Said(404, "x"), Said(503, ""), Said(None)])
def test_no_page_is_unknown(said: Said) -> None:
    with scripted(said) as script, new_session() as session:
        assert look(session, script.url, CHANNEL) is Page.UNKNOWN


def test_no_server_is_unknown() -> None:
    with new_session() as session:
        assert look(session, f"http://{nobody()}", CHANNEL) is Page.UNKNOWN
