"""Until lists show a broadcast, the answer that told of it stands in; then lists have the last word."""

from __future__ import annotations

from supervisor.platforms.youtube.fresh import Fresh
from supervisor.platforms.youtube.model import Broadcast, LifeCycle

OLD = Broadcast("old", LifeCycle.COMPLETE)
MADE = Broadcast("new", LifeCycle.CREATED)
BOUND = Broadcast("new", LifeCycle.READY, "stream")


def test_an_answer_stands_beside_what_the_lists_show_for_as_long_as_they_may_lag() -> None:
    fresh = Fresh()
    fresh.answered(MADE, 100.0)
    assert fresh.beside([OLD], 105.0) == (OLD, MADE)
    fresh.answered(BOUND, 105.0)
    assert fresh.beside([OLD], 129.9) == (OLD, BOUND), "the latest answer"
    assert fresh.beside([OLD], 130.0) == (OLD,), "30 s after it was made, whatever was asked since"


def test_what_lists_show_is_so_from_then_on() -> None:
    fresh = Fresh()
    fresh.answered(BOUND, 100.0)
    assert fresh.beside([MADE], 105.0) == (MADE,)
    assert fresh.beside([], 106.0) == (), "somebody has deleted it"


def test_what_was_deleted_is_not_there() -> None:
    fresh = Fresh()
    fresh.answered(MADE, 100.0)
    fresh.forget("new")
    assert fresh.beside([], 101.0) == ()
