"""The answers of the API as what `neverdark status` prints: a summary, then the streams, those in trouble first. Pure.

Nothing is ever cut to fit: a narrow terminal gets fewer columns, or none and one line below the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from supervisor.commands.log_view import name_of
from supervisor.commands.stream_words import (
    Json,
    Rank,
    ago,
    at_platforms,
    config_lines,
    fallback_seen,
    rank,
    reasons,
    summary,
)

_GAP: Final = 2
_STATE_STYLES: Final = {
    "running": "green",
    "starting": "yellow",
    "stopping": "yellow",
    "backoff": "red",
    "cooldown": "red",
}
_HEALTH_STYLES: Final = {"healthy": "green", "degraded": "bold yellow", "unhealthy": "bold red"}


class Column(NamedTuple):
    """One column of the table. `optional` ones go when there is no room, the last first."""

    heading: str
    right: bool = False
    optional: bool = False


_COLUMNS: Final = (
    Column("stream"),
    Column(""),
    Column("health"),
    Column("process"),
    Column("state"),
    Column("up", right=True, optional=True),
    Column("pid", right=True, optional=True),
    Column("restarts", right=True, optional=True),
    Column("speed", right=True, optional=True),
    Column("uplink", optional=True),
)
Row = Sequence[Text]


def report(answer: Json, incidents: Iterable[Json], width: int | None) -> Group:
    """All of it, for so many columns; None: as wide as it is. `incidents` are those that go on."""
    of: dict[str, list[Json]] = {}
    for incident in incidents:
        of.setdefault(incident["stream"], []).append(incident)
    streams = sorted(answer["streams"], key=rank)
    at = _moment(answer.get("at"))
    parts: list[RenderableType] = [_flowing(summary(streams, of, at))]
    parts += [_flowing(Text(line, style="yellow")) for line in config_lines(answer.get("configuration"), at)]
    if streams:
        parts += [Text(), *_streams(streams, of, at, width)]
    return Group(*parts)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _streams(
    streams: Sequence[Json], of: Mapping[str, Sequence[Json]], at: datetime | None, width: int | None
) -> list[RenderableType]:
    blocks = [_rows(stream, at) for stream in streams]
    widths = [
        max(cell_len(column.heading), *(row[number].cell_len for rows in blocks for row in rows))
        for number, column in enumerate(_COLUMNS)
    ]
    columns = _fitting(widths, width)
    parts: list[RenderableType] = []
    if columns:
        parts.append(_line([Text(column.heading, style="bold") for column in _COLUMNS], columns, widths))
    for stream, rows in zip(streams, blocks, strict=True):
        if columns:
            parts += [_line(row, columns, widths) for row in rows]
        else:
            parts.append(_flowing(Text("  ").join(part for part in _head(stream) if part)))
            parts += [_narrow(row) for row in rows]
        style = "red" if rank(stream) is Rank.OFF_AIR else "yellow"
        said = reasons(stream, of.get(stream["stream"], ()), at)
        parts += [_indented(Text(sentence, style=style)) for sentence in said]
        parts += [
            _indented(Text(sentence, style="yellow" if bad else "dim")) for sentence, bad in at_platforms(stream, at)
        ]
    return parts


def _head(stream: Json) -> list[Text]:
    health = stream["health"] if stream["wanted"] and stream.get("verified", True) else ""
    return [
        Text(stream["stream"], style="bold"),
        _on_air(stream),
        Text(health, style=_HEALTH_STYLES.get(health, "dim")),
    ]


def _on_air(stream: Json) -> Text:
    if not stream["wanted"]:
        return Text("stopped", style="dim")
    if not stream["on_air"]:
        return Text("OFF AIR", style="bold red")
    if not stream.get("verified", True):  # nothing tells whether media arrives
        return Text("runs, unverified", style="bold yellow")
    if seen := fallback_seen(stream):
        return Text(f"ON AIR, viewers see {seen}", style="bold yellow")
    return Text("ON AIR", style="bold green")


def _rows(stream: Json, at: datetime | None) -> list[list[Text]]:
    """A row for each process; the first has the stream's own cells."""
    head = _head(stream)
    cells = [_cells(process, at) for process in stream["processes"]] or [[Text() for _ in _COLUMNS[len(head) :]]]
    return [(head if number == 0 else [Text() for _ in head]) + row for number, row in enumerate(cells)]


def _cells(process: Json, at: datetime | None) -> list[Text]:
    return [
        Text(name_of(process)),
        Text(process["state"], style=_STATE_STYLES.get(process["state"], "dim")),
        Text(ago(process["started"], at) if process["pid"] else ""),
        Text(str(process["pid"] or "")),
        Text(str(sum(process["restarts"].values()))),
        Text(_speed(process)),
        Text(_uplink(process, at)),
    ]


def _fitting(widths: Sequence[int], width: int | None) -> list[int]:
    """The columns that there is room for; none when not even the needed ones fit."""
    columns = [number for number, column in enumerate(_COLUMNS) if widths[number] or not column.optional]
    while width is not None and sum(widths[number] + _GAP for number in columns) - _GAP > width:
        if not _COLUMNS[columns[-1]].optional:
            return []
        columns.pop()
    return columns


def _line(cells: Row, columns: Sequence[int], widths: Sequence[int]) -> Text:
    line = Text(no_wrap=True, overflow="ignore")
    for number in columns:
        space = " " * (widths[number] - cells[number].cell_len)
        line.append_text(Text(space) + cells[number] if _COLUMNS[number].right else cells[number] + Text(space))
        line.append(" " * _GAP)
    line.rstrip()
    return line


def _narrow(row: Row) -> RenderableType:
    """A process where there is no room for a table."""
    _, _, _, process, state, up, _, restarts, speed, _ = row
    words = [process, state, *([Text("up ") + up] if up else [])]
    words += [Text("restarts ") + restarts] if restarts.plain != "0" else []
    words += [speed] if speed else []
    return _indented(Text("  ").join(words))


def _flowing(text: Text) -> Text:
    text.overflow = "fold"
    return text


def _indented(text: Text) -> RenderableType:
    return Padding(_flowing(text), (0, 0, 0, 2), expand=False)


def _speed(process: Json) -> str:
    progress = process["progress"] or {}
    return f"{progress['speed']:.2f}x" if progress.get("speed") is not None else ""


def _uplink(process: Json, at: datetime | None) -> str:
    uplink = process.get("uplink")
    if not uplink:
        return ""
    if not uplink["connected"]:
        return "not connected"
    rtt = f", RTT {uplink['rtt_seconds'] * 1000:.1f} ms" if uplink["rtt_seconds"] is not None else ""
    return f"connection no. {uplink['connections']} for {ago(uplink['connected_since'], at)}{rtt}"
