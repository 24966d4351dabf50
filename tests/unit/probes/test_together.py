"""Many looks at once: all that answer in time are heard, and whoever hangs or fails keeps nobody waiting."""

from __future__ import annotations

import threading
import time

from supervisor.probes.together import together


def test_everybody_is_heard_however_few_look_at_once() -> None:
    looks = {n: lambda n=n: n * n for n in range(100)}
    assert together(looks, 30, 3) == {n: n * n for n in range(100)}
    assert together({}, 30, 3) == {}


def test_looks_go_on_at_once() -> None:
    meeting = threading.Barrier(8, timeout=30)
    assert len(together(dict.fromkeys(range(8), meeting.wait), 30, 8)) == 8


def test_who_hangs_or_fails_is_left_out() -> None:
    over = threading.Event()

    def hang() -> str:
        over.wait(60)
        return "late"

    def fail() -> str:
        raise OSError("no")

    began = time.monotonic()
    try:
        assert together({"a": hang, "b": fail, "c": lambda: "in time"}, 1, 3) == {"c": "in time"}
        assert time.monotonic() - began < 30
    finally:
        over.set()


def test_what_is_still_waiting_at_the_end_is_not_begun() -> None:
    over, begun = threading.Event(), []

    def hang() -> None:
        over.wait(60)

    together({"a": hang, "b": lambda: begun.append("b")}, 0.1, 1)
    threads = [thread for thread in threading.enumerate() if thread.name == "look"]
    over.set()
    for thread in threads:
        thread.join(30)
    assert not begun
