"""Which source feeds: down at once, up after a while, and longer for one that flaps."""

from __future__ import annotations

import pytest

from supervisor.judge.fallback import GRACE, FallbackLadder, RungState
from supervisor.model.fallback import FallbackPolicy, SwitchReason

GOOD = RungState(good=True, failed=False, quiet=0.0, live=True)
GONE = RungState(good=False, failed=True, quiet=0.5, live=True)
COLD = RungState(good=False, failed=False, quiet=None, live=True)
SLATE = RungState(good=False, failed=False, quiet=None, at_once=True)
SHOWN = RungState(good=True, failed=False, quiet=0.0, at_once=True)


def ladder(count: int = 2, **policy: object) -> FallbackLadder:
    return FallbackLadder(FallbackPolicy.model_validate(policy), count, 0.0)


def silent(seconds: float) -> RungState:
    return RungState(good=False, failed=False, quiet=seconds, live=True)


def follow(of: FallbackLadder, now: float, *rungs: RungState, ordered: int | None = None) -> int:
    """Look, and do what is chosen."""
    choice = of.look(rungs, ordered, now)
    if choice.feed != of.feeding:
        of.switched(choice.feed, choice.reason, now)
    return of.feeding


def test_a_source_that_is_known_to_be_gone_is_left_at_once() -> None:
    choice = ladder().look([GONE, SLATE], None, 10.0)
    assert (choice.feed, choice.reason) == (1, SwitchReason.FAILED)


def test_after_is_waited_for() -> None:
    of = ladder(after="5s")
    assert follow(of, 10.0, GONE._replace(quiet=4.9), SLATE) == 0
    assert follow(of, 10.2, GONE._replace(quiet=5.0), SLATE) == 1


@pytest.mark.parametrize(("seconds", "feeds"), [(GRACE - 0.1, 0), (GRACE, 1)])
def test_one_that_was_killed_has_a_moment_to_come_back(seconds: float, feeds: int) -> None:
    assert follow(ladder(), 10.0, silent(seconds), SLATE) == feeds


def test_one_that_is_starting_is_waited_for() -> None:
    assert follow(ladder(), 10.0, COLD, SLATE) == 0


def test_the_source_is_taken_back_when_it_has_been_good_for_long_enough() -> None:
    of = ladder(return_after="30s")
    follow(of, 10.0, GONE, SLATE)
    assert follow(of, 20.0, GOOD, SHOWN) == 1
    assert follow(of, 49.9, GOOD, SHOWN) == 1
    assert follow(of, 50.0, GOOD, SHOWN) == 0


def test_a_moment_of_silence_begins_the_wait_anew() -> None:
    of = ladder(return_after="30s")
    follow(of, 10.0, GONE, SLATE)
    follow(of, 20.0, GOOD, SHOWN)
    follow(of, 40.0, silent(3.0), SHOWN)
    follow(of, 41.0, GOOD, SHOWN)
    assert follow(of, 70.0, GOOD, SHOWN) == 1
    assert follow(of, 71.0, GOOD, SHOWN) == 0


def test_a_source_that_flaps_waits_twice_as_long_each_time_up_to_a_bound() -> None:
    of, now, waits = ladder(return_after="30s"), 0.0, []
    for _ in range(8):
        now += 1.0
        assert follow(of, now, GONE, SLATE) == 1
        back = now
        while follow(of, now, GOOD, SHOWN) == 1:
            now += 0.5
        waits.append(now - back)
    assert waits == [30.0, 60.0, 120.0, 240.0, 480.0, 480.0, 480.0, 480.0]
    now += 10 * 480
    follow(of, now, GONE, SLATE)
    assert of.return_after == 30.0, "one that was good for long begins afresh"


def test_a_wait_longer_than_the_bound_is_kept() -> None:
    assert ladder(return_after="20m").return_after == 1200.0


def test_the_slate_covers_the_time_until_a_second_source_is_there() -> None:
    of = ladder(3)
    choice = of.look([GONE, COLD, SLATE], None, 10.0)
    assert choice.feed == 2
    assert choice.run == {1, 2}
    of.switched(2, choice.reason, 10.0)
    assert follow(of, 12.0, GONE, GOOD, SHOWN) == 2
    assert follow(of, 15.0, GONE, GOOD, SHOWN) == 1, "it has been good for a moment"


def test_a_second_source_that_is_warm_is_taken_at_once() -> None:
    of = ladder(3, warm=True)
    assert of.look([GOOD, COLD, SLATE], None, 5.0).run == {1}, "it runs all the time, and the slate does not"
    assert follow(of, 10.0, GONE, GOOD, SLATE) == 1


def test_without_a_slate_a_second_source_is_tried() -> None:
    assert follow(ladder(), 10.0, GONE, COLD) == 1


def test_what_is_known_to_be_gone_is_not_tried() -> None:
    assert follow(ladder(), 10.0, GONE, GONE) == 0


def test_a_fallback_that_fails_is_left_for_one_below_it() -> None:
    of = ladder(3)
    follow(of, 10.0, GONE, GOOD, SLATE)
    assert follow(of, 20.0, GONE, GONE, SLATE) == 2


def test_an_operator_sees_what_he_wants_to_see() -> None:
    of = ladder()
    choice = of.look([GOOD, SLATE], 1, 10.0)
    assert (choice.feed, choice.reason) == (1, SwitchReason.ORDERED)
    of.switched(1, choice.reason, 10.0)
    assert follow(of, 1000.0, GOOD, SHOWN, ordered=1) == 1
    assert follow(of, 1001.0, GOOD, SHOWN) == 0, "and the best one at the end of his order"


def test_an_order_is_no_flap() -> None:
    of = ladder(return_after="30s")
    for now in (10.0, 20.0, 30.0):
        follow(of, now, GOOD, SLATE, ordered=1)
        follow(of, now + 5, GOOD, SHOWN, ordered=0)
    assert of.return_after == 30.0


def test_a_fallback_that_flaps_waits_longer_each_time_as_well() -> None:
    of, now, waits = ladder(3, return_after="30s"), 10.0, []
    follow(of, now, GONE, GOOD, SLATE)
    for _ in range(10):
        now += 1.0
        assert follow(of, now, GONE, GONE, SHOWN) == 2
        back = now
        while follow(of, now, GONE, GOOD, SHOWN) == 2:
            now += 0.5
        waits.append(now - back)
    assert waits == [3.0, 6.0, 12.0, 24.0, 48.0, 96.0, 192.0, 384.0, 480.0, 480.0]


def test_what_would_be_there_at_once_and_is_known_to_be_gone_is_passed_over() -> None:
    missing = RungState(good=False, failed=True, quiet=5.0, at_once=True)
    assert follow(ladder(3), 10.0, GONE, missing, SLATE) == 2


def test_what_was_ordered_and_fails_is_covered_and_comes_back_when_it_has_been_good() -> None:
    of = ladder(3)
    assert follow(of, 10.0, GOOD, GOOD, SLATE, ordered=1) == 1
    choice = of.look([GONE, GONE, SLATE], 1, 20.0)
    assert (choice.feed, choice.reason) == (2, SwitchReason.FAILED)
    assert 1 in choice.run, "it is tried on"
    of.switched(2, choice.reason, 20.0)
    assert follow(of, 25.0, GONE, GOOD, SHOWN, ordered=1) == 2, "it has only just come back"
    assert follow(of, 28.0, GONE, GOOD, SHOWN, ordered=1) == 1


def test_what_is_ordered_and_known_to_be_gone_is_not_shown_until_it_is_there() -> None:
    of = ladder(3)
    follow(of, 10.0, GONE, GONE, SLATE)
    assert follow(of, 20.0, GONE, GONE, SHOWN, ordered=1) == 2
    assert 1 in of.look([GONE, GONE, SHOWN], 1, 20.0).run
    assert follow(of, 21.0, GONE, GOOD, SHOWN, ordered=1) == 1


def test_while_what_was_ordered_fails_the_best_of_the_others_is_shown() -> None:
    of = ladder(3, return_after="30s")
    follow(of, 10.0, GONE, GOOD, SLATE, ordered=1)
    follow(of, 20.0, GONE, GONE, SLATE, ordered=1)
    assert follow(of, 30.0, GOOD, GONE, SHOWN, ordered=1) == 2
    assert follow(of, 60.0, GOOD, GONE, SHOWN, ordered=1) == 0
