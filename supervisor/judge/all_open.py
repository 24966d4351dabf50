"""The open incidents of all streams, and what others may ask of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from supervisor.judge.incident import OpenIncident
from supervisor.judge.open_incidents import OpenIncidents
from supervisor.model.subjects import Subject
from supervisor.model.terms import ProcessKey, Segment

NOTHING_OPEN: Mapping[Segment, int] = dict.fromkeys(Segment, 0)


class AllOpen:
    """By stream. Who is not the book only asks."""

    def __init__(self) -> None:
        self._of: dict[str, OpenIncidents] = {}

    def streams(self) -> tuple[OpenIncidents, ...]:
        """Those of each stream that has, or had, any."""
        return tuple(self._of.values())

    def of_stream(self, stream: str) -> OpenIncidents:
        """Those of one stream, to change them."""
        return self._of.setdefault(stream, OpenIncidents())

    def those_of(self, stream: str) -> Iterable[OpenIncident]:
        """Those of one stream; nothing is kept for one that has none."""
        return self._of.get(stream, ())

    def every(self) -> Iterator[OpenIncident]:
        """One after the other."""
        return (incident for mine in self._of.values() for incident in mine)

    def of(self, key: ProcessKey) -> OpenIncident | None:
        """The incident that a process is a part of: its own, or else that of its encoder."""
        mine = self._of.get(key.stream)
        return mine.of(key) if mine else None

    def forget(self, stream: str) -> None:
        """The stream is no longer configured: when none of its incidents is open, nothing is kept for it."""
        if not any(self.of_stream(stream)):
            del self._of[stream]

    def segments(self) -> dict[str, dict[Segment, int]]:
        """How many incidents are open in each segment, of the streams that have any; what is excused does not count."""
        found: dict[str, dict[Segment, int]] = {}
        for incident in self.every():
            if not incident.excused:
                found.setdefault(incident.stream, dict.fromkeys(Segment, 0))[incident.named_after.segment] += 1
        return found

    def segment(self, key: ProcessKey) -> Segment | None:
        """The segment of the open incident that a process is a part of."""
        incident = self.of(key)
        return incident.named_after.segment if incident else None

    def own_segment(self, key: ProcessKey) -> Segment | None:
        """The same, but of who follows in another one's incident only what it failed by itself."""
        incident = self.of(key)
        if incident is None or incident.is_root(key):
            return self.segment(key)
        finding = incident.found(Subject.of(key))
        return finding.segment if finding else None

    def is_dark(self, key: ProcessKey) -> bool:
        """Whether a process does not advance because something has failed."""
        incident = self.of(key)
        return incident is not None and incident.members[key].dark
