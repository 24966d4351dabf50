"""/api/config: the order to read the configuration again."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response

from exporter.api.answers import answer, in_thread
from exporter.api.gate import REFUSED, TOKEN
from exporter.api.models import Problem, Reload
from supervisor.events import ConfigRejected, ConfigReloaded
from supervisor.snapshot import Control

AllowRemoval = Annotated[
    bool, Query(description="also if the file would end more than half of the streams that are wanted now, or all")
]


def config_router(control: Control) -> APIRouter:
    """/api/config/reload. Who may use it is decided before: see `gate`."""
    router = APIRouter(prefix="/api/config", tags=["configuration"])

    @router.post(
        "/reload",
        summary="Read the configuration again",
        description="Waits for what comes of it. 409: the file is rejected, the old configuration stays in force.",
        dependencies=[TOKEN],
        responses={
            200: {"model": Reload},
            409: {"model": Reload},
            **REFUSED,
            **{status: {"model": Problem} for status in (422, 503)},
        },
    )
    async def reload(*, allow_removal: AllowRemoval = False) -> Response:
        outcome = await in_thread(lambda: control.reload(allow_removal=allow_removal))
        accepted = isinstance(outcome, ConfigReloaded)
        return answer(_show(outcome), 200 if accepted else 409)

    return router


def _show(outcome: ConfigReloaded | ConfigRejected) -> dict[str, Any]:
    shown: dict[str, Any] = {"accepted": False, "detail": None, "changes": None, "problems": [], "warnings": []}
    if isinstance(outcome, ConfigRejected):
        detail = "configuration rejected, the old one stays in force"
        return shown | {"detail": detail, "problems": outcome.problems}
    names = ("added", "removed", "changed", "need_restart")
    changes = {name: getattr(outcome, name) for name in names}
    return shown | {"accepted": True, "changes": changes, "warnings": outcome.warnings}
