"""Incidents of the API as what `neverdark incidents` prints: how dark it was, then each, the newest first. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime, tzinfo

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from supervisor.commands import time_view
from supervisor.commands.stream_words import Json
from supervisor.commands.words import excuse_of, what_happened
from supervisor.model.quantities import show_duration

_COLUMNS = (
    *(
        "id",
        "stream",
        "destination",
        "opened",
        "closed",
        "cause",
        "segment",
        "layer",
        "drill",
        "excused",
        "seconds_dark",
    ),
    *("detection_seconds", "recovery_seconds", "said", "ended_by"),
)


def as_csv(incidents: Sequence[Json]) -> str:
    """A line for each, under a line of names. No spreadsheet takes a text in it for a formula."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([*_COLUMNS, "actions", "told"])
    for one in incidents:
        actions = " ".join(action["action"] for action in one["actions"])
        told = "; ".join(
            " ".join((say["at"], say["receiver"], say["alert"], say["status"])) for say in one.get("notifications", ())
        )
        writer.writerow([*(_harmless(one.get(column)) for column in _COLUMNS), actions, told])
    return text.getvalue()


def _harmless(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def report(incidents: Sequence[Json], since: datetime, availability: Json | None = None) -> Group:
    """The sum in one sentence, and some lines an incident: when, where and how dark; what it was; who was told.

    At the end, how much of the time each stream was on air, if that is known.
    """
    within = f"since {since.astimezone():%Y-%m-%d %H:%M}"
    on_air = [] if availability is None else [_flowing(Text(line)) for line in time_view.lines(availability)]
    if not incidents:
        return Group(_flowing(Text(f"no incident {within}")), *on_air)
    real = [one for one in incidents if not excuse_of(one)]
    drills = sum(excuse_of(one) == "drill" for one in incidents)
    others = len(incidents) - len(real) - drills
    more = f", and {_counted(drills, 'drill')}" if drills else ""
    more += f", and {others} in maintenance" if others else ""
    parts: list[RenderableType] = [_flowing(Text(f"{_counted(len(real), 'incident')} {within}{more}", style="bold"))]
    for whose in dict.fromkeys(map(_subject, real)):  # an optional destination was dark, not its stream
        dark = sum(one["seconds_dark"] for one in real if _subject(one) == whose)
        said = f"dark for {show_duration(dark)}, all its incidents together" if dark else "never dark"
        parts.append(Text.assemble("  ", (whose, "bold"), f": {said}", overflow="fold"))
    parts.append(Text())
    for one in incidents:
        below = [what_happened(one), *told_lines(one)]
        parts += [_flowing(_head(one)), *(Padding(_flowing(Text(line)), (0, 0, 0, 2), expand=False) for line in below)]
    return Group(*parts, *([Text()] if on_air else []), *on_air)


def told_lines(one: Json, zone: tzinfo | None = None) -> list[str]:
    """Who was told of an incident and when, in the order of time; the end of an alert beside its beginning."""
    ends: dict[tuple[str, str], list[Json]] = {}
    begins: list[Json] = []
    for say in one.get("notifications", ()):
        (ends.setdefault(_alert(say), []) if say["status"] == "resolved" else begins).append(say)
    lines = []
    for say in begins:
        over = ends.get(_alert(say))
        more = f", resolved {_moment(over.pop(0)['at'], zone)}" if over else ""
        lines.append(f"told {say['receiver']}: {say['alert']}, {_moment(say['at'], zone)}{_repeated(say, zone)}{more}")
    left = [say for says in ends.values() for say in says]
    return lines + [f"told {say['receiver']}: {say['alert']} resolved, {_moment(say['at'], zone)}" for say in left]


def _alert(say: Json) -> tuple[str, str]:
    return say["receiver"], say["alert"]


def _repeated(say: Json, zone: tzinfo | None) -> str:
    times = say["times"]
    return "" if times <= 1 else f", {times} times until {_moment(say['last'], zone)}"


def _moment(text: str, zone: tzinfo | None) -> str:
    return f"{datetime.fromisoformat(text).astimezone(zone):%Y-%m-%d %H:%M:%S}"


def _head(one: Json) -> Text:
    opened = datetime.fromisoformat(one["opened"]).astimezone()
    dark = f"dark for {show_duration(one['seconds_dark'])}" if one["seconds_dark"] else "never dark"
    return Text("  ").join(
        [
            Text(f"{opened:%Y-%m-%d %H:%M:%S}"),
            Text(_subject(one), style="bold"),
            Text(dark, style="red" if one["seconds_dark"] and not excuse_of(one) else ""),
            *([Text("goes on", style="bold red")] if one["closed"] is None else []),
            *([Text(one["ended_by"])] if one.get("ended_by") else []),
        ]
    )


def _subject(one: Json) -> str:
    return " to ".join(filter(None, (one["stream"], one["destination"])))


def _counted(count: int, word: str) -> str:
    return f"{count or 'no'} {word}{'s' * (count != 1)}"


def _flowing(text: Text) -> Text:
    text.overflow = "fold"
    return text
