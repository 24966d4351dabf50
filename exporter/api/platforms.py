"""/api/platforms: what the platforms say of the destinations, and how the logins there stand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import AwareDatetime

from exporter.api.answers import answer, in_thread
from exporter.api.example import Example
from exporter.api.gate import REFUSED
from exporter.api.models import Problem
from exporter.api.shape import Made, Shape, show
from supervisor.model.platforms import LoginState, Opinion, PlatformState
from supervisor.model.snapshot import Control
from supervisor.model.terms import Trouble, Verdict


@Example(verdict="unhealthy", cause="broadcast_ended", said="the broadcast has ended")
class Finding(Shape, like=Opinion):
    """What one check finds; `cause` is null where nothing is wrong."""

    verdict: Verdict
    cause: Trouble | None
    said: str


def _findings(state: PlatformState) -> dict[str, Any]:
    return {str(check): show(Finding, opinion) for check, opinion in state.opinions.items()}


@Example(
    platform="youtube",
    stream="harbour-cam",
    destination="youtube",
    address="https://www.youtube.com/watch?v=dQw4w9WgXcQ",
    words={"trouble": "none", "stream": "active", "health": "good", "broadcast": "live", "page": "live"},
    exhausted=False,
    plan="nothing",
    account="main",
    former_address=None,
    ended=None,
    as_of="2026-03-01T12:00:00.000Z",
    checks={"youtube_broadcast": {"verdict": "healthy", "cause": None, "said": ""}},
)
class Standing(Shape, like=PlatformState, without=("opinions", "measures")):
    """How a destination stands at its platform.

    `address` is where viewers see it, or will; null where they have none, or nobody knows any more. Then
    `former_address` is the latest that they had, and `ended` when that broadcast ended, if it did. `words` are states
    as the platform calls them, `as_of` when it said so. `plan` is what would be done next; `exhausted`: nothing is left
    that neverdark could try. `account` is empty where there is no login.
    """

    words: Mapping[str, str]
    ended: AwareDatetime | None
    as_of: AwareDatetime | None
    checks: Annotated[Mapping[str, Finding], Made(_findings)]


@Example(platform="youtube", account="main", good=True, said="good", mend="", unasked="")
class PlatformLogin(Shape, like=LoginState, without=("measures",)):
    """How a login stands; null: nobody has tried yet. `mend` is the command that mends it, if a person has to.

    `unasked` tells why the platform cannot be asked with it now; empty while it can.
    """


class Platforms(Shape):
    """All destinations that say what they are at a platform, and all logins."""

    platforms: list[Standing]
    logins: list[PlatformLogin]


def platforms_router(control: Control) -> APIRouter:
    """The route /api/platforms. Who may use it is decided before: see `gate`."""
    router = APIRouter(prefix="/api/platforms", tags=["platforms"])

    @router.get(
        "",
        summary="What the platforms say",
        description="Of each destination at a platform: whether it is received, and what viewers see; and the logins.",
        responses={200: {"model": Platforms}, **REFUSED, 503: {"model": Problem}},
    )
    async def list_platforms() -> Response:
        def read() -> Response:
            snapshot = control.snapshot()
            return answer(
                {
                    "platforms": [show(Standing, one) for one in snapshot.platforms],
                    "logins": [show(PlatformLogin, one) for one in snapshot.logins],
                }
            )

        return await in_thread(read)

    return router
