"""Metrics and health on a listener of their own."""

from __future__ import annotations

import errno
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from exporter.http import HttpServer
from supervisor.config.tokens import FILE, Scope, TokenFile
from supervisor.model.quantities import Address
from tests.unit.exporter.conftest import PATIENCE, Client, Serve
from tests.unit.exporter.snapshots import FakeControl, command, snapshot

HERE, ANYWHERE = Address("127.0.0.1", 0), Address("0.0.0.0", 0)
TOKEN = "correct horse"


def ask(client: Client, path: str, method: str = "GET", token: str | None = None) -> int:
    address = Address("127.0.0.1", client.server.metrics_address.port)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return requests.request(method, f"http://{address}{path}", headers=headers, timeout=PATIENCE).status_code


def test_it_has_metrics_and_health_and_nothing_else(serve: Serve) -> None:
    control = FakeControl(snapshot(command("a")))
    client = serve(control, metrics_listen=HERE)
    assert client.server.metrics_address != client.address
    assert {ask(client, path) for path in ("/metrics", "/healthz", "/readyz")} == {200}
    assert {ask(client, path, "HEAD") for path in ("/metrics", "/healthz", "/readyz")} == {200}
    for path in ("/", "/docs", "/openapi.json", "/web/page.js", "/api/streams", "/api/token", "/api/incidents"):
        assert ask(client, path) == 404
    for method in ("POST", "PUT", "DELETE"):
        assert ask(client, "/api/streams/a/stop", method) == 405
    assert (control.requests, control.orders) == ([], [])
    for path in ("/metrics", "/healthz", "/readyz", "/api/streams"):
        assert client.get(path).ok, "the first one has all, as ever"


def test_both_count_as_one(serve: Serve) -> None:
    client = serve(FakeControl(snapshot(command("a"))), metrics_listen=HERE)
    for _ in range(3):
        ask(client, "/healthz")
    assert 'livestream_http_requests_total{handler="healthz",code="200"} 4' in (
        client.get("/healthz") and client.get("/metrics").text
    )


def test_on_loopback_a_token_changes_nothing(serve: Serve) -> None:
    client = serve(FakeControl(snapshot(command("a"))), token=TOKEN, metrics_listen=HERE)
    assert {ask(client, path) for path in ("/metrics", "/healthz", "/readyz")} == {200}


def test_beyond_loopback_a_scraper_brings_a_token_that_may_read(serve: Serve, tmp_path: Path) -> None:
    tokens = TokenFile(tmp_path / FILE)
    reader = tokens.create("prometheus", Scope.READ, datetime.now(UTC))
    client = serve(FakeControl(snapshot(command("a"))), token=TOKEN, tokens=tokens, metrics_listen=ANYWHERE)
    for path in ("/metrics", "/readyz"):
        assert ask(client, path) == 401
        assert ask(client, path, token="wrong") == 401
        assert ask(client, path, token=reader) == 200
        assert ask(client, path, token=TOKEN) == 200
    assert ask(client, "/healthz") == 200, "it tells of no stream"
    tokens.revoke("prometheus")
    assert ask(client, "/metrics", token=reader) == 401
    assert client.get("/metrics").ok, "the first one asks for none, as ever"


def test_a_taken_port_is_a_clear_error_and_the_other_is_let_go() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = Address("127.0.0.1", taken.getsockname()[1])
        server = HttpServer(FakeControl(snapshot()), HERE, None, "1", metrics_listen=where)
        with pytest.raises(OSError, match=f"cannot listen on {where}") as caught:
            server.bind()
        assert caught.value.errno == errno.EADDRINUSE
        socket.create_server(server.address).close()
