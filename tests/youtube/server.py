"""HTTP on the loopback: one request after another becomes a call, each connection in a thread of its own."""

from __future__ import annotations

import socket
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.youtube import discovery
from tests.youtube.call import Answer, Call
from tests.youtube.trouble import DroppedError

Talk = Callable[[Call], Answer]


class Server:
    """Listens at a port that stays the same over a stop and a start."""

    def __init__(self, talk: Talk, port: int) -> None:
        self._talk = talk
        self.port = port
        self.broken: list[str] = []  # what went wrong in the fake itself
        self._http: _Http | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """From now on it answers."""
        discovery.document()  # it is big: no first call shall be slow
        self._http = _Http(self.port, self._talk, self.broken)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), name="fake YouTube")
        self._thread.start()

    def stop(self) -> None:
        """Nobody listens, and every connection is cut."""
        if self._http and self._thread:
            self._http.shutdown()
            self._thread.join()
            self._http.cut()
            self._http.server_close()
            self._http = self._thread = None


class _Http(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 128

    def __init__(self, port: int, talk: Talk, broken: list[str]) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.talk = talk
        self.broken = broken
        self._open: set[socket.socket] = set()

    def process_request(self, request: object, client_address: object) -> None:
        assert isinstance(request, socket.socket)
        self._open.add(request)
        super().process_request(request, client_address)

    def close_request(self, request: object) -> None:
        assert isinstance(request, socket.socket)
        self._open.discard(request)
        super().close_request(request)

    def cut(self) -> None:
        """Threads that wait for a client's next request end."""
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that is gone is no news; anything else, a test's own in `before` or `after` too, fails the test."""
        del request, client_address
        if not isinstance(sys.exception(), OSError):
            self.broken.append(traceback.format_exc())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Http
    server_version = "fake"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PUT = do_DELETE = do_PATCH = do_GET  # noqa: N815 - http.server's names

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        call = Call.of(self.command, self.path, dict(self.headers.items()), self.rfile.read(length))
        try:
            self._send(self.server.talk(call))
        except DroppedError:
            self.close_connection = True

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.code)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.code != 204:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """The record has it."""
