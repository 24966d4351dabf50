"""What a stream's recordings hold."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime

from exporter.api.example import Example
from exporter.api.shape import From, Made, Shape, show_time
from supervisor.model.recordings import Kept, Recorded, Segment


@Example(size=50_000_000_000, age=604_800.0, free=0.05)
class Keep(Shape):
    """What is kept: `size` bytes and `age` seconds at most (null: no bound); `free` of the disk is left to others."""

    size: int | None
    age: float | None
    free: float


@Example(
    file="harbour-cam.archive.20260301T100000Z-1mm8jdg0w0.mkv",
    begin="2026-03-01T10:00:00.000Z",
    end="2026-03-01T10:10:01.000Z",
    bytes=338_000_000,
    kept_until="2026-03-08T10:10:01.000Z",
)
class RecordedSegment(Shape):
    """A file of the directory. `kept_until` is null where no `age` is given: then only `size` removes it."""

    file: str
    begin: AwareDatetime
    end: AwareDatetime
    bytes: int
    kept_until: AwareDatetime | None


@Example(begin="2026-03-01T10:10:01.000Z", end="2026-03-01T10:10:05.000Z", seconds=4.0)
class RecordedGap(Shape):
    """A time that no segment has."""

    begin: AwareDatetime
    end: AwareDatetime
    seconds: Annotated[float, Made(lambda gap: round(gap.end - gap.begin, 1))]


def _segments(recorded: Recorded) -> list[dict[str, object]]:
    return [_segment(one, recorded.kept) for one in recorded.segments]


def _segment(one: Segment, kept: Kept) -> dict[str, object]:
    until = None if kept.age is None else one.end + kept.age
    return {
        "file": one.file,
        "begin": show_time(one.begin),
        "end": show_time(one.end),
        "bytes": one.size,
        "kept_until": show_time(until),
    }


@Example(destination="archive", directory="/srv/rec", count=1, bytes=338_000_000, trouble=None)
class Recording(Shape):
    """What one destination has recorded: `count` segments of `bytes`, of which the newest are listed, by time.

    `trouble`: why that is not known, in words. Of a segment that is being written, `end` and `bytes` are as of now.
    """

    destination: str
    directory: Annotated[str, Made(lambda recorded: str(recorded.kept.folder))]
    keep: Annotated[Keep, From("kept")]
    count: Annotated[int, From("total")]
    bytes: Annotated[int, From("size")]
    segments: Annotated[list[RecordedSegment], Made(_segments)]
    gaps: list[RecordedGap]
    trouble: str | None


@Example(stream="harbour-cam")
class RecordingList(Shape):
    """A stream's recordings."""

    stream: str
    recordings: list[Recording]
