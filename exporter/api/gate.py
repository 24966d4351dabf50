"""The layer that every request passes: what `guard` allows gets through; tokens wait while many are wrong."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

import structlog
from fastapi import Security
from fastapi.security import HTTPBearer
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exporter.api.answers import answer
from exporter.api.brake import LONGEST_WAIT, Brake
from exporter.api.guard import NEEDS_TOKEN, Rejection, is_right, order_refusal, reading_refusal
from exporter.api.models import Problem
from exporter.traffic import Traffic, is_order
from supervisor.model.quantities import Address

_TOLD_AGAIN: Final = 60.0  # seconds
_TAKEN: Final = frozenset({200, 202})
_WRONG_TOKEN: Final = Rejection(401, "the token is wrong")
_TOO_MANY: Final = Rejection(429, "too many wrong tokens are being tried; try again in a moment")
_HEADERS: Final = {401: {"WWW-Authenticate": "Bearer"}, 429: {"Retry-After": f"{LONGEST_WAIT:.0f}"}}
PROVEN: Final = "proven"  # in a request's state: it came with the right token, which was needed

# For the API's description: what this layer may answer, and what lifts it.
REFUSED: Final[dict[int | str, dict[str, Any]]] = {code: {"model": Problem} for code in (401, 403, 429)}
TOKEN: Final = Security(HTTPBearer(scheme_name="token", description="api_token, when one is set", auto_error=False))

_log = structlog.get_logger("neverdark.http")


class Gate:
    """Lets a request through or refuses it. Whatever is no reading is an order, also what a later route adds."""

    def __init__(self, app: ASGIApp, listen: Address, token: str | None, traffic: Traffic) -> None:
        self._app = app
        self._listen = listen
        self._token = token
        self._traffic = traffic
        self._brake = Brake()
        self._waiting = 0
        self._told = -_TOLD_AGAIN
        self._untold = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        has_token = self._token is not None
        order = is_order(scope["method"])
        if order:
            refused = order_refusal(headers, scope["http_version"], self._listen, has_token=has_token)
        else:
            refused = reading_refusal(scope["path"], headers, self._listen, has_token=has_token)
        if refused is NEEDS_TOKEN and "authorization" in headers:
            refused = await self._look_at(headers["authorization"], scope)
            scope.setdefault("state", {})[PROVEN] = refused is None
        if refused is None:
            await self._app(scope, receive, _telling(scope, send) if order else send)
        else:
            await answer({"detail": refused.detail}, refused.status, _HEADERS.get(refused.status))(scope, receive, send)

    async def _look_at(self, authorization: str, scope: Scope) -> Rejection | None:
        """Look at a token when its turn has come; None if it is right."""
        assert self._token is not None
        wait = self._brake.wait(time.monotonic(), self._waiting)
        if wait is None:
            return _TOO_MANY
        if wait:
            self._waiting += 1
            try:
                await asyncio.sleep(wait)
            finally:
                self._waiting -= 1
        if is_right(authorization, self._token):
            return None
        self._note_wrong(scope)
        return _WRONG_TOKEN

    def _note_wrong(self, scope: Scope) -> None:
        now = time.monotonic()
        self._brake.refused(now)
        self._traffic.refused_tokens += 1
        self._untold += 1
        if now - self._told >= _TOLD_AGAIN:
            _log.warning("wrong token refused", peer=_peer(scope), times=self._untold)
            self._told, self._untold = now, 0


def _peer(scope: Scope) -> str:
    """The address of who asks; of a proxy, if one is in between."""
    return str((scope.get("client") or ("unknown",))[0])


def _telling(scope: Scope, send: Send) -> Send:
    """`send`, which also writes down who gave the order, if it is taken: otherwise only that one came is known."""

    async def telling(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] in _TAKEN:
            *_, room, name, verb = scope["path"].split("/")
            about = {"stream": name} if room == "streams" else {}
            _log.info(f"{verb} ordered by an operator", **about, peer=_peer(scope))
        await send(message)

    return telling
