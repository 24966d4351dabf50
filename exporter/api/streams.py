"""/api/streams: what the streams do, orders to them, and their processes' logs."""

from __future__ import annotations

from typing import Annotated, Any, Final, get_args

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.params import Depends as DependsOn
from fastapi.responses import Response
from pydantic import SecretStr
from starlette.status import HTTP_401_UNAUTHORIZED

from exporter.api.answers import answer, in_thread, no_such_stream
from exporter.api.guard import refusal
from exporter.api.logs import Page, last_lines, lines_after
from exporter.api.models import Accepted, LogPage, Problem, Stream, StreamList
from exporter.api.shapes import show_stream, show_time
from supervisor.model import Role
from supervisor.quantities import Address
from supervisor.snapshot import Control, Fault, ProcessSnapshot, Refused, StreamSnapshot, Verb

_MAX_LINES: Final = 10_000
_MAX_DRILL: Final = 3600  # seconds
_NOT_FOUND: Final[dict[int | str, dict[str, Any]]] = {code: {"model": Problem} for code in (404, 422, 503)}
_REFUSED: Final[dict[int | str, dict[str, Any]]] = {401: {"model": Problem}, 403: {"model": Problem}}

Lines = Annotated[int, Query(ge=1, le=_MAX_LINES, description="at most so many lines")]
DrillSeconds = Annotated[
    float, Query(ge=0, le=_MAX_DRILL, description="for so long, what fails counts as a drill; 0 ends a drill")
]
DrillFault = Annotated[Fault | None, Query(description="what neverdark itself shall break; else you do")]
DrillDestination = Annotated[str | None, Query(max_length=63, description="where, if the stream has several")]
After = Annotated[str | None, Query(max_length=300, description="`next` of the answer before: only what follows it")]


def streams_router(control: Control, listen: Address, token: SecretStr | None, version: str) -> APIRouter:
    """The routes below /api/streams. `token` protects the orders; reading is free."""
    router = APIRouter(prefix="/api/streams", tags=["streams"])
    _add_readings(router, control, {"version": version, "token_required": token is not None})
    _add_logs(router, control)

    guarded = order_guard(listen, token)  # comes before all else: who may not order learns nothing of the streams
    for verb in get_args(Verb):
        _add_order(router, control, verb, guarded)
    _add_drill(router, control, guarded)
    return router


def order_guard(listen: Address, token: SecretStr | None) -> DependsOn:
    """What every route that takes an order depends on: 401 or 403 for whoever may not give any."""
    secret = token.get_secret_value() if token else None

    async def authorize(request: Request) -> None:
        if refused := refusal(request.headers, listen, secret):
            challenge = {"WWW-Authenticate": "Bearer"} if refused.status == HTTP_401_UNAUTHORIZED else None
            raise HTTPException(refused.status, refused.detail, challenge)

    guard: DependsOn = Depends(authorize)
    return guard


def _add_readings(router: APIRouter, control: Control, about: dict[str, Any]) -> None:
    @router.get("", summary="All streams", responses={200: {"model": StreamList}, 503: {"model": Problem}})
    async def list_streams() -> Response:
        def read() -> Response:
            snapshot = control.snapshot()
            shown = [show_stream(stream) for stream in snapshot.streams]
            return answer({"at": show_time(snapshot.at), **about, "streams": shown})

        return await in_thread(read)

    @router.get("/{stream}", summary="One stream", responses={200: {"model": Stream}, **_NOT_FOUND})
    async def get_stream(stream: str) -> Response:
        return await in_thread(lambda: answer(show_stream(_find(control, stream))))


def _add_logs(router: APIRouter, control: Control) -> None:
    @router.get(
        "/{stream}/logs",
        summary="The log of one process",
        description="Without `role` the encoder or the command; without `after` the newest run's last lines.",
        responses={200: {"model": LogPage}, **_NOT_FOUND},
    )
    async def get_logs(
        stream: str,
        role: Role | None = None,
        destination: str | None = None,
        lines: Lines = 200,
        after: After = None,
    ) -> Response:
        def read() -> Response:
            process = _find_process(_find(control, stream), role, destination)
            page = _log_page(control, process, lines, after)
            return answer({"file": page.file, "lines": page.lines, "next": page.after})

        return await in_thread(read)


def _add_order(router: APIRouter, control: Control, verb: Verb, guarded: DependsOn) -> None:
    @router.post(
        f"/{{stream}}/{verb}",
        name=f"{verb}_stream",
        summary=f"{verb.capitalize()} a stream",
        status_code=202,
        dependencies=[guarded],
        responses={202: {"model": Accepted}, **_REFUSED, **_NOT_FOUND},
    )
    async def order(stream: str) -> Response:
        if not await in_thread(lambda: control.request(verb, stream)):
            raise no_such_stream()
        return answer({"stream": stream, "accepted": verb}, 202)


def _add_drill(router: APIRouter, control: Control, guarded: DependsOn) -> None:
    @router.post(
        "/{stream}/drill",
        summary="Announce or cause a fault on purpose",
        description="For some time, what fails in the stream counts as a drill. 409 when that cannot be done now.",
        status_code=202,
        dependencies=[guarded],
        responses={202: {"model": Accepted}, **_REFUSED, **_NOT_FOUND, 409: {"model": Problem}},
    )
    async def drill(
        stream: str,
        seconds: DrillSeconds,
        fault: DrillFault = None,
        destination: DrillDestination = None,
    ) -> Response:
        try:
            known = await in_thread(lambda: control.drill(stream, seconds, fault, destination or None))
        except Refused as error:
            raise HTTPException(409, str(error)) from None
        if not known:
            raise no_such_stream()
        return answer({"stream": stream, "accepted": "drill"}, 202)


def _find(control: Control, name: str) -> StreamSnapshot:
    for stream in control.snapshot().streams:
        if stream.name == name:
            return stream
    raise no_such_stream()


def _find_process(stream: StreamSnapshot, role: Role | None, destination: str | None) -> ProcessSnapshot:
    """The one process that is meant. What is left out may be anything, but for a pusher's role."""
    if role is None:
        role = Role.PUSHER if destination else Role.COMMAND if stream.is_command else Role.ENCODER
    found = [
        process
        for process in stream.processes
        if process.key.role is role and destination in {None, "", process.key.destination}
    ]
    if not found:
        raise HTTPException(404, "the stream has no such process")
    if len(found) > 1:
        choice = ", ".join(process.key.destination for process in found)
        raise HTTPException(422, f"destination: expected one of {choice}")
    return found[0]


def _log_page(control: Control, process: ProcessSnapshot, lines: int, after: str | None) -> Page:
    directory = control.log_directory(process.key.stream)
    try:
        if after is None:
            page = last_lines(directory, process.key.name, process.run_id, lines)
        else:
            page = lines_after(directory, process.key.name, after, lines)
    except ValueError as error:
        raise HTTPException(422, str(error)) from None
    if page is None:
        raise HTTPException(404, "the process has no log yet")
    return page
