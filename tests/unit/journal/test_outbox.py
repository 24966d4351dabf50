"""What a slow listener has not taken: bounded, counted, and in nobody's way."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from supervisor.journal.outbox import MOST_AT_ONCE, Outbox

PATIENCE = 60.0


class Listener:
    """It keeps what it is given, and can be blocked or made to fail."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()
        self.reached = threading.Event()
        self.error: Exception | None = None
        self.given: list[int] = []
        self.batches: list[int] = []
        self.lost: list[int] = []
        self.thread: threading.Thread | None = None

    def __call__(self, items: Sequence[int], lost: int) -> None:
        self.thread = threading.current_thread()
        self.reached.set()
        assert self.open.wait(PATIENCE)
        if self.error:
            raise self.error
        self.given += items
        self.batches.append(len(items))
        if lost:
            self.lost.append(lost)

    def block(self, outbox: Outbox[int], item: int) -> None:
        """From now on it hangs in the delivery of `item`."""
        self.open.clear()
        self.reached.clear()
        outbox.put(item)
        assert self.reached.wait(PATIENCE)


@pytest.fixture
def listener() -> Listener:
    return Listener()


def test_all_arrives_in_order_from_a_thread_of_its_own(listener: Listener) -> None:
    outbox = Outbox("store", listener)
    for number in range(3000):
        outbox.put(number)
    assert outbox.close(PATIENCE)
    assert listener.given == list(range(3000))
    assert (listener.lost, outbox.lost) == ([], 0)
    assert listener.thread is not threading.current_thread()
    assert listener.thread is not None
    assert listener.thread.name == "store"


def test_a_listener_that_blocks_holds_nobody_up_and_what_does_not_fit_is_counted_and_told(listener: Listener) -> None:
    outbox = Outbox("store", listener, most=100)
    listener.block(outbox, -1)
    for number in range(100 + 23):
        outbox.put(number)  # returns, though nobody takes anything
    assert outbox.lost == 23
    listener.open.set()
    assert outbox.close(PATIENCE)
    assert listener.given == [-1, *range(100)], "no more than there was room for"
    assert listener.lost == [23], "once"


def test_it_is_told_anew_when_more_is_lost(listener: Listener) -> None:
    outbox = Outbox("store", listener, most=10)
    for lost in (3, 4):
        listener.block(outbox, -1)
        for number in range(10 + lost):
            outbox.put(number)
        listener.open.set()
        while len(listener.lost) < (1 if lost == 3 else 2):
            listener.reached.wait(0.01)
    assert outbox.close(PATIENCE)
    assert (listener.lost, outbox.lost) == ([3, 4], 7)


def test_what_failed_to_arrive_is_lost_and_told_with_the_next(listener: Listener) -> None:
    outbox = Outbox("store", listener)
    listener.block(outbox, 1)
    listener.error = OSError("database is locked")
    listener.open.set()
    while outbox.lost < 1:
        listener.reached.wait(0.01)
    listener.error = None
    outbox.put(2)
    assert outbox.close(PATIENCE)
    assert (listener.given, listener.lost) == ([2], [1])


def test_what_was_lost_last_is_told_at_the_end(listener: Listener) -> None:
    outbox = Outbox("store", listener, most=1)
    listener.block(outbox, 1)
    outbox.put(2)
    outbox.put(3)
    listener.open.set()
    assert outbox.close(PATIENCE)
    assert sum(listener.lost) == outbox.lost == 1


def test_a_listener_gets_no_more_at_once_than_it_can_write_in_one_go(listener: Listener) -> None:
    outbox = Outbox("store", listener)
    listener.block(outbox, 0)
    for number in range(1, 2 * MOST_AT_ONCE + 2):
        outbox.put(number)
    listener.open.set()
    assert outbox.close(PATIENCE)
    assert listener.batches == [1, MOST_AT_ONCE, MOST_AT_ONCE, 1]


def test_the_end_waits_no_longer_than_it_is_told_to(listener: Listener) -> None:
    outbox = Outbox("store", listener)
    listener.block(outbox, 1)
    assert not outbox.close(0.01)
    outbox.put(2)
    assert outbox.lost == 1, "nobody would deliver it"
    listener.open.set()
    assert outbox.close(PATIENCE)


def test_a_listener_that_fails_for_ever_ends_with_all_else(listener: Listener) -> None:
    listener.error = ValueError("closed")
    outbox = Outbox("store", listener)
    for number in range(5):
        outbox.put(number)
    assert outbox.close(PATIENCE)
    assert (listener.given, outbox.lost) == ([], 5)
