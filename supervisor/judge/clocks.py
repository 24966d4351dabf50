"""The time stamps that an encoder's run begins with, where several of a stream may feed one after the other. Pure.

A pusher closes a step back, and one of more than an hour forward (see `ffmpeg.destinations`); a step forward of less is
a pause to it, and stays as a hole. MPEG-TS counts time in a circle. So each run begins where it is further than that
from every other one, either way: all of them go on at one speed, and stay so.
"""

from __future__ import annotations

from collections.abc import Sequence

CIRCLE = (1 << 33) / 90_000  # seconds


def free_clock(others: Sequence[float]) -> int:
    """The second in the middle of the widest gap between the time stamps of `others`; 0 if there are none."""
    if not others:
        return 0
    taken = sorted(one % CIRCLE for one in others)
    gaps = [(after - before, before) for before, after in zip(taken, [*taken[1:], taken[0] + CIRCLE], strict=True)]
    width, begin = max(gaps)
    return int((begin + width / 2) % CIRCLE)
