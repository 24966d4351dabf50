"""How fast an amount grows, from samples at any times. Pure."""

from __future__ import annotations

_LEAST_WINDOW = 5.0  # seconds; FFmpeg reports twice a second, so over less a speed would be guesswork
_EARLY = 0.9  # a check that comes a little early shall not need one more


class Rate:
    """Samples of one counter; a new run begins a new count."""

    def __init__(self) -> None:
        self._run: str | None = None
        self._samples: list[tuple[float, float]] = []  # a few: an empty deque takes as much as twenty of them

    def over(self, window: float, run: str | None, at: float, amount: float) -> float | None:
        """Take a sample; growth a second over at least `window` seconds, None while there is no such time.

        `at` is when the counter had that amount, which may be a while ago; the same moment again is no new sample.
        """
        if run != self._run:
            self._run = run
            self._samples.clear()
        if not self._samples or at > self._samples[-1][0]:
            self._samples.append((at, amount))
        before = at - _EARLY * max(window, _LEAST_WINDOW)
        while len(self._samples) > 1 and self._samples[1][0] <= before:
            del self._samples[0]
        began, base = self._samples[0]
        return (amount - base) / (at - began) if began <= before else None
