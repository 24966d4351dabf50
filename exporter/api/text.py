"""The layer that refuses characters which are none: neither a database nor a log nor a terminal can hold them."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exporter.api.answers import answer
from exporter.traffic import is_order

_NUL: Final = b"%00"
_ESCAPED: Final = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")  # NUL, or a half of a character
_WHOLE: Final = re.compile("[^\0\ud800-\udfff]*")
_REFUSED: Final = {"detail": "expected text: NUL, or a half of a character, is none"}


class TextOnly:
    """Stands inside of the gate: what it has to read was sent by somebody who may."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        pieces: list[Message] = []
        refused = scope["type"] == "http" and _NUL in scope.get("raw_path", b"") + scope["query_string"]
        if scope["type"] == "http" and is_order(scope["method"]) and not refused:
            while not pieces or pieces[-1].get("more_body"):
                pieces.append(await receive())
            refused = not _is_text(b"".join(piece.get("body", b"") for piece in pieces))
            pieces.reverse()

        async def again() -> Message:
            return pieces.pop() if pieces else await receive()

        await (answer(_REFUSED, 400) if refused else self._app)(scope, again, send)


def _is_text(body: bytes) -> bool:
    """Whether a body that is JSON has text only; what is no JSON, its route refuses."""
    if not _ESCAPED.search(body):
        return True
    left: list[Any] = []
    with suppress(ValueError, RecursionError):
        left.append(json.loads(body))
    while left:
        value = left.pop()
        if isinstance(value, dict):
            left += [*value, *value.values()]
        elif isinstance(value, list):
            left += value
        elif isinstance(value, str) and not _WHOLE.fullmatch(value):
            return False
    return True
