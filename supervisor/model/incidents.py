"""Incidents as values: what was found, what was done, and what became of it. Pure.

Wall-clock times are seconds since 1970; durations are seconds.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from supervisor.model.notifications import Notification
from supervisor.model.subjects import Subject
from supervisor.model.terms import Action, Cause, Layer, Remedy, Result, Role, Segment


class ActionTaken(NamedTuple):
    """A recovery action of an incident; no result yet while it is not known whether it helped."""

    at: float
    layer: Layer
    action: Action | Remedy
    result: Result | None


class Finding(NamedTuple):
    """What failed, `at` first (wall clock) and so many `times`; `layer` is who found it.

    `destination` is None but for a pusher's. What has no process (a black picture, an ended broadcast, a full disk) is
    of no `role`; its `destination` is set if it is about one. `consequence`: something else in the same incident
    explains it. `said` tells more than the cause does, in words for people.
    """

    at: float
    cause: Cause
    segment: Segment
    role: Role | None
    destination: str | None
    layer: Layer
    times: int = 1
    consequence: bool = False
    said: str | None = None

    def concerns(self, subject: Subject) -> bool:
        """Whether it is about this, of the incident's stream."""
        return (self.role, self.destination or "") == (subject.role, subject.destination)


class Incident(NamedTuple):
    """From the first failure until media has flowed again for long enough (`thresholds.closes_after`).

    `findings` are all that was found, oldest first. `destination` is None for what concerns the whole stream, `stream`
    is empty for what is neverdark's own. `cause`, `said`, `segment`, `layer` (who noticed it) and `role` are those of
    the finding that is gravest and nearest to the root. `detection_seconds` lie between the last advance and the
    notice, `recovery_seconds` between the notice and the (latest) new advance. `excused`: what was announced when it
    began and has not ended before it; it does not count. `notifications`: who was told of it, where that is asked for.
    `thumbnail`: a picture of what was seen then is kept.
    """

    id: str
    stream: str
    destination: str | None
    opened: float
    closed: float | None
    cause: Cause
    segment: Segment
    layer: Layer
    drill: bool
    seconds_dark: float
    detection_seconds: float | None
    recovery_seconds: float | None
    actions: tuple[ActionTaken, ...]
    role: Role | None
    findings: tuple[Finding, ...]
    said: str | None = None
    excused: Literal["drill", "maintenance"] | None = None
    notifications: tuple[Notification, ...] = ()
    thumbnail: bool = False

    @property
    def subject(self) -> Subject:
        """What it is about."""
        return Subject(self.stream, self.destination or "")
