"""Counts what is asked of the HTTP server, and how it was answered."""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exporter.metrics import Code, Handler

_READ: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_FIXED: Final = {"/metrics": Handler.METRICS, "/healthz": Handler.HEALTHZ, "/readyz": Handler.READYZ}
_PAGES: Final = frozenset({"/", "/docs", "/openapi.json"})
_KNOWN_CODES: Final = {code.value: code for code in Code}
# The usual pairs, which exist from the start: an alert or a rate finds a 0 and not nothing.
_USUAL: Final = {
    Handler.PAGE: "200 403 404",
    Handler.API: "200 401 403 404 422 429 500 503",
    Handler.ORDER: "200 201 202 400 401 403 404 409 422 429 500 503",
    Handler.METRICS: "200 500 503",
    Handler.HEALTHZ: "200 503",
    Handler.READYZ: "200 500 503",
    Handler.OTHER: "400 404 405 413 431",
}


def is_order(method: str) -> bool:
    """Whether a request wants to change something."""
    return method not in _READ


def handler_of(method: str, path: str) -> Handler:
    """What a request asks for."""
    if path in _FIXED:
        return _FIXED[path]
    if path.startswith("/api/"):
        return Handler.ORDER if is_order(method) else Handler.API
    return Handler.PAGE if path in _PAGES or path.startswith("/web/") else Handler.OTHER


class Traffic:
    """What was answered so far. Counted on the server's loop; any thread may read."""

    def __init__(self) -> None:
        self.refused_tokens = 0
        self._requests = {(handler, Code(code)): 0 for handler, usual in _USUAL.items() for code in usual.split()}

    def count(self, handler: Handler, status: int) -> None:
        """One more answer."""
        pair = handler, _KNOWN_CODES.get(str(status), Code.OTHER)
        self._requests[pair] = self._requests.get(pair, 0) + 1

    def requests(self) -> tuple[tuple[tuple[Handler, Code], ...], tuple[int, ...]]:
        """The pairs, and how often each was there."""
        counted = self._requests.copy()
        return tuple(counted), tuple(counted.values())


class Counted:
    """The layer around the application that counts its answers."""

    def __init__(self, app: ASGIApp, traffic: Traffic) -> None:
        self._app = app
        self._traffic = traffic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, and count it."""

        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._traffic.count(handler_of(scope["method"], scope["path"]), message["status"])
            await send(message)

        await self._app(scope, receive, counting if scope["type"] == "http" else send)
