"""Of the time in which no neverdark was there: which of it counts. Pure; times are seconds since 1970."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from supervisor.model.snapshot import Wanted

Span = tuple[float, float]  # from, until
LONGEST = 30 * 86400.0  # a clock that was wrong when it was noted must not make an absence of fifty years
_MOST_PIECES = 500


def wanted_within(word: Callable[[float], Wanted], since: float, until: float) -> list[Span]:
    """When it was to run, as far as is said now; `word` tells of a moment what counts then, and until when."""
    pieces, at = list[Span](), since
    for _ in range(_MOST_PIECES):
        if at >= until:
            break
        said = word(at)
        end = until if said.until is None or said.until <= at else min(until, said.until)
        if said.wanted:
            pieces.append((at, end))
        at = end
    return pieces


def length(spans: Iterable[Span]) -> float:
    """Seconds in spans that do not overlap."""
    return sum(until - since for since, until in spans)


def without(spans: Iterable[Span], others: Sequence[Span]) -> list[Span]:
    """What is in `spans` and in none of the others."""
    left = list(spans)
    for since, until in others:
        left = [
            piece
            for start, end in left
            for piece in ((start, min(end, since)), (max(start, until), end))
            if piece[0] < piece[1]
        ]
    return left
