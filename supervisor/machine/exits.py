"""The loop that neverdark runs on: asyncio's, but that the end of a process comes before all else. IO, no decisions."""

from __future__ import annotations

import asyncio
import math
import os
import select
import selectors
from collections.abc import Callable

_MOST_AT_ONCE = 256  # descriptors; then the loop has its turn


class Exits(selectors.EpollSelector):
    """asyncio's own selector, that also knows pidfds: one that is readable is called back from here, at once.

    On the way of other descriptors, through the loop's queue, a respawn waits for what else has happened, and for
    asyncio's own work, which takes a twentieth of its time.
    """

    def __init__(self) -> None:
        super().__init__()
        self._epoll = select.epoll.fromfd(os.dup(self.fileno()))  # the same one, by a name of ours
        self._callbacks: dict[int, Callable[[], None]] = {}

    def add(self, pidfd: int, callback: Callable[[], None]) -> None:
        """Call `callback` when the process has ended."""
        self._callbacks[pidfd] = callback
        self._epoll.register(pidfd, select.EPOLLIN)

    def remove(self, pidfd: int) -> None:
        """Call no more; to be done before the pidfd is closed."""
        del self._callbacks[pidfd]
        self._epoll.unregister(pidfd)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait as the selector does, and call back for what has ended."""
        # Of whole milliseconds as the kernel counts them; less than one would be none, and the loop would spin.
        wait = -1.0 if timeout is None else math.ceil(timeout * 1e3) * 1e-3 if timeout > 0 else 0.0
        ready: list[tuple[selectors.SelectorKey, int]] = []
        for descriptor, events in self._epoll.poll(wait, _MOST_AT_ONCE):
            if callback := self._callbacks.get(descriptor):
                try:
                    callback()
                except Exception as error:  # noqa: BLE001 - it is told, and the others have ended all the same
                    told = {"message": "the end of a process", "exception": error}
                    asyncio.get_running_loop().call_exception_handler(told)
            elif key := self.get_map().get(descriptor):
                ready.append((key, key.events & _asked_for(events)))
        return ready

    def close(self) -> None:
        """Let go of everything."""
        self._epoll.close()
        super().close()


def _asked_for(events: int) -> int:
    """An error or a hang-up is for whoever reads, and for whoever writes."""
    reads = selectors.EVENT_READ if events & ~select.EPOLLOUT else 0
    return reads | (selectors.EVENT_WRITE if events & ~select.EPOLLIN else 0)


class Loop(asyncio.SelectorEventLoop):
    """asyncio's loop, with `exits`."""

    def __init__(self) -> None:
        self.exits = Exits()
        super().__init__(self.exits)
