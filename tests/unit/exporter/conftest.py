"""A real server on a free port for every test that asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import requests
from pydantic import SecretStr

from exporter.http import HttpServer
from supervisor.model.quantities import Address
from supervisor.model.snapshot import Control

PATIENCE = 10  # seconds; more than anything here takes on the slowest machine


class Client:
    """Asks one server, each time over a connection of its own."""

    def __init__(self, server: HttpServer) -> None:
        self.server = server
        self.address = server.address
        self.url = f"http://{server.address}"

    def get(self, path: str, **headers: str) -> requests.Response:
        return self.ask("GET", path, **headers)

    def post(self, path: str, **headers: str) -> requests.Response:
        return self.ask("POST", path, **headers)

    def ask(self, method: str, path: str, **headers: str) -> requests.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.request(method, self.url + path, headers=named, timeout=PATIENCE)


Serve = Callable[..., Client]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """`serve(control, token=None, …)` starts a server, which ends with the test."""
    with ExitStack() as stack:

        def start(control: Control, token: str | None = None, **more: Any) -> Client:
            secret = SecretStr(token) if token else None
            server = HttpServer(control, Address("127.0.0.1", 0), secret, "1.2.3", **more)
            server.start()
            stack.callback(server.stop)
            return Client(server)

        yield start
