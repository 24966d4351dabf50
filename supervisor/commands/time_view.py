"""How much of the time streams were on air, in words: of the API's answer to /api/availability. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import datetime

from supervisor.commands.stream_words import Json
from supervisor.commands.words import SEGMENTS
from supervisor.model.quantities import show_duration


def lines(availability: Json) -> Iterator[str]:
    """A headline, then a line for each stream, and one for all."""
    if not availability["complete"]:
        yield "how long streams were on air is not known: the database is out of reach"
        return
    since = datetime.fromisoformat(availability["since"]).astimezone()
    yield f"on air since {since:%Y-%m-%d %H:%M}:"
    for note in notes(availability):
        yield f"  ({note})"
    streams = availability["streams"]
    for stream in streams:
        yield f"  {stream['stream']}: {sentence(stream)}"
    if len(streams) > 1:
        yield f"  all together: {sentence(availability['total'])}"
    if not streams:
        yield "  no stream is remembered"


def notes(availability: Json) -> Iterator[str]:
    """What has to be known to read the numbers."""
    known = availability["remembered_from"]
    if known is None:
        yield "nothing is remembered"
    elif datetime.fromisoformat(known) > datetime.fromisoformat(availability["since"]):
        yield f"remembered from {datetime.fromisoformat(known).astimezone():%Y-%m-%d %H:%M}"
    if availability["away_seconds"] >= 1.0:
        yield f"no neverdark ran for {show_duration(availability['away_seconds'])}"


def sentence(stream: Json) -> str:
    """A stream's time on air: how much of what was wanted, and what became of the rest."""
    rest = uncounted(stream)
    if stream["availability"] is None:
        return ", ".join(rest) or "not wanted"
    wanted = show_duration(stream["wanted_seconds"])
    said = [f"{percent(stream['availability'])} of {wanted}", *on_fallback(stream), *off_air(stream["off_air_seconds"])]
    if stream["unknown_seconds"] >= 1.0:
        said.append(f"unknown for {show_duration(stream['unknown_seconds'])}")
    return ", ".join(said) + (f" (not counted: {', '.join(rest)})" if rest else "")


def on_fallback(stream: Json) -> list[str]:
    """`of it 12m on a fallback`; nothing if viewers saw the stream's own source whenever it was on air."""
    seconds = stream.get("on_fallback_seconds", 0.0)  # an older neverdark does not tell
    return [f"of it {show_duration(seconds)} on a fallback"] if seconds >= 1.0 else []


def off_air(seconds: Mapping[str, float]) -> list[str]:
    """`off air for 2m (uplink 1m 30s, source 30s)`, the longest first; nothing if it never was."""
    total = sum(seconds.values())
    if not total:
        return []
    return [f"off air for {show_duration(total)} ({', '.join(by_segment(seconds))})"]


def by_segment(seconds: Mapping[str, float]) -> list[str]:
    """`uplink 1m 30s`, the longest first."""
    ranked = sorted(seconds.items(), key=lambda item: -item[1])
    return [f"{SEGMENTS.get(segment, segment)} {show_duration(lasted)}" for segment, lasted in ranked if lasted]


def uncounted(stream: Json) -> list[str]:
    """What is no part of the time that it is measured by."""
    kinds = (("excused_seconds", "off air in maintenance or a drill"), ("not_wanted_seconds", "not wanted"))
    return [f"{words} for {show_duration(stream[kind])}" for kind, words in kinds if stream[kind] >= 1.0]


def percent(ratio: float) -> str:
    """With three digits behind the point, and never more than it is: 100 % is all of it."""
    if ratio >= 1.0:
        return "100 %"
    return f"{math.floor(ratio * 1e5 + 1e-6) / 1e3:.3f} %"
