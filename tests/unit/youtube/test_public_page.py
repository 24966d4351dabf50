"""The public page in its shapes."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from tests.unit.youtube.asking import Asker
from tests.youtube.fake import FakeYouTube
from tests.youtube.public_page import Shape


def _get(asker: Asker, channel: str = "") -> requests.Response:
    url = f"{asker.fake.url}/channel/{channel or asker.fake.channel.id}/live"
    return requests.get(url, allow_redirects=False, timeout=10)


def _player(asker: Asker) -> dict[str, Any]:
    """`videoDetails`, `times` and `status` of the page; empty where nothing is played."""
    text = _get(asker).text
    _, mark, rest = text.partition("var ytInitialPlayerResponse = ")
    if not mark:
        return {}
    response, _ = json.JSONDecoder().raw_decode(rest)
    times = response["microformat"]["playerMicroformatRenderer"]["liveBroadcastDetails"]
    return {**response["videoDetails"], "times": times, "status": response["playabilityStatus"]["status"]}


def test_nothing_is_live(asker: Asker) -> None:
    assert _player(asker) == {}
    text = _get(asker).text
    assert f'href="https://www.youtube.com/channel/{asker.fake.channel.id}"' in text
    assert f'"externalId":"{asker.fake.channel.id}"' in text


def test_live(asker: Asker) -> None:
    made = asker.fake.studio.broadcast(stream=asker.stream, state="live")
    shown = _player(asker)
    assert (shown["videoId"], shown["isLive"], shown["isLiveContent"]) == (made.id, True, True)
    assert shown["times"]["isLiveNow"] is True


def test_upcoming_is_not_live(asker: Asker) -> None:
    asker.fake.studio.broadcast()
    shown = _player(asker)
    assert (shown["isUpcoming"], shown["times"]["isLiveNow"]) == (True, False)
    assert shown["status"] == "LIVE_STREAM_OFFLINE"
    assert "isLive" not in shown


def test_a_past_video(asker: Asker) -> None:
    asker.fake.studio.broadcast(state="complete")
    assert _player(asker) == {}
    asker.fake.page.shape = Shape.PAST
    shown = _player(asker)
    assert (shown["isPostLiveDvr"], shown["isLiveContent"], shown["times"]["isLiveNow"]) == (True, True, False)
    assert "isLive" not in shown


def test_offline(asker: Asker) -> None:
    asker.fake.studio.broadcast(state="live")
    asker.fake.page.shape = Shape.OFFLINE
    shown = _player(asker)
    assert shown["status"] == "LIVE_STREAM_OFFLINE"
    assert "isLive" not in shown
    assert "isUpcoming" not in shown


@pytest.mark.parametrize("privacy", ["unlisted", "private"])
def test_what_is_not_public_never_stands_there(asker: Asker, privacy: str) -> None:
    made = asker.fake.studio.broadcast(state="live", privacy=privacy)
    assert made.id not in _get(asker).text
    asker.fake.studio.hide(made, "public")
    assert made.id in _get(asker).text


def test_the_page_lags(youtube: FakeYouTube, asker: Asker) -> None:
    youtube.rules.page_lag = 20
    made = youtube.studio.broadcast(state="live")
    youtube.clock.move(19)
    assert made.id not in _get(asker).text
    youtube.clock.move(1)
    youtube.studio.end(made)
    assert _player(asker)["times"]["isLiveNow"] is True


@pytest.mark.parametrize(
    ("shape", "code", "text"),
    [
        (Shape.CONSENT_PAGE, 200, "https://consent.youtube.com/save"),
        (Shape.CAPTCHA, 200, "g-recaptcha"),
        (Shape.TOO_MANY, 429, "Too Many Requests"),
        (Shape.UNKNOWN_SHAPE, 200, "<div id=app>"),
        (Shape.EMPTY, 200, ""),
        (Shape.BROKEN, 200, "<!DOCTYPE html>"),
        (Shape.NOTHING, 200, "/channel/UC"),
    ],
)
def test_a_shape_that_says_nothing_of_the_channel(asker: Asker, shape: Shape, code: int, text: str) -> None:
    asker.fake.studio.broadcast(state="live")
    asker.fake.page.shape = shape
    answer = _get(asker)
    assert answer.status_code == code
    assert text in answer.text
    assert "isLiveNow" not in answer.text


def test_the_way_to_a_consent(asker: Asker) -> None:
    asker.fake.page.shape = Shape.CONSENT
    answer = _get(asker)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("https://consent.youtube.com/m?continue=https%3A%2F%2Fwww.youtube.com")


def test_a_channel_that_is_not_there(asker: Asker) -> None:
    assert _get(asker, "UCnobody").status_code == 404


def test_a_title_ends_no_script(asker: Asker) -> None:
    asker.fake.studio.broadcast('</script>"isLive":true', state="ready")
    assert _player(asker)["title"] == '</script>"isLive":true'
