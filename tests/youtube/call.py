"""One request, and what is answered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.youtube import discovery
from tests.youtube.errors import ApiError
from tests.youtube.model import Json
from tests.youtube.query import Query

_LOGIN = {
    "/device/code": "oauth.device",
    "/token": "oauth.token",
    "/revoke": "oauth.revoke",
    "/o/oauth2/v2/auth": "oauth.auth",
    "/o/oauth2/auth": "oauth.auth",
}


def _name_of(verb: str, path: str) -> str:
    """Of the method that is asked for; empty where there is none."""
    if path in _LOGIN:
        return _LOGIN[path]
    if verb == "GET" and path.startswith("/channel/") and path.endswith("/live"):
        return "page"
    method = discovery.method_of(verb, path)
    return method.name if method else ""


@dataclass(frozen=True)
class Call:
    """As it arrived. `name` is the method's: `liveBroadcasts.insert`, `oauth.token`, `page`, or empty."""

    name: str
    verb: str
    path: str
    query: Query
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    @classmethod
    def of(cls, verb: str, address: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Call:
        """As it stands in a request; `address` is a path with its query, or a whole URL."""
        where = urlsplit(address)
        path = unquote(where.path)
        query = Query(parse_qsl(where.query, keep_blank_values=True))
        lower = {name.lower(): value for name, value in (headers or {}).items()}
        return cls(_name_of(verb, path), verb, path, query, lower, body)

    def json(self) -> Json:
        """The body of a call of the API. Raises ApiError."""
        try:
            read = json.loads(self.body or b"{}")
        except ValueError as error:
            raise ApiError("parseError") from error
        if not isinstance(read, dict):
            raise ApiError("badRequest")
        return read

    def form(self) -> dict[str, str]:
        """The body of a call of the login."""
        return dict(parse_qsl(self.body.decode(errors="replace")))

    @property
    def bearer(self) -> str | None:
        """The access token."""
        kind, _, token = self.headers.get("authorization", "").partition(" ")
        return token if kind == "Bearer" and token else None


@dataclass(frozen=True)
class Answer:
    """What goes back."""

    code: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""  # of a refusal, for the record

    @classmethod
    def of(cls, body: Json, code: int = 200, reason: str = "") -> Answer:
        """JSON."""
        kind = {"Content-Type": "application/json; charset=UTF-8"}
        return cls(code, json.dumps(body).encode(), kind, reason)

    @classmethod
    def refused(cls, refusal: ApiError, headers: Mapping[str, str] | None = None) -> Answer:
        """An error of the API."""
        answer = cls.of(refusal.body(), refusal.code, refusal.reason)
        return cls(answer.code, answer.body, {**answer.headers, **(headers or {})}, answer.reason)

    @classmethod
    def html(cls, text: str, code: int = 200) -> Answer:
        """A page."""
        return cls(code, text.encode(), {"Content-Type": "text/html; charset=utf-8"})

    @classmethod
    def redirect(cls, to: str) -> Answer:
        """Look there."""
        return cls(302, b"", {"Location": to})
