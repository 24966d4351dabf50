"""The HTTP server, in a thread and an event loop of its own.

Neither it nor its clients disturb the engine, and /healthz can still tell when the engine's loop hangs.
"""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable
from typing import Any, Final

import structlog
import uvicorn
from pydantic import SecretStr

from exporter.api.keys import Keys
from exporter.app import build_app, new_collector
from exporter.connection import LARGEST_HEAD, Connection, Phase
from exporter.door import MOST_CONNECTIONS, Door
from exporter.metrics import Handler
from exporter.traffic import Traffic
from supervisor.config.tokens import TokenFile
from supervisor.model.quantities import Address
from supervisor.model.snapshot import Control
from supervisor.model.thresholds import TELL_AGAIN_SECONDS

_log = structlog.get_logger("neverdark.http")

_BACKLOG: Final = 1024  # those who wait to be taken in cost us nothing
_KEEP_ALIVE: Final = 30  # seconds; longer than the usual scrape interval, so that a scraper keeps its connection
_POLITE_STOP: Final = 0.6  # seconds for answers on their way; idle connections are closed at once
_FORCED_STOP: Final = 0.3


def _plenty() -> int:
    return MOST_CONNECTIONS


class HttpServer:
    """Serves page, API and metrics of `control` on `listen`. Orders need `token`, or one of `tokens`, if there are any.

    `room` tells how many connections there may be at most, so that descriptors are left for the streams.
    """

    def __init__(
        self,
        control: Control,
        listen: Address,
        token: SecretStr | None,
        version: str,
        room: Callable[[], int] = _plenty,
        *,
        tokens: TokenFile | None = None,
    ) -> None:
        self._listen = listen
        revision = os.environ.get("NEVERDARK_REVISION") or "unknown"
        traffic = Traffic()
        keys = Keys(token.get_secret_value() if token else None, tokens)
        config = uvicorn.Config(
            build_app(control, listen, keys, version, new_collector(version, revision, traffic), traffic),
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",  # what else it logs is its pid, or about broken requests of clients
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE,
            timeout_graceful_shutdown=1,
            h11_max_incomplete_event_size=LARGEST_HEAD,
        )
        self._server = _Server(config, room, traffic)
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)
        self._socket: socket.socket | None = None
        self.address = listen

    def bind(self) -> None:
        """Take the port; `address` then tells the real one. Who connects waits. Raises `OSError` if it is taken."""
        self._socket = _bind(self._listen)
        self.address = Address(self._listen.host, self._socket.getsockname()[1])

    def start(self) -> None:
        """Begin to serve; binds first if `bind` has not been called."""
        if self._socket is None:
            self.bind()
        self._thread.start()

    def stop(self) -> None:
        """End within a second: answers on their way may finish, clients that do not read are cut off."""
        if self._socket is None:
            return
        if self._thread.ident is not None:
            self._server.should_exit = True
            self._thread.join(_POLITE_STOP)
            self._server.force_exit = True
            self._thread.join(_FORCED_STOP)
        self._socket.close()

    def _run(self) -> None:
        # uvicorn leaves signals alone in any thread but the main one.
        try:
            asyncio.run(self._serve())
        except Exception as error:  # noqa: BLE001 - a thread's last words; otherwise they go to stderr as a traceback
            _log.error("http server ended", error=f"{type(error).__name__}: {error}")

    async def _serve(self) -> None:
        assert self._socket is not None
        asyncio.get_running_loop().set_exception_handler(_LoopErrors())
        self._server.listener = self._socket
        await self._server.serve(sockets=[])


class _Server(uvicorn.Server):
    """uvicorn's server with a door of ours; it gets no socket of its own."""

    def __init__(self, config: uvicorn.Config, room: Callable[[], int], traffic: Traffic) -> None:
        super().__init__(config)
        self.listener: socket.socket | None = None
        self._room = room
        self._traffic = traffic
        self._door: Door | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        assert self.listener is not None
        self._door = Door(self.listener, self._room, self._connection)
        self._door.open()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._door:
            self._door.close()
        await super().shutdown(sockets)

    def _connection(self, moved: Callable[[Connection, Phase | None], None]) -> Connection:
        return Connection(self.config, self.server_state, moved, self._refused)

    def _refused(self, status: int) -> None:
        self._traffic.count(Handler.OTHER, status)


class _LoopErrors:
    """One line for each kind of error in ten minutes; asyncio would print a traceback each time."""

    def __init__(self) -> None:
        self._told: dict[str, float] = {}

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = type(context.get("exception")).__name__
        if loop.time() - self._told.get(error, -TELL_AGAIN_SECONDS) >= TELL_AGAIN_SECONDS:
            self._told[error] = loop.time()
            _log.error("http server", error=error, where=str(context.get("message", "")))


def _bind(listen: Address) -> socket.socket:
    """A listening socket. What it accepts has TCP keep-alive, so that clients which vanish do not pile up."""
    try:
        family, *_, address = socket.getaddrinfo(
            listen.host, listen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        both = listen.host == "::" and socket.has_dualstack_ipv6()
        sock = socket.create_server(address[:2], family=family, backlog=_BACKLOG, dualstack_ipv6=both)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        raise OSError(error.errno, f"cannot listen on {listen}: {reason}") from None
    sock.settimeout(0)  # the loop waits, not we
    for option, value in (
        (socket.TCP_KEEPIDLE, 30),
        (socket.TCP_KEEPINTVL, 10),
        (socket.TCP_KEEPCNT, 3),
        (socket.TCP_USER_TIMEOUT, 30_000),
        (socket.TCP_DEFER_ACCEPT, 5),  # seconds; who connects and says nothing costs us no descriptor
    ):
        sock.setsockopt(socket.IPPROTO_TCP, option, value)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return sock
