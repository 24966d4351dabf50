"""/api/watchdog: what the second layer says of the destinations, and orders to it."""

from __future__ import annotations

from typing import Annotated, Any, Final, get_args

from fastapi import APIRouter, HTTPException, Path, Request
from fastapi.responses import Response

from exporter.api.answers import answer, in_thread
from exporter.api.finding import find_destination, no_such_destination
from exporter.api.gate import REFUSED, TOKEN, tell_order
from exporter.api.models import (
    Problem,
    WatchdogOrdered,
    WatchdogReport,
    WatchdogsReloaded,
    WatchdogsStopped,
    WatchdogStatus,
)
from exporter.api.shapes import show_watchdog, show_watchdogs
from supervisor.model.snapshot import Control, DestinationSnapshot, NotEnabled, WatchdogVerb
from supervisor.model.subjects import ITSELF, Subject

_DONE: Final = {"start": "started", "stop": "stopped", "restart": "restarted"}
_MEANING: Final = {
    "start": "The second layer checks the destination again, from the beginning.",
    "stop": "The second layer neither checks nor repairs the destination until somebody starts it again, also after a "
    "restart of neverdark. The first layer goes on, and so does the stream.",
    "restart": "What the second layer has counted is forgotten, and it looks at once.",
}
_ONE: Final[dict[int | str, dict[str, Any]]] = {**REFUSED, **{code: {"model": Problem} for code in (404, 422, 503)}}
_ALL: Final[dict[int | str, dict[str, Any]]] = {**REFUSED, 503: {"model": Problem}}

Identity = Annotated[
    str, Path(description="the destination: its `id`, or `stream:destination`", examples=["1", "harbour-cam:youtube"])
]


def watchdog_router(control: Control) -> APIRouter:
    """The routes below /api/watchdog. Who may use them is decided before: see `gate`."""
    router = APIRouter(prefix="/api/watchdog", tags=["watchdog"])
    _add_readings(router, control)
    for verb in get_args(WatchdogVerb):
        _add_order(router, control, verb)
    _add_orders_to_all(router, control)
    return router


def _add_readings(router: APIRouter, control: Control) -> None:
    @router.get(
        "/status",
        summary="What the watchdog says of every destination",
        description="Streams without destinations are not here: their process is watched all the same.",
        responses={200: {"model": WatchdogStatus}, **_ALL},
    )
    async def watchdog_status() -> Response:
        return await in_thread(lambda: answer(show_watchdogs(control.snapshot())))

    @router.get(
        "/{id}/status",
        summary="What the watchdog says of one destination",
        description="Also of one that nobody watches: `message` says so.",
        responses={200: {"model": WatchdogReport}, **_ONE},
    )
    async def watchdog_of_destination(id: Identity) -> Response:  # noqa: A002 - its name in the documentation
        return await in_thread(lambda: answer(show_watchdog(find_destination(control.snapshot(), id))))


def _add_order(router: APIRouter, control: Control, verb: WatchdogVerb) -> None:
    @router.post(
        f"/{{id}}/{verb}",
        name=f"{verb}_watchdog",
        summary=f"{verb.capitalize()} the watchdog of one destination",
        description=_MEANING[verb],
        dependencies=[TOKEN],
        responses={200: {"model": WatchdogOrdered}, 400: {"model": Problem}, **_ONE},
    )
    async def order(request: Request, id: Identity) -> Response:  # noqa: A002 - its name in the documentation
        def carry_out() -> DestinationSnapshot:
            place = find_destination(control.snapshot(), id)
            try:
                known = control.order_watchdog(verb, place.stream, place.name)
            except NotEnabled:
                raise HTTPException(400, "Watchdog is not enabled for this destination") from None
            if not known:
                raise no_such_destination()
            return place

        place = await in_thread(carry_out)
        tell_order(request, f"{verb} watchdog", Subject(place.stream, place.name))
        number = "" if place.id is None else f"{place.id} "
        message = f"Watchdog {_DONE[verb]} for destination {number}({place.full_name})"
        return answer({"message": message, "destination_id": place.id})


def _add_orders_to_all(router: APIRouter, control: Control) -> None:
    @router.post(
        "/reload",
        summary="Start every watchdog that the configuration enables",
        description="Also those that somebody has stopped. The others go on as they are.",
        dependencies=[TOKEN],
        responses={200: {"model": WatchdogsReloaded}, **_ALL},
    )
    async def reload_watchdogs(request: Request) -> Response:
        def carry_out() -> dict[str, Any]:
            control.order_watchdogs("start")
            return show_watchdogs(control.snapshot())

        shown = await in_thread(carry_out)
        tell_order(request, "reload watchdogs", ITSELF)
        about = {"message": "Watchdog configuration reloaded", "active_watchdogs": shown["watchdog_count"]}
        return answer(about | shown)

    @router.post(
        "/stop-all",
        summary="Stop the watchdogs of all destinations",
        description=_MEANING["stop"],
        dependencies=[TOKEN],
        responses={200: {"model": WatchdogsStopped}, **_ALL},
    )
    async def stop_all_watchdogs(request: Request) -> Response:
        await in_thread(lambda: control.order_watchdogs("stop"))
        tell_order(request, "stop all watchdogs", ITSELF)
        return answer({"message": "All watchdogs stopped"})
