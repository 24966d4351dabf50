"""Uploads HLS: `python -I -S push.py OPTIONS FFMPEG…`, in the place of the pusher.

OPTIONS are JSON: `url` (a file's name is added to it), `ca_file`. The process that was started becomes FFmpeg: so it is
the one that is watched, signalled and replaced, as ever. Its child stays, cuts what FFmpeg writes to the pipe
`DESCRIPTOR` at keyframes, and puts one segment after another, and the playlist after each, to the server.

One segment is under way and one waits; then nothing more is taken from the pipe, and FFmpeg stands still. So what it
reports is no more than two segments ahead of what the server has said yes to, nothing grows, and a server that hangs is
a pusher that stalls. Both are of one process group, and whichever ends takes the other with it.

What it says stands on lines of its own among FFmpeg's: `[upload] [fatal] …` is why it ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time

if __name__ == "__main__":  # with -I, and without `site`, nothing of ours is found
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from supervisor.uploader.segments import Cutter, Playlist, Segment, TooLong

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from http.client import HTTPSConnection
    from queue import Queue
    from ssl import SSLContext

DESCRIPTOR = 4  # where FFmpeg finds the pipe
_MEDIA = 3  # where it finds its input, which is none of ours
_SEGMENT = 2.0  # seconds
_LARGEST = 64 << 20
_PATIENCE = 8.0  # seconds for one file, all attempts together: less than a pusher may stand still
_PAUSES = (0.0, 0.25, 0.5, 1.0, 2.0)  # before another attempt; the first is at once: an idle connection may be gone
_CHUNK = 1 << 16
_MOST_OF_AN_ANSWER = 1 << 16
_ONCE_MORE = frozenset({408, 425, 429})  # of those that say that it is our fault
_PLAYLIST = "live.m3u8"
_TAKEN = 2  # the first digit of what says yes
_FIRST_TROUBLE = 500


class Failed(Exception):  # noqa: N818 - the name says what happened
    """The server has not taken it; the text is for the log, and tells no URL."""


def say(level: str, words: str) -> None:
    """One line among FFmpeg's, whole even in the middle of one of those."""
    with contextlib.suppress(OSError):  # who reads is slow, or gone
        os.write(2, f"\n[upload] [{level}] {words}\n".encode())


class Server:
    """Where the files go; one connection, as long as it lasts."""

    def __init__(self, url: str, context: SSLContext) -> None:
        from urllib.parse import unquote, urlsplit

        parts = urlsplit(url, allow_fragments=False)
        self._host, self._port = parts.hostname or "", parts.port or 443
        self._front = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._headers = {"User-Agent": "neverdark"}
        if parts.username is not None:
            from base64 import b64encode

            login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self._headers["Authorization"] = f"Basic {b64encode(login.encode()).decode()}"
        self._context = context
        self._connection: HTTPSConnection | None = None

    def connect(self) -> None:
        """See whether it is there. Raises Failed."""
        self._try(self._connect)

    def put(self, name: str, body: bytes) -> None:
        """Have the server take a file. Raises Failed."""
        self._try(lambda until: self._put(name, body, until))

    def _try(self, work: Callable[[float], int]) -> None:
        """`work` gets the time until which it may take, and gives an HTTP status."""
        from http.client import HTTPException

        until = time.monotonic() + _PATIENCE
        for attempt in range(1000):
            try:
                status = work(until)
            except (OSError, HTTPException) as error:
                self._hang_up()
                why, final = reason(error)
            else:
                if status // 100 == _TAKEN:
                    return
                why, final = f"HTTP {status}", status < _FIRST_TROUBLE and status not in _ONCE_MORE
            pause = _PAUSES[min(attempt, len(_PAUSES) - 1)]
            if final or time.monotonic() + pause >= until:
                raise Failed(why)
            if attempt:
                say("warning", f"{why}: once more")
            time.sleep(pause)

    def _connect(self, until: float) -> int:
        self._connected(until)
        return 200

    def _connected(self, until: float) -> HTTPSConnection:
        from http.client import HTTPSConnection

        left = max(0.5, until - time.monotonic())
        if self._connection is None:
            connection = HTTPSConnection(self._host, self._port, timeout=left, context=self._context)
            connection.connect()
            self._connection = connection
        self._connection.sock.settimeout(left)
        return self._connection

    def _put(self, name: str, body: bytes, until: float) -> int:
        connection = self._connected(until)
        kind = "video/mp2t" if name.endswith(".ts") else "application/vnd.apple.mpegurl"
        headers = {**self._headers, "Content-Type": kind}
        connection.request("PUT", self._front + name, body, headers)
        answer = connection.getresponse()
        if len(answer.read(_MOST_OF_AN_ANSWER)) == _MOST_OF_AN_ANSWER or answer.will_close:
            self._hang_up()
        return answer.status

    def _hang_up(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None


def reason(error: Exception) -> tuple[str, bool]:
    """Why a server could not be talked to, in the words that FFmpeg has for it, and whether that will stay so."""
    import errno
    import socket
    import ssl

    if isinstance(error, OSError) and error.errno in {errno.EHOSTUNREACH, errno.ENETUNREACH}:
        return "No route to host", False
    kinds: tuple[tuple[type[Exception], str], ...] = (
        (ssl.SSLCertVerificationError, "its certificate is not accepted"),
        (ssl.SSLError, "it does not speak TLS"),
        (socket.gaierror, "Failed to resolve hostname"),
        (ConnectionRefusedError, "Connection refused"),
        (TimeoutError, "Connection timed out"),
        (Exception, "Connection lost"),
    )
    words = next(words for kind, words in kinds if isinstance(error, kind))
    return words, isinstance(error, ssl.SSLCertVerificationError)


def upload(server: Server, waiting: Queue[Segment], number: int) -> None:
    """Put one segment after the other; ends the program when one is not taken."""
    playlist = Playlist(number)
    try:
        while True:
            segment = waiting.get()
            name = playlist.name()
            server.put(name, segment.media)
            server.put(_PLAYLIST, playlist.add(segment.seconds).encode())
    except Failed as error:
        end(str(error))


def end(words: str) -> None:
    """FFmpeg finds the pipe closed, and ends as well."""
    say("fatal", words)
    os._exit(1)


def push(options: dict[str, str], media: int, ready: int) -> None:
    """In the child: everything that FFmpeg need not wait for is loaded here."""
    import ssl
    from queue import Queue
    from threading import Thread

    server = Server(options["url"], ssl.create_default_context(cafile=options["ca_file"]))
    try:
        server.connect()
    except Failed as error:
        end(str(error))
    os.write(ready, b"1")
    os.close(ready)
    waiting: Queue[Segment] = Queue(1)
    Thread(target=upload, args=(server, waiting, int(time.time())), daemon=True).start()
    cutter = Cutter(_SEGMENT, _LARGEST)
    try:
        while data := os.read(media, _CHUNK):
            for segment in cutter.take(data):
                waiting.put(segment)
    except TooLong:
        end("no keyframe comes to cut at")


def main() -> None:
    """Become FFmpeg as soon as there is a server, and leave a child that uploads."""
    options, argv = json.loads(sys.argv[1]), sys.argv[2:]
    media, into = os.pipe()
    told, ready = os.pipe()
    if not os.fork():
        for number in (into, told, _MEDIA):
            os.close(number)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # FFmpeg's end is what ends it
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        push(options, media, ready)
        os._exit(0)
    os.close(media)
    os.close(ready)
    if not os.read(told, 1):
        sys.exit(1)  # it has said why
    os.dup2(into, DESCRIPTOR)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them
        signal.signal(number, signal.SIG_DFL)
    os.execvp(argv[0], argv)


if __name__ == "__main__":
    main()
