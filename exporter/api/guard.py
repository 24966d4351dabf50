"""Who may give orders. Pure.

Reading is free, because nothing secret is ever shown. Orders need the bearer token when one is set; and no
page of another site that stands open in the owner's browser may give them, token or not.
"""

from __future__ import annotations

import hmac
from typing import NamedTuple
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from supervisor.quantities import Address

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class Refusal(NamedTuple):
    """An order that is not taken: the HTTP status and the reason in words."""

    status: int
    detail: str


def _hostname(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def refusal(headers: Headers, listen: Address, token: str | None) -> Refusal | None:
    """Why a request with these headers must not give an order; None when it may."""
    host = headers.get("host", "")
    origin = headers.get("origin")
    if origin is not None and origin.partition("://")[2].lower() != host.lower():
        return Refusal(403, "orders are not taken from pages of another site")
    if token is not None:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), token.encode()):
            return Refusal(401, "a bearer token is needed: Authorization: Bearer …")
    elif listen.is_loopback and _hostname(host) not in _LOOPBACK_NAMES | {listen.host.lower()}:
        # DNS rebinding: a foreign page whose name now leads here has our origin, but not our name.
        return Refusal(403, "without a token orders are only taken under this machine's own name (localhost)")
    return None
