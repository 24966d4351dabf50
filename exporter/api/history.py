"""What is asked of the past: /api/availability, and the query of /api/incidents with its answer."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from exporter.api.answers import answer, in_thread
from exporter.api.example import Example
from exporter.api.fields import Time
from exporter.api.gate import REFUSED
from exporter.api.models import Problem
from exporter.api.shape import Made, Shape, show, show_time
from exporter.api.shapes import show_incident
from supervisor.model.availability import availability_of, total_of
from supervisor.model.remembered import PastIncident, Question
from supervisor.model.snapshot import Control
from supervisor.model.terms import Segment

MOST: Final = 1000


class Asked(BaseModel):
    """Which incidents. Without any of `since`, `until`, `stream`, `segment`, `after`: since neverdark was started."""

    model_config = ConfigDict(extra="ignore")

    limit: int = Field(1000, ge=1, le=MOST, description="at most so many incidents")
    open_only: bool = Field(default=False, alias="open", description="`true`: only those that go on now")
    since: Time | None = Field(
        None, description="those that still went on then, or began later", examples=["2026-03-01T00:00:00Z"]
    )
    until: Time | None = Field(None, description="those that began before then", examples=["2026-04-01T00:00:00Z"])
    stream: str | None = Field(
        None, max_length=63, description="of this stream only, also of one that is gone", examples=["harbour-cam"]
    )
    segment: Segment | None = Field(None, description="of this part of the path only")
    after: str | None = Field(
        None,
        max_length=300,
        description="`next` of the answer before: only what follows it",
        examples=["WzE3NzIzNTkxOTguNywgImhhcmJvdXItY2FtLTE3NzIzNTkxOTg3MDAtMSJd"],
    )

    @property
    def is_about_the_past(self) -> bool:
        """Whether it asks for more than neverdark has in its own memory."""
        asked = (self.since, self.until, self.stream, self.segment, self.after)
        return any(value is not None for value in asked)

    @property
    def question(self) -> Question:
        """The same in seconds."""
        return Question(
            since=self.since.timestamp() if self.since else None,
            until=self.until.timestamp() if self.until else None,
            stream=self.stream,
            segment=self.segment,
            after=self.after,
            limit=self.limit,
            open_only=self.open_only,
        )


Asks = Annotated[Asked, Query()]


class AskedTime(BaseModel):
    """Which time, in whole hours."""

    model_config = ConfigDict(extra="ignore")

    since: Time = Field(description="from the hour in which that is", examples=["2026-03-01T00:00:00Z"])
    until: Time | None = Field(
        None, description="before then; without it, until now", examples=["2026-04-01T00:00:00Z"]
    )
    stream: str | None = Field(
        None, max_length=63, description="of this stream only, also of one that is gone", examples=["harbour-cam"]
    )


AsksTime = Annotated[AskedTime, Query()]


@Example(
    stream="harbour-cam",
    objective=0.999,
    availability=0.9995,
    at_most=0.9997,
    wanted_seconds=86400.0,
    on_air_seconds=86356.8,
    on_fallback_seconds=312.4,
    off_air_seconds={"uplink": 25.9},
    unknown_seconds=17.3,
    excused_seconds=0.0,
    not_wanted_seconds=0.0,
)
class StreamAvailability(Shape):
    """Seconds: `wanted` are `on_air`, `off_air` (by the segment that broke) and `unknown`.

    `on_fallback` are those of `on_air` in which viewers saw a fallback, not the stream's own source.
    `unknown`: neverdark was not there, or could not look, and nothing proves that media flowed. `excused` are those off
    air in maintenance or in a drill, `not_wanted` those in which nobody wanted it: both are no part of `wanted`.
    `availability` is `on_air` divided by `wanted` (null: never wanted): what is unknown counts as off air. `at_most` is
    what it would be if all of that had been on air.
    """

    stream: str
    objective: float | None
    availability: Annotated[float | None, Made(availability_of)]
    at_most: Annotated[float | None, Made(lambda time: availability_of(time, with_unknown=True))]
    wanted_seconds: Annotated[float, Made(lambda time: time.wanted)]
    on_air_seconds: Annotated[float, Made(lambda time: time.on_air)]
    on_fallback_seconds: Annotated[float, Made(lambda time: time.on_fallback)]
    off_air_seconds: Annotated[dict[str, float], Made(lambda time: dict(time.off_air))]
    unknown_seconds: Annotated[float, Made(lambda time: time.unknown)]
    excused_seconds: Annotated[float, Made(lambda time: time.excused)]
    not_wanted_seconds: Annotated[float, Made(lambda time: time.not_wanted)]


@Example(
    since="2026-03-01T00:00:00.000Z",
    until="2026-03-02T00:00:00.000Z",
    remembered_from="2026-01-01T00:00:00.000Z",
    away_seconds=0.0,
    complete=True,
)
class AvailabilityReport(Shape):
    """How long each stream was on air `since` that hour and before `until`, and all of them together (`total`).

    Nothing is known from before `remembered_from` (null: nothing at all). For `away_seconds` no neverdark ran: what is
    known of them is in the streams' seconds. Not `complete`: the database is out of reach.
    """

    since: AwareDatetime
    until: AwareDatetime
    remembered_from: AwareDatetime | None
    away_seconds: float
    complete: bool
    streams: list[StreamAvailability]
    total: StreamAvailability


def history_router(control: Control) -> APIRouter:
    """/api/availability."""
    router = APIRouter(tags=["incidents"])

    @router.get(
        "/api/availability",
        summary="How long each stream was on air",
        description="By whole hours, as far back as is remembered; maintenance and drills are told apart.",
        responses={
            200: {"model": AvailabilityReport},
            **REFUSED,
            **{code: {"model": Problem} for code in (422, 503)},
        },
    )
    async def availability(asked: AsksTime) -> Response:
        if asked.until is not None and asked.until <= asked.since:
            raise HTTPException(422, "until: expected a time after since")
        return await in_thread(lambda: answer(show_availability(control, asked)))

    return router


def show_availability(control: Control, asked: AskedTime) -> dict[str, Any]:
    """The sums of each stream, and of all together."""
    until = asked.until.timestamp() if asked.until else None
    found = control.availability(asked.since.timestamp(), until, asked.stream)
    return {
        "since": show_time(found.since),
        "until": show_time(found.until),
        "remembered_from": show_time(found.remembered),
        "away_seconds": found.away,
        "complete": found.complete,
        "streams": [show(StreamAvailability, time) for time in found.streams],
        "total": show(StreamAvailability, total_of(found.streams)),
    }


def show_history(control: Control, question: Question) -> dict[str, Any]:
    """One page of incidents."""
    try:
        page = control.history(question)
    except ValueError as error:
        raise HTTPException(422, f"after: {error}") from None
    return {"incidents": [_show(past) for past in page.incidents], "next": page.next, "complete": page.complete}


def _show(past: PastIncident) -> dict[str, Any]:
    return show_incident(past.incident) | {"ended_by": past.ended_by}
