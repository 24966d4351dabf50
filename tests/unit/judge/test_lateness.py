"""When the loop is late, by numbers."""

from __future__ import annotations

import pytest

from supervisor.judge.lateness import Lateness


def after(*stops: tuple[float, float]) -> Lateness:
    """A loop that came back from a stop at each of these times, after so many seconds."""
    lateness = Lateness(0.0)
    for at, lag in stops:
        lateness.tick(at, lag)
    return lateness


def test_a_loop_that_ticks_is_not_late() -> None:
    lateness = Lateness(0.0)
    for tick in range(1000):
        lateness.tick(tick * 0.5, 0.9)  # slow, as on a machine that has much to do, but there
        assert lateness.late(tick * 0.5 + 0.5) is None


def test_a_loop_that_does_not_come_back_is_late_after_five_seconds() -> None:
    lateness = Lateness(0.0)
    assert lateness.late(5.0) is None
    assert lateness.late(5.1) == pytest.approx(5.1)
    lateness.tick(12.0, 11.5)
    assert lateness.late(12.1) is None, "one stop, however long, is over when it is over"


@pytest.mark.parametrize("lag", [1.0, 4.9])
def test_one_or_two_hiccups_are_none_of_anybodys_business(lag: float) -> None:
    assert after((10.0, lag)).late(10.1) is None
    assert after((10.0, lag), (20.0, lag)).late(20.1) is None


def test_a_loop_that_stands_still_again_and_again_is_late() -> None:
    lateness = Lateness(0.0)
    found = None
    for number in range(1, 10):  # stops for 1.9 s of every 2
        lateness.tick(number * 2.0, 1.9)
        if found is None and lateness.late(number * 2.0 + 0.1) is not None:
            found = number * 2.0
    assert found == 8.0
    assert lateness.late(18.1) == pytest.approx(9 * 1.9)


def test_three_short_stops_are_not_enough() -> None:
    assert after((10.0, 1.5), (20.0, 1.5), (30.0, 1.5)).late(30.1) is None
    assert after((10.0, 2.0), (20.0, 2.0), (30.0, 2.0)).late(30.1) == 6.0


def test_the_stop_that_goes_on_counts() -> None:
    lateness = after((10.0, 2.5), (15.0, 2.5))
    assert lateness.late(15.5) is None
    assert lateness.late(16.5) == pytest.approx(6.5)


def test_it_is_over_a_minute_later_and_says_so_once() -> None:
    lateness = after((10.0, 3.0), (14.0, 3.0), (18.0, 3.0))
    told = []
    for half_second in range(37, 200):
        now = half_second / 2
        lateness.tick(now, 0.0)
        told.append(lateness.late(now) is not None)
    assert told.index(False) == told.count(True), "late first, then not, and never again"
    assert 50 <= told.count(True) / 2 <= 52


def test_what_it_remembers_is_bounded() -> None:
    lateness = Lateness(0.0)
    for number in range(10_000):
        lateness.tick(float(number), 1.0)
    assert len(lateness._stops) <= 60
