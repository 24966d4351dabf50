"""What came out, as a table, as JSON and as a page."""

from __future__ import annotations

import io
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.soak.episode import Result
from bench.soak.faults import KINDS
from bench.soak.monitor import Flatness


@dataclass(slots=True)
class Report:
    """Everything that was measured."""

    machine: str
    date: str
    command: str
    seed: int
    minutes: float
    lasted: float = 0.0  # seconds, with the start, the last closings and the end
    results: list[Result] = field(default_factory=list)
    natural: list[str] = field(default_factory=list)
    flatness: list[Flatness] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    load: list[float] = field(default_factory=list)  # of the machine: all who want to run, once a second
    lacks: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)  # what concerns no single fault

    @property
    def deviations(self) -> list[str]:
        of_faults = [
            f"{one.began:.0f} s {one.fault} on {one.stream}: {why}" for one in self.results for why in one.wrong
        ]
        return [*of_faults, *self.wrong]

    def as_json(self) -> dict[str, Any]:
        flat = [one._asdict() | {"flat": one.flat} for one in self.flatness]
        return asdict(self) | {"flatness": flat, "deviations": self.deviations}


_HEADINGS = ("fault", "segment", "times", "named", "noticed after", "back after its end", "wrong")


_INTRODUCTION = """\
`make soak` keeps ten real streams on air (test cards, an RTSP camera, a file that is looped and one that is not, two
destinations, a command) to a real nginx-rtmp and causes fault after fault, up to three at a time on different streams.
Every incident must name the right segment, the stream must be back within the time that its configuration allows (by
the ingest's word, too), and nothing else may restart. This page is what `--write` wrote.

"""


def rows(report: Report) -> list[tuple[str, ...]]:
    """A row for each kind of fault, also for those that did not come up."""
    found = []
    for kind in KINDS:
        mine = [one for one in report.results if one.fault == kind.name]
        named = Counter(name for one in mine for name in one.named)
        found.append(
            (
                kind.name,
                str(kind.segment or "none"),
                str(len(mine)),
                ", ".join(f"{name} {count}" for name, count in named.most_common()),
                _spread(one.noticed for one in mine),
                _spread(one.back for one in mine),
                str(sum(bool(one.wrong) for one in mine) or ""),
            )
        )
    named = Counter(report.natural)
    said = ", ".join(f"{name} {count}" for name, count in named.most_common())
    return [*found, ("file ends by itself", "source", str(len(report.natural)), said, "", "", "")]


def _spread(values: Iterable[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{statistics.median(known):.1f} s, max {max(known):.1f} s" if known else ""


def table(report: Report) -> Table:
    shown = Table(title=f"{report.machine}; seed {report.seed}, {report.minutes:g} minutes", title_justify="left")
    for heading in _HEADINGS:
        shown.add_column(heading)
    for row in rows(report):
        shown.add_row(*row, style="red" if row[-1] else None)
    return shown


def figures(report: Report) -> list[str]:
    """What stayed flat, and how quickly neverdark answered all the while."""
    lines = [
        f"{one.what}: {one.first:g} in the first fifth, {one.last:g} in the last; slack {one.slack:g}: "
        f"{'flat' if one.flat else 'NOT FLAT'}"
        for one in report.flatness
    ]
    if report.answers:
        middle, most = statistics.median(report.answers) * 1000, max(report.answers) * 1000
        lines.append(f"/api/streams and /api/incidents together: median {middle:.0f} ms, max {most:.0f} ms")
    if report.load:
        lines.append(f"load of the machine: median {statistics.median(report.load):.1f}, max {max(report.load):.1f}")
    return lines + [f"not done here: {what}: {why}" for what, why in report.lacks.items()]


def page(report: Report) -> str:
    """docs/soak.md."""
    out = io.StringIO()
    out.write("# Soak\n\n")
    out.write(_INTRODUCTION)
    out.write(f"{report.date}, {report.machine}. Seed {report.seed}, {report.minutes:g} minutes of faults;\n")
    out.write(f"{len(report.results)} faults. `{report.command}`\n\n")
    _markdown(out, _HEADINGS, rows(report))
    out.write(
        "\nTimes are medians and maxima. *Noticed* counts from the fault to the incident. *Back* counts from the\n"
    )
    out.write(
        "end of the fault (for those that are over at once, from the fault) until the ingest receives media again.\n\n"
    )
    out.writelines(f"* {line}\n" for line in figures(report))
    out.write("\n## Deviations\n\n")
    out.writelines(f"* {line}\n" for line in report.deviations or ["none"])
    return out.getvalue()


def _markdown(out: io.StringIO, headings: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
    out.writelines(f"| {' | '.join(line)} |\n" for line in (headings, ["---"] * len(headings), *lines))


def show(report: Report) -> None:
    console = Console(width=150, highlight=False)
    console.print(table(report))
    for line in figures(report):
        console.print(line, markup=False)
    for line in report.deviations:
        console.print(f"DEVIATION {line}", markup=False, soft_wrap=True)
    console.print(f"{len(report.results)} faults, {len(report.deviations)} deviations", markup=False)
