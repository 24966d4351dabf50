"""The words of fallbacks: a stream's sources by number, when one takes another's place, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SwitchReason(StrEnum):
    """Why a stream's media comes from another source."""

    FAILED = "failed"  # the one before delivers nothing, or nothing that anybody should see
    RETURNED = "returned"  # a better one is good again
    ORDERED = "ordered"  # by an operator


@dataclass(frozen=True, slots=True)
class FallbackPolicy:
    """Seconds: `after` so long without media a source is left, and `return_after` so long of it taken back.

    `warm`: fallbacks that are sources run all the time.
    """

    after: float = 0.0
    return_after: float = 30.0
    warm: bool = False


def source_name(rung: int) -> str:
    """`primary` is the stream's own source; then come `fallback1` and so on."""
    return f"fallback{rung}" if rung else "primary"
