"""What FFmpeg says when it ends: captured lines, by what they mean."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import NamedTuple

from supervisor.model.terms import ExitCause, Role, Segment

_FOLDER = Path(__file__).parents[1] / "unit" / "ffmpeg" / "stderr"


class LastWords(NamedTuple):
    """How one real process ended; `code` is None where `signal` ended it."""

    role: Role
    cause: ExitCause
    segment: Segment
    protocol: str
    version: str
    code: int | None
    signal: int | None
    lines: tuple[str, ...]


@lru_cache(maxsize=1)
def all_words() -> tuple[LastWords, ...]:
    """Every captured end, in the order of the files."""
    found = []
    for file in sorted(_FOLDER.glob("ffmpeg-*.toml")):
        for row in tomllib.loads(file.read_text())["row"]:
            how = row["exit"]
            number = int(how.removeprefix("signal ")) if isinstance(how, str) else None
            found.append(
                LastWords(
                    Role(row["role"]),
                    ExitCause(row["cause"]),
                    Segment(row["segment"]),
                    row["protocol"],
                    row["version"],
                    None if isinstance(how, str) else how,
                    number,
                    tuple(row["lines"]),
                )
            )
    return tuple(found)


@lru_cache(maxsize=256)
def _fitting(
    version: str, role: Role, cause: ExitCause, segment: Segment, protocol: str, holding: str
) -> tuple[LastWords, ...]:
    """Those of that version and protocol; where there are none, of any version, of any protocol, with any words."""
    meant = [
        words
        for words in all_words()
        if (words.role, words.cause, words.segment) == (role, cause, segment)
        and words.signal is None
        and (not holding or any(holding in line for line in words.lines))
    ]
    for fits in (
        [words for words in meant if words.version.startswith(version) and words.protocol == protocol],
        [words for words in meant if words.protocol == protocol],
        [words for words in meant if words.version.startswith(version)],
        meant,
    ):
        if fits:
            return tuple(fits)
    if holding:
        return _fitting(version, role, cause, segment, protocol, "")
    raise LookupError(f"nobody was heard to end like this: {role} {cause} {segment} {holding!r}")


def last_words(
    chance: Random,
    version: str,
    role: Role,
    cause: ExitCause,
    segment: Segment,
    protocol: str = "rtmp",
    holding: str = "",
) -> LastWords:
    """One of the ends that mean this; `holding`: with these words in it, if any has. Raises LookupError."""
    return chance.choice(_fitting(version, role, cause, segment, protocol, holding))
