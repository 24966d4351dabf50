"""/api/streams: what the streams do, orders to them, and their processes' logs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, get_args

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import Response

from exporter.api.answers import answer, in_thread, no_such_stream
from exporter.api.example import example_of
from exporter.api.gate import HOLDER, REFUSED, TOKEN
from exporter.api.keys import Holder
from exporter.api.logs import CURSOR, Page, last_lines, lines_after
from exporter.api.models import Accepted, LogPage, Ordered, Problem, Stream, StreamList, Switched
from exporter.api.orders import AUTO, StreamOrder, SwitchOrder
from exporter.api.seen import seen_at_platforms
from exporter.api.shape import show_time
from exporter.api.shapes import show_config, show_stream
from supervisor.config.tokens import Scope
from supervisor.model.drills import LONGEST
from supervisor.model.snapshot import Control, Fault, ProcessSnapshot, Refused, Snapshot, StreamSnapshot, Verb
from supervisor.model.terms import Role

_MAX_LINES: Final = 10_000
_NOT_FOUND: Final[dict[int | str, dict[str, Any]]] = {code: {"model": Problem} for code in (404, 422, 503)}

Lines = Annotated[int, Query(ge=1, le=_MAX_LINES, description="at most so many lines")]
DrillSeconds = Annotated[
    float,
    Query(ge=0, le=LONGEST, description="for so long, what fails counts as a drill; 0 ends a drill", examples=[30]),
]
DrillFault = Annotated[Fault | None, Query(description="what neverdark itself shall break; else you do")]
DrillDestination = Annotated[str | None, Query(max_length=63, description="where, if the stream has several")]
After = Annotated[
    str | None,
    Query(
        pattern=f"^{CURSOR}$",
        description="`next` of the answer before: only what follows it",
        examples=["encoder.20260301T095957.120Z-1.log:1048593:4096"],
    ),
]
LogRole = Annotated[Role | None, Query(description="of which process; else of the encoder or the command")]
LogName = Annotated[
    str | None, Query(description="its name; else no fallback's encoder is meant", examples=["fallback1"])
]
LogDestination = Annotated[str | None, Query(description="of which pusher, if the stream has several")]
DestinationUrl = Annotated[
    str | None,
    Query(
        max_length=4096,
        description="only streams that send there. A usual port, case of scheme and host and a slash at the end make "
        "no difference. The key may stand in it or not: it is compared, and neverdark neither shows nor logs it; but a "
        "proxy in front may log whole URLs, so leave it out there",
        examples=["rtmps://a.rtmps.youtube.com/live2"],
    ),
]


def streams_router(control: Control, version: str, needs_token: Callable[[], bool]) -> APIRouter:
    """The routes below /api/streams. Who may use them is decided before: see `gate`. `needs_token` blocks."""
    router = APIRouter(prefix="/api/streams", tags=["streams"])
    _add_readings(router, control, version, needs_token)
    _add_logs(router, control)
    for verb in get_args(Verb):
        _add_order(router, control, verb)
    _add_drill(router, control)
    _add_switch(router, control)
    return router


def _add_readings(router: APIRouter, control: Control, version: str, needs_token: Callable[[], bool]) -> None:
    @router.get(
        "",
        summary="All streams, or those that send to one destination",
        description="In the order of the configuration, each with its processes and destinations as they are now.",
        responses={200: {"model": StreamList}, **REFUSED, **{code: {"model": Problem} for code in (422, 503)}},
    )
    async def list_streams(request: Request, destination_url: DestinationUrl = None) -> Response:
        # A proxy may add the token to what it hands on; then the page need not ask for it.
        holder: Holder | None = getattr(request.state, HOLDER, None)
        may_order = holder is not None and holder.scope is Scope.CONTROL

        def read() -> Response:
            snapshot = control.snapshot()
            about = {"version": version, "token_required": needs_token() and not may_order}
            meant = None if destination_url is None else control.sending_to(destination_url)
            seen = seen_at_platforms(snapshot)
            shown = [show_stream(stream, seen) for stream in snapshot.streams if meant is None or stream.name in meant]
            config = show_config(snapshot.config)
            return answer({"at": show_time(snapshot.at), **about, "configuration": config, "streams": shown})

        return await in_thread(read)

    @router.get(
        "/{stream}",
        summary="One stream",
        description="With its processes and destinations as they are now.",
        responses={200: {"model": Stream}, **REFUSED, **_NOT_FOUND},
    )
    async def get_stream(stream: str) -> Response:
        def read() -> Response:
            snapshot = control.snapshot()
            return answer(show_stream(_find(snapshot, stream), seen_at_platforms(snapshot)))

        return await in_thread(read)


def _add_logs(router: APIRouter, control: Control) -> None:
    @router.get(
        "/{stream}/logs",
        summary="The log of one process",
        description="Without `role` the encoder or the command; without `after` the newest run's last lines.",
        responses={200: {"model": LogPage}, **REFUSED, **_NOT_FOUND},
    )
    async def get_logs(
        stream: str,
        role: LogRole = None,
        destination: LogDestination = None,
        name: LogName = None,
        lines: Lines = 200,
        after: After = None,
    ) -> Response:
        def read() -> Response:
            process = _find_process(_find(control.snapshot(), stream), role, destination, name)
            page = _log_page(control, process, lines, after)
            return answer({"file": page.file, "lines": page.lines, "next": page.after})

        return await in_thread(read)


def _add_order(router: APIRouter, control: Control, verb: Verb) -> None:
    shown = {"application/json": {"example": example_of(Ordered) | {"accepted": verb}}}

    @router.post(
        f"/{{stream}}/{verb}",
        name=f"{verb}_stream",
        summary=f"{verb.capitalize()} a stream",
        description="Holds until the schedule's next switch, if the stream has one; the body may say otherwise.",
        status_code=202,
        dependencies=[TOKEN],
        responses={202: {"model": Ordered, "content": shown}, **REFUSED, **_NOT_FOUND, 409: {"model": Problem}},
    )
    async def order(stream: str, body: StreamOrder | None = None) -> Response:
        said = body or StreamOrder()
        try:
            desired = await in_thread(lambda: control.request(verb, stream, said.until, said.reason))
        except Refused as error:
            raise HTTPException(409, str(error)) from None
        if desired is None:
            raise no_such_stream()
        return answer({"stream": stream, "accepted": verb, "until": show_time(desired.until)}, 202)


def _add_drill(router: APIRouter, control: Control) -> None:
    @router.post(
        "/{stream}/drill",
        summary="Announce or cause a fault on purpose",
        description="For some time, what fails in the stream counts as a drill. 409 when that cannot be done now.",
        status_code=202,
        dependencies=[TOKEN],
        responses={202: {"model": Accepted}, **REFUSED, **_NOT_FOUND, 409: {"model": Problem}},
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


def _add_switch(router: APIRouter, control: Control) -> None:
    @router.post(
        "/{stream}/switch",
        summary="Show another source",
        description="Viewers see this source from its next keyframe on, without a gap where both deliver. 409 if the "
        "stream has no such source.",
        status_code=202,
        dependencies=[TOKEN],
        responses={202: {"model": Switched}, **REFUSED, **_NOT_FOUND, 409: {"model": Problem}},
    )
    async def switch(stream: str, body: SwitchOrder) -> Response:
        source = None if body.to == AUTO else body.to
        try:
            known = await in_thread(lambda: control.switch(stream, source, body.lasting, body.reason))
        except Refused as error:
            raise HTTPException(409, str(error)) from None
        if not known:
            raise no_such_stream()
        return answer({"stream": stream, "accepted": "switch", "source": source}, 202)


def _find(snapshot: Snapshot, name: str) -> StreamSnapshot:
    for stream in snapshot.streams:
        if stream.name == name:
            return stream
    raise no_such_stream()


def _find_process(
    stream: StreamSnapshot, role: Role | None, destination: str | None, name: str | None
) -> ProcessSnapshot:
    """The one process that is meant. What is left out may be anything, but for a pusher's role, a fallback's name."""
    if role is None and name is None:
        role = Role.PUSHER if destination else Role.COMMAND if stream.is_command else Role.ENCODER
    found = [
        process
        for process in stream.processes
        if role in {None, process.key.role}
        and destination in {None, "", process.key.destination}
        and (process.key.name == name if name else not process.key.rung)
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
    except ValueError as error:  # well formed, but of another process
        raise HTTPException(404, str(error)) from None
    if page is None:
        raise HTTPException(404, "the process has no log yet")
    return page
