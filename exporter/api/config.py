"""/api/config: what became of the configuration file, and the order to read it again."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response

from exporter.api.answers import answer, in_thread
from exporter.api.gate import REFUSED, TOKEN
from exporter.api.models import Configuration, Problem, Reload
from exporter.api.shapes import show_config
from supervisor.model.events import ConfigRejected, ConfigReloaded
from supervisor.model.snapshot import Control

AllowRemoval = Annotated[
    bool, Query(description="also if the file would end more than half of the streams that are wanted now, or all")
]


def config_router(control: Control) -> APIRouter:
    """/api/config and /api/config/reload. Who may use them is decided before: see `gate`."""
    router = APIRouter(prefix="/api/config", tags=["configuration"])

    @router.get(
        "",
        summary="Whether the configuration file is in force",
        description="If not, then since when the file says something that is not taken, and what is wrong with it.",
        responses={200: {"model": Configuration}, **REFUSED, 503: {"model": Problem}},
    )
    async def configuration() -> Response:
        return await in_thread(lambda: answer(show_config(control.snapshot().config)))

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
