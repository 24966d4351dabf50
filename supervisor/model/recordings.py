"""A destination that is a folder of segments: what is written there and what is kept. Pure."""

from __future__ import annotations

import re
from calendar import timegm
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

RUN = "{run}"  # stands in a pattern for what no two runs share
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_STAMP = re.compile(r"(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z-([0-9a-z]{1,20})")


class Segment(NamedTuple):
    """A file of a recording. Times are Unix times; what is still written ends with what is in it by now."""

    file: str
    begin: float
    end: float
    size: int
    run: str  # what the files of one run share


class Gap(NamedTuple):
    """A time that no segment has."""

    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Kept:
    """How a destination is recorded. `name` is what its files' names begin with: no other destination's do.

    `segment` is the length of one in seconds. `size` (bytes) and `age` (seconds) bound what is kept, None: nothing
    does. While less than `free` (a share of the disk) is free, nothing is recorded.
    """

    folder: Path
    name: str
    suffix: str
    segment: float
    size: int | None
    age: float | None
    free: float

    @property
    def pattern(self) -> Path:
        """Where a run writes, for `strftime`; `RUN` in it is still open."""
        folder = str(self.folder).replace("%", "%%")
        return Path(folder) / f"{self.name}.%Y%m%dT%H%M%SZ-{RUN}{self.suffix}"

    @property
    def shown(self) -> str:
        """The same for people."""
        return str(self.folder / f"{self.name}.*{self.suffix}")

    @property
    def index(self) -> str:
        """The file beside the segments that lists them and the gaps between them."""
        return f"{self.name}.index.jsonl"

    def read_name(self, file: str) -> tuple[float, str] | None:
        """When the segment of this name begins, and its run; None: it is no segment of this destination."""
        head, middle, tail = f"{self.name}.", file[len(self.name) + 1 : len(file) - len(self.suffix)], self.suffix
        if not (file.startswith(head) and file.endswith(tail)) or not (found := _STAMP.fullmatch(middle)):
            return None
        year, month, day, hour, minute, second = map(int, found.groups()[:6])
        return float(timegm((year, month, day, hour, minute, second))), found[7]


class Recorded(NamedTuple):
    """What is there of the recording of one destination, by time.

    All `total` segments have `size` bytes; the newest are listed. `trouble` says in words why that is not known.
    """

    destination: str
    kept: Kept
    total: int = 0
    size: int = 0
    segments: tuple[Segment, ...] = ()
    gaps: tuple[Gap, ...] = ()
    trouble: str | None = None


def run_token(wall: float, number: int) -> str:
    """What tells the files of the run that begins at `wall` (Unix time), the `number`th of its place, from all others.

    Two segments may begin in the same second: one run's last and the next one's first.
    """
    rest, token = int(wall * 1000), ""
    while rest:
        rest, digit = divmod(rest, len(_DIGITS))
        token = _DIGITS[digit] + token
    return f"{token}{_DIGITS[number % len(_DIGITS)]}"
