"""Small pictures: of what a stream sends now, and of what was seen when an incident began."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, HTTPException
from fastapi.responses import Response

from exporter.api.answers import in_thread, no_such_stream
from exporter.api.gate import REFUSED
from exporter.api.models import Problem
from exporter.api.recovery import Identity
from supervisor.model.snapshot import Control
from supervisor.model.thumbnails import NoPicture

_JPEG: Final = "image/jpeg"
_PICTURE: Final[dict[str, Any]] = {
    "content": {_JPEG: {"schema": {"type": "string", "contentMediaType": _JPEG}, "example": "(a JPEG's bytes)"}}
}


def thumbnails_router(control: Control) -> APIRouter:
    """/api/streams/{stream}/thumbnail and /api/incidents/{id}/thumbnail."""
    router = APIRouter(prefix="/api")

    @router.get(
        "/streams/{stream}/thumbnail",
        tags=["streams"],
        summary="A small picture of what a stream sends",
        description="A JPEG 320 pixels wide of the encoder's next keyframe, made when somebody asks; for 10 s all get "
        "the same one. 409 where there is none as things are (stopped, a command, switched off), or where none could "
        "be made now: nothing came within 15 s, it cannot be decoded, or too many are asked for at once.",
        response_class=Response,
        responses={
            200: _PICTURE,
            **REFUSED,
            **{code: {"model": Problem} for code in (404, 409, 422, 503)},
        },
    )
    async def get_thumbnail(stream: str) -> Response:
        try:
            # No thread waits for it: they are few, and whoever looks at many streams asks for many.
            picture = await control.thumbnail(stream)
        except NoPicture as error:
            raise HTTPException(409, str(error)) from None
        if picture is None:
            raise no_such_stream()
        return _shown(picture.jpeg, 10)

    @router.get(
        "/incidents/{id}/thumbnail",
        tags=["incidents"],
        summary="A small picture of what was seen when an incident began",
        description="A JPEG, if the incident's `thumbnail` says that there is one. Kept as long as the incident, but "
        "of the latest 500 at most.",
        response_class=Response,
        responses={200: _PICTURE, **REFUSED, **{code: {"model": Problem} for code in (404, 422, 503)}},
    )
    async def get_incident_thumbnail(id: Identity) -> Response:  # noqa: A002 - its name in the documentation
        jpeg = await in_thread(lambda: control.incident_thumbnail(id))
        if jpeg is None:
            raise HTTPException(404, "of this incident there is no picture")
        return _shown(jpeg, 3600)

    return router


def _shown(jpeg: bytes, seconds: int) -> Response:
    """For who may see it alone: no proxy keeps it for others."""
    headers = {"Cache-Control": f"private, max-age={seconds}", "X-Content-Type-Options": "nosniff"}
    return Response(jpeg, headers=headers, media_type=_JPEG)
