"""The login with Google: what is sent, and what is made of each answer."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from supervisor.platforms.youtube import loopback
from supervisor.platforms.youtube.errors import Kind, YoutubeError
from supervisor.platforms.youtube.oauth import Device, Grant, OAuth, waiting
from tests.unit.platforms.scripted import SECRET, Said, Script, account_at, scripted

CODE = {
    "device_code": "made-up-device-code",
    "user_code": "ABCD-EFGH",
    "verification_url": "https://www.google.com/device",
    "expires_in": 1800,
    "interval": 5,
}
TOKENS = {"access_token": "ya29.made-up", "refresh_token": "1//made-up", "expires_in": 3599, "scope": "s"}
GRANT = Grant("ya29.made-up", "1//made-up", 3599.0, "s")
SCOPE = "https://www.googleapis.com/auth/youtube"


@pytest.fixture
def script() -> Iterator[Script]:
    with scripted(Said(200, CODE)) as made:
        yield made


@pytest.fixture
def oauth(script: Script, tmp_path: Path) -> OAuth:
    return OAuth(account_at(script.url, tmp_path))


def pending(status: int = 428, error: str = "authorization_pending") -> Said:
    return Said(status, {"error": error})


def device() -> Device:
    return Device("made-up-device-code", "ABCD-EFGH", "https://www.google.com/device", 5.0, 1800.0)


def test_a_code_is_asked_for(script: Script, oauth: OAuth) -> None:
    assert oauth.begin() == device()
    (call,) = script.calls
    assert (call.method, call.path, call.form) == ("POST", "/device/code", {"client_id": "1-tv.apps", "scope": SCOPE})


@pytest.mark.parametrize(
    "body",
    [
        {},
        {**CODE, "user_code": 5},
        {**CODE, "user_code": "\x1b[2J"},
        {**CODE, "verification_url": "javascript:x"},
        "<p>",
    ],
)
def test_what_cannot_be_shown_is_no_code(script: Script, oauth: OAuth, body: object) -> None:
    script.say(Said(200, body))
    with pytest.raises(YoutubeError) as raised:
        oauth.begin()
    assert raised.value.kind is Kind.UNREADABLE


def test_it_waits_until_somebody_has_typed_it_in(script: Script, oauth: OAuth) -> None:
    """Whatever status comes with the word; a line that fails for a while does not end it."""
    script.say(pending(428), pending(400), pending(403, "slow_down"), Said(None), Said(502, "x"), Said(200, TOKENS))
    slept: list[float] = []
    now = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        slept.append(seconds)

    assert waiting(oauth, device(), lambda: now, sleep) == GRANT
    assert slept == [5, 5, 5, 10, 10, 10]
    assert script.calls[0].form == {
        "client_id": "1-tv.apps",
        "client_secret": SECRET,
        "device_code": "made-up-device-code",
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
    }


@pytest.mark.parametrize("status", [400, 403])
@pytest.mark.parametrize("word", ["access_denied", "expired_token", "invalid_client"])
def test_a_no_ends_the_wait(script: Script, oauth: OAuth, status: int, word: str) -> None:
    script.say(pending(status, word))
    with pytest.raises(YoutubeError) as raised:
        waiting(oauth, device(), lambda: 0.0, lambda _: None)
    assert raised.value.reason == word
    assert len(script.calls) == 1


def test_a_code_that_nobody_types_in_gets_too_old(script: Script, oauth: OAuth) -> None:
    script.say(pending())
    ticks = iter(range(0, 100_000, 100))
    with pytest.raises(YoutubeError) as raised:
        waiting(oauth, device(), lambda: float(next(ticks)), lambda _: None)
    assert raised.value.reason == "expired_token"


def test_a_refresh(script: Script, oauth: OAuth) -> None:
    script.say(Said(200, {"access_token": "ya29.new", "expires_in": 10}))
    assert oauth.refresh("1//made-up") == Grant("ya29.new", None, 10.0)
    assert (script.calls[0].path, script.calls[0].form["grant_type"]) == ("/token", "refresh_token")
    assert script.calls[0].form["refresh_token"] == "1//made-up"


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (pending(400, "invalid_grant"), Kind.TOKEN),
        (pending(401, "invalid_client"), Kind.PERMISSION),
        (Said(429, "x"), Kind.RATE),
        (Said(500, {"error": "internal_failure"}), Kind.SERVER),
        (Said(200, "<html>"), Kind.UNREADABLE),
        (Said(200, {"access_token": "two words\r\nX: y"}), Kind.UNREADABLE),
        (Said(407, "who are you?"), Kind.UNREADABLE),
        (Said(None), Kind.NETWORK),
    ],
)
def test_what_a_refresh_may_come_to(script: Script, oauth: OAuth, said: Said, kind: Kind) -> None:
    script.say(said)
    with pytest.raises(YoutubeError) as raised:
        oauth.refresh("1//made-up")
    assert raised.value.kind is kind
    assert "made-up" not in repr(raised.value)


def test_revoking(script: Script, oauth: OAuth) -> None:
    script.say(Said(200, ""))
    oauth.revoke("1//made-up")
    assert (script.calls[0].path, script.calls[0].form) == ("/revoke", {"token": "1//made-up"})
    script.say(Said(400, {"error": "invalid_token"}))
    oauth.revoke("1//made-up")
    script.say(Said(503, ""))
    with pytest.raises(YoutubeError):
        oauth.revoke("1//made-up")


def test_nothing_secret_is_printed(oauth: OAuth) -> None:
    printed = repr(oauth) + repr(GRANT) + repr(device())
    assert "made-up" not in printed.replace("ABCD", "")


# --- by a browser --------------------------------------------------------------------------------------


def come_back(address: str, answers: list[int], **said: str) -> None:
    """What a browser does at the end, after a stranger has tried."""
    query = parse_qs(urlsplit(address).query)
    redirect = query["redirect_uri"][0]
    tries = [{"code": "stolen", "state": "guessed"}, {"code": "stolen"}, {"state": query["state"][0], **said}]
    answers += [requests.get(redirect, params=parameters, timeout=20).status_code for parameters in tries]


def logged_in(oauth: OAuth, **said: str) -> tuple[Grant, str, list[int]]:
    answers: list[int] = []
    shown: list[str] = []
    threads: list[threading.Thread] = []

    def show(address: str) -> None:
        shown.append(address)
        threads.append(threading.Thread(target=come_back, args=(address, answers), kwargs=said))
        threads[0].start()

    try:
        return loopback.log_in(oauth, show), shown[0], answers
    finally:
        threads[0].join(20)


def test_a_browser_brings_the_code(script: Script, oauth: OAuth) -> None:
    script.say(Said(200, TOKENS))
    grant, address, answers = logged_in(oauth, code="made-up-code")
    assert grant == GRANT
    assert answers == [404, 404, 200]
    form, query = script.calls[0].form, {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert address.startswith(f"{script.url}/o/oauth2/v2/auth?")
    assert (form["code"], form["grant_type"], form["redirect_uri"]) == (
        "made-up-code",
        "authorization_code",
        query["redirect_uri"],
    )
    assert urlsplit(form["redirect_uri"]).hostname == "127.0.0.1"
    challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).decode().rstrip("=")
    assert (query["code_challenge"], query["code_challenge_method"]) == (challenge, "S256")
    assert (query["scope"], query["access_type"], query["prompt"]) == (SCOPE, "offline", "consent")
    assert form["code_verifier"] not in address


def test_a_browser_brings_a_no(oauth: OAuth, script: Script) -> None:
    with pytest.raises(YoutubeError) as raised:
        logged_in(oauth, error="access_denied")
    assert raised.value.reason == "access_denied"
    assert script.calls == []
