"""How long a token has to wait until it is looked at: not at all, unless many wrong ones came of late. Pure."""

from __future__ import annotations

from typing import Final

_FREE: Final = 5  # wrong tokens that cost nothing: anybody may mistype one
_FIRST_STEP: Final = 0.1  # seconds between two tokens after that; doubled by each wrong one
_LONGEST_STEP: Final = 1.0
LONGEST_WAIT: Final = 3.0  # seconds; the owner's own token may wait in the same queue
MOST_WAITING: Final = 64
_FORGOTTEN: Final = 60.0  # seconds without a wrong token


class Brake:
    """One queue for all tokens, right or wrong: nobody can tell a wrong one by how long its answer takes.

    `now` is monotonic seconds.
    """

    def __init__(self) -> None:
        self._wrong = 0
        self._latest = 0.0
        self._turn = 0.0  # of the last one in the queue

    def wait(self, now: float, waiting: int) -> float | None:
        """Seconds until the turn of one more, behind `waiting` others; None when too many wait."""
        step = self._step(now)
        if not step:
            return 0.0
        if waiting >= MOST_WAITING:
            return None
        self._turn = min(max(self._turn, now) + step, now + LONGEST_WAIT)
        return self._turn - now

    def refused(self, now: float) -> None:
        """A token was wrong."""
        self._wrong = self._wrong + 1 if now - self._latest < _FORGOTTEN else 1
        self._latest = now

    def _step(self, now: float) -> float:
        if self._wrong <= _FREE or now - self._latest >= _FORGOTTEN:
            return 0.0
        return float(min(_FIRST_STEP * 2.0 ** min(self._wrong - _FREE - 1, 10), _LONGEST_STEP))
