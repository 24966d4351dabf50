"""Book-keeping that may wait, so that the next process comes first."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

    from supervisor.process.slot import Slot


_REST = 0.01  # book-keeping right after a spawn takes a third longer until the new process' first instruction


class Backlog:
    """What was put off waits a little, and then comes one piece a turn of the loop: an exit waits for one at most."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._slots: deque[Slot] = deque()

    def put_off(self, slot: Slot) -> None:
        """Have the slot's book-keeping done in a moment."""
        self._slots.append(slot)
        if len(self._slots) == 1:
            self._loop.call_later(_REST, self._work_off)

    def _work_off(self) -> None:
        try:
            self._slots[0].catch_up()
        finally:
            self._slots.popleft()
            if self._slots:
                self._loop.call_soon(self._work_off)
