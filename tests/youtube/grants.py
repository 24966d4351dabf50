"""What people have consented to, and the tokens that came of it."""

from __future__ import annotations

import itertools
import secrets
from dataclasses import dataclass
from typing import NamedTuple

from tests.youtube.clock import Clock
from tests.youtube.errors import ApiError
from tests.youtube.rules import Rules

WRITE_SCOPE = "https://www.googleapis.com/auth/youtube"
SCOPES = frozenset({WRITE_SCOPE, f"{WRITE_SCOPE}.readonly"})


class Client(NamedTuple):
    """A client of Google's console."""

    client_id: str
    client_secret: str
    kind: str  # tv, desktop


@dataclass
class Grant:
    """A person's consent."""

    client: Client
    channel: str
    scopes: tuple[str, ...]
    refresh_tokens: set[str]
    since: float
    revoked: bool = False


class _Access(NamedTuple):
    grant: Grant
    until: float


class Grants:
    """All of them."""

    def __init__(self, clock: Clock, rules: Rules) -> None:
        self._clock = clock
        self._rules = rules
        self._numbers = itertools.count(1)
        self.all: list[Grant] = []
        self._access: dict[str, _Access] = {}

    def new(self, client: Client, channel: str, scopes: tuple[str, ...] = (WRITE_SCOPE,)) -> Grant:
        """A person consented."""
        grant = Grant(client, channel, scopes, set(), self._clock.now())
        self.new_refresh_token(grant)
        self.all.append(grant)
        return grant

    def new_refresh_token(self, grant: Grant) -> str:
        """One more that works."""
        token = self._token("1//fake-refresh")
        grant.refresh_tokens.add(token)
        return token

    def new_access(self, grant: Grant) -> str:
        """An access token."""
        token = self._token("ya29.fake-access")
        self._access[token] = _Access(grant, self._clock.now() + self._rules.access_lasts)
        return token

    def by_access(self, token: str | None) -> Grant:
        """Raises ApiError."""
        if token is None:
            raise ApiError("required", "Login Required.", code=401)
        access = self._access.get(token)
        if access is None or access.grant.revoked or access.until <= self._clock.now():
            raise ApiError("authError")
        return access.grant

    def by_refresh(self, token: str) -> Grant | None:
        """None: it never was one, or is none any more."""
        lasts = self._rules.refresh_lasts
        for grant in self.all:
            if token in grant.refresh_tokens:
                over = lasts is not None and grant.since + lasts <= self._clock.now()
                return None if grant.revoked or over else grant
        return None

    def expire_access(self) -> None:
        """No access token is good any more; refresh tokens are."""
        self._access.clear()

    def revoke(self, token: str | None = None) -> bool:
        """Of this token of either kind, or all: consent is needed again. False: there was none."""
        found = [
            grant
            for grant in self.all
            if not grant.revoked
            and (
                token is None
                or token in grant.refresh_tokens
                or (token in self._access and self._access[token].grant is grant)
            )
        ]
        for grant in found:
            grant.revoked = True
        return bool(found)

    def _token(self, kind: str) -> str:
        # As nobody could guess them: a test that finds one in a log has found that very one.
        return f"{kind}-{next(self._numbers)}-{secrets.token_hex(12)}"
