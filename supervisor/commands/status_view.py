"""The answers of the API as what `neverdark status` prints: a summary, then the streams, those in trouble first. Pure.

Nothing is ever cut to fit: a narrow terminal gets fewer columns, or none and one line below the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import IntEnum
from typing import Any, Final, NamedTuple

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from supervisor.commands.words import cause_in_words, what_happened
from supervisor.model.quantities import show_duration

Json = Mapping[str, Any]

_GAP: Final = 2
_MOST_NAMED: Final = 3
_STATE_STYLES: Final = {
    "running": "green",
    "starting": "yellow",
    "stopping": "yellow",
    "backoff": "red",
    "cooldown": "red",
}
_HEALTH_STYLES: Final = {"healthy": "green", "degraded": "bold yellow", "unhealthy": "bold red"}
_UNVERIFIED: Final = "nothing tells whether its media arrives: put {progress} into the command, or name destinations"


class Rank(IntEnum):
    """What comes first."""

    OFF_AIR = 0
    DOUBTFUL = 1
    UNVERIFIED = 2
    FINE = 3
    STOPPED = 4


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


def rank(stream: Json) -> Rank:
    """How soon a stream is to be looked at."""
    if not stream["wanted"]:
        return Rank.STOPPED
    if not stream["on_air"]:
        return Rank.OFF_AIR
    if stream["health"] in {"degraded", "unhealthy"}:
        return Rank.DOUBTFUL
    return Rank.FINE if stream.get("verified", True) else Rank.UNVERIFIED


def off_air(streams: Iterable[Json]) -> bool:
    """Whether a wanted stream is off air."""
    return any(rank(stream) is Rank.OFF_AIR for stream in streams)


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


# --- the summary -----------------------------------------------------------------------------------


def summary(streams: Sequence[Json], of: Mapping[str, Sequence[Json]], at: datetime | None) -> Text:
    """The whole in one sentence."""
    ranks = {place: [stream for stream in streams if rank(stream) is place] for place in Rank}
    wanted, stopped = len(streams) - len(ranks[Rank.STOPPED]), len(ranks[Rank.STOPPED])
    if not streams:
        return Text("no stream is configured")
    dark = ranks[Rank.OFF_AIR]
    said: list[str | tuple[str, str]] = [_headline(streams, wanted, len(dark))]
    for stream in dark[:_MOST_NAMED]:
        since = f" for {_ago(stream['since'], at)}" if stream["since"] else ""
        said.append(f"; {stream['stream']} off air{since}: {why_off_air(stream, of.get(stream['stream'], ()))}")
    if len(dark) > _MOST_NAMED:
        said.append(f"; and {len(dark) - _MOST_NAMED} more")
    if doubtful := ranks[Rank.DOUBTFUL]:
        said.append((f"; {_named(doubtful)} degraded", "yellow"))
    if unsure := ranks[Rank.UNVERIFIED]:
        said.append((f"; {_named(unsure)} unverified: nothing tells whether media arrives", "yellow"))
    if stopped and wanted:
        said.append(f"; {stopped} stopped on purpose")
    style = "bold red" if dark else "bold green" if ranks[Rank.FINE] else "bold"
    return Text.assemble(*said, style=style)


def _headline(streams: Sequence[Json], wanted: int, dark: int) -> str:
    if not wanted:
        return "the one stream is stopped" if len(streams) == 1 else f"all {len(streams)} streams are stopped"
    if wanted == 1:
        return f"{wanted - dark} of 1 wanted stream on air"
    return f"{wanted - dark} of {wanted} wanted streams on air"


def _named(streams: Sequence[Json]) -> str:
    names = ", ".join(stream["stream"] for stream in streams[:_MOST_NAMED])
    return f"{names} and {len(streams) - _MOST_NAMED} more" if len(streams) > _MOST_NAMED else names


def config_lines(config: Json | None, at: datetime | None) -> Iterator[str]:
    """What is to be said of the configuration file."""
    if not config:
        return
    if refused := config["refused"]:
        first, *others = refused["problems"] or ["?"]
        more = f" (and {len(others)} more: neverdark check)" if others else ""
        yield (
            f"the configuration file is refused since {clock(refused['at'], at)}: {first}{more}; "
            f"running with the one of {clock(config['accepted'], at)}"
        )
    if config["need_restart"]:
        yield f"takes effect only when neverdark is started anew: {', '.join(config['need_restart'])}"


# --- why -------------------------------------------------------------------------------------------


def why_off_air(stream: Json, incidents: Sequence[Json]) -> str:
    """Why a wanted stream is not on air."""
    for incident in incidents:
        if incident["destination"] is None or len(stream["destinations"]) == 1:
            return what_happened(incident)
    if incidents:
        return f"{incidents[0]['destination']}: {what_happened(incidents[0])}"
    failures = [process["last_failure"] for process in stream["processes"] if process["state"] != "running"]
    cause = next((failure["cause"] for failure in failures if failure), None)
    return cause_in_words(cause) if cause else stream["reason"] or "nobody knows why yet"


def reasons(stream: Json, incidents: Sequence[Json], at: datetime | None) -> Iterator[str]:
    """What is to be said below a stream, each a sentence of its own."""
    place = rank(stream)
    if place is Rank.OFF_AIR:
        yield f"off air for {_ago(stream['since'], at)}: {why_off_air(stream, incidents)}"
        if stream["reason"]:
            yield str(stream["reason"])
    elif place is Rank.UNVERIFIED:
        yield _UNVERIFIED
    if place not in {Rank.OFF_AIR, Rank.STOPPED}:
        yield from _doubts(stream, incidents, at)
    if stream.get("note"):
        yield f"source: {stream['note']}"


def _doubts(stream: Json, incidents: Sequence[Json], at: datetime | None) -> Iterator[str]:
    """What is wrong although the stream is on air."""
    told = set()
    for place in stream["destinations"]:
        own = next((one for one in incidents if one["destination"] == place["name"]), None)
        if not place["on_air"]:
            told.add(place["name"])
            optional = "" if place["required"] else " (optional)"
            why = what_happened(own) if own else _failure_of(stream, place["name"])
            since = _dark_since(stream, place["name"], at)
            yield f"destination {place['name']}{optional} is off air{since}{': ' if why else ''}{why}"
    for incident in incidents:
        if incident["destination"] not in told and incident["closed"] is None:
            told.add(incident["destination"])
            to = f"{incident['destination']}: " if incident["destination"] else ""
            yield f"{to}{what_happened(incident)}"
    for place in stream["destinations"]:
        watchdog = place["watchdog"]
        if not told and watchdog and watchdog["verdict"] in {"degraded", "unhealthy"}:
            found = [check for check, verdict in watchdog["verdicts"].items() if verdict == watchdog["verdict"]]
            yield f"{place['name']}: the watchdog finds {', '.join(found) or 'it'} {watchdog['verdict']}"


def _failure_of(stream: Json, destination: str) -> str:
    for process in stream["processes"]:
        if process["destination"] == destination and process["last_failure"]:
            failure = process["last_failure"]
            return cause_in_words(failure["cause"], failure.get("said"))
    return ""


def _dark_since(stream: Json, destination: str, at: datetime | None) -> str:
    for process in stream["processes"]:
        if process["destination"] == destination and process["progress"]:
            last = process["progress"]["last_advance"]
            return f" for {_ago(last, at)}" if last else ", was never on air yet"
    return ""


# --- the streams -----------------------------------------------------------------------------------


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
    return Text("ON AIR", style="bold green")


def _rows(stream: Json, at: datetime | None) -> list[list[Text]]:
    """A row for each process; the first has the stream's own cells."""
    head = _head(stream)
    cells = [_cells(process, at) for process in stream["processes"]] or [[Text() for _ in _COLUMNS[len(head) :]]]
    return [(head if number == 0 else [Text() for _ in head]) + row for number, row in enumerate(cells)]


def _cells(process: Json, at: datetime | None) -> list[Text]:
    return [
        Text(" ".join(filter(None, (process["role"], process["destination"])))),
        Text(process["state"], style=_STATE_STYLES.get(process["state"], "dim")),
        Text(_ago(process["started"], at) if process["pid"] else ""),
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


# --- quantities ------------------------------------------------------------------------------------


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def clock(text: str, at: datetime | None) -> str:
    """A moment of the API as this machine's time of day, with the date if it is not that of `at`."""
    moment = datetime.fromisoformat(text).astimezone()
    today = at is not None and at.astimezone().date() == moment.date()
    return f"{moment:%H:%M:%S}" if today else f"{moment:%Y-%m-%d %H:%M:%S}"


def _ago(text: str | None, at: datetime | None) -> str:
    if text is None or at is None:
        return "?"
    return show_duration(max(0.0, (at - datetime.fromisoformat(text)).total_seconds()))


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
    return f"connection no. {uplink['connections']} for {_ago(uplink['connected_since'], at)}{rtt}"
