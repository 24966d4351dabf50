"""How every answer leaves: as JSON, from a worker thread, and an error always as `{"detail": …}`."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeVar

import anyio.to_thread
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exporter.api.methods import allowed
from supervisor.model.edits import Invalid
from supervisor.model.snapshot import NotAnswering

_log = structlog.get_logger("neverdark.http")
_T = TypeVar("_T")


def answer(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer that no one keeps: it is about this moment."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    body = text.encode(errors="backslashreplace")  # half a character, as a file's name may have, stays JSON so
    return Response(body, status, {"Cache-Control": "no-store", **(headers or {})}, "application/json")


async def in_thread(work: Callable[[], _T]) -> _T:
    """The result of `work`, done in a thread: it may wait for the engine or a disk, a stop not for it."""
    return await anyio.to_thread.run_sync(work, abandon_on_cancel=True)


def no_such_stream() -> HTTPException:
    """The 404 for a stream's name that nothing has."""
    return HTTPException(404, "there is no such stream")


def add_error_answers(app: FastAPI) -> None:
    """Errors of any kind become `{"detail": text}` with the fitting status."""

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        headers = error.headers
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            headers = {"Allow": allowed(app.router, request.scope)}
        return answer({"detail": str(error.detail)}, error.status_code, headers)

    @app.exception_handler(RequestValidationError)
    async def misunderstood(_request: Request, error: RequestValidationError) -> Response:
        # Key and expectation only: pydantic would repeat the value, which may be anything.
        if any(item["type"] == "json_invalid" for item in error.errors()):
            return answer({"detail": "the body is no JSON"}, 400)
        problems = [f"{item['loc'][-1]}: {str(item['msg']).removeprefix('Value error, ')}" for item in error.errors()]
        return answer({"detail": "; ".join(problems)}, 422)

    @app.exception_handler(Invalid)
    async def wrong(_request: Request, error: Invalid) -> Response:
        problems = [{"path": one.path, "value": one.value, "expected": one.expected} for one in error.wrong]
        return answer({"detail": str(error), "problems": problems}, 422)

    @app.exception_handler(NotAnswering)
    async def stuck(_request: Request, _error: NotAnswering) -> Response:
        return answer({"detail": "neverdark's engine does not answer"}, 503)

    app.add_middleware(_Shield)


class _Shield:
    """The outermost layer: a mistake of ours becomes one log line and a plain 500, never a traceback."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:  # noqa: BLE001 - this is the last layer; what passes it is a traceback on stderr
            frame = traceback.extract_tb(error.__traceback__)[-1]
            _log.error(
                "request failed",
                path=scope.get("path"),
                error=type(error).__name__,
                where=f"{frame.filename}:{frame.lineno}",
            )
            if not begun:
                await answer({"detail": "an internal error; neverdark's log says where"}, 500)(scope, receive, send)
