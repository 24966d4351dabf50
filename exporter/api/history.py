"""What is asked of the past: the query of /api/incidents, and its answer as far back as is remembered."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field

from exporter.api.fields import Time
from exporter.api.shapes import show_incident
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


def show_history(control: Control, question: Question) -> dict[str, Any]:
    """One page of incidents."""
    try:
        page = control.history(question)
    except ValueError as error:
        raise HTTPException(422, f"after: {error}") from None
    return {"incidents": [_show(past) for past in page.incidents], "next": page.next, "complete": page.complete}


def _show(past: PastIncident) -> dict[str, Any]:
    return show_incident(past.incident) | {"ended_by": past.ended_by}
