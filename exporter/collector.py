"""Snapshot → exposition, at scrape. Written by hand, because the library needs 25–40 ms for 10,000 series.

Tests hold the text against the library's parsers, against promtool and against a second, slow reading of the same
snapshot. What neverdark's own process needs comes from the library, whose names for it every tool knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import Any, Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from exporter.encoding import Gzip, Plain
from exporter.family_text import FamilyText, labels_text
from exporter.metrics import FAMILIES, SUBJECT_LABELS, SeriesOf
from exporter.traffic import Traffic
from exporter.usage import UsageMeter
from supervisor.model.snapshot import Snapshot
from supervisor.model.terms import ProcessKey

TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"

_WITHOUT_LABELS: Final = ("",)


class _Names:
    """What depends on names alone: each row's labels as text, kept while the names stay the same."""

    def __init__(self) -> None:
        self.streams: list[str] = []
        self.sources: list[tuple[str, str]] = []
        self.destinations: list[tuple[str, str]] = []
        self.processes: list[ProcessKey] = []
        self.stream_labels: list[str] = []
        self.ladder_labels: list[str] = []
        self.source_labels: list[str] = []
        self.destination_labels: list[str] = []
        self.process_labels: list[str] = []
        self.places: list[tuple[str, str]] = []
        self.place_labels: list[str] = []
        self.accounts: list[str] = []
        self.account_labels: list[str] = []
        self.meters: list[UsageMeter] = []

    def follow(self, snapshot: Snapshot) -> None:
        """Bring the labels up to date. Comparing lists is nearly free while the engine reuses its keys."""
        streams = [stream.name for stream in snapshot.streams]
        if streams != self.streams:
            self.streams = streams
            self.stream_labels = [labels_text(SUBJECT_LABELS[SeriesOf.STREAM], (name,)) for name in streams]
        sources = [(one.stream, one.name) for stream in snapshot.streams for one in stream.sources]
        if sources != self.sources:
            self.sources = sources
            self.source_labels = [labels_text(SUBJECT_LABELS[SeriesOf.SOURCE], names) for names in sources]
            ladders = [stream.name for stream in snapshot.streams if stream.sources]
            self.ladder_labels = [labels_text(SUBJECT_LABELS[SeriesOf.LADDER], (name,)) for name in ladders]
        destinations = [(stream.name, place.name) for stream in snapshot.streams for place in stream.destinations]
        if destinations != self.destinations:
            self.destinations = destinations
            self.destination_labels = [
                labels_text(SUBJECT_LABELS[SeriesOf.DESTINATION], names) for names in destinations
            ]
        processes = [process.key for stream in snapshot.streams for process in stream.processes]
        if processes != self.processes:
            self.processes = processes
            self.process_labels = [
                labels_text(SUBJECT_LABELS[SeriesOf.PROCESS], (key.stream, key.label, key.destination))
                for key in processes
            ]
            kept = {meter.key: meter for meter in self.meters}
            self.meters = [kept.get(key) or UsageMeter(key) for key in processes]
        self._follow_platforms(snapshot)

    def _follow_platforms(self, snapshot: Snapshot) -> None:
        places = [(one.stream, one.destination) for one in snapshot.platforms]
        if places != self.places:
            self.places = places
            self.place_labels = [labels_text(SUBJECT_LABELS[SeriesOf.PLATFORM], names) for names in places]
        accounts = [one.account for one in snapshot.logins]
        if accounts != self.accounts:
            self.accounts = accounts
            self.account_labels = [labels_text(SUBJECT_LABELS[SeriesOf.LOGIN], (name,)) for name in accounts]


class Collector:
    """Renders snapshots, and what `itself` collects; it may be called from any thread, one rendering at a time."""

    def __init__(
        self, version: str, revision: str, itself: CollectorRegistry | None = None, traffic: Traffic | None = None
    ) -> None:
        self._build = (labels_text(SUBJECT_LABELS[SeriesOf.BUILD], (version, revision)),)
        self._families = [FamilyText(family) for family in FAMILIES]
        self._itself = itself or CollectorRegistry()
        self._traffic = traffic or Traffic()
        self._names = _Names()
        self._lock = Lock()

    def exposition(self, snapshot: Snapshot, *, openmetrics: bool = False, gzip: bool = False) -> bytes:
        """The whole answer to a scrape, in Prometheus' text form or in OpenMetrics'."""
        with self._lock:
            rows = self._rows(snapshot)
            answer = Gzip() if gzip else Plain()
            for family in self._families:
                if text := family.text(*rows[family.family.subject]):
                    answer.add(family.head(openmetrics=openmetrics))
                    answer.add(text, family.packed)
            # The library's OpenMetrics ends with the mark that must be last.
            answer.add((generate_openmetrics if openmetrics else generate_latest)(self._itself))
            return answer.whole()

    def _rows(self, snapshot: Snapshot) -> dict[SeriesOf, tuple[Sequence[Any], Sequence[str]]]:
        names = self._names
        names.follow(snapshot)
        destinations = [place for stream in snapshot.streams for place in stream.destinations]
        processes = [process for stream in snapshot.streams for process in stream.processes]
        usages = [meter.read(process) for meter, process in zip(names.meters, processes, strict=True)]
        return {
            SeriesOf.BUILD: ((snapshot,), self._build),
            SeriesOf.ENGINE: ((snapshot,), _WITHOUT_LABELS),
            SeriesOf.STREAM: (snapshot.streams, names.stream_labels),
            SeriesOf.LADDER: ([stream for stream in snapshot.streams if stream.sources], names.ladder_labels),
            SeriesOf.SOURCE: ([one for stream in snapshot.streams for one in stream.sources], names.source_labels),
            SeriesOf.DESTINATION: (destinations, names.destination_labels),
            SeriesOf.PROCESS: (processes, names.process_labels),
            SeriesOf.USAGE: (usages, names.process_labels),
            SeriesOf.PLATFORM: (snapshot.platforms, names.place_labels),
            SeriesOf.LOGIN: (snapshot.logins, names.account_labels),
            SeriesOf.HTTP: ((self._traffic,), _WITHOUT_LABELS),
        }
