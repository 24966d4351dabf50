"""Time stamps of a run begin far from those of every other run, either way round the circle."""

from __future__ import annotations

import pytest

from supervisor.judge.clocks import CIRCLE, free_clock

STEP_THAT_IS_SEEN = 3600.0  # seconds: a pusher takes one forward of less for a pause


def distance(one: float, other: float) -> float:
    apart = abs(one - other) % CIRCLE
    return min(apart, CIRCLE - apart)


def test_the_first_run_begins_at_nought() -> None:
    assert free_clock([]) == 0


@pytest.mark.parametrize(
    "others",
    [[0.0], [95_000.0], [0.0, 47_721.0], [1.0, 2.0, 3.0], [200_000.0, 5.0], [float(10_000 * k) for k in range(9)]],
)
def test_it_is_far_from_every_other(others: list[float]) -> None:
    chosen = free_clock(others)
    assert 0 <= chosen < CIRCLE
    assert min(distance(chosen, other) for other in others) > STEP_THAT_IS_SEEN


def test_a_stream_that_is_restarted_for_ever_stays_far_from_the_run_before() -> None:
    at, age = 0.0, 7.0
    for _ in range(200):
        before = at + age
        at = free_clock([before])
        assert distance(at, before) > STEP_THAT_IS_SEEN
        age = (age * 1.7) % 90_000
