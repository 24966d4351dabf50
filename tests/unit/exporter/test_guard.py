"""Who may read and who may give orders: tables."""

from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from exporter.api.guard import NEEDS_TOKEN, Rejection, is_right, order_refusal, reading_refusal
from supervisor.model.quantities import Address

LOOPBACK = Address("127.0.0.1", 9833)
ANYWHERE = Address("0.0.0.0", 9833)
TOKEN = "correct horse"
HERE = "127.0.0.1:9833"
OWN_NAMES = [
    HERE,
    "127.0.0.1",
    "127.0.0.99:1",
    "localhost:9833",
    "LOCALHOST",
    "cams.localhost:9833",
    "[::1]:9833",
    "[::1]",
    "[::ffff:127.0.0.1]:9833",
]
FOREIGN_NAMES = [
    "",
    "evil.example",
    "evil.example:9833",
    "localhost.evil.example",
    "evil.example.localhost.evil.example",
    "127.0.0.1.nip.io",
    "evil@localhost",
    "evil.example@localhost:9833",
    "localhost:80@evil.example",
    "localhost@",
    "localhost/evil.example",
    "localhost#",
    "localhost,evil.example",
    "localhost evil.example",
    "localhost:",
    "localhost:evil",
    "notlocalhost",
    "10.0.0.1",
    "128.0.0.1",
    "0x7f000001",
    "2130706433",
    "[::1",
    "[evil.example]",
    "[::2]",
    "::1",
]
FORWARDED = [
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "X-Forwarded-Proto",
    "x-real-ip",
    "via",
    "x-forwarded-x",
]


def ordering(
    headers: dict[str, str], listen: Address = LOOPBACK, *, has_token: bool = False, http_version: str = "1.1"
) -> Rejection | None:
    return order_refusal(Headers(headers), http_version, listen, has_token=has_token)


@pytest.mark.parametrize("host", OWN_NAMES)
def test_orders_and_readings_under_this_machines_own_names(host: str) -> None:
    assert ordering({"host": host}) is None
    assert reading_refusal("/api/streams", Headers({"host": host}), LOOPBACK, has_token=False) is None


@pytest.mark.parametrize("host", FOREIGN_NAMES)
def test_under_foreign_names_everything_needs_the_token(host: str) -> None:
    headers = Headers({"host": host})
    refused = ordering({"host": host})
    assert refused
    assert refused.status == 403
    for path in ("/", "/api/streams", "/api/streams/a/logs", "/docs", "/web/page.js", "/metrics/x", "/nothing"):
        reading = reading_refusal(path, headers, LOOPBACK, has_token=False)
        assert reading
        assert reading.status == 403
        assert "api_token_file" in reading.detail
    assert reading_refusal("/api/streams", headers, LOOPBACK, has_token=True) is NEEDS_TOKEN
    assert reading_refusal("/nothing", headers, LOOPBACK, has_token=True) is NEEDS_TOKEN
    for path in ("/metrics", "/healthz", "/readyz"):
        assert reading_refusal(path, headers, LOOPBACK, has_token=False) is None
    for path in ("/", "/docs", "/web/page.js"):  # hold nothing, and the page asks for the token
        assert reading_refusal(path, headers, LOOPBACK, has_token=True) is None
    assert reading_refusal("/api/streams", headers, ANYWHERE, has_token=True) is None


def test_the_address_that_it_listens_on_is_a_name_of_its_own() -> None:
    assert ordering({"host": "127.0.0.2:9833"}, Address("127.0.0.2", 9833)) is None
    assert ordering({"host": "[::1]:9833"}, Address("::1", 9833)) is None


def test_no_host_at_all_is_a_foreign_one() -> None:
    assert ordering({})
    assert reading_refusal("/", Headers({}), LOOPBACK, has_token=False)


@pytest.mark.parametrize("name", FORWARDED)
def test_what_a_proxy_hands_on_gives_orders_only_with_a_token(name: str) -> None:
    forwarded = {"host": HERE, name: "203.0.113.7"}
    refused = ordering(forwarded)
    assert refused
    assert refused.status == 403
    assert "api_token_file" in refused.detail
    assert ordering(forwarded, has_token=True) is NEEDS_TOKEN
    # Reading is free: the proxy speaks to us under our own name because its owner set it up.
    assert reading_refusal("/api/streams", Headers(forwarded), LOOPBACK, has_token=False) is None


def test_what_speaks_old_http_is_a_proxy() -> None:
    assert ordering({"host": HERE}, http_version="1.0")
    assert ordering({"host": HERE}, http_version="1.0", has_token=True) is NEEDS_TOKEN


@pytest.mark.parametrize(
    ("origin", "host", "fits"),
    [
        ("http://127.0.0.1:9833", HERE, True),
        ("http://127.0.0.1:8080", HERE, False),
        ("http://127.0.0.1", HERE, False),
        ("https://evil.example", HERE, False),
        ("null", HERE, False),
        ("", HERE, False),
        ("127.0.0.1:9833", HERE, False),
        ("file://", HERE, False),
        ("https://nd.example", "nd.example", True),
        ("https://ND.example", "nd.example:443", True),
        ("https://nd.example:443", "nd.example", True),
        ("https://nd.example:8443", "nd.example:8443", True),
        ("https://nd.example:8443", "nd.example", False),
        ("http://nd.example", "nd.example:443", False),
        ("https://nd.example", "evil@nd.example", False),
        ("https://evil.example", "nd.example", False),
        ("https://nd.example", HERE, False),  # nginx as it is by default
        ("http://[::1]:9833", "[::1]:9833", True),
    ],
)
def test_pages_of_other_origins_give_no_orders_token_or_not(origin: str, host: str, *, fits: bool) -> None:
    refused = ordering({"host": host, "origin": origin}, ANYWHERE, has_token=True)
    assert (refused is NEEDS_TOKEN) is fits
    if not fits:
        assert refused
        assert refused.status == 403
        assert "proxy_set_header Host $http_host;" in refused.detail


@pytest.mark.parametrize(
    ("authorization", "right"),
    [
        (f"Bearer {TOKEN}", True),
        (f"bearer  {TOKEN}", True),
        ("Bearer wrong", False),
        ("Bearer ", False),
        ("", False),
        (f"Basic {TOKEN}", False),
        (TOKEN, False),
        (f"Bearer {TOKEN}x", False),
        ("Bearer ü", False),
    ],
)
def test_tokens(authorization: str, *, right: bool) -> None:
    assert is_right(authorization, TOKEN) is right
