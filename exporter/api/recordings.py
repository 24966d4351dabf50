"""/api/streams/{stream}/recordings: what was recorded, and what is missing of it."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import Response

from exporter.api.answers import answer, in_thread, no_such_stream
from exporter.api.gate import REFUSED
from exporter.api.models import Problem, Recording, RecordingList
from exporter.api.shape import show
from supervisor.model.snapshot import Control

_MOST: Final = 5000

Destination = Annotated[str | None, Query(max_length=63, description="only what this one has recorded")]
Limit = Annotated[int, Query(ge=1, le=_MOST, description="at most so many segments of each, the newest ones")]


def recordings_router(control: Control) -> APIRouter:
    """The one route. Who may use it is decided before: see `gate`."""
    router = APIRouter(prefix="/api/streams", tags=["streams"])

    @router.get(
        "/{stream}/recordings",
        summary="What was recorded",
        description="Segments and gaps of each destination that is a `recording`, by time. A folder that does not "
        "answer within 2 s has a `trouble` instead. 404 also for a destination that records nothing.",
        responses={200: {"model": RecordingList}, **REFUSED, **{code: {"model": Problem} for code in (404, 422, 503)}},
    )
    async def list_recordings(stream: str, destination: Destination = None, limit: Limit = 200) -> Response:
        def read() -> Response:
            found = control.recordings(stream, destination, limit)
            if found is None:
                raise no_such_stream()
            if destination is not None and not found:
                raise HTTPException(404, "the stream has no such destination that records")
            return answer({"stream": stream, "recordings": [show(Recording, one) for one in found]})

        return await in_thread(read)

    return router
