"""The layer that every request passes: what `guard` allows gets through; tokens wait while many are wrong."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final, Protocol, TypeVar

import anyio
import anyio.to_thread
import structlog
from fastapi import Request, Security
from fastapi.security import HTTPBearer
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exporter.api.answers import answer
from exporter.api.brake import LONGEST_WAIT, MOST_WAITING_OF_ALL, Brakes
from exporter.api.guard import NEEDS_TOKEN, NO_ORDERS, Rejection
from exporter.api.keys import NOBODY, Holder, Keys
from exporter.api.models import Problem
from exporter.traffic import Traffic, is_order
from supervisor.config import tokens
from supervisor.model.events import OrderGiven
from supervisor.model.subjects import Subject

_AT_ONCE: Final = 4  # threads that look at the file of tokens: a disk that hangs takes no more of them
_WRONG_TOKEN: Final = Rejection(401, "the token is wrong")
_MAY_READ: Final = Rejection(403, "this token may only read: an order needs one with the scope control")
_ONLY_ALERTS: Final = Rejection(
    403, "this token is only for what Alertmanager sends: see neverdark token create --scope"
)
_TOO_MANY: Final = Rejection(429, "too many wrong tokens are being tried; try again in a moment")
_HEADERS: Final = {
    NEEDS_TOKEN: {"WWW-Authenticate": "Bearer"},
    _WRONG_TOKEN: {"WWW-Authenticate": "Bearer"},
    _MAY_READ: {"WWW-Authenticate": 'Bearer error="insufficient_scope", scope="control"'},
    NO_ORDERS: {"Allow": "GET, HEAD"},
    _ONLY_ALERTS: {"WWW-Authenticate": 'Bearer error="insufficient_scope", scope="read"'},
    _TOO_MANY: {"Retry-After": f"{LONGEST_WAIT:.0f}"},
}
ALERTS: Final = "/api/alerts"  # takes what Alertmanager tells: it changes nothing but what is remembered
HOLDER: Final = "holder"  # in a request's state: whose token came with it; there if one was needed
_TAKEN: Final = "taken"  # likewise: what was ordered of whom, where its path does not tell

# For the API's description: what this layer may answer, and what lifts it.
REFUSED: Final[dict[int | str, dict[str, Any]]] = {code: {"model": Problem} for code in (401, 403, 429)}
TOKEN: Final = Security(
    HTTPBearer(
        scheme_name="token",
        description="A token of `neverdark token create` with the scope `control` (with `read` it may only read: 403; "
        "`alerts` is for `/api/alerts` alone), "
        "or the configuration's api_token. Needed for orders as soon as there is any token",
        auto_error=False,
    )
)

_log = structlog.get_logger("neverdark.http")
_T = TypeVar("_T")


class Rule(Protocol):
    """Why a request must not get through, see `guard`: what it says if there are tokens, and if there are none."""

    def __call__(self, scope: Scope, headers: Headers, *, has_token: bool) -> Rejection | None:
        """None: it may. `NEEDS_TOKEN` is lifted by a right token."""


class Gate:
    """Lets a request through or refuses it. Whatever is no reading is an order, also what a later route adds.

    `ordered` hears of every order that was taken.
    """

    def __init__(
        self, app: ASGIApp, rule: Rule, keys: Keys, traffic: Traffic, ordered: Callable[[OrderGiven], None]
    ) -> None:
        self._app = app
        self._rule = rule
        self._keys = keys
        self._traffic = traffic
        self._ordered = ordered
        self._brakes = Brakes()
        self._waiting = 0
        self._threads: anyio.CapacityLimiter | None = None  # of the loop that it runs in

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        order = is_order(scope["method"])
        holder, refused = NOBODY, self._rule(scope, headers, has_token=True)
        if refused is not (without := self._rule(scope, headers, has_token=False)):
            refused = refused if await self._in_thread(self._keys.needed) else without
        if refused is NEEDS_TOKEN and "authorization" in headers:
            found = await self._look_at(headers["authorization"], _address(scope))
            holder, refused = (NOBODY, found) if isinstance(found, Rejection) else (found, None)
            refused = refused or _lacks_scope(scope, holder.scope)
            scope.setdefault("state", {})[HOLDER] = holder
        if refused is None:
            is_told = order and scope["path"] != ALERTS  # they are recorded themselves, and are no operator's word
            await self._app(scope, receive, self._telling(scope, holder, send) if is_told else send)
        else:
            await answer({"detail": refused.detail}, refused.status, _HEADERS.get(refused))(scope, receive, send)

    async def _look_at(self, authorization: str, address: str) -> Holder | Rejection:
        """Whose token it is. One of the file's is looked at at once: nobody can guess 32 bytes, however fast.

        The configuration's own may be short, so it waits for its turn.
        """
        if found := await self._in_thread(lambda: self._keys.named(authorization)):
            return found
        brake = self._brakes.of(address)
        wait = brake.wait(time.monotonic())
        if wait is None or (wait and self._waiting >= MOST_WAITING_OF_ALL):
            return _TOO_MANY
        if wait:
            brake.waiting += 1
            self._waiting += 1
            try:
                await asyncio.sleep(wait)
            finally:
                brake.waiting -= 1
                self._waiting -= 1
        if found := self._keys.own(authorization):
            return found
        self._traffic.refused_tokens += 1
        name, times = self._brakes.refused(address, time.monotonic())
        if times:
            _log.warning("wrong token refused", peer=name, times=times)
        return _WRONG_TOKEN

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        if self._threads is None:
            self._threads = anyio.CapacityLimiter(_AT_ONCE)
        return await anyio.to_thread.run_sync(work, abandon_on_cancel=True, limiter=self._threads)

    def _telling(self, scope: Scope, holder: Holder, send: Send) -> Send:
        """`send`, which also has the order told, if it is taken: otherwise only that one came is known."""

        async def telling(message: Message) -> None:
            if message["type"] == "http.response.start" and 200 <= message["status"] < 300:  # noqa: PLR2004 - taken
                for what, subject in scope.get("state", {}).get(_TAKEN, [(_what(scope), _subject(scope))]):
                    self._ordered(OrderGiven(what, subject, holder.name, _address(scope)))
            await send(message)

        return telling


def tell_order(request: Request, what: str, *subjects: Subject) -> None:
    """Called by an order whose path does not name what it is about: so it is told, if it is taken."""
    setattr(request.state, _TAKEN, [(what, subject) for subject in subjects])


def _lacks_scope(scope: Scope, has: tokens.Scope) -> Rejection | None:
    """Why a token of this scope does not open what is asked for."""
    match has:
        case tokens.Scope.CONTROL:
            return None
        case tokens.Scope.READ:
            return _MAY_READ if is_order(scope["method"]) else None
        case tokens.Scope.ALERTS:
            return None if is_order(scope["method"]) and scope["path"] == ALERTS else _ONLY_ALERTS


def _address(scope: Scope) -> str:
    """The address of who asks; of a proxy, if one is in between. What a header says of it, anybody may have written."""
    return str((scope.get("client") or ("unknown",))[0])


def _what(scope: Scope) -> str:
    """An order's name: the last word of its route that is no name of something; with the method, if it is no POST."""
    route = getattr(scope.get("route"), "path", "")
    words = [word for word in route.split("/") if word and not word.startswith("{")]
    verb = [] if scope["method"] == "POST" else [scope["method"].lower()]
    return " ".join([*verb, *words[-1:]]) or "something"


def _subject(scope: Scope) -> Subject:
    """What an order is about; neverdark itself if its route names no stream."""
    about = scope.get("path_params", {})
    return Subject(str(about.get("stream", "")), str(about.get("destination", "")))
