"""asyncio in virtual time. The world's own events stand beside the loop, so that it can stand still and they go on."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
from collections.abc import Callable
from typing import Any

import async_solipsism

BEGINNING = 1000.0  # of monotonic time: a machine that has run for a while, and not at 0


class Agenda:
    """What happens in the world, by its time; what is due at the same time comes in the order it was entered."""

    def __init__(self) -> None:
        self.now = BEGINNING
        self.heap: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0

    def at(self, time: float, work: Callable[[], None]) -> None:
        """Do this at that time, or now if that is past."""
        self._number += 1
        heapq.heappush(self.heap, (max(time, self.now), self._number, work))

    def later(self, seconds: float, work: Callable[[], None]) -> None:
        """Do this in so many seconds."""
        self.at(self.now + seconds, work)

    def step(self) -> None:
        """Let the next thing happen."""
        due, _, work = heapq.heappop(self.heap)
        self.now = max(self.now, due)
        work()

    def advance(self, until: float) -> None:
        """Let all happen that is due until then."""
        while self.heap and self.heap[0][0] <= until:
            self.step()
        self.now = max(self.now, until)


class Killed(SystemExit):
    """neverdark ends in this moment, as by SIGKILL: whatever it was doing, it does no more."""


class Turn:
    """What is to be called, perhaps `due` at a time: asyncio's handle, without context variables, which nobody has."""

    __slots__ = ("args", "callback", "due", "off")

    def __init__(self, callback: Callable[..., Any], args: tuple[Any, ...], due: float = 0.0) -> None:
        self.callback = callback
        self.args = args
        self.due = due
        self.off = False

    def when(self) -> float:
        """When it is due."""
        return self.due

    def cancel(self) -> None:
        """Never call it."""
        self.off = True

    def cancelled(self) -> bool:
        """It will not be called."""
        return self.off


class VirtualLoop(async_solipsism.EventLoop):  # type: ignore[misc]
    """Its time is the agenda's; what would wait for the outside world raises."""

    def __init__(self, agenda: Agenda) -> None:
        super().__init__()
        self._agenda = agenda
        self._readers: dict[int, Turn] = {}
        self._readable: dict[int, None] = {}
        self._timers: list[tuple[float, int, Turn]] = []
        self._number = 0
        self.woken = False  # something in the world has given the loop work
        self.dead = False  # whose loop it was lives no more, and can do nothing
        self.time = lambda: agenda.now  # the most frequent call of all

    # --- turns: asyncio's own, without what is of use on a real machine alone -----------------------

    def call_soon(self, callback: Callable[..., Any], *args: Any, context: Any = None) -> Turn:
        """In the next turn."""
        del context
        turn = Turn(callback, args)
        self._ready.append(turn)
        return turn

    def call_at(self, when: float, callback: Callable[..., Any], *args: Any, context: Any = None) -> Turn:
        """At a time; what is due at the same comes in the order in which it was asked for."""
        del context
        turn = Turn(callback, args, when)
        self._number += 1
        heapq.heappush(self._timers, (when, self._number, turn))
        return turn

    def call_later(self, delay: float, callback: Callable[..., Any], *args: Any, context: Any = None) -> Turn:
        """In so many seconds."""
        del context
        return self.call_at(self._agenda.now + delay, callback, *args)

    def _run_once(self) -> None:
        """One turn; where asyncio would wait, the world goes on until there is something to do."""
        timers, ready = self._timers, self._ready
        while timers and timers[0][2].off:
            heapq.heappop(timers)
        if self._readable:
            self._offer()
        if not ready and not self._stopping:
            self._go_on(timers[0][0] if timers else float("inf"))
            if self._readable:
                self._offer()
        now = self._agenda.now
        while timers and timers[0][0] <= now:
            ready.append(heapq.heappop(timers)[2])
        for _ in range(len(ready)):
            turn = ready.popleft()
            if turn.off:
                continue
            try:
                turn.callback(*turn.args)
            except (SystemExit, KeyboardInterrupt):
                raise
            except BaseException as error:  # noqa: BLE001 - as asyncio does
                self.call_exception_handler({"message": f"Exception in callback {turn.callback}", "exception": error})

    def _go_on(self, due: float) -> None:
        """Let the world go on, until then at most, or until it has given the loop something to do."""
        agenda, heap = self._agenda, self._agenda.heap
        self.woken = False
        while not self.woken:
            if not heap or heap[0][0] > due:
                agenda.now = max(agenda.now, due)
                return
            agenda.step()

    def _offer(self) -> None:
        for descriptor in self._readable:
            if handle := self._readers.get(descriptor):
                self._ready.append(handle)

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
        self._readers[fd] = Turn(callback, args)
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

    def die(self) -> None:
        """What has not come to its end never does. Nothing is done any more, not even to tidy up."""
        self.dead = True
        for task in asyncio.all_tasks(self):
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            with contextlib.suppress(Exception):
                if (coroutine := task.get_coro()) is not None:
                    coroutine.close()
        self._timers.clear()
        self._ready.clear()
        self._readable.clear()
        with contextlib.suppress(Exception):
            self.close()

    # --- threads -----------------------------------------------------------------------------------

    async def run_in_executor(self, executor: object, func: Callable[..., Any], *args: Any) -> Any:
        """There are none: it is done here."""
        del executor
        return func(*args)

    def call_soon_threadsafe(self, callback: Callable[..., Any], *args: Any, context: Any = None) -> Turn:
        """There are none."""
        del context
        return self.call_soon(callback, *args)
