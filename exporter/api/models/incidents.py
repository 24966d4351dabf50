"""Incidents: what broke, and what was done about it."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime

from exporter.api.example import Example
from exporter.api.shape import Shape
from supervisor.model.notifications import Notification
from supervisor.model.terms import Action, Cause, Layer, Remedy, Result, Role, Segment


@Example(at="2026-03-01T09:59:59.201Z", layer="process", action="restart_pusher", result="recovered")
class Attempt(Shape):
    """A recovery action; `result` is null while it is not known whether it helped."""

    at: AwareDatetime
    layer: Layer
    action: Action | Remedy
    result: Result | None


@Example(stream="harbour-cam", destination="youtube", role="pusher")
class Subject(Shape):
    """What an incident is about: `destination` is null if it is about all, `stream` empty if it is neverdark's own.

    `role` is whose failure gave it its name; null if that was no process'.
    """

    stream: str
    destination: str | None
    role: Role | None


@Example(
    at="2026-03-01T09:59:58.700Z",
    cause="ingest_closed",
    segment="platform",
    role="pusher",
    destination="youtube",
    layer="process",
    times=1,
    consequence=False,
)
class IncidentFinding(Shape):
    """What failed: first `at`, and so many `times`; found by `layer`. `destination` is null but for a pusher.

    What has no process is of no `role`; its `destination` is set if it is about one.
    `said` tells more than the cause does, in words for people; null where there is no more to tell.
    `consequence`: another finding of the same incident explains it.
    """

    at: AwareDatetime
    cause: Cause
    segment: Segment
    role: Role | None
    destination: str | None
    layer: Layer
    times: int
    consequence: bool
    said: str | None


@Example(
    at="2026-03-01T10:02:03.000Z",
    last="2026-03-01T10:02:03.000Z",
    receiver="page",
    alert="StreamOffAir",
    severity="page",
    status="firing",
    times=1,
)
class ToldSomebody(Shape, like=Notification, without=("id", "stream", "destination", "scope", "starts", "incident")):
    """Alertmanager has told a receiver that an alert is `firing` or `resolved`: first `at`, so many `times`, `last`."""

    at: AwareDatetime
    last: AwareDatetime


@Example(
    id="harbour-cam-1772359198700-1",
    stream="harbour-cam",
    destination="youtube",
    opened="2026-03-01T09:59:58.700Z",
    closed="2026-03-01T10:00:32.250Z",
    cause="ingest_closed",
    segment="platform",
    layer="process",
    drill=False,
    seconds_dark=3.55,
    detection_seconds=0.004,
    recovery_seconds=3.546,
    thumbnail=True,
)
class IncidentReport(Shape):
    """From the first failure until media has advanced for 30 s again, 180 s after one that was slow.

    `destination` is null if it is about all.

    `id` stays the same, here and in `/api/incidents/{id}`, as long as neverdark runs.
    What follows from a failure belongs to its incident. `findings` are all that was found, oldest first; `cause`,
    `said`, `segment` and `layer` (who noticed it) are those of the one that is gravest and nearest to the root.
    It was noticed `detection_seconds` after the last advance; `recovery_seconds` later media advanced again.
    `excused`: it began under maintenance or in a drill, and did not outlast it; it does not count.
    `notifications`: who was told of it, as far as Alertmanager says so (`POST /api/alerts`).
    `thumbnail`: there is a picture of what was seen then (`/api/incidents/{id}/thumbnail`).
    An action of layer `operator` is a replacement on purpose while the incident was open.
    """

    id: str
    stream: str
    destination: str | None
    subject: Subject
    opened: AwareDatetime
    closed: AwareDatetime | None
    cause: Cause
    said: str | None
    segment: Segment
    layer: Layer
    drill: bool
    excused: Literal["drill", "maintenance"] | None
    seconds_dark: float
    detection_seconds: float | None
    recovery_seconds: float | None
    findings: list[IncidentFinding]
    actions: list[Attempt]
    notifications: list[ToldSomebody]
    thumbnail: bool


class IncidentList(Shape):
    """The newest first."""

    incidents: list[IncidentReport]


class PastIncident(IncidentReport):
    """One that is remembered; `ended_by` says what closed it where media did not: neverdark itself had ended."""

    ended_by: str | None


@Example(next="WzE3NzIzNTkxOTguNywgImhhcmJvdXItY2FtLTE3NzIzNTkxOTg3MDAtMSJd", complete=True)
class IncidentPage(Shape):
    """The newest first; `next` goes into `after` to get what follows, null where nothing does.

    Not `complete`: the database is out of reach, so the past is missing, or what has happened of late.
    """

    incidents: list[PastIncident]
    next: str | None
    complete: bool
