"""What the API's answers say of each stream, in sentences: is it on air, and why not. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import IntEnum
from typing import Any, Final

from rich.text import Text

from supervisor.commands.words import cause_in_words, what_happened
from supervisor.model.quantities import show_duration

Json = Mapping[str, Any]

_MOST_NAMED: Final = 3
_UNVERIFIED: Final = "nothing tells whether its media arrives: put {progress} into the command, or name destinations"


class Rank(IntEnum):
    """What comes first."""

    OFF_AIR = 0
    DOUBTFUL = 1
    ON_FALLBACK = 2
    UNVERIFIED = 3
    FINE = 4
    STOPPED = 5


def rank(stream: Json) -> Rank:
    """How soon a stream is to be looked at."""
    if not stream["wanted"]:
        return Rank.STOPPED
    if not stream["on_air"]:
        return Rank.OFF_AIR
    if stream["health"] in {"degraded", "unhealthy"}:
        return Rank.DOUBTFUL
    if fallback_seen(stream):
        return Rank.ON_FALLBACK
    return Rank.FINE if stream.get("verified", True) else Rank.UNVERIFIED


def fallback_seen(stream: Json) -> str | None:
    """The name of the fallback that viewers see; None: they see the stream's own source, or nothing."""
    return stream["source"] if stream["on_air"] and not stream.get("on_primary", True) else None


def off_air(streams: Iterable[Json]) -> bool:
    """Whether a wanted stream is off air."""
    return any(rank(stream) is Rank.OFF_AIR for stream in streams)


# --- the summary -----------------------------------------------------------------------------------


def summary(streams: Sequence[Json], of: Mapping[str, Sequence[Json]], at: datetime | None) -> Text:
    """The whole in one sentence."""
    ranks = {place: [stream for stream in streams if rank(stream) is place] for place in Rank}
    wanted, stopped = len(streams) - len(ranks[Rank.STOPPED]), len(ranks[Rank.STOPPED])
    if not streams:
        return Text("no stream is configured")
    dark = ranks[Rank.OFF_AIR]
    replaced = [(stream, seen) for stream in streams if stream["wanted"] and (seen := fallback_seen(stream))]
    said: list[str | tuple[str, str]] = [_headline(streams, wanted, len(dark))]
    for stream in dark[:_MOST_NAMED]:
        since = f" for {ago(stream['since'], at)}" if stream["since"] else ""
        said.append(f"; {stream['stream']} off air{since}: {why_off_air(stream, of.get(stream['stream'], ()))}")
    if len(dark) > _MOST_NAMED:
        said.append(f"; and {len(dark) - _MOST_NAMED} more")
    if doubtful := ranks[Rank.DOUBTFUL]:
        said.append((f"; {_named(doubtful)} degraded", "yellow"))
    said += [(f"; {stream['stream']}: viewers see {seen}", "yellow") for stream, seen in replaced[:_MOST_NAMED]]
    if len(replaced) > _MOST_NAMED:
        said.append((f"; {len(replaced) - _MOST_NAMED} more on a fallback", "yellow"))
    if troubled := [stream for stream in streams if stream["wanted"] and stream["on_air"] and _is_troubled(stream)]:
        said.append((f"; {_named(troubled)}: trouble at the platform", "yellow"))
    if unsure := ranks[Rank.UNVERIFIED]:
        said.append((f"; {_named(unsure)} unverified: nothing tells whether media arrives", "yellow"))
    if stopped and wanted:
        said.append(f"; {stopped} stopped on purpose")
    style = "bold red" if dark else "bold green" if ranks[Rank.FINE] else "bold"
    return Text.assemble(*said, style=style)


def _is_troubled(stream: Json) -> bool:
    """It is sent, and taken: but a platform says that viewers do not have it, or not well."""
    seen = [place["platform"] for place in stream["destinations"] if place.get("platform")]
    return any(one["exhausted"] or one["verdict"] == "unhealthy" for one in seen)


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
    yield from _announced(stream, at)
    if place is Rank.OFF_AIR:
        yield f"off air for {ago(stream['since'], at)}: {why_off_air(stream, incidents)}"
        if stream["reason"]:
            yield str(stream["reason"])
    elif place is Rank.UNVERIFIED:
        yield _UNVERIFIED
    if place not in {Rank.OFF_AIR, Rank.STOPPED}:
        yield from _doubts(stream, incidents, at)
    if stream.get("note"):
        yield f"source: {stream['note']}"


def at_platforms(stream: Json, at: datetime | None) -> Iterator[tuple[str, bool]]:
    """What platforms say of a stream that is wanted, and whether that is bad."""
    for place in stream["destinations"] if stream["wanted"] else ():
        if seen := place.get("platform"):
            bad = bool(seen["mend"]) or seen["exhausted"] or seen["verdict"] in {"degraded", "unhealthy"}
            yield f"{place['name']}: {seen['platform']} says: {seen['said']}", bad
            if seen["mend"]:
                yield f"{place['name']}: mend it with: {seen['mend']}", True
            if address := _address(place.get("watch_url"), seen, at):
                yield f"{place['name']}: {address}", False


def _address(url: str | None, seen: Json, at: datetime | None) -> str:
    """Where viewers see it, or how it was when they last did."""
    former = seen.get("former_url")  # an older neverdark tells none
    if url or not former:
        return f"viewers see it at {url}" if url else ""
    if seen["ended"]:
        return f"it has no address now: the broadcast at {former} ended at {clock(seen['ended'], at)}"
    return f"its address now is not known; at {clock(seen['as_of'], at)} it was {former}"


def _announced(stream: Json, at: datetime | None) -> Iterator[str]:
    """Until when it is stopped, or runs, because somebody wants it so; that nobody is woken, or watches."""
    desired, window = stream.get("desired"), stream.get("maintenance_window")
    if desired and desired["until"]:
        until = clock(desired["until"], at)
        if desired["by"] == "operator":
            why = f" ({desired['why']})" if desired["why"] != "operator" else ""
            yield f"{'on' if stream['wanted'] else 'stopped'} by an operator's order until {until}{why}"
        elif not stream["wanted"]:
            yield f"off by schedule, on again at {until}"
    if ordered := stream.get("ordered_source"):
        until = f" until {clock(ordered['until'], at)}" if ordered["until"] else ""
        why = f" ({ordered['why']})" if ordered["why"] != "operator" else ""
        yield f"viewers are to see {ordered['source']} by an operator's order{until}{why}"
    if window:
        why = f": {window['reason']}" if window["reason"] else ""
        yield f"in maintenance until {clock(window['until'], at)}{why}"
    for place in stream["destinations"]:
        if place["watchdog"] and (since := place["watchdog"].get("stopped_since")):
            yield f"{place['name']}: an operator stopped its watchdog {ago(since, at)} ago"


def _doubts(stream: Json, incidents: Sequence[Json], at: datetime | None) -> Iterator[str]:
    """What is wrong although the stream is on air."""
    told = set()
    for place in stream["destinations"]:
        own = next((one for one in incidents if one["destination"] == place["name"]), None)
        if not place["on_air"]:
            told.add(place["name"])
            kind = place.get("role") or ("" if place["required"] else "optional")  # an older neverdark tells no role
            why = what_happened(own) if own else _failure_of(stream, place["name"])
            since = _dark_since(stream, place["name"], at)
            name = f"{place['name']} ({kind})" if kind else place["name"]
            yield f"destination {name} is off air{since}{': ' if why else ''}{why}"
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
            return f" for {ago(last, at)}" if last else ", was never on air yet"
    return ""


# --- quantities ------------------------------------------------------------------------------------


def clock(text: str, at: datetime | None) -> str:
    """A moment of the API as this machine's time of day, with the date if it is not that of `at`."""
    moment = datetime.fromisoformat(text).astimezone()
    today = at is not None and at.astimezone().date() == moment.date()
    return f"{moment:%H:%M:%S}" if today else f"{moment:%Y-%m-%d %H:%M:%S}"


def ago(text: str | None, at: datetime | None) -> str:
    """How long ago a moment of the API was, at `at`; `?` where one of them is not known."""
    if text is None or at is None:
        return "?"
    return show_duration(max(0.0, (at - datetime.fromisoformat(text)).total_seconds()))
