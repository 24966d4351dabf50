"""The client for programs of others: what it sends, what it says of a refusal, and that it never keeps one waiting."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from supervisor.clients.external import NeverdarkClient, NeverdarkError, start_time
from tests.unit.small_server import nobody

URL = "rtmp://127.0.0.1/live/secret-key-1234"


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.said: list[tuple[str, str | None, Any]] = []
        self.answers: list[tuple[int, bytes]] = []
        self.drips = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, format: str, *words: object) -> None: ...  # noqa: A002 - its name there

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.said.append((self.path, self.headers.get("Authorization"), json.loads(body) if body else None))
        status, answer = self.server.answers.pop(0) if self.server.answers else (202, b'{"name": "show"}')
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        while self.server.drips:
            self.wfile.write(b" ")
            self.wfile.flush()
            time.sleep(0.02)
        self.wfile.write(answer)


@pytest.fixture
def server() -> Iterator[_Server]:
    with _Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.drips = False
        server.shutdown()
        thread.join()


def test_a_start_is_told_with_when_the_process_began(server: _Server) -> None:
    client = NeverdarkClient(server.url, token="a-token-of-mine")
    said = client.notify_stream_started(
        "show", os.getpid(), URL, progress_file="/p", recovery_webhook="http://h/x", recovery_timeout=5, replace=True
    )
    assert said == {"name": "show"}
    body = {
        "pid": os.getpid(),
        "start_time": start_time(os.getpid()),
        "destination_url": URL,
        "progress_file": "/p",
        "recovery": {"webhook": "http://h/x", "timeout": 5},
        "replace": True,
    }
    assert server.said == [("/api/external/show/started", "Bearer a-token-of-mine", body)]


def test_what_is_not_said_is_not_sent(server: _Server) -> None:
    NeverdarkClient(server.url).notify_stream_started("a/b", 2**22 + 1, URL)
    assert server.said == [
        ("/api/external/a%2Fb/started", None, {"pid": 2**22 + 1, "destination_url": URL, "replace": False})
    ]


def test_a_planned_end_is_told(server: _Server) -> None:
    NeverdarkClient(server.url).notify_stream_stopped("show")
    assert server.said == [("/api/external/show/stopped", None, None)]


def test_a_refusal_is_told_with_its_reason_and_not_repeated(server: _Server) -> None:
    server.answers = [(409, b'{"detail": "pid: there is no process 5"}')]
    with pytest.raises(NeverdarkError, match="neverdark refuses: pid: there is no process 5") as error:
        NeverdarkClient(server.url).notify_stream_started("show", 5, URL)
    assert error.value.status == 409
    assert len(server.said) == 1


def test_one_that_cannot_now_is_told_again(server: _Server) -> None:
    server.answers = [(503, b"{}"), (500, b"no json")]
    assert NeverdarkClient(server.url, timeout=20).notify_stream_stopped("show") == {"name": "show"}
    server.answers = [(503, b'{"detail": "busy"}')] * 9
    with pytest.raises(NeverdarkError, match="busy"):
        NeverdarkClient(server.url, timeout=20).notify_stream_stopped("show")
    assert len(server.said) == 6


def test_what_is_no_neverdark_is_told(server: _Server) -> None:
    server.answers = [(200, b"<html>")]
    with pytest.raises(NeverdarkError, match="no neverdark"):
        NeverdarkClient(server.url).notify_stream_stopped("show")


def test_nobody_there_is_told_without_what_was_to_be_said() -> None:
    client = NeverdarkClient(f"http://{nobody()}", token="a-token-of-mine", timeout=2)
    with pytest.raises(NeverdarkError, match=r"does not answer at http://127\.0\.0\.1") as error:
        client.notify_stream_started("show", os.getpid(), URL)
    assert "secret-key" not in str(error.value)
    assert "a-token" not in str(error.value)


@pytest.mark.timeout(30)
def test_nobody_waits_longer_than_the_timeout(server: _Server) -> None:
    server.drips = True
    began = time.monotonic()
    with pytest.raises(NeverdarkError, match=r"within 0\.3 s"):
        NeverdarkClient(server.url, timeout=0.3).notify_stream_stopped("show")
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("known", [{"url": "127.0.0.1:9900"}, {"url": "http://h", "timeout": 0}])
def test_what_cannot_be_is_refused_at_once(known: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected"):
        NeverdarkClient(**known)


def test_it_brings_nothing_of_the_engine() -> None:
    script = "import sys, supervisor.clients.external; print([m for m in sys.modules if m.startswith('supervisor')])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['supervisor', 'supervisor.clients', 'supervisor.clients.external']"
