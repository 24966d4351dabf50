"""A month as text. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from supervisor.commands import time_view
from supervisor.commands.month import Report, StreamMonth
from supervisor.commands.time_view import percent
from supervisor.model.quantities import show_duration

_MOST_BESIDE: Final = 20


def text_of(report: Report) -> RenderableType:
    """The headline, what has to be known, a table, and for each stream what lies behind its line."""
    parts: list[RenderableType] = [
        Text(line, style="bold" if index == 0 else "") for index, line in enumerate(head(report))
    ]
    if not report.streams:
        return Group(*parts)
    parts += [Text(), _table(report)]
    for stream in report.streams:
        parts.append(Text(stream.name, style="bold"))
        parts += [Text(f"  {line}", overflow="fold") for line in behind(stream)]
    for line in told_beside(report):
        parts.append(Text(line, overflow="fold"))
    return Group(*parts)


def told_beside(report: Report) -> list[str]:
    """Who was told of what is no incident of a stream: a site, neverdark itself, or something that nobody can place."""
    about = Counter[tuple[str, str, str]]()
    for say in report.beside:
        if say["status"] == "firing":
            about[say["receiver"], say["alert"], say["stream"] or ""] += say["times"]
    ranked = about.most_common(_MOST_BESIDE)
    lines = [
        f"told {who}: {alert}{f' of {stream}' if stream else ''} ×{times}" for (who, alert, stream), times in ranked
    ]
    return [f"{line}, about no incident" for line in lines]


def head(report: Report) -> Iterator[str]:
    """What it is about, and what has to be known to read the numbers."""
    month = report.month
    so_far = "" if month.whole else ", so far"
    yield f"{month.name}{so_far} ({month.zone_name}: {month.since:%Y-%m-%d %H:%M} to {month.until:%Y-%m-%d %H:%M})"
    if not report.complete:
        yield "The database is out of reach: more is known than stands here."
    if report.remembered is None or report.remembered >= month.until:
        yield "Nothing is remembered of this month" + (
            f"; it is remembered from {report.remembered:%Y-%m-%d %H:%M}." if report.remembered else "."
        )
    elif report.remembered > month.since:
        yield f"Remembered from {report.remembered:%Y-%m-%d %H:%M}: of the time before, nothing is counted."
    if report.away >= 1.0:
        gone = show_duration(report.away)
        yield f"No neverdark ran for {gone} of it; what its processes prove of that time is counted."


def _table(report: Report) -> Table:
    table = Table(
        *("STREAM", "ON AIR", "OBJECTIVE", "OFF AIR", "UNKNOWN", "INCIDENTS", "LONGEST", "TO RECOVER"),
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    for stream in report.streams:
        table.add_row(*cells(stream))
    if len(report.streams) > 1:
        table.add_row("all", *cells(report.total)[1:])
    return table


def cells(stream: StreamMonth) -> list[str]:
    """What stands in a line of the table."""
    time, verdict = stream.time, stream.verdict
    objective = "" if time["objective"] is None else percent(time["objective"])
    off = sum(time["off_air_seconds"].values())
    return [
        stream.name,
        "never wanted" if time["availability"] is None else percent(time["availability"]),
        f"{objective} {verdict.word}" if verdict else objective,
        show_duration(off) if off else "-",
        show_duration(time["unknown_seconds"]) if time["unknown_seconds"] >= 1.0 else "-",
        str(len(stream.incidents)),
        show_duration(stream.longest["seconds_dark"]) if stream.longest else "-",
        show_duration(stream.to_recover) if stream.to_recover is not None else "-",
    ]


def behind(stream: StreamMonth, *, broke: bool = True) -> Iterator[str]:
    """What is to be said of a stream beside its line in the table; what `broke` may be shown elsewhere."""
    time, verdict = stream.time, stream.verdict
    if broke and (segments := time_view.by_segment(time["off_air_seconds"])):
        yield f"off air by what broke: {', '.join(segments)}"
    if part := time_view.on_fallback(time):
        own = show_duration(time["on_air_seconds"] - time["on_fallback_seconds"])
        yield f"on air for {show_duration(time['on_air_seconds'])}, {part[0]} and {own} with its own source"
    if verdict and stream.lost:
        allowed, wanted = show_duration(verdict.allowed), show_duration(time["wanted_seconds"])
        yield f"the objective allows {allowed} off air of {wanted}"
    if time["unknown_seconds"] >= 1.0:
        yield (
            f"unknown for {show_duration(time['unknown_seconds'])}, which counts as off air; "
            f"had it been on air, it would be {percent(time['at_most'])}"
        )
    if rest := time_view.uncounted(time):
        yield f"not counted: {', '.join(rest)}"
    more = [
        f"{count} {word}"
        for count, word in ((stream.drills, "in drills"), (stream.maintenance, "in maintenance"))
        if count
    ]
    if more:
        yield f"incidents that do not count: {', '.join(more)}"
    if stream.incidents or stream.told:
        yield f"told: {told(stream)}"


def told(stream: StreamMonth) -> str:
    """Which receivers were told, and how often."""
    return ", ".join(f"{receiver} ×{times}" for receiver, times in stream.told.items()) or "nobody, as far as is known"
