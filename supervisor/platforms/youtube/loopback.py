"""The end of a login in a browser: it comes back to an address on this machine's loopback. IO; blocks."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from supervisor.platforms.youtube.errors import Kind, YoutubeError
from supervisor.platforms.youtube.oauth import Grant, OAuth, new_secret

_ONE_REQUEST: Final = 10.0
_LONGEST_WAIT: Final = 600.0
_DONE: Final = "neverdark: you may close this page."
_NOT_THIS: Final = "neverdark: this is not the login that it waits for."


class _Server(HTTPServer):
    """Waits for one answer; whoever comes without the right `state` gets none."""

    timeout = 0.5

    def __init__(self, state: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.state = state
        self.code: str | None = None
        self.refusal: str | None = None

    def handle_error(self, request: Any, client_address: Any) -> None:
        del request, client_address  # a browser that hangs up


class _Handler(BaseHTTPRequestHandler):
    timeout = _ONE_REQUEST
    server: _Server

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        said = {key: values[0] for key, values in query.items()}
        right = hmac.compare_digest(said.get("state", "").encode(), self.server.state.encode())
        if right and (code := said.get("code")):
            self.server.code = code
        elif right and (refusal := said.get("error")):
            self.server.refusal = refusal
        else:
            right = False
        body = (_DONE if right else _NOT_THIS).encode()
        self.send_response(200 if right else 404)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the standard library
        del format, args  # it would print the code


def log_in(oauth: OAuth, show: Callable[[str], object], clock: Callable[[], float] = time.monotonic) -> Grant:
    """Show an address, wait until a browser on this machine has logged in there. Raises `YoutubeError`, OSError."""
    state, verifier = new_secret(), new_secret()
    with _Server(state) as server:
        redirect = f"http://127.0.0.1:{server.server_address[1]}"
        show(oauth.address(redirect, state, verifier))
        until = clock() + _LONGEST_WAIT
        while server.code is None and server.refusal is None:
            if clock() > until:
                raise YoutubeError(Kind.REQUEST, "expired_token")
            server.handle_request()
        if server.code is None:
            raise YoutubeError(Kind.REQUEST, "access_denied")
        return oauth.exchange(server.code, redirect, verifier)
