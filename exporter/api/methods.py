"""Which methods a path takes: each that can be read also answers HEAD, and a refused method learns of the others."""

from __future__ import annotations

from typing import Final

from starlette.routing import Match, Router
from starlette.types import ASGIApp, Receive, Scope, Send

_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")


class HeadIsGet:
    """The innermost layer: HEAD is answered as GET is. The server leaves the body away."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        reading = scope["type"] == "http" and scope["method"] == "HEAD"
        await self._app({**scope, "method": "GET"} if reading else scope, receive, send)


def allowed(router: Router, scope: Scope) -> str:
    """The value of `Allow` for a request's path: what all its routes take, not only the first."""
    taken = [
        method
        for method in _METHODS
        if any(route.matches({**scope, "method": method})[0] is Match.FULL for route in router.routes)
    ]
    return ", ".join(["GET", "HEAD", *taken[1:]] if taken[:1] == ["GET"] else taken)
