"""What a destination is sent over some minutes, from samples of the counts. Pure; times are monotonic seconds."""

from __future__ import annotations

from statistics import median
from typing import NamedTuple

_LOOKS_BACK = 10  # intervals between two looks
_LEAST = 10.0  # seconds; over less, neither rates nor their variation tell anything
_EARLY = 0.9  # a look that comes a little early counts as one in time
# Seconds of media beyond all that was ahead of the clock before. A burst catches up what was late, and what is looked
# at may begin just then: no source is late by more without being replaced.
_LEAP = 10.0


class Counts(NamedTuple):
    """What had been sent in a run by some time: bytes, frames, seconds of media."""

    at: float
    bytes: float
    frames: int
    media: float


class Pace(NamedTuple):
    """What the samples tell; None while they do not.

    Bits and frames a second; `peak`: the highest bit rate over a tenth of the time, as a part of the mean. `pace`:
    seconds of media a second. `jumps`: how often the time stamps leapt.
    """

    bit_rate: float | None = None
    peak: float | None = None
    frame_rate: float | None = None
    pace: float | None = None
    jumps: int = 0


class SentMeter:
    """Samples of one sender; a new run begins a new count."""

    def __init__(self) -> None:
        self._run: str | None = None
        self._samples: list[Counts] = []

    def take(self, run: str | None, counts: Counts, interval: float) -> None:
        """Take a sample; they come every `interval` seconds. The same moment again is no new one."""
        if run != self._run:
            self._run = run
            self._samples.clear()
        if not self._samples or counts.at > self._samples[-1].at:
            self._samples.append(counts)
        before = counts.at - max(_LOOKS_BACK * interval, _LEAST)
        while len(self._samples) > 2 and self._samples[1].at <= before:  # noqa: PLR2004 - two make an interval
            del self._samples[0]

    def pace(self, usual: float = 0.0) -> Pace:
        """What the samples come to; `usual` seconds of silence are no news, and so is what comes after them at once."""
        if len(self._samples) < 2 or (lasted := self._samples[-1].at - self._samples[0].at) < _EARLY * _LEAST:  # noqa: PLR2004
            return Pace()
        first, last = self._samples[0], self._samples[-1]
        media = last.media - first.media
        bit_rate = (last.bytes - first.bytes) * 8 / lasted
        steps = self._steps()
        paces = [(after.media - before.media) / (after.at - before.at) for before, after in steps]
        rates = [(after.bytes - before.bytes) * 8 / (after.at - before.at) for before, after in self._long_steps()]
        return Pace(
            bit_rate=bit_rate,
            peak=max(rates) / bit_rate if len(rates) > 2 and bit_rate > 0 else None,  # noqa: PLR2004 - of two, one is always the higher
            frame_rate=(last.frames - first.frames) / media if media > 0 and last.frames > first.frames else None,
            pace=median(paces),
            jumps=self._jumps(_LEAP + usual),
        )

    def _steps(self) -> list[tuple[Counts, Counts]]:
        return list(zip(self._samples, self._samples[1:], strict=False))

    def _long_steps(self) -> list[tuple[Counts, Counts]]:
        """As they are, or, where looks come often, several at a time."""
        steps: list[tuple[Counts, Counts]] = []
        begin = self._samples[0]
        for sample in self._samples[1:]:
            if sample.at - begin.at >= _EARLY * _LEAST:
                steps.append((begin, sample))
                begin = sample
        return steps

    def _jumps(self, leap: float) -> int:
        """How often media got further ahead of the clock from one look to the next than it had ever been."""
        first = self._samples[0]
        jumps, most = 0, 0.0
        for sample in self._samples[1:]:
            ahead = (sample.media - first.media) - (sample.at - first.at)
            jumps += ahead - most > leap
            most = max(most, ahead)
        return jumps
