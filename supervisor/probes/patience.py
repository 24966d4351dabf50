"""Waiting for calls that may hang and cannot be cancelled: a name lookup, a look at a dead network mount."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


class Patience:
    """Makes each call in a daemon thread of its own and waits for it no longer than asked to.

    A call that was given up on keeps its place until it ends: no more than `at_once` are ever under way, so
    hanging ones cannot pile up. For use from any number of threads.
    """

    def __init__(self, at_once: int) -> None:
        self._places = threading.BoundedSemaphore(at_once)

    def call(self, work: Callable[[], T], seconds: float) -> T:
        """What `work` returns, or raises.

        Raises TimeoutError if `seconds` are over first, waiting for a free place included, and RuntimeError if
        the system allows no further thread.
        """
        until = time.monotonic() + seconds
        if not self._places.acquire(timeout=max(0.0, seconds)):
            raise TimeoutError("earlier calls still hang")
        outcome: Future[T] = Future()

        def run() -> None:
            try:
                outcome.set_result(work())
            except BaseException as error:  # noqa: BLE001 - it is raised again where the call was made
                outcome.set_exception(error)
            finally:
                self._places.release()

        try:
            # Not a pool's thread: those are waited for when the program ends.
            threading.Thread(target=run, name="patience", daemon=True).start()
        except RuntimeError:
            self._places.release()
            raise
        return outcome.result(max(0.0, until - time.monotonic()))
