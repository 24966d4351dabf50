"""What a drill has shown, for people and for programs. Pure. The figures are the incident's, not the client's."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, NamedTuple

from rich.table import Table
from rich.text import Text

from supervisor.drills.rules import Json, recovered_by
from supervisor.model.drills import Drill
from supervisor.model.quantities import show_duration
from supervisor.model.terms import Segment

_STYLES = {"recovered": "bold green", "failed": "bold red", "refused": "bold red", "skipped": "dim"}


class DrillOutcome(StrEnum):
    """What became of a drill. Skipped: nothing to be broken that way; refused: not now, not here, not by you."""

    RECOVERED = "recovered"
    FAILED = "failed"
    SKIPPED = "skipped"
    REFUSED = "refused"


class DrillReport(NamedTuple):
    """One drill. `done` tells how the fault was caused, `reason` what was wrong; durations are seconds.

    What stands below `incident` is that incident's: None where there is none, or where it has no such figure. But for
    the last three: which `fallback` viewers saw, and how long after the fault it was acknowledged by every ingest and
    the stream's own source was shown again, as the client saw it.
    """

    drill: Drill
    stream: str
    destination: str | None = None
    outcome: DrillOutcome = DrillOutcome.RECOVERED
    reason: str | None = None
    done: str | None = None
    allowed_seconds: float | None = None
    expected_segment: Segment | None = None
    incident: str | None = None
    segment: str | None = None
    cause: str | None = None
    detected_by: str | None = None
    recovered_by: str | None = None
    detection_seconds: float | None = None
    recovery_seconds: float | None = None
    seconds_dark: float | None = None
    fallback: str | None = None
    fallback_seconds: float | None = None
    return_seconds: float | None = None

    def with_incident(self, incident: Json) -> DrillReport:
        """The report with what an incident tells."""
        recovered = incident["recovery_seconds"] is not None
        return self._replace(
            incident=incident["id"],
            segment=incident["segment"],
            cause=incident["cause"],
            detected_by=incident["layer"],
            recovered_by=recovered_by(incident) if recovered else None,
            detection_seconds=incident["detection_seconds"],
            recovery_seconds=incident["recovery_seconds"],
            seconds_dark=incident["seconds_dark"],
        )


def passed(reports: Iterable[DrillReport]) -> bool:
    """Something was proved, and nothing failed."""
    outcomes = {report.outcome for report in reports}
    return DrillOutcome.RECOVERED in outcomes and outcomes <= {DrillOutcome.RECOVERED, DrillOutcome.SKIPPED}


def as_json(reports: Iterable[DrillReport]) -> dict[str, Any]:
    """`{"drills": […]}`, one entry a drill with the fields of `DrillReport`."""
    return {"drills": [report._asdict() for report in reports]}


def table(reports: Iterable[DrillReport]) -> Table:
    """One line a drill, and under it what was wrong."""
    grid = Table(box=None, pad_edge=False, header_style="bold")
    figures = ("detected after", "recovered after", "dark")
    for heading in ("drill", "what was done", *figures, "by layer", "segment", "result"):
        grid.add_column(heading, justify="right" if heading in figures else "left")
    for report in reports:
        grid.add_row(
            Text(report.drill, style="bold"),
            report.done or "",
            _seconds(report.detection_seconds),
            _seconds(report.recovery_seconds),
            _seconds(report.seconds_dark),
            report.recovered_by or "",
            report.segment or "",
            Text(report.outcome, style=_STYLES[report.outcome]),
        )
        if report.fallback:
            grid.add_row("", Text(_shown(report), style="dim"))
        if report.reason:
            grid.add_row("", Text(report.reason, style="dim" if report.outcome is DrillOutcome.SKIPPED else "red"))
    return grid


def one_line(report: DrillReport) -> str:
    """A report in one line."""
    figures = (("noticed", report.detection_seconds), ("back", report.recovery_seconds))
    shown = ", ".join(f"{what} after {_seconds(value)}" for what, value in figures if value is not None)
    parts = (shown, _shown(report) if report.fallback else "", report.reason)
    return f"{report.drill}: {report.outcome}" + "".join(f"; {part}" for part in parts if part)


def _shown(report: DrillReport) -> str:
    words = f"{report.fallback} at the ingest after {_seconds(report.fallback_seconds)}, on the same connection"
    return words + (f", primary again after {_seconds(report.return_seconds)}" if report.return_seconds else "")


def _seconds(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.2f} s" if value < 10 else show_duration(value)  # noqa: PLR2004 - hundredths matter below that
