"""Accepts connections: never more than there is room for, so that processes can always be started.

When there are too many, those that ask nothing are closed, the oldest first. So whoever sends a request gets an
answer, however many others only hold a connection open.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from typing import Final

import structlog

from exporter.certificate import Certificate
from exporter.connection import HEAD_SECONDS, Connection, Phase
from supervisor.model.thresholds import TELL_AGAIN_SECONDS

MOST_CONNECTIONS: Final = 256
_SHARE_OF_A_TURN: Final = 16  # a turn of the loop takes in a sixteenth: what it took in before has been read by then
_REST: Final = 0.005  # seconds between two turns while there is no room: who floods us must not take the whole machine
_RETRY: Final = 1.0  # seconds until the next try when the system has no room
_ROOM_KNOWN: Final = 1.0  # seconds
_GOODBYE: Final = 1.0  # seconds for TLS' own end of a connection
_GOING: Final = (Phase.HEAD, Phase.IDLE, Phase.UNREAD)  # who is being answered may stay

_log = structlog.get_logger("neverdark.http")


class Door:
    """Accepts what connects to `listener`. `room` tells how many connections there may be; it is asked once a second.

    Lives on one loop. `make` builds the protocol of a connection; with a `certificate` it speaks TLS.
    """

    def __init__(
        self,
        listener: socket.socket,
        room: Callable[[], int],
        make: Callable[[Callable[[Connection, Phase | None], None]], Connection],
        certificate: Certificate | None = None,
    ) -> None:
        self._listener = listener
        self._ask_room = room
        self._make = make
        self._certificate = certificate
        self._loop = asyncio.get_running_loop()
        self._known: dict[Connection, Phase] = {}
        self._by_phase: dict[Phase, dict[Connection, None]] = {phase: {} for phase in Phase}
        self._leaving: set[Connection] = set()
        self._entering: dict[Connection, asyncio.Task[None]] = {}
        self._room = MOST_CONNECTIONS
        self._room_asked = -_ROOM_KNOWN
        self._told: dict[str, float] = {}
        self._later: asyncio.TimerHandle | None = None
        self._closed = False

    def open(self) -> None:
        """Begin, or go on, to accept."""
        self._later = None
        if not self._closed:
            self._loop.add_reader(self._listener, self._accept)

    def close(self) -> None:
        """Accept nobody any more; the listening socket is closed."""
        if self._later:
            self._later.cancel()
        if not self._closed:
            self._closed = True
            self._loop.remove_reader(self._listener)
            self._listener.close()

    async def emptied(self) -> None:
        """End those that are still being set up, as in a handshake."""
        for task in (entering := list(self._entering.values())):
            task.cancel()
        await asyncio.gather(*entering, return_exceptions=True)

    def moved(self, connection: Connection, phase: Phase | None) -> None:
        """A connection has entered a phase; None: it is gone."""
        before = self._known.pop(connection, None)
        if before is not None:
            del self._by_phase[before][connection]
        if phase is None:
            self._leaving.discard(connection)
        elif connection not in self._leaving:
            self._known[connection] = phase
            self._by_phase[phase][connection] = None

    def _accept(self) -> None:
        most = self._most()
        for _ in range(max(1, most // _SHARE_OF_A_TURN)):
            try:
                accepted, _peer = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                # asyncio's own loop would try, and print a traceback, once for every place in the backlog.
                self._tell("no connection can be accepted", error=os.strerror(error.errno or 0))
                self._make_room()
                self._pause(_RETRY)
                return
            full = len(self._known) >= most
            if full:
                self._tell("too many connections; those that ask nothing are closed, the oldest first", most=most)
            if full and not self._make_room():
                accepted.close()
            else:
                self._enter(accepted)
        if len(self._known) >= most:
            self._pause(_REST)

    def _enter(self, accepted: socket.socket) -> None:
        accepted.settimeout(0)
        connection = self._make(self.moved)
        self.moved(connection, Phase.HEAD)

        async def enter() -> None:
            try:
                if self._certificate is None:
                    await self._loop.connect_accepted_socket(lambda: connection, accepted)
                else:
                    await self._loop.connect_accepted_socket(
                        lambda: connection,
                        accepted,
                        ssl=await self._certificate.context(),
                        ssl_handshake_timeout=HEAD_SECONDS,
                        ssl_shutdown_timeout=_GOODBYE,
                    )
            except (OSError, asyncio.CancelledError):
                accepted.close()
                self.moved(connection, None)

        task = self._entering[connection] = self._loop.create_task(enter())
        task.add_done_callback(lambda _: self._entering.pop(connection))

    def _make_room(self) -> bool:
        """Close the connection that is the least needed; False if all are."""
        for phase in _GOING:
            for connection in self._by_phase[phase]:
                self.moved(connection, None)
                self._leaving.add(connection)
                connection.drop()
                if task := self._entering.get(connection):
                    task.cancel()  # it is still in its handshake
                return True
        return False

    def _pause(self, seconds: float) -> None:
        self._loop.remove_reader(self._listener)
        self._later = self._loop.call_later(seconds, self.open)

    def _most(self) -> int:
        now = self._loop.time()
        if now - self._room_asked >= _ROOM_KNOWN:
            self._room_asked = now
            self._room = min(MOST_CONNECTIONS, max(1, self._ask_room()))
        return self._room

    def _tell(self, what: str, **facts: object) -> None:
        now = self._loop.time()
        if now - self._told.get(what, -TELL_AGAIN_SECONDS) >= TELL_AGAIN_SECONDS:
            self._told[what] = now
            _log.warning(what, **facts)
