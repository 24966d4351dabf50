"""What others hand to the store's thread. Whoever puts something in needs microseconds, and waits for no lock."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Final, Generic, TypeVar

_QUIET: Final = 0.25  # seconds without anything new: then it is taken
_LONGEST_QUIET: Final = 5.0  # but so long is waited at most
_Item = TypeVar("_Item")


class Inbox(Generic[_Item]):
    """At most `most` items wait here; what does not fit is counted."""

    def __init__(self, most: int) -> None:
        self.lost = 0
        self._most = most
        self._items: deque[_Item] = deque()  # appending and taking are one step each for the interpreter
        self._awake = threading.Event()
        self._hurry = threading.Event()
        self._tickets: deque[threading.Event] = deque()

    def __len__(self) -> int:
        return len(self._items)

    # --- for all threads ---------------------------------------------------------------------------

    def put(self, item: _Item) -> None:
        """One more."""
        if len(self._items) < self._most:
            self._items.append(item)
        else:
            self.lost += 1
        if not self._awake.is_set():
            self._awake.set()

    def hurry(self) -> None:
        """There is something that is not to wait until it is quiet."""
        self._hurry.set()
        self._awake.set()

    def flush(self, seconds: float) -> bool:
        """Wait until what is there now has been written, but not for ever. Returns whether it has."""
        ticket = threading.Event()
        self._tickets.append(ticket)
        self.hurry()
        return ticket.wait(seconds)

    # --- for the store's thread --------------------------------------------------------------------

    def wait(self, seconds: float) -> None:
        """Until there is something, and no more comes for a moment, or somebody is in a hurry; or so long."""
        self._awake.wait(seconds)
        known, latest = -1, time.monotonic() + _LONGEST_QUIET
        while len(self._items) != known and time.monotonic() < latest and not self._hurry.is_set():
            known = len(self._items)
            if known:
                self._hurry.wait(_QUIET)
        self._awake.clear()
        self._hurry.clear()

    def tickets(self) -> list[threading.Event]:
        """Of those who wait for what is there now; to be set when it is written."""
        return [self._tickets.popleft() for _ in range(len(self._tickets))]

    def take(self, count: int) -> list[_Item]:
        """The next ones, in the order in which they came."""
        return [self._items.popleft() for _ in range(min(count, len(self._items)))]
