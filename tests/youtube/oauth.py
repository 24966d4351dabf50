"""Google's login: device flow, loopback flow, refresh, revoking."""

from __future__ import annotations

import base64
import hashlib
import itertools
import secrets
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from tests.youtube.call import Answer, Call
from tests.youtube.clock import Clock
from tests.youtube.grants import SCOPES, Client, Grant, Grants
from tests.youtube.rules import Rules

_DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_CODE_LASTS = 600.0

TV = Client("1001-tv.apps.googleusercontent.com", "GOCSPX-secret-of-the-tv-client", "tv")
DESKTOP = Client("1001-desktop.apps.googleusercontent.com", "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", "desktop")


@dataclass
class Device:
    """A device that waits for a person."""

    client: Client
    user_code: str
    scopes: tuple[str, ...]
    until: float
    interval: float
    asked: float | None = None
    said: str = ""  # yes, no, or nothing yet


class _Code(NamedTuple):
    """What the loopback login comes home with."""

    client: Client
    redirect: str
    scopes: tuple[str, ...]
    challenge: str | None
    method: str
    until: float


class _LoginError(Exception):
    """An answer of the login that is not a token."""

    def __init__(self, error: str, code: int = 400, description: str = "") -> None:
        super().__init__(error)
        self.error = error
        self.code = code
        self.description = description or error


class OAuth:
    """What a person does is said by the methods without a call."""

    def __init__(self, clock: Clock, rules: Rules, channel: str) -> None:
        self._clock = clock
        self._rules = rules
        self._numbers = itertools.count(1)
        self._devices: dict[str, Device] = {}
        self._codes: dict[str, _Code] = {}
        self.clients = [TV, DESKTOP]
        self.grants = Grants(clock, rules)
        self.channel = channel  # which channel the person chooses when consenting
        self.person = "yes"  # what a person says on the page of the loopback login: yes, no

    # A person

    @property
    def waiting(self) -> list[Device]:
        """The devices that nobody has answered yet."""
        return [device for device in self._devices.values() if not device.said]

    def consent(self, user_code: str | None = None) -> None:
        """To the device with this code, or to the only one that waits."""
        self._device(user_code).said = "yes"

    def deny(self, user_code: str | None = None) -> None:
        """Or not."""
        self._device(user_code).said = "no"

    def granted(self, client: Client = TV, *, channel: str | None = None, scopes: tuple[str, ...] = ()) -> str:
        """The refresh token of a login that was made earlier."""
        grant = self.grants.new(client, channel or self.channel, scopes or tuple(sorted(SCOPES)[:1]))
        return next(iter(grant.refresh_tokens))

    def revoke(self) -> None:
        """The person takes every consent back."""
        self.grants.revoke()

    def expire_access(self) -> None:
        """All access tokens are over at once."""
        self.grants.expire_access()

    def _device(self, user_code: str | None) -> Device:
        found = [device for device in self.waiting if user_code in {None, device.user_code}]
        assert len(found) == 1, f"{len(found)} devices wait for an answer"
        return found[0]

    # What the API asks

    def grant_of(self, access_token: str | None) -> Grant:
        """Raises ApiError."""
        return self.grants.by_access(access_token)

    # Calls

    def answer(self, call: Call) -> Answer:
        """Of the router's `oauth.…`."""
        try:
            if call.name == "oauth.auth":
                return self._auth(call)
            if call.name == "oauth.device":
                return Answer.of(self._device_code(call.form()))
            if call.name == "oauth.revoke":
                return Answer.of(self._revoke(call))
            return Answer.of(self._token(call.form()))
        except _LoginError as no:
            body = {"error": no.error, "error_description": no.description}
            return Answer.of(body, no.code, no.error)

    def _client(self, form: dict[str, str], *, secret: bool) -> Client:
        found = [client for client in self.clients if client.client_id == form.get("client_id")]
        if not found:
            raise _LoginError("invalid_client", 401, "The OAuth client was not found.")
        if secret and form.get("client_secret") != found[0].client_secret:
            raise _LoginError("invalid_client", 401, "Unauthorized")
        return found[0]

    @staticmethod
    def _scopes(text: str | None, flow: str) -> tuple[str, ...]:
        scopes = tuple((text or "").split())
        if not scopes:
            raise _LoginError("invalid_request", 400, "Missing required parameter: scope")
        if wrong := set(scopes) - SCOPES:
            raise _LoginError("invalid_scope", 400, f"Invalid {flow} flow scope: {' '.join(sorted(wrong))}")
        return scopes

    def _device_code(self, form: dict[str, str]) -> dict[str, Any]:
        client = self._client(form, secret=False)
        if client.kind != "tv":
            raise _LoginError("invalid_client", 401, "Invalid client type.")
        scopes = self._scopes(form.get("scope"), "device")
        number = next(self._numbers)
        device_code = f"AH-fake-device-{number}-{secrets.token_hex(12)}"
        user_code = f"FAKE-{number:04d}"
        interval = self._rules.device_interval
        until = self._clock.now() + self._rules.device_lasts
        self._devices[device_code] = Device(client, user_code, scopes, until, interval)
        return {
            "device_code": device_code,
            "user_code": user_code,
            "expires_in": int(self._rules.device_lasts),
            "interval": interval,
            "verification_url": "https://www.google.com/device",
        }

    def _token(self, form: dict[str, str]) -> dict[str, Any]:
        client = self._client(form, secret=True)
        kind = form.get("grant_type")
        if kind == _DEVICE:
            return self._of_device(client, form)
        if kind == "refresh_token":
            return self._refreshed(client, form)
        if kind == "authorization_code":
            return self._of_code(client, form)
        raise _LoginError("unsupported_grant_type", 400, f"Invalid grant_type: {kind}")

    def _of_device(self, client: Client, form: dict[str, str]) -> dict[str, Any]:
        code = form.get("device_code", "")
        device = self._devices.get(code)
        if device is None or device.client != client:
            raise _LoginError("invalid_grant", 400, "Malformed device code")
        now = self._clock.now()
        if device.until <= now:
            raise _LoginError("expired_token", 400)
        if device.said == "no":
            raise _LoginError("access_denied", self._rules.denied_code, "Forbidden")
        # A second's tenth is granted: who waits exactly as long as it was told is not too fast.
        if device.asked is not None and now - device.asked < device.interval - 0.1:
            device.asked = now
            device.interval += 5
            raise _LoginError("slow_down", self._rules.slow_down_code, "Forbidden")
        device.asked = now
        if not device.said:
            raise _LoginError("authorization_pending", self._rules.pending_code, "Precondition Required")
        del self._devices[code]
        return self._tokens(self.grants.new(client, self.channel, device.scopes))

    def _refreshed(self, client: Client, form: dict[str, str]) -> dict[str, Any]:
        grant = self.grants.by_refresh(form.get("refresh_token", ""))
        if grant is None:
            raise _LoginError("invalid_grant", 400, "Token has been expired or revoked.")
        if grant.client != client:
            raise _LoginError("unauthorized_client", 401, "Unauthorized")
        body = self._access(grant)
        if self._rules.new_refresh_token:
            body["refresh_token"] = self.grants.new_refresh_token(grant)
        return body

    def _of_code(self, client: Client, form: dict[str, str]) -> dict[str, Any]:
        code = self._codes.pop(form.get("code", ""), None)
        if code is None or code.client != client or code.until <= self._clock.now():
            raise _LoginError("invalid_grant", 400, "Malformed auth code.")
        if form.get("redirect_uri") != code.redirect:
            raise _LoginError("redirect_uri_mismatch", 400, "Bad Request")
        if code.challenge is not None and _challenge(form.get("code_verifier", ""), code.method) != code.challenge:
            raise _LoginError("invalid_grant", 400, "Invalid code verifier.")
        return self._tokens(self.grants.new(client, self.channel, code.scopes))

    def _tokens(self, grant: Grant) -> dict[str, Any]:
        return self._access(grant) | {"refresh_token": next(iter(grant.refresh_tokens))}

    def _access(self, grant: Grant) -> dict[str, Any]:
        return {
            "access_token": self.grants.new_access(grant),
            "expires_in": int(self._rules.access_lasts),
            "scope": " ".join(grant.scopes),
            "token_type": "Bearer",
        }

    def _revoke(self, call: Call) -> dict[str, Any]:
        token = call.form().get("token") or call.query.one("token") or ""
        if not self.grants.revoke(token):
            raise _LoginError("invalid_token", 400, "Token expired or revoked")
        return {}

    def _auth(self, call: Call) -> Answer:
        asked = dict(call.query.pairs)
        client = self._client(asked, secret=False)
        redirect = asked.get("redirect_uri", "")
        where = urlsplit(redirect)
        if client.kind != "desktop" or where.scheme != "http" or where.hostname not in _LOOPBACK:
            raise _LoginError(
                "redirect_uri_mismatch", 400, "The redirect URI of the request is not one of this client's."
            )
        if asked.get("response_type") != "code":
            raise _LoginError("unsupported_response_type")
        scopes = self._scopes(asked.get("scope"), "loopback")
        back = {"state": asked["state"]} if "state" in asked else {}
        if self.person != "yes":
            return Answer.redirect(f"{redirect}?{urlencode({'error': 'access_denied', **back})}")
        code = f"4/fake-code-{next(self._numbers)}-{secrets.token_hex(12)}"
        challenge, method = asked.get("code_challenge"), asked.get("code_challenge_method", "plain")
        self._codes[code] = _Code(client, redirect, scopes, challenge, method, self._clock.now() + _CODE_LASTS)
        return Answer.redirect(f"{redirect}?{urlencode({'code': code, 'scope': ' '.join(scopes), **back})}")


def _challenge(verifier: str, method: str) -> str:
    if method == "plain":
        return verifier
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
