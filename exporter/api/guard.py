"""Who may read and who may give orders. Pure.

Reading is free under this machine's own names, because nothing secret is ever shown. Orders need the bearer token when
one is set; and no page of another site that stands open in the owner's browser may give them, token or not. Without a
token only this machine gives orders, and not what a reverse proxy on it hands on for somebody else.

Behind another name there may be a reverse proxy, or a foreign page whose name was made to lead here (DNS rebinding). No
header tells the two apart, since such a page may set any. So under other names everything needs the token, but for the
files of the page, which hold nothing and ask for it.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from typing import Final, NamedTuple

from starlette.datastructures import Headers
from starlette.types import Scope

from exporter.traffic import is_order
from supervisor.model.quantities import Address

PROOF: Final = "/api/token"  # a reading that always needs a token: to try one without an order
OPEN: Final = frozenset({"/metrics", "/healthz", "/readyz"})  # for whoever reaches the port
_FILES: Final = frozenset({"/", "/docs", "/openapi.json"})
_HOST: Final = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9_.-]+))(?::(\d{1,5}))?", re.ASCII | re.IGNORECASE)
_PORTS: Final = {"http": 80, "https": 443}
# Beside X-Forwarded-…: what proxies add to a request that they hand on.
_FORWARDED: Final = frozenset(
    {"forwarded", "via", "x-real-ip", "x-client-ip", "client-ip", "true-client-ip", "cf-connecting-ip"}
)
_OLD_HTTP: Final = "1.0"  # what nginx speaks to its upstreams unless told otherwise; browsers and our CLI do not


class Rejection(NamedTuple):
    """A request that is not answered: the HTTP status and the reason in words."""

    status: int
    detail: str


NEEDS_TOKEN: Final = Rejection(401, "a bearer token is needed: Authorization: Bearer …")
_OTHER_SITE: Final = Rejection(
    403,
    "orders are not taken from pages of another site: Origin and Host differ. "
    "A reverse proxy has to pass Host on (nginx: proxy_set_header Host $http_host;)",
)
_FORWARDED_ORDER: Final = Rejection(
    403,
    "orders through a reverse proxy need a token: set api_token_file in the configuration, "
    "and send Authorization: Bearer … (the page asks for it)",
)
_FOREIGN_ORDER: Final = Rejection(
    403,
    "without a token orders are only taken under this machine's own name (localhost). "
    "Behind a reverse proxy, set api_token_file in the configuration",
)
NO_ORDERS: Final = Rejection(405, "there are only /metrics, /healthz and /readyz here, to be read")
_FOREIGN_READING: Final = Rejection(
    403,
    "without a token neverdark only answers to this machine's own name (localhost). "
    "Behind a reverse proxy, set api_token_file in the configuration",
)


def order_refusal(headers: Headers, http_version: str, listen: Address, *, has_token: bool) -> Rejection | None:
    """Why a request must not give an order; None when it may. `NEEDS_TOKEN` is lifted by the right token."""
    if not _is_from_our_page(headers):
        return _OTHER_SITE
    if has_token:
        return NEEDS_TOKEN
    if http_version == _OLD_HTTP or any(map(_tells_of_a_proxy, headers)):
        return _FORWARDED_ORDER
    if listen.is_loopback and not _is_own_name(headers, listen):
        return _FOREIGN_ORDER
    return None


def reading_refusal(path: str, headers: Headers, listen: Address, *, has_token: bool) -> Rejection | None:
    """Why `path` must not be read; None when it may. `NEEDS_TOKEN` is lifted by the right token."""
    if path == PROOF and has_token:
        return NEEDS_TOKEN
    if path in OPEN or not listen.is_loopback or _is_own_name(headers, listen):
        return None
    if not has_token:
        return _FOREIGN_READING
    return None if path in _FILES or path.startswith("/web/") else NEEDS_TOKEN


def rule_for(listen: Address) -> Callable[..., Rejection | None]:
    """The rule of a server that has everything, listening at `listen`; see `gate.Rule`."""

    def rule(scope: Scope, headers: Headers, *, has_token: bool) -> Rejection | None:
        if is_order(scope["method"]):
            return order_refusal(headers, scope["http_version"], listen, has_token=has_token)
        return reading_refusal(scope["path"], headers, listen, has_token=has_token)

    return rule


def scrape_rule_for(listen: Address) -> Callable[..., Rejection | None]:
    """The rule of a server that has metrics and health alone, and takes no orders.

    Beyond loopback it tells the streams' names and how they do, so a scraper has to bring a token; not who only asks
    whether neverdark lives.
    """

    def rule(scope: Scope, headers: Headers, *, has_token: bool) -> Rejection | None:
        del headers
        if is_order(scope["method"]):
            return NO_ORDERS
        free = listen.is_loopback or scope["path"] == "/healthz" or not has_token
        return None if free else NEEDS_TOKEN

    return rule


def is_right(authorization: str, token: str) -> bool:
    """Whether the header carries the bearer token."""
    scheme, _, given = authorization.partition(" ")
    return hmac.compare_digest(given.strip().encode(), token.encode()) and scheme.lower() == "bearer"


def _tells_of_a_proxy(name: str) -> bool:
    return name in _FORWARDED or name.startswith("x-forwarded-")


def _is_own_name(headers: Headers, listen: Address) -> bool:
    """Whether the request names this machine by a name that no foreign page can have."""
    match = _HOST.fullmatch(headers.get("host", ""))
    if match is None:
        return False
    name = (match[1] or match[2]).lower()
    if name == "localhost" or name.endswith(".localhost") or name == listen.host.lower():
        return True
    try:
        address = ip_address(name)
    except ValueError:
        return False
    return ((isinstance(address, IPv6Address) and address.ipv4_mapped) or address).is_loopback


def _is_from_our_page(headers: Headers) -> bool:
    """False when a page of another origin sent it; programs other than browsers send no Origin."""
    origin = headers.get("origin")
    if origin is None:
        return True
    scheme, separator, shown = origin.partition("://")
    default = _PORTS.get(scheme.lower())
    page, asked = _HOST.fullmatch(shown), _HOST.fullmatch(headers.get("host", ""))
    if not separator or default is None or page is None or asked is None:
        return False

    def place(match: re.Match[str]) -> tuple[str, int]:
        return (match[1] or match[2]).lower(), int(match[3] or default)

    return place(page) == place(asked)
