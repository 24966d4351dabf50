"""Reads many small sockets in batches: a thousand reports a second must not wake the loop a thousand times."""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable

_GATHER_SECONDS = 0.05
_MOST_ROUNDS = 10  # reads of one descriptor at a time: who writes more often than 200 times a second is read later


class Gather:
    """Calls back for every readable descriptor, up to `_GATHER_SECONDS` after the first became readable.

    The descriptors are in an epoll of their own, which is one descriptor to the loop; while nothing arrives it
    costs nothing, and a callback that fails does not stop the others.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._epoll = select.epoll()
        self._callbacks: dict[int, Callable[[], None]] = {}
        loop.add_reader(self._epoll.fileno(), self._wait_for_more)

    def add(self, descriptor: int, callback: Callable[[], None]) -> None:
        """Call `callback` when `descriptor` is readable, for as long as it is."""
        self._callbacks[descriptor] = callback
        self._epoll.register(descriptor, select.EPOLLIN)

    def remove(self, descriptor: int) -> None:
        """Call no more; to be done before the descriptor is closed."""
        del self._callbacks[descriptor]
        self._epoll.unregister(descriptor)

    def close(self) -> None:
        """Let go of the loop."""
        self._loop.remove_reader(self._epoll.fileno())
        self._epoll.close()

    def _wait_for_more(self) -> None:
        self._loop.remove_reader(self._epoll.fileno())
        self._loop.call_later(_GATHER_SECONDS, self._read_all)

    def _read_all(self) -> None:
        if self._epoll.closed:
            return
        came = False
        try:
            for _ in range(_MOST_ROUNDS):
                ready = self._epoll.poll(0, max(1, len(self._callbacks)))
                for descriptor, _ in ready:
                    came = True
                    if callback := self._callbacks.get(descriptor):
                        callback()
                if not ready:
                    break
        finally:
            if came:
                self._loop.call_later(_GATHER_SECONDS, self._read_all)
            else:  # not before: of an epoll that holds a thousand, the kernel looks at every one when it is added
                self._loop.add_reader(self._epoll.fileno(), self._wait_for_more)
