"""What is removed of a recording, when it waits for room, and what it lacks. Pure; Unix times."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import pairwise

from supervisor.model.recordings import Gap, Kept, Recorded, Segment

# Between two runs; less is not seen in the times of files.
_SHORTEST_BETWEEN_RUNS = 1.0
# Within a run: reports come twice a second.
SHORTEST_WITHIN_RUN = 2.5
# A clock that is wrong for an hour must not make a month of recordings "too old": at each look no more than this.
_MOST_BY_AGE = 2
_ROOM_AGAIN = 1.2  # times what must be free: or it would begin and end with every file of somebody else's
MOST_LISTED = 5000  # segments
_STILL_WRITTEN = 2


def too_much(kept: Kept, segments: Sequence[Segment], now: float) -> list[Segment]:
    """What goes, oldest first: what is too old, and what is more than there may be. `segments` stand in this order.

    Never what is newest, which may still be written, by its name or by its time.
    """
    spared = {segments[-1].file, max(segments, key=lambda one: one.end).file} if segments else set()
    free = [one for one in segments if one.file not in spared]
    old = [one for one in free if kept.age is not None and one.end < now - kept.age][:_MOST_BY_AGE]
    gone, left = {one.file for one in old}, sum(one.size for one in segments) - sum(one.size for one in old)
    for one in free:
        if kept.size is None or left <= kept.size:
            break
        if one.file not in gone:
            gone.add(one.file)
            left -= one.size
    return [one for one in free if one.file in gone]


def left_behind(empty: Iterable[Segment], now: float, segment: float) -> list[Segment]:
    """Files without media that nobody writes to any more: as on a full disk each attempt makes one."""
    return [one for one in empty if one.end < now - _STILL_WRITTEN * segment]


def must_wait(kept: Kept, free: float, *, waits: bool) -> str | None:
    """Why nothing is to be recorded now, in words, if so; `free` is the share of the disk that is."""
    if free >= kept.free * (_ROOM_AGAIN if waits else 1.0):
        return None
    return f"less than {kept.free:.0%} of the disk is free: the recording waits until there is more"


def gaps_between_runs(segments: Sequence[Segment]) -> list[Gap]:
    """What lies between the last segment of a run and the first of the next one. `segments` stand in their order."""
    found, end = [], None
    for before, one in pairwise(segments):
        end = before.end if end is None else max(end, before.end)
        if one.run != before.run and one.begin - end > _SHORTEST_BETWEEN_RUNS:
            found.append(Gap(float(int(end)), one.begin))  # in whole seconds, as it is written down
    return found


def gaps_of(segments: Sequence[Segment], gaps: Iterable[Gap]) -> list[Gap]:
    """All that is missing from the first of `segments` on, by time; `gaps` are those that were noted."""
    since = segments[0].begin if segments else 0.0
    return sorted(gap for gap in {*gaps, *gaps_between_runs(segments)} if gap.end > since)


def recorded(destination: str, kept: Kept, segments: Sequence[Segment], written: str, most: int) -> Recorded:
    """What is there of a recording: its newest segments, `most` of them, and what they lack; `written` is its index."""
    listed = tuple(segments[-most:])
    size = sum(one.size for one in segments)
    return Recorded(destination, kept, len(segments), size, listed, tuple(gaps_of(listed, read_gaps(written))))


def index(segments: Sequence[Segment], gaps: Iterable[Gap]) -> str:
    """One JSON object a line, by time: `{"segment": file, "begin", "end", "bytes"}` and `{"gap": seconds, …}`.

    Times are ISO 8601 in UTC. The newest segments only, and the gaps from the first of them on.
    """
    listed = segments[-MOST_LISTED:]
    lines = [
        (one.begin, {"segment": one.file, "begin": _time(one.begin), "end": _time(one.end), "bytes": one.size})
        for one in listed
    ]
    lines += [
        (gap.begin, {"gap": round(gap.end - gap.begin, 1), "begin": _time(gap.begin), "end": _time(gap.end)})
        for gap in gaps_of(listed, gaps)
    ]
    return "".join(json.dumps(line) + "\n" for _, line in sorted(lines, key=lambda one: one[0]))


def read_gaps(text: str) -> list[Gap]:
    """The gaps of an index; what is no line of one is passed over."""
    found = []
    for line in text.splitlines():
        try:
            read = json.loads(line)
            if "gap" in read:
                found.append(Gap(*(datetime.fromisoformat(read[key]).timestamp() for key in ("begin", "end"))))
        except (AttributeError, KeyError, TypeError, ValueError):
            continue
    return found


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
