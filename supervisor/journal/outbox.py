"""What a slow listener has not taken yet: bounded, with a thread of its own; what does not fit is counted.

Whoever puts something in never waits: not for a terminal that was paused, and not for a database that is locked.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

MOST_WAITING = 10_000
MOST_AT_ONCE = 500
_Item = TypeVar("_Item")


class Outbox(Generic[_Item]):
    """Hands on what is put in, in that order, from a thread.

    `deliver` gets the items, and how many were lost since the last time that it did not fail: because there was no
    room, or because it failed. It may block; what it raises ends nothing. At most `most` items wait.
    """

    def __init__(self, name: str, deliver: Callable[[Sequence[_Item], int], None], most: int = MOST_WAITING) -> None:
        self.lost = 0  # ever; never falls
        self._deliver = deliver
        self._most = most
        self._waiting: deque[_Item] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._told = 0
        self._thread = threading.Thread(target=self._deliver_forever, name=name, daemon=True)
        self._thread.start()

    def put(self, item: _Item) -> None:
        """Take one more, or count it as lost. Never waits."""
        with self._changed:
            if len(self._waiting) < self._most and not self._closing:
                self._waiting.append(item)
                self._changed.notify()
            else:
                self.lost += 1

    def close(self, timeout: float) -> bool:
        """Deliver what is waiting, but not for ever. Returns whether that was done."""
        deadline = time.monotonic() + timeout
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(max(0.0, deadline - time.monotonic()))
        return not self._thread.is_alive()

    def _deliver_forever(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closing)
                items = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_AT_ONCE))]
                lost = self.lost
            if not items and lost == self._told:
                return
            try:
                self._deliver(items, lost - self._told)
                self._told = lost
            except Exception:  # noqa: BLE001 - whatever it is, the next items may get through
                with self._changed:
                    self.lost += len(items)
                if not items:
                    return
