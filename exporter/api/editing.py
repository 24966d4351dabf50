"""Streams and destinations made, changed and removed by API, and what is configured of them."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import Response

from exporter.api.answers import answer, in_thread, no_such_stream
from exporter.api.editing_bodies import (
    NotJson,
    destinations_of,
    flat,
    named,
    read_body,
    show_configured,
    show_edited,
    show_watchdog,
    unnamed,
    watchdog_body,
)
from exporter.api.finding import find_destination, no_such_destination
from exporter.api.gate import REFUSED, TOKEN, tell_order
from exporter.api.models import Problem
from exporter.api.models.editing import (
    ConfiguredDestination,
    ConfiguredDestinations,
    ConfiguredStream,
    EditedStream,
    Mistakes,
    WatchdogConfig,
)
from supervisor.model.edits import (
    Configured,
    Edit,
    Edited,
    EditVerb,
    Invalid,
    NoSuchDestination,
    NoSuchStream,
    OutOfReach,
)
from supervisor.model.snapshot import Control, Refused
from supervisor.model.subjects import Subject

_CREATED: Final = 201
_STREAM: Final = {
    "source": {"format": "lavfi", "url": "testsrc2=size=1280x720:rate=30", "realtime": True},
    "video": {"bitrate": "3000k"},
    "destinations": {"youtube": {"url": "rtmp://a.rtmp.youtube.com/live2", "key": "abcd-efgh"}},
}
_DESTINATION: Final = {"url": "rtmp://a.rtmp.youtube.com/live2", "key": "abcd-efgh"}
_WATCHDOG: Final = {"enable_watchdog": True, "watchdog_check_interval": 30}
_PATCH: Final = {"enabled": False}
_PATCHED: Final = "RFC 7396: only what is named changes, and null removes a key."
_READ: Final[dict[int | str, dict[str, Any]]] = {**REFUSED, **{code: {"model": Problem} for code in (404, 422, 503)}}
_WRITE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"model": EditedStream},
    **REFUSED,
    **{code: {"model": Problem} for code in (400, 404, 409, 503)},
    422: {"model": Mistakes},
}

DryRun = Annotated[bool, Query(description="only tell what would come of it")]


def editing_router(control: Control) -> APIRouter:
    """The routes. Who may use them is decided before: see `gate`."""
    router = APIRouter(prefix="/api/streams", tags=["making streams"])
    _add_streams(router, control)
    _add_destinations(router, control)
    _add_watchdog(router, control)
    return router


def _add_streams(router: APIRouter, control: Control) -> None:
    @router.get("/{stream}/config", summary="What is configured", responses={200: {"model": ConfiguredStream}, **_READ})
    async def get_config(stream: str) -> Response:
        """Secrets are hidden: what is sent back with `***` keeps its value."""
        return await in_thread(lambda: answer(show_configured(_configured(control, stream))))

    @router.post("", **_writes("Make a stream", {"name": "harbour-cam", **_STREAM}, code=_CREATED))
    async def make_stream(request: Request, *, dry_run: DryRun = False) -> Response:
        """The body has the stream's `name`, and the keys that a stream has in the file."""
        with _Answers():
            name, body = named(await _body(request), "stream")
            return await _edit(control, request, Edit("make", name, body), "make stream", dry_run=dry_run)

    @router.put("/{stream}", **_writes("Replace a stream's configuration", _STREAM))
    async def replace_stream(request: Request, stream: str, *, dry_run: DryRun = False) -> Response:
        """Only processes are replaced whose own settings change."""
        with _Answers():
            edit = Edit("replace", stream, unnamed(await _body(request), stream))
            return await _edit(control, request, edit, "change stream", dry_run=dry_run)

    @router.patch("/{stream}", **_writes("Change a stream's configuration", _PATCH))
    async def patch_stream(request: Request, stream: str, *, dry_run: DryRun = False) -> Response:
        """RFC 7396: only what is named changes, and null removes a key."""
        with _Answers():
            edit = Edit("patch", stream, unnamed(await _body(request), stream))
            return await _edit(control, request, edit, "change stream", dry_run=dry_run)

    @router.delete("/{stream}", **_writes("Remove a stream", None))
    async def remove_stream(request: Request, stream: str, *, dry_run: DryRun = False) -> Response:
        """It is stopped in order. If the file has a stream of this name, that one takes its place."""
        with _Answers():
            return await _edit(control, request, Edit("remove", stream), "remove stream", dry_run=dry_run)


def _add_destinations(router: APIRouter, control: Control) -> None:
    base, one = "/{stream}/destinations", "/{stream}/destinations/{destination}"

    @router.get(base, summary="A stream's destinations", responses={200: {"model": ConfiguredDestinations}, **_READ})
    async def get_destinations(stream: str) -> Response:
        """As they are configured; secrets are hidden."""

        def read() -> Response:
            known = _configured(control, stream)
            shown = [_show_destination(known, name) for name in destinations_of(known)]
            return answer({"stream": stream, "origin": known.origin, "destinations": shown})

        return await in_thread(read)

    @router.get(one, summary="One destination", responses={200: {"model": ConfiguredDestination}, **_READ})
    async def get_destination(stream: str, destination: str) -> Response:
        """As it is configured; secrets are hidden."""
        known, name = await _found(control, stream, destination)
        return answer(_show_destination(known, name))

    @router.post(base, **_writes("Add a destination", {"name": "backup", **_DESTINATION}, code=_CREATED))
    async def add_destination(request: Request, stream: str, *, dry_run: DryRun = False) -> Response:
        """The body has its `name`, and the keys that a destination has in the file."""
        with _Answers():
            name, body = named(await _body(request), "destination")
            edit = Edit("make", stream, body, name)
            return await _edit(control, request, edit, "add destination", dry_run=dry_run)

    def add(method: str, verb: EditVerb, what: str, summary: str, example: Any, description: str) -> None:
        described = _writes(summary, example) | {"description": description}

        @router.api_route(one, methods=[method], name=f"{verb}_destination", **described)
        async def edit_destination(
            request: Request, stream: str, destination: str, *, dry_run: DryRun = False
        ) -> Response:
            with _Answers():
                body = None if verb == "remove" else await _body(request)
                _, name = await _found(control, stream, destination)
                edit = Edit(verb, stream, unnamed(body, name), name)
                return await _edit(control, request, edit, what, dry_run=dry_run)

    change, alone = "change destination", "Only its own process is replaced, if its settings change."
    add("PUT", "replace", change, "Replace a destination's configuration", _DESTINATION, alone)
    add("PATCH", "patch", change, "Change a destination's configuration", {"required": False}, _PATCHED)
    add("DELETE", "remove", "remove destination", "Remove a destination", None, "Its process is stopped in order.")


def _add_watchdog(router: APIRouter, control: Control) -> None:
    path = "/{stream}/destinations/{destination}/watchdog-config"

    @router.get(path, summary="A destination's watchdog", responses={200: {"model": WatchdogConfig}, **_READ})
    async def get_watchdog(stream: str, destination: str) -> Response:
        """What is in force; times are in seconds."""
        known, name = await _found(control, stream, destination)
        return answer(show_watchdog(known, name))

    @router.put(path, **_writes("Set a destination's watchdog", _WATCHDOG))
    async def set_watchdog(request: Request, stream: str, destination: str, *, dry_run: DryRun = False) -> Response:
        """What is not named, or null, is as the stream or the defaults have it."""
        with _Answers():
            body = watchdog_body(await _body(request))
            _, name = await _found(control, stream, destination)
            edit = Edit("replace", stream, body, name, "watchdog")
            try:
                return await _edit(control, request, edit, "change watchdog", dry_run=dry_run)
            except Invalid as error:
                raise Invalid(flat(error.wrong)) from None


# --- how -----------------------------------------------------------------------------------------------


def _writes(summary: str, example: Any, code: int = 200) -> dict[str, Any]:
    """How a writing route is described."""
    content = {"application/json": {"schema": {"type": "object"}, "example": example}}
    body = {} if example is None else {"requestBody": {"required": True, "content": content}}
    responses = dict(_WRITE)
    if code != 200:  # noqa: PLR2004 - what a route answers unless it says otherwise
        responses[code] = responses[200]
    return {
        "summary": summary,
        "status_code": code,
        "dependencies": [TOKEN],
        "responses": responses,
        "openapi_extra": body,
    }


async def _body(request: Request) -> Any:
    return read_body(await request.body())


async def _edit(control: Control, request: Request, edit: Edit, what: str, *, dry_run: bool) -> Response:
    subjects = () if dry_run else (Subject(edit.stream, edit.destination or ""),)
    tell_order(request, what, *subjects)
    edited: Edited = await in_thread(lambda: control.edit(edit, dry_run=dry_run))
    made = edit.verb == "make" and not dry_run
    return answer(show_edited(edited, dry_run=dry_run), _CREATED if made else 200)


class _Answers:
    """What is refused becomes an answer."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _where: object) -> None:
        match error:
            case NoSuchStream():
                raise no_such_stream() from None
            case NoSuchDestination():
                raise no_such_destination() from None
            case Refused():
                raise HTTPException(409, str(error)) from None
            case OutOfReach():
                raise HTTPException(503, str(error)) from None
            case NotJson():
                raise HTTPException(400, str(error)) from None


def _configured(control: Control, stream: str) -> Configured:
    known = control.configured(stream)
    if known is None:
        raise no_such_stream()
    return known


async def _found(control: Control, stream: str, word: str) -> tuple[Configured, str]:
    """A stream's configuration, and the name of the destination that `word` names there."""
    known = await in_thread(lambda: _configured(control, stream))
    if word in destinations_of(known):
        return known, word  # also of a stream that cannot run now
    snapshot = await in_thread(control.snapshot)
    return known, find_destination(snapshot, word, stream).name


def _show_destination(known: Configured, name: str) -> dict[str, Any]:
    shown = {"stream": known.stream, "name": name, "origin": known.origin}
    return {**shown, "config": destinations_of(known)[name]}
