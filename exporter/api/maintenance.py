"""/api/maintenance: the times in which failures are recorded and wake nobody."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, HTTPException, Path
from fastapi.responses import Response
from pydantic import BeforeValidator, Field, WithJsonSchema

from exporter.api.answers import answer, in_thread
from exporter.api.example import Example
from exporter.api.gate import REFUSED, TOKEN
from exporter.api.models import MaintenanceList, MaintenanceWindow, Problem
from exporter.api.orders import Moment, OrderBody, Reason
from exporter.api.shapes import show_maintenance
from supervisor.model.maintenance import MaintenanceOrder
from supervisor.model.snapshot import Control, Refused

_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    **REFUSED,
    **{code: {"model": Problem} for code in (409, 422, 503)},
}

Identity = Annotated[str, Path(description="`id` of a window in the list", examples=["M1"])]


def _streams(value: Any) -> list[str] | None:
    if value == "all":
        return None
    if isinstance(value, list) and value and all(isinstance(name, str) for name in value):
        return value
    raise ValueError("expected a list of streams, or the word all")


Streams = Annotated[
    list[str] | None,
    BeforeValidator(_streams),
    WithJsonSchema({"anyOf": [{"type": "array", "items": {"type": "string"}, "minItems": 1}, {"const": "all"}]}),
]


@Example(streams=["harbour-cam"], until="1h", reason="new lens")
class MaintenanceBody(OrderBody):
    """What is asked for. `streams` has names, or is the word `all`; `from` is now if it is not given.

    `until` is a time, or how long it lasts from then on.
    """

    streams: Streams
    begin: Moment | None = Field(default=None, alias="from")
    until: Moment
    reason: Reason | None = None

    def order(self) -> MaintenanceOrder:
        """The same for the engine."""
        return MaintenanceOrder(self.streams, self.begin, self.until, self.reason)


def maintenance_router(control: Control) -> APIRouter:
    """The routes below /api/maintenance. Who may use them is decided before: see `gate`."""
    router = APIRouter(prefix="/api/maintenance", tags=["maintenance"])

    @router.get(
        "",
        summary="Maintenance windows, open or still to come",
        description="Those of the configuration, and those that were ordered.",
        responses={200: {"model": MaintenanceList}, **REFUSED, 503: {"model": Problem}},
    )
    async def list_windows() -> Response:
        return await in_thread(
            lambda: answer({"maintenance": [show_maintenance(window) for window in control.maintenance()]})
        )

    @router.post(
        "",
        summary="Order a maintenance window",
        description="What fails in it is recorded and wakes nobody; recoveries go on as usual.",
        status_code=202,
        dependencies=[TOKEN],
        responses={202: {"model": MaintenanceWindow}, **_ANSWERS},
    )
    async def order_window(body: MaintenanceBody) -> Response:
        try:
            window = await in_thread(lambda: control.order_maintenance(body.order()))
        except Refused as error:
            raise HTTPException(409, str(error)) from None
        return answer(show_maintenance(window), 202)

    @router.delete(
        "/{id}",
        summary="End a maintenance window",
        description="409 for one that stands in the configuration.",
        dependencies=[TOKEN],
        responses={200: {"model": MaintenanceWindow}, **_ANSWERS, 404: {"model": Problem}},
    )
    async def end_window(id: Identity) -> Response:  # noqa: A002 - its name in the documentation
        try:
            window = await in_thread(lambda: control.end_maintenance(id))
        except Refused as error:
            raise HTTPException(409, str(error)) from None
        if window is None:
            raise HTTPException(404, "there is no such maintenance window")
        return answer(show_maintenance(window))

    return router
