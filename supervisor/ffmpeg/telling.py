"""Which of a process' last words help somebody who asks what went wrong. Pure. The log file has all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from supervisor.ffmpeg.failure import classify
from supervisor.ffmpeg.last_words import shape_of
from supervisor.model.terms import Exit, Role

# What both FFmpegs say at each start, until the first keyframe has come, and of streams that begin apart.
_AT_EVERY_START: Final = (
    "non-existing PPS ",
    "non-existing SPS ",
    "PPS id out of range: ",
    "decode_slice_header error",
    "no frame!",
    "Error parsing NAL unit #",
    "Skipping invalid undecodable NALU: ",
    "Invalid frame dimensions 0x0",
    "Packets poorly interleaved, failed to avoid negative timestamp",
    "Try -max_interleave_delta 0 as a possible workaround",
)
_FAILED: Final = Exit(1, None)


def telling(role: Role, cause: str, lines: Sequence[str], most: int) -> tuple[str, ...]:
    """At most so many of `lines`: the one that named `cause` first, then the latest, oldest first; repeats once.

    What is said at every start is left out, unless there is nothing else.
    """
    named = _named(role, cause, lines)
    rest = [line for line in lines if line != named]
    worth = [line for line in rest if not any(words in line for words in _AT_EVERY_START)]
    if named is None:
        return tuple(_folded(worth or rest)[-most:])
    left = _folded(worth)[-(most - 1) :] if most > 1 else []
    return named, *left


def _named(role: Role, cause: str, lines: Sequence[str]) -> str | None:
    """The latest line that by itself has this cause."""
    for line in reversed(lines):
        if classify(role, _FAILED, (line,), stopping=False).cause == cause != "other":
            return line
    return None


def _folded(lines: Iterable[str]) -> list[str]:
    """Lines that differ only in their numbers once, where they came last, with how often."""
    latest: dict[str, tuple[str, int]] = {}
    for line in lines:
        shape = shape_of(line)
        _, count = latest.pop(shape, ("", 0))
        latest[shape] = line, count + 1
    return [f"{line}  ({count} times)" if count > 1 else line for line, count in latest.values()]
