"""The login with Google: four form posts. IO; blocks. Nothing that is secret stands in a `repr` or an exception.

Two kinds of client can log in: one of type TV shows a code that is typed in on another device; one of type Desktop
needs a browser on this machine, which comes back to an address on its loopback.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

import requests

from supervisor.config.youtube import AccountSection
from supervisor.platforms.youtube.errors import Kind, YoutubeError, read_object, reason_of
from supervisor.platforms.youtube.http import NoAnswer, exchange, new_session
from supervisor.platforms.youtube.reading import text

SCOPE: Final = "https://www.googleapis.com/auth/youtube"
_DEVICE: Final = "urn:ietf:params:oauth:grant-type:device_code"
_SLOWER: Final = 5.0  # seconds more after `slow_down`
_LONGEST_INTERVAL: Final = 60.0
_SHORTEST_LIFE: Final = 1.0
_LONGEST_LIFE: Final = 86_400.0
_REFUSED_LOGIN: Final = frozenset({"invalid_grant"})
_REFUSED_CLIENT: Final = frozenset({"invalid_client", "unauthorized_client", "deleted_client", "disabled_client"})


@dataclass(frozen=True, slots=True)
class Grant:
    """What a login or a refresh gives. `lasts`: seconds of the access token. No refresh token: the old one stays."""

    access: str = field(repr=False)
    refresh: str | None = field(repr=False)
    lasts: float
    scope: str = ""


@dataclass(slots=True)
class Device:
    """A login that waits for somebody to type `user_code` at `address`; seconds."""

    code: str = field(repr=False)
    user_code: str
    address: str
    interval: float
    lasts: float


class OAuth:
    """The client of one account. All methods raise `YoutubeError`; its `reason` is the server's own word."""

    def __init__(self, account: AccountSection, session: requests.Session | None = None) -> None:
        self._account = account
        self._session = session or new_session()

    def __repr__(self) -> str:
        return f"OAuth({self._account.oauth_url})"

    def begin(self) -> Device:
        """Ask for a code that somebody can type in."""
        tree = self._asked("/device/code", {"client_id": self._account.client_id, "scope": SCOPE})
        address = text(tree.get("verification_url")) or text(tree.get("verification_uri"))
        device = Device(
            text(tree.get("device_code")),
            text(tree.get("user_code")),
            address,
            _seconds(tree.get("interval"), 5.0, _LONGEST_INTERVAL),
            _seconds(tree.get("expires_in"), 1800.0, _LONGEST_LIFE),
        )
        shown = device.user_code + device.address  # on a terminal
        if not (device.code and device.user_code and address.startswith("http") and shown.isprintable()):
            raise YoutubeError(Kind.UNREADABLE, status=200)
        return device

    def poll(self, device: Device) -> Grant | None:
        """Whether the code was typed in; None: not yet. To be asked every `device.interval`, which may grow."""
        try:
            return self._granted({**self._client(), "device_code": device.code, "grant_type": _DEVICE})
        except YoutubeError as error:
            if error.reason == "slow_down":
                device.interval = min(device.interval + _SLOWER, _LONGEST_INTERVAL)
            elif error.reason != "authorization_pending":
                raise
            return None

    def address(self, redirect: str, state: str, verifier: str) -> str:
        """Where a browser goes to log in; it comes back to `redirect` with `state` and a code."""
        digest = hashlib.sha256(verifier.encode()).digest()
        query = {
            "client_id": self._account.client_id,
            "redirect_uri": redirect,
            "response_type": "code",
            "scope": SCOPE,
            "state": state,
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
            "access_type": "offline",
            "prompt": "consent",  # else there is no refresh token when somebody logs in again
        }
        return f"{self._account.auth_url}/o/oauth2/v2/auth?{urlencode(query)}"

    def exchange(self, code: str, redirect: str, verifier: str) -> Grant:
        """Tokens for the code that the browser brought."""
        form = {"code": code, "redirect_uri": redirect, "code_verifier": verifier, "grant_type": "authorization_code"}
        return self._granted({**self._client(), **form})

    def refresh(self, refresh: str) -> Grant:
        """A new access token. Kind `token`: somebody has to log in again."""
        return self._granted({**self._client(), "refresh_token": refresh, "grant_type": "refresh_token"})

    def revoke(self, token: str) -> None:
        """End a login. One that has ended already is no error."""
        try:
            self._asked("/revoke", {"token": token}, answer=False)
        except YoutubeError as error:
            if error.reason != "invalid_token":
                raise

    def _client(self) -> dict[str, str]:
        secret = self._account.client_secret_file.secret.get_secret_value()
        return {"client_id": self._account.client_id, "client_secret": secret}

    def _granted(self, form: Mapping[str, str]) -> Grant:
        tree = self._asked("/token", form)
        access, refresh = text(tree.get("access_token")), text(tree.get("refresh_token"))
        if not _can_be_sent(access):
            raise YoutubeError(Kind.UNREADABLE, status=200)
        lasts = _seconds(tree.get("expires_in"), 3600.0, _LONGEST_LIFE)
        return Grant(access, refresh if _can_be_sent(refresh) else None, lasts, text(tree.get("scope")))

    def _asked(self, path: str, form: Mapping[str, str], *, answer: bool = True) -> dict[str, Any]:
        try:
            found = exchange(self._session, "POST", f"{self._account.oauth_url}{path}", data=dict(form))
        except NoAnswer:
            raise YoutubeError(Kind.NETWORK) from None
        if found.status == 200:  # noqa: PLR2004 - success
            tree = read_object(found.body)
            if tree is None and answer:
                raise YoutubeError(Kind.UNREADABLE, status=200)
            return tree or {}
        raise _refusal(found.status, reason_of(found.body))


def _refusal(status: int, reason: str) -> YoutubeError:
    if reason in _REFUSED_LOGIN:
        kind = Kind.TOKEN
    elif reason in _REFUSED_CLIENT:
        kind = Kind.PERMISSION
    elif status == 429 or reason == "rate_limit_exceeded":  # noqa: PLR2004 - too many requests
        kind = Kind.RATE
    elif status >= 500:  # noqa: PLR2004 - their trouble
        kind = Kind.SERVER
    elif reason:
        kind = Kind.REQUEST
    else:
        kind = Kind.UNREADABLE
    return YoutubeError(kind, reason, status)


def new_secret() -> str:
    """A word that nobody can guess, for `state` and for PKCE."""
    return secrets.token_urlsafe(48)


def waiting(
    oauth: OAuth,
    device: Device,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
) -> Grant:
    """The grant, once somebody has typed the code in. Raises `YoutubeError`, also when the code is too old.

    What passes, such as a line that fails for a while, does not end the wait.
    """
    until = clock() + device.lasts
    while clock() < until:
        sleep(min(device.interval, max(0.0, until - clock())))
        try:
            if grant := oauth.poll(device):
                return grant
        except YoutubeError as error:
            if error.kind not in {Kind.NETWORK, Kind.SERVER, Kind.RATE, Kind.UNREADABLE}:
                raise
    raise YoutubeError(Kind.REQUEST, "expired_token")


def _can_be_sent(token: str) -> bool:
    """As a header: no spaces, no line ends."""
    return bool(token) and token.isascii() and token.isprintable() and " " not in token


def _seconds(value: object, usual: float, most: float) -> float:
    given = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else usual
    return min(max(given, _SHORTEST_LIFE), most) if given == given else usual  # noqa: PLR0124 - NaN is not itself
