"""Google's login, both kinds."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.unit.youtube.asking import Asker
from tests.youtube.fake import FakeYouTube
from tests.youtube.grants import Client
from tests.youtube.oauth import DESKTOP, TV

SCOPE = "https://www.googleapis.com/auth/youtube"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
BACK = "http://127.0.0.1:5001/"
VERIFIER = "v" * 50
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")

Post = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def post(asker: Asker) -> Post:
    def post(path: str, client: Client = TV, **form: str) -> tuple[int, dict[str, Any]]:
        whole = {"client_id": client.client_id, "client_secret": client.client_secret} | form
        answer = asker.session.post(f"{asker.fake.url}{path}", data=whole, timeout=10)
        return answer.status_code, answer.json()

    return post


def _device(post: Post) -> dict[str, Any]:
    code, body = post("/device/code", scope=SCOPE)
    assert code == 200
    return body


def _poll(post: Post, device: dict[str, Any]) -> tuple[int, str]:
    code, body = post("/token", grant_type=DEVICE, device_code=device["device_code"])
    return code, body.get("error", "")


def test_a_device_waits_until_a_person_consents(youtube: FakeYouTube, post: Post) -> None:
    device = _device(post)
    assert (device["interval"], device["expires_in"]) == (5, 1800)
    assert device["verification_url"] == "https://www.google.com/device"
    assert _poll(post, device) == (428, "authorization_pending")
    youtube.rules.pending_code = 400
    youtube.clock.move(5)
    assert _poll(post, device) == (400, "authorization_pending")
    youtube.oauth.consent(device["user_code"])
    youtube.clock.move(5)
    code, body = post("/token", grant_type=DEVICE, device_code=device["device_code"])
    assert (code, body["token_type"], body["expires_in"], body["scope"]) == (200, "Bearer", 3599, SCOPE)
    assert youtube.oauth.grant_of(body["access_token"]).channel == youtube.channel.id
    assert body["refresh_token"]
    youtube.clock.move(5)
    assert _poll(post, device) == (400, "invalid_grant"), "a code is good for one login"


def test_who_polls_too_fast_waits_five_seconds_longer(youtube: FakeYouTube, post: Post) -> None:
    device = _device(post)
    _poll(post, device)
    youtube.clock.move(4)
    assert _poll(post, device) == (403, "slow_down")
    youtube.clock.move(5)
    assert _poll(post, device) == (403, "slow_down")
    youtube.clock.move(15)
    assert _poll(post, device) == (428, "authorization_pending")


def test_a_person_says_no(youtube: FakeYouTube, post: Post) -> None:
    device = _device(post)
    youtube.oauth.deny()
    assert _poll(post, device) == (403, "access_denied")


def test_nobody_says_anything(youtube: FakeYouTube, post: Post) -> None:
    device = _device(post)
    youtube.clock.move(1800)
    assert _poll(post, device) == (400, "expired_token")


def test_a_device_login_needs_a_client_of_its_kind_and_a_scope_that_it_takes(post: Post) -> None:
    assert post("/device/code", DESKTOP, scope=SCOPE)[1]["error"] == "invalid_client"
    assert post("/device/code", client_id="nobody", scope=SCOPE) == (
        401,
        {"error": "invalid_client", "error_description": "The OAuth client was not found."},
    )
    code, body = post("/device/code", scope=f"{SCOPE} {SCOPE}.upload")
    assert (code, body["error"]) == (400, "invalid_scope")
    assert post("/device/code")[1]["error"] == "invalid_request"
    assert post("/device/code", scope=f"{SCOPE}.readonly")[0] == 200


def _refresh(post: Post, token: str, client: Client = TV, **form: str) -> tuple[int, dict[str, Any]]:
    return post("/token", client, grant_type="refresh_token", refresh_token=token, **form)


def test_refresh(youtube: FakeYouTube, post: Post) -> None:
    token = youtube.oauth.granted()
    code, body = _refresh(post, token)
    assert (code, "refresh_token" in body) == (200, False), "the old one stays"
    assert youtube.oauth.grant_of(body["access_token"]).channel == youtube.channel.id
    youtube.rules.new_refresh_token = True
    new = _refresh(post, token)[1]["refresh_token"]
    assert new != token
    assert _refresh(post, new)[0] == 200


def test_a_refresh_that_is_not_granted(youtube: FakeYouTube, post: Post) -> None:
    token = youtube.oauth.granted()
    assert _refresh(post, token, client_secret="wrong")[1]["error"] == "invalid_client"
    assert _refresh(post, token, DESKTOP)[1]["error"] == "unauthorized_client"
    assert _refresh(post, "1//never") == (
        400,
        {"error": "invalid_grant", "error_description": "Token has been expired or revoked."},
    )
    assert post("/token", grant_type="password")[1]["error"] == "unsupported_grant_type"


def test_a_consent_that_is_taken_back(youtube: FakeYouTube, asker: Asker, post: Post) -> None:
    token = youtube.oauth.granted()
    youtube.oauth.revoke()
    code, body = _refresh(post, token)
    assert (code, body["error"]) == (400, "invalid_grant")
    answer = asker.ask("GET", "channels", part="id", mine="true")
    assert answer.status_code == 401, "access tokens go with it"


def test_a_project_in_testing_forgets_after_seven_days(youtube: FakeYouTube, post: Post) -> None:
    youtube.rules.refresh_lasts = 7 * 86_400
    token = youtube.oauth.granted()
    youtube.clock.move(7 * 86_400 - 1)
    assert _refresh(post, token)[0] == 200
    youtube.clock.move(1)
    assert _refresh(post, token)[1]["error"] == "invalid_grant"


def test_logout_revokes(youtube: FakeYouTube, post: Post) -> None:
    token, other = youtube.oauth.granted(), youtube.oauth.granted()
    access = _refresh(post, other)[1]["access_token"]
    assert post("/revoke", token=token) == (200, {})
    assert _refresh(post, token)[1]["error"] == "invalid_grant"
    assert post("/revoke", token=token)[1]["error"] == "invalid_token"
    assert post("/revoke", token=access)[0] == 200, "with the access token, too"
    assert _refresh(post, other)[1]["error"] == "invalid_grant"


def _auth(asker: Asker, client: Client = DESKTOP, **asked: str) -> requests.Response:
    query = {"client_id": client.client_id, "redirect_uri": BACK, "response_type": "code", "scope": SCOPE} | asked
    url = f"{asker.fake.url}/o/oauth2/v2/auth"
    return asker.session.get(url, params=query, allow_redirects=False, timeout=10)


def _came_back(answer: requests.Response) -> dict[str, str]:
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(BACK)
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def _exchange(post: Post, code: str, **form: str) -> tuple[int, str]:
    whole = {"grant_type": "authorization_code", "redirect_uri": BACK, "code": code} | form
    status, body = post("/token", DESKTOP, **whole)
    return status, body.get("error", "")


def test_a_login_by_loopback(asker: Asker, post: Post) -> None:
    back = _came_back(_auth(asker, state="s", code_challenge=CHALLENGE, code_challenge_method="S256"))
    assert back["state"] == "s"
    assert _exchange(post, back["code"], code_verifier=VERIFIER) == (200, "")
    assert _exchange(post, back["code"], code_verifier=VERIFIER) == (400, "invalid_grant"), "good for once"


@pytest.mark.parametrize("form", [{}, {"code_verifier": "w" * 50}])
def test_the_verifier_is_held_against_the_challenge(asker: Asker, post: Post, form: dict[str, str]) -> None:
    back = _came_back(_auth(asker, code_challenge=CHALLENGE, code_challenge_method="S256"))
    assert _exchange(post, back["code"], **form) == (400, "invalid_grant")


def test_a_code_is_for_the_address_that_it_came_home_to(asker: Asker, post: Post) -> None:
    back = _came_back(_auth(asker))
    assert _exchange(post, back["code"], redirect_uri="http://127.0.0.1:1/") == (400, "redirect_uri_mismatch")
    assert _exchange(post, _came_back(_auth(asker))["code"]) == (200, "")


def test_a_loopback_login_that_is_refused(asker: Asker) -> None:
    asker.fake.oauth.person = "no"
    assert _came_back(_auth(asker, state="s")) == {"error": "access_denied", "state": "s"}
    assert _auth(asker, TV).json()["error"] == "redirect_uri_mismatch"
    assert _auth(asker, redirect_uri="http://192.0.2.1/").json()["error"] == "redirect_uri_mismatch"
    assert _auth(asker, scope="openid").json()["error"] == "invalid_scope"
    assert _auth(asker, client_id="nobody").json()["error"] == "invalid_client"
