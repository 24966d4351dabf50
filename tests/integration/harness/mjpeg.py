"""A camera that serves its pictures one after another by HTTP, without a word of when they were taken."""

from __future__ import annotations

import http.server
import subprocess
import threading
from typing import Self

from tests.integration.harness.media import QUIET


class MjpegCamera:
    """`rate` pictures a second, as multipart/x-mixed-replace, to everybody who asks."""

    def __init__(self, rate: float) -> None:
        argv = [*QUIET, "-f", "lavfi", "-i", "testsrc2=size=320x180", "-frames:v", "1", "-f", "mjpeg", "-"]
        picture = subprocess.run(argv, check=True, capture_output=True, timeout=30).stdout
        part = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b\r\n" % (len(picture), picture)
        ended = self._ended = threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()
                while not ended.wait(1 / rate):
                    try:
                        self.wfile.write(part)
                    except OSError:
                        return

            def log_message(self, *_: object) -> None: ...

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/video"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
