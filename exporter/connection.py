"""One client's connection: what it may send, and how long it may take.

uvicorn has a time for idle connections only: one that has begun a request, or does not take its answer, may stay for
ever. Here each has a time for all that it does.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from enum import Enum
from typing import Any, Final, NoReturn

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.server import ServerState

LARGEST_HEAD: Final = 16 * 1024  # bytes of request line and headers
LARGEST_BODY: Final = 64 * 1024
LARGEST_ALERTS: Final = 1024 * 1024  # what Alertmanager sends tells of many alerts at once
HEAD_SECONDS: Final = 10.0  # from the connection, or from a request's first byte, until its head is complete
ANSWER_SECONDS: Final = 60.0  # until the client has taken its answer

_ALERTS: Final = re.compile(rb"/api/alerts(?:\?|$)")
_BLANK_LINE: Final = re.compile(rb"\n\r?\n")


class Phase(Enum):
    """What a connection is doing. When there are too many they are closed, in this order."""

    HEAD = "sends a request, or what belongs to one"
    IDLE = "between two requests"
    UNREAD = "does not take its answer"
    BUSY = "is being answered"


class _Reader(h11.Connection):
    """h11, but head and body have limits however they arrive, and a body has one length."""

    problem = (400, "this is no HTTP request")  # the status and the words for the sender of what cannot be read
    body = 0  # bytes of it that have come
    largest = LARGEST_BODY  # how many there may be

    def next_event(self) -> Any:
        """The next piece of what was sent. Raises `RemoteProtocolError`, with the reason in `problem`."""
        if self.their_state is h11.IDLE:
            data, _ = self.trailing_data
            if len(data) > LARGEST_HEAD and not _BLANK_LINE.search(data, 0, LARGEST_HEAD):
                self._refuse(431, f"request line and headers are larger than {LARGEST_HEAD} bytes")
        event = super().next_event()
        if isinstance(event, h11.Request):
            names = {name for name, _ in event.headers}
            if b"transfer-encoding" in names and (b"content-length" in names or event.http_version != b"1.1"):
                # Two servers on the way may not agree where such a request ends.
                self._refuse(400, "Transfer-Encoding together with Content-Length, or in HTTP/1.0")
            self.body = 0
            self.largest = LARGEST_ALERTS if _ALERTS.match(event.target) else LARGEST_BODY
            self._check_length(int(dict(event.headers).get(b"content-length", 0)))
        if isinstance(event, h11.Data):
            self.body += len(event.data)
            self._check_length(self.body)
        return event

    def _check_length(self, length: int) -> None:
        if length > self.largest:
            self._refuse(413, f"the body is larger than {self.largest} bytes")

    def _refuse(self, status: int, words: str) -> NoReturn:
        self.problem = status, words
        raise h11.RemoteProtocolError(words)


class Connection(H11Protocol):
    """uvicorn's HTTP/1.1 with a time limit for everything.

    `moved` is told of each new phase and, with None, of the end; `refused` of the status of what was no request.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        moved: Callable[[Connection, Phase | None], None],
        refused: Callable[[int], None],
    ) -> None:
        super().__init__(config, server_state, {}, None)
        self._reader = self.conn = _Reader(h11.SERVER, LARGEST_HEAD)
        self._moved = moved
        self._refused = refused
        self._unwanted = False
        self._timer: asyncio.TimerHandle | None = None
        self._seen: tuple[Phase, object] | None = None

    def drop(self) -> None:
        """Close it now, whatever it is about. One that is still being set up is closed when that is over."""
        self._unwanted = True
        if self.transport is not None:
            self.transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """It can be talked to."""
        super().connection_made(transport)
        if self._unwanted:
            transport.abort()
        self._settle()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        if self._timer:
            self._timer.cancel()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)
        self._moved(self, None)

    def data_received(self, data: bytes) -> None:
        """The client sends."""
        super().data_received(data)
        self._settle()

    def on_response_complete(self) -> None:
        """The answer is with the kernel or on its way there."""
        super().on_response_complete()
        self._settle()

    def pause_writing(self) -> None:
        """The client takes its answer more slowly than it comes."""
        super().pause_writing()
        self._settle()

    def resume_writing(self) -> None:
        """It goes on to take it."""
        super().resume_writing()
        self._settle()

    def handle_events(self) -> None:
        """Look at what has come."""
        try:
            super().handle_events()
        except h11.LocalProtocolError:
            # What it sent after its request was no HTTP, and the answer is on its way already.
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be read, as everything else is refused: as JSON."""
        del msg
        if self._answering or self.conn.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            self.transport.close()
            return
        status, words = self._reader.problem
        body = json.dumps({"detail": words}).encode()
        head = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        for event in (h11.Response(status_code=status, headers=head), h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
        self._refused(status)

    @property
    def _cycle(self) -> RequestResponseCycle | None:
        return self.cycle  # uvicorn's type denies that there is none before the first request

    @property
    def _answering(self) -> bool:
        return self._cycle is not None and not self._cycle.response_complete

    @property
    def _phase(self) -> Phase:
        if self.flow.write_paused or (not self._answering and self.transport.get_write_buffer_size()):
            return Phase.UNREAD
        if self._answering and self.conn.their_state is not h11.SEND_BODY:
            return Phase.BUSY
        idle = self._cycle is not None and self.conn.their_state is h11.IDLE and not self.conn.trailing_data[0]
        if self._answering or not idle:
            return Phase.HEAD  # or the body, for which there is as much time
        return Phase.IDLE

    def _settle(self) -> None:
        """Begin to count anew when something else has begun; a few more bytes of the same are nothing else."""
        phase = self._phase
        if self._seen == (phase, self.cycle):
            return
        self._seen = (phase, self.cycle)
        self._moved(self, phase)
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if phase is not Phase.IDLE:  # that has uvicorn's own time
            seconds = HEAD_SECONDS if phase is Phase.HEAD else ANSWER_SECONDS
            self._timer = self.loop.call_later(seconds, self._too_late)

    def _too_late(self) -> None:
        self._timer = None
        if self._phase is not Phase.IDLE:
            self.transport.abort()
