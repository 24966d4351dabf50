"""A server that takes HLS by PUT over TLS, as YouTube's does, and refuses or hangs on demand."""

from __future__ import annotations

import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.integration.harness.waiting import free_port


class HlsServer:
    """Keeps what it was sent by name, in order. `answer` is the status of what comes next; 0: none, ever."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.files: dict[str, bytes] = {}
        self.lists: list[str] = []
        self.asked: list[str] = []  # the paths, with what stands before the name
        self.answer = 202
        self.connections = 0
        outer = self
        self._go_on = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                outer.connections += 1

            def do_PUT(self) -> None:
                length = int(self.headers["Content-Length"])
                body = self.rfile.read(length)
                if len(body) < length:  # who sends it has ended in the middle
                    self.close_connection = True
                    return
                outer.asked.append(self.path)
                status = outer.answer
                if not status:
                    outer._go_on.wait(60)
                    return
                if status < 300:
                    name = self.path.rpartition("file=")[2]
                    outer.files[name] = body
                    if name.endswith(".m3u8"):
                        outer.lists.append(body.decode())
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.port = free_port()
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def url(self, key: str = "") -> str:
        return f"https://127.0.0.1:{self.port}/http_upload_hls?cid={key}&copy=0&file="

    @property
    def segments(self) -> list[str]:
        return [name for name in self.files if name.endswith(".ts")]

    def close(self) -> None:
        self._go_on.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
