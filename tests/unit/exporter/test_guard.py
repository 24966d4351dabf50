"""Who may give orders: a table."""

from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from exporter.api.guard import refusal
from supervisor.quantities import Address

LOOPBACK = Address("127.0.0.1", 9833)
ANYWHERE = Address("0.0.0.0", 9833)
TOKEN = "correct horse"


@pytest.mark.parametrize(
    ("headers", "listen", "token", "status"),
    [
        ({"host": "127.0.0.1:9833"}, LOOPBACK, None, None),
        ({"host": "localhost:9833"}, LOOPBACK, None, None),
        ({"host": "LOCALHOST"}, LOOPBACK, None, None),
        ({"host": "[::1]:9833"}, Address("::1", 9833), None, None),
        ({"host": "127.0.0.2:9833"}, Address("127.0.0.2", 9833), None, None),
        ({"host": "evil.example:9833"}, LOOPBACK, None, 403),  # DNS rebinding
        ({"host": "evil.example:9833", "origin": "http://evil.example:9833"}, LOOPBACK, None, 403),
        ({"host": "localhost.evil.example"}, LOOPBACK, None, 403),
        ({"host": "[::1"}, LOOPBACK, None, 403),
        ({}, LOOPBACK, None, 403),
        ({"host": "127.0.0.1:9833", "origin": "http://127.0.0.1:9833"}, LOOPBACK, None, None),
        ({"host": "127.0.0.1:9833", "origin": "http://127.0.0.1:8080"}, LOOPBACK, None, 403),
        ({"host": "127.0.0.1:9833", "origin": "https://evil.example"}, LOOPBACK, None, 403),
        ({"host": "127.0.0.1:9833", "origin": "null"}, LOOPBACK, None, 403),
        ({"host": "127.0.0.1:9833", "origin": ""}, LOOPBACK, None, 403),
        ({"host": "nd.example", "authorization": f"Bearer {TOKEN}"}, ANYWHERE, TOKEN, None),
        ({"host": "nd.example", "authorization": f"bearer  {TOKEN}"}, ANYWHERE, TOKEN, None),
        (
            {"host": "nd.example", "origin": "https://nd.example", "authorization": f"Bearer {TOKEN}"},
            ANYWHERE,
            TOKEN,
            None,
        ),
        (
            {"host": "nd.example", "origin": "https://evil.example", "authorization": f"Bearer {TOKEN}"},
            ANYWHERE,
            TOKEN,
            403,
        ),
        ({"host": "nd.example"}, ANYWHERE, TOKEN, 401),
        ({"host": "nd.example", "authorization": "Bearer wrong"}, ANYWHERE, TOKEN, 401),
        ({"host": "nd.example", "authorization": "Bearer "}, ANYWHERE, TOKEN, 401),
        ({"host": "nd.example", "authorization": f"Basic {TOKEN}"}, ANYWHERE, TOKEN, 401),
        ({"host": "nd.example", "authorization": TOKEN}, ANYWHERE, TOKEN, 401),
        ({"host": "127.0.0.1:9833"}, LOOPBACK, TOKEN, 401),
    ],
)
def test_orders(headers: dict[str, str], listen: Address, token: str | None, status: int | None) -> None:
    refused = refusal(Headers(headers), listen, token)
    assert (refused.status if refused else None) == status
    assert refused is None or TOKEN not in refused.detail
