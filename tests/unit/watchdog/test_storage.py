"""A full disk is told once, again after a while, and once when it is over."""

from __future__ import annotations

import errno
from pathlib import Path

from supervisor.model import events
from supervisor.watchdog.storage import StorageWatch

LOG = Path("/srv/logs/cam/encoder.log")
FULL = OSError(errno.ENOSPC, "No space left on device")


class Hand:
    seconds = 100.0

    def now(self) -> float:
        return self.seconds

    def wall(self) -> float:
        return self.seconds


def test_many_logs_that_fail_together_are_one_trouble() -> None:
    hand = Hand()
    told: list[object] = []
    watch = StorageWatch(hand, told.append)
    for hand.seconds in (100.0, 101.0, 700.0):
        watch(LOG, FULL)
    assert told == [events.StorageTrouble(LOG, "No space left on device")]
    hand.seconds = 700.1
    watch(LOG, FULL)
    assert len(told) == 2, "after ten minutes it is worth another word"
    watch(LOG, None)
    watch(LOG, None)
    assert told[2:] == [events.StorageRecovered(LOG)]
    watch(LOG, FULL)
    assert len(told) == 4, "what fails anew is told at once"
