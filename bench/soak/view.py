"""What neverdark shows, at one moment: streams, processes, incidents."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.integration.harness.supervised import Neverdark, ProcessName

Incident = Mapping[str, Any]
Place = tuple[str, str | None]  # stream and destination of an incident


@dataclass(frozen=True, slots=True)
class View:
    """One look by the API; `at` is monotonic, `took` how long the answers took."""

    at: float
    took: float
    streams: Mapping[str, Any]
    incidents: tuple[Incident, ...]

    def processes(self) -> Iterator[tuple[ProcessName, Any]]:
        for name, stream in self.streams.items():
            for process in stream["processes"]:
                yield (name, process["role"], process["destination"] or ""), process

    def process(self, spot: ProcessName) -> Any:
        return dict(self.processes())[spot]

    def open_incidents(self, stream: str) -> list[Incident]:
        return [one for one in self.incidents if one["stream"] == stream and not one["closed"]]

    def incident(self, place: Place, known: frozenset[str]) -> Incident | None:
        """The oldest incident of a place that is not among the `known` ones."""
        mine = [one for one in self.incidents if place in places_of(one) and one["id"] not in known]
        return mine[-1] if mine else None


def places_of(incident: Incident) -> set[Place]:
    """Whose failures are entered in it."""
    return {(incident["stream"], found["destination"]) for found in incident["findings"]}


def place(spot: ProcessName) -> Place:
    """Where an incident of that process is entered."""
    return spot[0], spot[2] or None


def look(neverdark: Neverdark) -> View:
    began = time.monotonic()
    streams = {stream["stream"]: stream for stream in neverdark.streams()}
    incidents = tuple(neverdark.get("/api/incidents").json()["incidents"])
    now = time.monotonic()
    return View(now, now - began, streams, incidents)


def seconds_until(moment: str | None) -> float:
    """From now until a time that the API names; 0 for none."""
    if moment is None:
        return 0.0
    return max(0.0, (datetime.fromisoformat(moment) - datetime.now(UTC)).total_seconds())
