"""Many looks at once, of which each may hang: names, cameras, network mounts. IO."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from queue import Empty, SimpleQueue
from typing import TypeVar

K = TypeVar("K")
T = TypeVar("T")


def together(looks: Mapping[K, Callable[[], T]], seconds: float, at_once: int) -> dict[K, T]:
    """What each look returned, of those that did so within `seconds` all together.

    In daemon threads, at most `at_once`: a look that hangs keeps neither the caller nor the program's end. What it
    raises counts as no answer.
    """
    until = time.monotonic() + seconds
    waiting: SimpleQueue[K] = SimpleQueue()
    done: SimpleQueue[tuple[K, T] | None] = SimpleQueue()
    for key in looks:
        waiting.put(key)

    def work() -> None:
        while time.monotonic() < until:
            try:
                key = waiting.get_nowait()
            except Empty:
                return
            try:
                done.put((key, looks[key]()))
            except Exception:  # noqa: BLE001 - no answer, as said
                done.put(None)

    for _ in range(min(at_once, len(looks))):
        threading.Thread(target=work, name="look", daemon=True).start()
    answers: dict[K, T] = {}
    for _ in looks:
        try:
            answer = done.get(timeout=max(0.0, until - time.monotonic()))
        except Empty:
            break
        if answer is not None:
            answers[answer[0]] = answer[1]
    return answers
