"""The HTTP server, in a thread and an event loop of its own.

Neither it nor its clients disturb the engine, and /healthz can still tell when the engine's loop hangs.
"""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import structlog
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr

from exporter.api.keys import Keys
from exporter.app import build_app, build_scrape_app, new_collector
from exporter.certificate import Certificate
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
_MOST_SCRAPERS: Final = 32
_KEEP_ALIVE: Final = 30  # seconds; longer than the usual scrape interval, so that a scraper keeps its connection
_POLITE_STOP: Final = 0.6  # seconds for answers on their way; idle connections are closed at once
_FORCED_STOP: Final = 0.3


def _plenty() -> int:
    return MOST_CONNECTIONS


class HttpServer:
    """Serves page, API and metrics of `control` on `listen`. Orders need `token`, or one of `tokens`, if there are any.

    Metrics and health can have a listener of their own beside. With a `certificate` all is served by TLS. `room` tells
    how many connections there may be at most, so that descriptors are left for the streams.
    """

    def __init__(  # noqa: PLR0913 - what is served, where, and to whom
        self,
        control: Control,
        listen: Address,
        token: SecretStr | None,
        version: str,
        room: Callable[[], int] = _plenty,
        *,
        tokens: TokenFile | None = None,
        metrics_listen: Address | None = None,
        certificate: Certificate | None = None,
    ) -> None:
        revision = os.environ.get("NEVERDARK_REVISION") or "unknown"
        traffic = Traffic()
        keys = Keys(token.get_secret_value() if token else None, tokens)
        collector = new_collector(version, revision, traffic)
        config = _config(build_app(control, listen, keys, version, collector, traffic))
        self._listeners = [_Listener(listen, config, room)]
        if metrics_listen is not None:
            scrapes = _config(build_scrape_app(control, metrics_listen, keys, collector, traffic))
            self._listeners = [
                _Listener(listen, config, lambda: room() - _scrapers(room)),
                _Listener(metrics_listen, scrapes, lambda: _scrapers(room)),
            ]
        self._server = _Server(config, self._listeners, traffic, certificate)
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)

    @property
    def address(self) -> Address:
        """Where page and API are; after `bind` with the real port."""
        return self._listeners[0].address

    @property
    def metrics_address(self) -> Address:
        """Where metrics and health have a listener of their own, else where all is."""
        return self._listeners[-1].address

    def bind(self) -> None:
        """Take the ports; the addresses then tell the real ones. Who connects waits. Raises `OSError`: one is taken."""
        try:
            for listener in self._listeners:
                listener.bind()
        except OSError:
            self._close()
            raise

    def start(self) -> None:
        """Begin to serve; binds first if `bind` has not been called."""
        if self._listeners[0].socket is None:
            self.bind()
        self._thread.start()

    def stop(self) -> None:
        """End within a second: answers on their way may finish, clients that do not read are cut off."""
        if self._thread.ident is not None:
            self._server.should_exit = True
            self._thread.join(_POLITE_STOP)
            self._server.force_exit = True
            self._thread.join(_FORCED_STOP)
        self._close()

    def _close(self) -> None:
        for listener in self._listeners:
            if listener.socket is not None:
                listener.socket.close()

    def _run(self) -> None:
        # uvicorn leaves signals alone in any thread but the main one.
        try:
            asyncio.run(self._serve())
        except Exception as error:  # noqa: BLE001 - a thread's last words; otherwise they go to stderr as a traceback
            _log.error("http server ended", error=f"{type(error).__name__}: {error}")

    async def _serve(self) -> None:
        asyncio.get_running_loop().set_exception_handler(_LoopErrors())
        await self._server.serve(sockets=[])


class _Listener:
    """A place to listen at, what answers there, and how many clients it may have."""

    def __init__(self, address: Address, config: uvicorn.Config, room: Callable[[], int]) -> None:
        self.address = address
        self.config = config
        self.room = room
        self.socket: socket.socket | None = None

    def bind(self) -> None:
        """Raises `OSError`."""
        self.socket = _bind(self.address)
        self.address = Address(self.address.host, self.socket.getsockname()[1])


class _Server(uvicorn.Server):
    """uvicorn's server with doors of ours; it gets no socket of its own."""

    def __init__(
        self,
        config: uvicorn.Config,
        listeners: Sequence[_Listener],
        traffic: Traffic,
        certificate: Certificate | None,
    ) -> None:
        super().__init__(config)
        self._listeners = listeners
        self._traffic = traffic
        self._certificate = certificate
        self._doors: list[Door] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in self._listeners:
            assert listener.socket is not None
            if not listener.config.loaded:
                listener.config.load()
            make = partial(self._connection, listener.config)
            self._doors.append(Door(listener.socket, listener.room, make, self._certificate))
            self._doors[-1].open()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for door in self._doors:
            door.close()
        await super().shutdown(sockets)
        for door in self._doors:
            await door.emptied()
        for connection in list(self.server_state.connections):  # who does not say goodbye, as TLS has it
            connection.transport.abort()
        await asyncio.sleep(0)  # the sockets are closed by the loop's next turn

    def _connection(self, config: uvicorn.Config, moved: Callable[[Connection, Phase | None], None]) -> Connection:
        return Connection(config, self.server_state, moved, self._refused)

    def _refused(self, status: int) -> None:
        self._traffic.count(Handler.OTHER, status)


def _config(app: FastAPI) -> uvicorn.Config:
    return uvicorn.Config(
        app,
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


def _scrapers(room: Callable[[], int]) -> int:
    """How many of all clients may be at the listener for scrapes."""
    return min(_MOST_SCRAPERS, max(1, room() // 4))


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
