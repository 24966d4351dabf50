"""/api/alerts: what Alertmanager tells people, told to neverdark as well. Its format: version 4 of its webhook."""

from __future__ import annotations

import hashlib
import json
import time
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from exporter.api.answers import answer, in_thread
from exporter.api.example import Described, Example
from exporter.api.fields import Time
from exporter.api.gate import ALERTS, REFUSED, TOKEN
from exporter.api.models import Problem, ToldSomebody
from exporter.api.shape import Shape, show
from supervisor.model.notifications import Notification
from supervisor.model.snapshot import Control

MOST: Final = 1000  # alerts of one message
_LONGEST: Final = 200  # characters of a name

Words = dict[str, str]
Name = Annotated[str, StringConstraints(min_length=1, max_length=_LONGEST)]


class Foreign(Described):
    """Alertmanager's: a later version may send more, which is ignored."""

    model_config = ConfigDict(extra="ignore")


@Example(
    status="firing",
    labels={"alertname": "StreamOffAir", "severity": "page", "scope": "stream", "stream": "harbour-cam"},
    annotations={"summary": "harbour-cam is off air"},
    startsAt="2026-03-01T18:31:08.25Z",
    fingerprint="1a30ba71cca2921f",
)
class Alert(Foreign):
    """One alert of a message; the annotation or label `incident` or `incident_id` may name its incident."""

    status: Literal["firing", "resolved"]
    labels: Words
    annotations: Words = {}  # noqa: RUF012 - pydantic copies it
    startsAt: Time  # noqa: N815 - Alertmanager's names
    fingerprint: Annotated[str, StringConstraints(max_length=64)] = ""


@Example(version="4", receiver="page")
class Message(Foreign):
    """What Alertmanager sends: the alerts of a group, and which of its receivers is told. More is ignored."""

    version: Literal["4"]
    receiver: Name
    alerts: Annotated[list[Alert], Field(max_length=MOST)]


class Asked(BaseModel):
    """Which time."""

    model_config = ConfigDict(extra="ignore")

    since: Time = Field(description="what was told then or later", examples=["2026-03-01T00:00:00Z"])
    until: Time | None = Field(None, description="and before then", examples=["2026-04-01T00:00:00Z"])
    limit: int = Field(MOST, ge=1, le=MOST, description="at most so many")


@Example(stream="harbour-cam", destination=None, incident="harbour-cam-1772359198700-1")
class ToldAnybody(ToldSomebody, like=Notification, without=("id", "scope", "starts")):
    """The same, with what the alert is about: null where its labels do not say, or no incident is known."""

    at: AwareDatetime
    last: AwareDatetime


@Example(complete=True)
class ToldList(Shape):
    """The newest first. Not `complete`: the database is out of reach."""

    notifications: list[ToldAnybody]
    complete: bool


@Example(noted=1, ignored=0)
class Taken(Shape):
    """So many alerts are `noted`; `ignored` are those of others, and heartbeats."""

    noted: int
    ignored: int


def alerts_router(control: Control) -> APIRouter:
    """POST /api/alerts. Who may use it is decided before: see `gate`."""
    router = APIRouter(tags=["incidents"])

    @router.post(
        ALERTS,
        summary="Who was told of what",
        description="A webhook of Alertmanager, version 4: each alert is kept with its incident, which it names or "
        "which went on when it began. The same once more is counted, not kept twice. What is not about neverdark "
        "is ignored. A token of the scope `alerts` is enough.",
        dependencies=[TOKEN],
        responses={200: {"model": Taken}, **REFUSED, **{code: {"model": Problem} for code in (400, 413, 422, 503)}},
    )
    async def take_alerts(message: Message) -> Response:
        at = time.time()

        def take() -> Response:
            heard = control.told([notification(message.receiver, alert, at) for alert in message.alerts])
            return answer(heard._asdict())

        return await in_thread(take)

    @router.get(
        ALERTS,
        summary="Who was told, of incidents and of what is none",
        description="As Alertmanager has told it to `POST /api/alerts`.",
        responses={200: {"model": ToldList}, **REFUSED, **{code: {"model": Problem} for code in (422, 503)}},
    )
    async def list_told(asked: Annotated[Asked, Query()]) -> Response:
        def read() -> Response:
            until = asked.until.timestamp() if asked.until else None
            told = control.notifications(asked.since.timestamp(), until, asked.limit)
            shown = [show(ToldAnybody, one) for one in told or ()]
            return answer({"notifications": shown, "complete": told is not None})

        return await in_thread(read)

    return router


def notification(receiver: str, alert: Alert, at: float) -> Notification:
    """The same for the engine."""
    labels, annotations = alert.labels, alert.annotations
    named = (words.get(name) for words in (annotations, labels) for name in ("incident", "incident_id"))
    starts = alert.startsAt.timestamp()
    return Notification(
        id=_identity(receiver, alert.fingerprint or sorted(labels.items()), starts, alert.status),
        at=at,
        last=at,
        receiver=receiver,
        alert=_short(labels.get("alertname")) or "unnamed",
        severity=_short(labels.get("severity")),
        status=alert.status,
        stream=_short(labels.get("stream")),
        destination=_short(labels.get("destination")),
        scope=_short(labels.get("scope")),
        starts=starts,
        incident=_short(next(filter(None, named), None)),
    )


def _identity(*of: Any) -> str:
    """What the same delivery has again, whenever it comes: Alertmanager gives it no number."""
    return hashlib.sha256(json.dumps(of).encode()).hexdigest()[:32]


def _short(text: str | None) -> str | None:
    return text[:_LONGEST] if text else None
