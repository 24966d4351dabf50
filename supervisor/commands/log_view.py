"""What the processes of a stream wrote, put together for one reader. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from heapq import merge
from typing import Any

_STAMP = len("2026-01-01T00:00:00.000Z")

_NEVER_RAN = "cannot start "

Json = Mapping[str, Any]


def name_of(process: Json) -> str:
    """A process in words: `pusher youtube`; an encoder of a fallback by the fallback's name."""
    destination = process["destination"]
    return f"{process['role']} {destination}" if destination else process.get("name") or process["role"]


def chosen(processes: Sequence[Json], role: str | None, destination: str | None) -> list[Json]:
    """Those that are meant; what is left out may be anything."""
    return [
        process
        for process in processes
        if role in {None, process["role"]} and destination in {None, process["destination"]}
    ]


def in_time(logs: Mapping[str, Iterable[str]], width: int) -> list[str]:
    """Lines of several processes in the order of their time, each with its process, padded to `width`."""
    return [
        f"{line[:_STAMP]} {name:{width}} {line[_STAMP + 1 :]}"
        for line, name in merge(*([(line, name) for line in lines] for name, lines in logs.items()), key=_time_of)
    ]


def _time_of(item: tuple[str, str]) -> str:
    return item[0][:_STAMP]


def note_on(process: Json, *, has_log: bool) -> str | None:
    """What its log does not say: that there is none, or that the program could not even be started."""
    failure = process["last_failure"]
    last = failure["log"][-1] if failure and failure["log"] else ""
    if last.startswith(_NEVER_RAN):
        return f"{name_of(process)}: {last}"
    return None if has_log else f"{name_of(process)}: no log yet"
