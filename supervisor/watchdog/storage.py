"""Tells of a disk that takes no more, and that it does again."""

from __future__ import annotations

from pathlib import Path

from supervisor.machine.machine import Clock
from supervisor.model import events
from supervisor.model.thresholds import TELL_AGAIN_SECONDS


class StorageWatch:
    """Many logs fail together when a disk is full: said once, again after a while, and once when it is over."""

    def __init__(self, clock: Clock, tell: events.Tell) -> None:
        self._clock = clock
        self._tell = tell
        self._told: float | None = None  # when trouble was last told; None: there is none

    def __call__(self, path: Path, error: OSError | None) -> None:
        """Something could not be written, or (None) it could again."""
        now = self._clock.now()
        if error is None:
            if self._told is not None:
                self._tell(events.StorageRecovered(path))
            self._told = None
        elif self._told is None or now - self._told > TELL_AGAIN_SECONDS:
            self._told = now
            self._tell(events.StorageTrouble(path, error.strerror or str(error)))
