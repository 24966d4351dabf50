"""A camera: RTSP over TCP with a password, from an FFmpeg that makes RTP. It can be lost and found."""

from __future__ import annotations

import base64
import re
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
_SOUND = {"alaw": ("-c:a", "pcm_alaw", "-ar", "8000", "-ac", "1"), "aac": ("-c:a", "aac")}
_ASKED_CHANNEL = re.compile(r"interleaved=(\d+)").search


class RtspCamera:
    """A video track of `rate` frames a second, and one of `sound` (alaw, aac) that may be withheld by `mute`.

    Interleaved; as much of RTSP as FFmpeg asks for.
    """

    def __init__(self, user: str, password: str, *, rate: float = 10, sound: str | None = None) -> None:
        self._rate, self._sound = rate, sound
        self._muted = threading.Event()
        self._user, self._password = user, password
        self._allowed = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        self._viewers: set[socket.socket] = set()
        self._watching: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self.connections = 0  # that were taken so far
        self._port = 0
        self._sdp = ""
        count = 2 if sound else 1
        self._rtp = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
        self._channels: dict[socket.socket, dict[int, int]] = {}
        self._end = ExitStack()
        self._awake = threading.Event()
        self._awake.set()

    @property
    def url(self) -> str:
        return f"rtsp://{self._user}:{self._password}@127.0.0.1:{self._port}/stream1"

    def __enter__(self) -> Self:
        folder = Path(self._end.enter_context(TemporaryDirectory()))
        argv = ["-re", "-f", "lavfi", "-i", f"testsrc2=size=320x180:rate={self._rate:g}"]
        if self._sound:
            argv += ["-re", "-f", "lavfi", "-i", "sine"]
        codec = f"-c:v libx264 -preset ultrafast -tune zerolatency -g {max(1, self._rate):.0f} -pix_fmt yuv420p"
        picture = tuple(codec.split())
        for track, (receiver, words) in enumerate(
            zip(self._rtp, (picture, _SOUND.get(self._sound or "")), strict=False)
        ):
            assert words
            receiver.bind(("127.0.0.1", 0))
            target = f"rtp://127.0.0.1:{receiver.getsockname()[1]}?pkt_size=1200"
            argv += ["-map", f"{track}:0", *words, "-f", "rtp", "-sdp_file", str(folder / "sdp"), target]
        self._end.enter_context(ffmpeg(*argv))
        try:
            self._sdp = eventually((folder / "sdp").read_text, STARTED, "the camera has a picture")
        except BaseException:
            self.__exit__()
            raise
        for track, receiver in enumerate(self._rtp):
            self._thread(partial(self._forward, track, receiver))
        self.listen()
        return self

    def __exit__(self, *_: object) -> None:
        self.refuse()
        self.thaw()
        self._end.close()
        for receiver in self._rtp:
            with suppress(OSError):
                receiver.shutdown(socket.SHUT_RDWR)
            receiver.close()

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

    def mute(self) -> None:
        """Declare the sound and send none."""
        self._muted.set()

    def unmute(self) -> None:
        """Send it."""
        self._muted.clear()

    @staticmethod
    def _thread(work: Callable[[], None]) -> None:
        def quietly() -> None:
            with suppress(OSError):  # closed by the other side, or by `refuse`
                work()

        threading.Thread(target=quietly, daemon=True).start()

    def _forward(self, track: int, receiver: socket.socket) -> None:
        while packet := receiver.recv(_DATAGRAM):
            withheld = not self._awake.is_set() or (track > 0 and self._muted.is_set())
            for viewer in () if withheld else list(self._watching):
                channel = self._channels[viewer].get(track)
                if channel is not None:
                    with suppress(OSError):
                        viewer.sendall(b"$" + bytes([channel]) + len(packet).to_bytes(2) + packet)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            viewer, _ = listener.accept()
            self.connections += 1
            self._viewers.add(viewer)
            self._thread(partial(self._serve, viewer))

    def _serve(self, viewer: socket.socket) -> None:
        self._channels[viewer] = {}
        try:
            pending = b""
            while data := viewer.recv(4096):
                *requests, pending = (pending + data).split(b"\r\n\r\n")
                for request in requests:
                    self._awake.wait()
                    viewer.sendall(self._answer(viewer, request.decode(errors="replace")))
                    if request.startswith(b"PLAY "):
                        self._watching.add(viewer)
        finally:
            self._watching.discard(viewer)
            self._viewers.discard(viewer)
            viewer.close()

    def _answer(self, viewer: socket.socket, request: str) -> bytes:
        lines = request.splitlines()
        headers = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
        status, extra, body = "200 OK", "", ""
        match lines[0].split()[0]:
            case "OPTIONS":
                extra = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"
            case _ if headers.get("Authorization") != self._allowed:
                status, extra = "401 Unauthorized", 'WWW-Authenticate: Basic realm="camera"\r\n'
            case "DESCRIBE":
                body = self._described()
                extra = f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
            case "SETUP":
                channel = _ASKED_CHANNEL(request)
                track = int(lines[0].split()[1].rpartition("=")[2])
                self._channels[viewer][track] = number = int(channel[1]) if channel else 0
                extra = f"Transport: RTP/AVP/TCP;unicast;interleaved={number}-{number + 1}\r\n"
        return f"RTSP/1.0 {status}\r\nCSeq: {headers.get('CSeq', 0)}\r\nSession: 1\r\n{extra}\r\n{body}".encode()

    def _described(self) -> str:
        """The tracks, each with the name by which it is asked for."""
        head, *tracks = self._sdp.replace("SDP:\n", "").split("m=")
        return head + "".join(f"m={track}a=control:track={number}\r\n" for number, track in enumerate(tracks))
