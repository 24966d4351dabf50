"""asyncio in virtual time. The world's own events stand beside the loop, so that it can stand still and they go on."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from typing import Any

import async_solipsism

BEGINNING = 1000.0  # of monotonic time: a machine that has run for a while, and not at 0


class Agenda:
    """What happens in the world, by its time; what is due at the same time comes in the order it was entered."""

    def __init__(self) -> None:
        self.now = BEGINNING
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0

    def at(self, time: float, work: Callable[[], None]) -> None:
        """Do this at that time, or now if that is past."""
        self._number += 1
        heapq.heappush(self._heap, (max(time, self.now), self._number, work))

    def later(self, seconds: float, work: Callable[[], None]) -> None:
        """Do this in so many seconds."""
        self.at(self.now + seconds, work)

    @property
    def next(self) -> float:
        """When the next thing happens."""
        return self._heap[0][0] if self._heap else float("inf")

    def step(self) -> None:
        """Let the next thing happen."""
        self.now, _, work = heapq.heappop(self._heap)
        work()

    def advance(self, until: float) -> None:
        """Let all happen that is due until then."""
        while self._heap and self._heap[0][0] <= until:
            self.step()
        self.now = until


class _Turns:
    """Stands in for the loop's selector: waiting is going on to the next thing that happens."""

    def __init__(self, loop: VirtualLoop, selector: Any) -> None:
        self._loop = loop
        self._selector = selector

    def select(self, timeout: float | None = None) -> list[Any]:
        """Go on until something is there for the loop to do."""
        self._loop.go_on(idle=timeout is None or timeout > 0)
        return []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._selector, name)


class VirtualLoop(async_solipsism.EventLoop):  # type: ignore[misc]
    """Its time is the agenda's; what would wait for the outside world raises."""

    def __init__(self, agenda: Agenda) -> None:
        super().__init__()
        self._selector: Any = _Turns(self, self._selector)
        self._agenda = agenda
        self._readers: dict[int, asyncio.Handle] = {}
        self._readable: dict[int, None] = {}
        self.woken = False  # something in the world has given the loop work
        self.time = lambda: agenda.now  # the most frequent call of all
        self._clock_resolution = 1e-9

    def go_on(self, *, idle: bool) -> None:
        """Take what is readable; if there is nothing to do, let time pass until there is."""
        if idle and not self._offer():
            agenda, timers = self._agenda, self._scheduled
            self.woken = False
            while not self.woken:
                due = timers[0]._when if timers else float("inf")
                if agenda.next > due:
                    agenda.now = max(agenda.now, due)
                    break
                agenda.step()
        self._offer()

    def _offer(self) -> bool:
        ready = [handle for fd in self._readable if (handle := self._readers.get(fd))]
        self._ready.extend(ready)
        return bool(ready)

    def stand_still(self, seconds: float) -> None:
        """Called by what runs in the loop: it takes so long, and the world goes on meanwhile."""
        self._agenda.advance(self._agenda.now + seconds)

    # --- descriptors -------------------------------------------------------------------------------

    def mark(self, descriptor: int, *, readable: bool) -> None:
        """A simulated descriptor has something to read, or no longer."""
        if not readable:
            self._readable.pop(descriptor, None)
        elif descriptor not in self._readable:
            self._readable[descriptor] = None
            self.woken = True

    def add_reader(self, fd: Any, callback: Callable[..., Any], *args: Any) -> None:
        """Call while it is readable, once a turn."""
        self.remove_reader(fd)
        self._readers[fd] = asyncio.Handle(callback, args, self)
        self.woken = True

    def remove_reader(self, fd: Any) -> bool:
        """Call no more."""
        handle = self._readers.pop(fd, None)
        if handle:
            handle.cancel()
        return handle is not None

    def readers(self) -> list[int]:
        """The descriptors that somebody waits for."""
        return list(self._readers)

    # --- threads -----------------------------------------------------------------------------------

    async def run_in_executor(self, executor: object, func: Callable[..., Any], *args: Any) -> Any:
        """There are none: it is done here."""
        del executor
        return func(*args)

    def call_soon_threadsafe(self, callback: Callable[..., Any], *args: Any, context: Any = None) -> asyncio.Handle:
        """There are none."""
        handle: asyncio.Handle = self.call_soon(callback, *args, context=context)
        return handle
