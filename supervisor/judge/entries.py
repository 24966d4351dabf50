"""What is entered in the book of incidents, and what it tells then. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from supervisor.model.incidents import Finding, Incident
from supervisor.model.subjects import Subject
from supervisor.model.terms import Cause, Layer, ProcessKey, Segment


class Feeding(NamedTuple):
    """The encoder of which rung viewers are given the media of: 0 is the stream's own. `by_order`: somebody's wish."""

    rung: int = 0
    by_order: bool = False


OWN_SOURCE = Feeding()


class Failed(NamedTuple):
    """A process has failed. `silent` seconds ago media last advanced; None: it has not in this run.

    `feeds` are the processes that get their media from this one. `covered`: viewers are given another encoder's media,
    and nothing is dark for it. `said` tells more than the cause does.
    """

    key: ProcessKey
    cause: Cause
    segment: Segment
    silent: float | None = None
    layer: Layer = Layer.PROCESS
    drill: bool = False
    feeds: tuple[ProcessKey, ...] = ()
    said: str | None = None
    covered: bool = False

    @property
    def subject(self) -> Subject:
        """What it is about."""
        return Subject.of(self.key)


class Complaint(NamedTuple):
    """Something is wrong although media flows, or with what has no process. `said` tells more than the cause does."""

    subject: Subject
    cause: Cause
    segment: Segment
    layer: Layer = Layer.WATCHDOG
    drill: bool = False
    said: str | None = None


class Turn(StrEnum):
    """What has become of an incident."""

    OPENED = "opened"
    FOUND = "found"  # something more was found
    JOINED = "joined"  # it goes on as part of another one
    CLOSED = "closed"


class News(NamedTuple):
    """Something that is worth telling; `finding` is what was found, `part` the incident that has joined this one."""

    turn: Turn
    incident: Incident
    finding: Finding
    part: Incident | None = None
