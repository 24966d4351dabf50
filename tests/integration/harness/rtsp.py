"""A camera: RTSP over TCP with a password, from an FFmpeg that makes RTP. It can be lost and found."""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from tests.integration.harness.media import ffmpeg
from tests.integration.harness.waiting import STARTED, eventually

_DATAGRAM = 2048


class RtspCamera:
    """One video track, interleaved; as much of RTSP as FFmpeg asks for."""

    def __init__(self, user: str, password: str) -> None:
        self._user, self._password = user, password
        self._allowed = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        self._viewers: set[socket.socket] = set()
        self._watching: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self.connections = 0  # that were taken so far
        self._port = 0
        self._sdp = ""
        self._rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._end = ExitStack()
        self._awake = threading.Event()
        self._awake.set()

    @property
    def url(self) -> str:
        return f"rtsp://{self._user}:{self._password}@127.0.0.1:{self._port}/stream1"

    def __enter__(self) -> Self:
        self._rtp.bind(("127.0.0.1", 0))
        folder = Path(self._end.enter_context(TemporaryDirectory()))
        argv = "-re -f lavfi -i testsrc2=size=320x180:rate=10 -c:v libx264 -preset ultrafast -g 10 -pix_fmt yuv420p"
        target = f"rtp://127.0.0.1:{self._rtp.getsockname()[1]}?pkt_size=1200"
        self._end.enter_context(ffmpeg(*argv.split(), "-f", "rtp", "-sdp_file", str(folder / "sdp"), target))
        try:
            self._sdp = eventually((folder / "sdp").read_text, STARTED, "the camera has a picture")
        except BaseException:
            self.__exit__()
            raise
        self._thread(self._forward)
        self.listen()
        return self

    def __exit__(self, *_: object) -> None:
        self.refuse()
        self.thaw()
        self._end.close()
        with suppress(OSError):
            self._rtp.shutdown(socket.SHUT_RDWR)
        self._rtp.close()

    def listen(self) -> None:
        """Be there; after `refuse` on the same port."""
        self._listener = socket.create_server(("127.0.0.1", self._port))
        self._port = int(self._listener.getsockname()[1])
        listener = self._listener
        self._thread(lambda: self._accept(listener))

    def refuse(self) -> None:
        """Be lost: every connection is gone and none is taken."""
        if self._listener:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        for viewer in list(self._viewers):
            with suppress(OSError):
                viewer.shutdown(socket.SHUT_RDWR)

    def freeze(self) -> None:
        """Hang: connections stand and are taken, and nothing is said any more."""
        self._awake.clear()

    def thaw(self) -> None:
        """Go on."""
        self._awake.set()

    @staticmethod
    def _thread(work: Callable[[], None]) -> None:
        def quietly() -> None:
            with suppress(OSError):  # closed by the other side, or by `refuse`
                work()

        threading.Thread(target=quietly, daemon=True).start()

    def _forward(self) -> None:
        while packet := self._rtp.recv(_DATAGRAM):
            for viewer in list(self._watching) if self._awake.is_set() else ():
                with suppress(OSError):
                    viewer.sendall(b"$\0" + len(packet).to_bytes(2) + packet)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            viewer, _ = listener.accept()
            self.connections += 1
            self._viewers.add(viewer)
            self._thread(partial(self._serve, viewer))

    def _serve(self, viewer: socket.socket) -> None:
        try:
            pending = b""
            while data := viewer.recv(4096):
                *requests, pending = (pending + data).split(b"\r\n\r\n")
                for request in requests:
                    self._awake.wait()
                    viewer.sendall(self._answer(request.decode(errors="replace")))
                    if request.startswith(b"PLAY "):
                        self._watching.add(viewer)
        finally:
            self._watching.discard(viewer)
            self._viewers.discard(viewer)
            viewer.close()

    def _answer(self, request: str) -> bytes:
        lines = request.splitlines()
        headers = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
        status, extra, body = "200 OK", "", ""
        match lines[0].split()[0]:
            case "OPTIONS":
                extra = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"
            case _ if headers.get("Authorization") != self._allowed:
                status, extra = "401 Unauthorized", 'WWW-Authenticate: Basic realm="camera"\r\n'
            case "DESCRIBE":
                body = self._sdp.replace("SDP:\n", "")
                extra = f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
            case "SETUP":
                extra = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
        return f"RTSP/1.0 {status}\r\nCSeq: {headers.get('CSeq', 0)}\r\nSession: 1\r\n{extra}\r\n{body}".encode()
