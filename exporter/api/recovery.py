"""What broke and what was done about it: incidents."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Any, Final

from fastapi import APIRouter, HTTPException, Path, Query
from fastapi.responses import Response

from exporter.api.answers import answer, in_thread, no_such_stream
from exporter.api.gate import REFUSED
from exporter.api.history import Asks, show_history
from exporter.api.models import IncidentList, IncidentPage, IncidentReport, Problem
from exporter.api.shapes import show_incident, show_incidents
from supervisor.model.snapshot import Control

_MAX_INCIDENTS: Final = 1000
_LISTED: Final[dict[int | str, dict[str, Any]]] = {
    200: {"model": IncidentList},
    **REFUSED,
    **{code: {"model": Problem} for code in (422, 503)},
}

Limit = Annotated[int, Query(ge=1, le=_MAX_INCIDENTS, description="at most so many incidents")]
Identity = Annotated[str, Path(description="`id` of an incident in a list", examples=["harbour-cam-1772359198700-1"])]
OpenOnly = Annotated[bool, Query(alias="open", description="`true`: only those that go on now")]


def recovery_router(control: Control) -> APIRouter:
    """/api/incidents, one of them, and a stream's own incidents."""
    router = APIRouter(prefix="/api")

    def listed(stream: str | None, limit: int, *, open_only: bool) -> Response:
        incidents = control.incidents(stream)
        if incidents is None:
            raise no_such_stream()
        wanted = (incident for incident in incidents if incident.closed is None or not open_only)
        return answer(show_incidents(islice(wanted, limit)))

    @router.get(
        "/incidents",
        tags=["incidents"],
        summary="Incidents of all streams, newest first",
        description="Since neverdark was started; with any of `since`, `until`, `stream`, `segment` and `after` as far "
        "back as is remembered, page by page.",
        responses=_LISTED | {200: {"model": IncidentList | IncidentPage}},
    )
    async def list_incidents(asked: Asks) -> Response:
        if asked.is_about_the_past:
            return await in_thread(lambda: answer(show_history(control, asked.question)))
        return await in_thread(lambda: listed(None, asked.limit, open_only=asked.open_only))

    @router.get(
        "/incidents/{id}",
        tags=["incidents"],
        summary="One incident",
        description="One that goes on or is remembered. If it has become a part of another one, that is the answer.",
        responses={200: {"model": IncidentReport}, **REFUSED, **{code: {"model": Problem} for code in (404, 422, 503)}},
    )
    async def get_incident(id: Identity) -> Response:  # noqa: A002 - its name in the documentation
        def read() -> Response:
            incident = control.incident(id)
            if incident is None:
                raise HTTPException(404, "there is no such incident")
            return answer(show_incident(incident))

        return await in_thread(read)

    @router.get(
        "/streams/{stream}/incidents",
        tags=["incidents"],
        summary="Incidents of one stream, newest first",
        description="Since neverdark was started; /api/incidents with `stream` tells of those before.",
        responses={**_LISTED, 404: {"model": Problem}},
    )
    async def list_incidents_of_stream(stream: str, limit: Limit = 1000, *, open_only: OpenOnly = False) -> Response:
        return await in_thread(lambda: listed(stream, limit, open_only=open_only))

    return router
