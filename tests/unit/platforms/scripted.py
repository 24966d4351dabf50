"""A server whose answers a test writes down, and which keeps what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from supervisor.config.youtube import AccountSection
from tests.integration.harness.waiting import free_port

SECRET = "GOCSPX-made-up-secret"
CHANNEL = "UC1234567890123456789012"


class Said(NamedTuple):
    """An answer. `body` is JSON, text, or bytes as they are. None as status: the connection is cut."""

    status: int | None = 200
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body or {}).encode()


@dataclass
class Call:
    """What was asked."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Script:
    """`answers` in their order; the last is given again and again."""

    url: str = ""
    answers: list[Said] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)

    def say(self, *answers: Said) -> None:
        self.answers[:] = answers

    def next(self) -> Said:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def scripted(*answers: Said) -> Iterator[Script]:
    script = Script(answers=list(answers))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 20
        disable_nagle_algorithm = True

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            script.calls.append(Call(self.command, parts.path, parse_qs(parts.query), headers, body))
            said = script.next()
            if said.status is None:
                self.close_connection = True
                return
            self.send_response(said.status)
            for name, value in said.headers:
                self.send_header(name, value)
            if "Content-Length" not in dict(said.headers):
                self.send_header("Content-Length", str(len(said.content)))
            self.end_headers()
            self.wfile.write(said.content)
            if "Content-Length" in dict(said.headers):
                self.close_connection = True

        do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - the names of the standard library

        def log_message(self, *words: object) -> None:
            del words

    server = ThreadingHTTPServer(("127.0.0.1", free_port()), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        script.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield script
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def account_at(url: str, folder: Path, **more: Any) -> AccountSection:
    """An account whose servers are all at `url`."""
    (folder / "secret").write_text(SECRET)
    urls = dict.fromkeys(("api_url", "oauth_url", "auth_url", "page_url"), url)
    written = {"client_id": "1-tv.apps", "client_secret_file": folder / "secret", "token_file": folder / "token.json"}
    return AccountSection.model_validate({**written, **urls, **more})


def refusal(status: int, reason: str, **headers: str) -> Said:
    """As the API refuses."""
    error = {"code": status, "message": "no", "errors": [{"domain": "youtube", "reason": reason, "message": "no"}]}
    return Said(status, {"error": error}, tuple((name.replace("_", "-"), value) for name, value in headers.items()))
