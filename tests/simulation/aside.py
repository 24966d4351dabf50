"""Work in a thread of its own, in virtual time: it and the world take turns, so that a seed stays one history."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class Gone(BaseException):
    """Whose thread it was lives no more: it does nothing more, as after a kill."""


class Aside:
    """`run` what blocks; from within it, `pass_` lets virtual time go by, and the world goes on meanwhile."""

    def __init__(self) -> None:
        self._now: _Work | None = None  # whose turn it is
        self._wish: Callable[[], object] | None = None
        self._works = 0

    @property
    def busy(self) -> bool:
        """Somebody is in the middle of his work."""
        return self._works > 0

    async def run(self, work: Callable[[], T]) -> T:
        """What it returns or raises."""
        one = _Work(work)
        self._works += 1
        try:
            while True:
                self._now = one
                wait = one.go_on()
                self._now = None
                if self._wish:
                    wish, self._wish = self._wish, None
                    wish()
                if wait is None:
                    return one.result()  # type: ignore[no-any-return]
                await asyncio.sleep(wait)
        finally:
            self._works -= 1
            one.end()

    def pass_(self, seconds: float) -> None:
        """Called by the work: so much time goes by. Raises Gone."""
        assert self._now is not None, "nobody works here"
        if seconds > 0:
            self._now.pause(seconds)

    def ask(self, wish: Callable[[], object]) -> None:
        """Called by the work: have something done where the world's loop runs, and go on after it."""
        assert self._now is not None, "nobody works here"
        self._wish = wish
        self._now.pause(0.0)


class _Work:
    """One piece of work, and whose turn it is: its own, or the world's."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work
        self._mine = threading.Semaphore(0)
        self._worlds = threading.Semaphore(0)
        self._wait: float | None = None
        self._result: Any = None
        self._error: BaseException | None = None
        self._is_gone = self._is_over = False
        self._thread = threading.Thread(target=self._live, name="aside", daemon=True)
        self._thread.start()

    def go_on(self) -> float | None:
        """Its turn: seconds until it wants the next one; None: it is done."""
        self._wait = None
        self._mine.release()
        self._worlds.acquire()
        return self._wait

    def result(self) -> Any:
        """When it is done."""
        if self._error:
            raise self._error
        return self._result

    def end(self) -> None:
        """It gets no other turn."""
        if not self._is_over:
            self._is_gone = True
            self._mine.release()
        self._thread.join()

    def pause(self, seconds: float) -> None:
        self._wait = seconds
        self._worlds.release()
        self._mine.acquire()
        if self._is_gone:
            raise Gone

    def _live(self) -> None:
        self._mine.acquire()
        try:
            if not self._is_gone:
                self._result = self._work()
        except BaseException as error:  # noqa: BLE001 - whoever waits for it gets it
            self._error = error
        self._is_over = True
        self._worlds.release()
