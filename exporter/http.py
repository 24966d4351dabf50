"""The HTTP server, in a thread and an event loop of its own.

Neither it nor its clients disturb the engine, and /healthz can still tell when the engine's loop hangs.
"""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from typing import Final

import structlog
import uvicorn
from pydantic import SecretStr

from exporter.app import build_app
from supervisor.quantities import Address
from supervisor.snapshot import Control

_log = structlog.get_logger("neverdark.http")

_LARGEST_HEAD: Final = 16 * 1024  # bytes of request line and headers
_KEEP_ALIVE: Final = 30  # seconds; longer than the usual scrape interval, so that a scraper keeps its connection
_POLITE_STOP: Final = 0.6  # seconds for answers on their way; idle connections are closed at once
_FORCED_STOP: Final = 0.3


class HttpServer:
    """Serves page, API and metrics of `control` on `listen`; `token`, when set, is needed for orders."""

    def __init__(self, control: Control, listen: Address, token: SecretStr | None, version: str) -> None:
        self._listen = listen
        revision = os.environ.get("NEVERDARK_REVISION") or "unknown"
        config = uvicorn.Config(
            build_app(control, listen, token, version, revision),
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",  # the rest is no news (its pid) or somebody's broken requests
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE,
            timeout_graceful_shutdown=1,
            h11_max_incomplete_event_size=_LARGEST_HEAD,
        )
        self._server = uvicorn.Server(config)
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
            asyncio.run(self._server.serve(sockets=[self._socket] if self._socket else None))
        except Exception as error:  # noqa: BLE001 - a thread's last words; otherwise they go to stderr as a traceback
            _log.error("http server ended", error=f"{type(error).__name__}: {error}")


def _bind(listen: Address) -> socket.socket:
    """A listening socket. What it accepts has TCP keep-alive, so that clients which vanish do not pile up."""
    try:
        family, *_, address = socket.getaddrinfo(
            listen.host, listen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        both = listen.host == "::" and socket.has_dualstack_ipv6()
        sock = socket.create_server(address[:2], family=family, backlog=128, dualstack_ipv6=both)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        raise OSError(error.errno, f"cannot listen on {listen}: {reason}") from None
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
