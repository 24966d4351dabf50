"""`neverdark recordings`: what was recorded, how much of it there is, and what is missing."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from urllib.parse import quote

import requests

from supervisor.commands.api import Api, ApiError
from supervisor.commands.stream_words import Json
from supervisor.model.quantities import show_duration

_DONE, _FAILED = 0, 1
_LISTED = 20
_STEPS = ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB"))


def recordings(api: Api, stream: str | None, destination: str | None, *, limit: int | None, as_json: bool) -> int:
    """Print what the streams have recorded; of each destination the newest segments."""
    try:
        names = [stream] if stream else [one["stream"] for one in api.get("/api/streams")["streams"]]
        found = list(_answers(api, names, destination, limit or _LISTED, whole=stream is not None))
    except ApiError as error:
        print(f"neverdark: {error}", file=sys.stderr)
        return _FAILED
    if as_json:
        print(json.dumps({"streams": found}, indent=2))
    else:
        print("\n".join(lines(found)) or "nothing is recorded: no destination has a recording")
    return _FAILED if any(one["trouble"] for answer in found for one in answer["recordings"]) else _DONE


def _answers(api: Api, names: Sequence[str], destination: str | None, limit: int, *, whole: bool) -> Iterator[Json]:
    """Those of the streams that record; of one that is named (`whole`) in any case. Raises `ApiError`."""
    for name in names:
        try:
            answer = api.get(f"/api/streams/{quote(name, safe='')}/recordings", destination=destination, limit=limit)
        except ApiError as error:
            if whole or error.status != requests.codes.not_found:
                raise
            continue  # it has no such destination, or is gone meanwhile
        if answer["recordings"]:
            yield answer


def lines(answers: Sequence[Json]) -> Iterator[str]:
    """A line for each segment and each gap, by time, under one for each recording. Pure."""
    for answer in answers:
        for one in answer["recordings"]:
            yield f"{answer['stream']} {one['destination']}: {_head(one)}"
            rows = [(part["begin"], _segment(part)) for part in one["segments"]]
            rows += [(gap["begin"], f"gap of {show_duration(gap['seconds'])}") for gap in one["gaps"]]
            yield from (f"  {_time(begin)}  {words}" for begin, words in sorted(rows))


def _head(one: Json) -> str:
    if one["trouble"]:
        return f"{one['directory']}: {one['trouble']}"
    count, left_out = one["count"], one["count"] - len(one["segments"])
    newest = f", the newest {len(one['segments'])} of them" if left_out else ""
    kept = [f"at most {_size(one['keep']['size'])}"] if one["keep"]["size"] is not None else []
    kept += [f"for {show_duration(one['keep']['age'])}"] if one["keep"]["age"] is not None else []
    bound = f", kept: {' and '.join(kept)}" if kept else ", kept until somebody removes them"
    segments = f"{count} segment" + ("" if count == 1 else "s")
    return f"{segments}, {_size(one['bytes'])} in {one['directory']}{bound}{newest}"


def _segment(part: Json) -> str:
    until = f"  until {_time(part['kept_until'])}" if part["kept_until"] else ""
    return f"to {_time(part['end'])}  {_size(part['bytes']):>8}  {part['file']}{until}"


def _size(size: int) -> str:
    for unit, name in _STEPS:
        if size >= unit:
            return f"{size / unit:.3g} {name}"
    return f"{size} B"


def _time(text: str) -> str:
    return f"{datetime.fromisoformat(text).astimezone():%Y-%m-%d %H:%M:%S}"
