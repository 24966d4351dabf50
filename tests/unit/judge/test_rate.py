"""A rate is that of a whole window: never of a moment, never of two runs, never of a sample taken twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.judge.rate import Rate

Sample = tuple[str | None, float, float]

ROWS: dict[str, tuple[float, list[Sample], list[float | None]]] = {
    "one sample tells nothing": (30.0, [("a", 0.0, 0.0)], [None]),
    "two of a whole window do": (30.0, [("a", 0.0, 0.0), ("a", 30.0, 60.0)], [None, 2.0]),
    "it is that of the last window": (
        30.0,
        [("a", 0.0, 0.0), ("a", 30.0, 30.0), ("a", 60.0, 45.0), ("a", 90.0, 45.0)],
        [None, 1.0, 0.5, 0.0],
    ),
    "a check that comes a little early needs no other": (30.0, [("a", 0.0, 0.0), ("a", 27.5, 55.0)], [None, 2.0]),
    "one that comes much too early does": (30.0, [("a", 0.0, 0.0), ("a", 26.0, 52.0)], [None, None]),
    "many samples in one window": (
        30.0,
        [("a", float(second), float(second)) for second in range(0, 61, 10)],
        [None, None, None, 1.0, 1.0, 1.0, 1.0],
    ),
    "a short window is not so short as to guess": (
        0.5,
        [("a", 0.0, 0.0), ("a", 0.6, 9.0), ("a", 4.4, 9.0), ("a", 5.0, 10.0)],
        [None, None, None, 2.0],
    ),
    "a new run counts anew": (
        30.0,
        [("a", 0.0, 0.0), ("a", 30.0, 30.0), ("b", 60.0, 1.0), ("b", 90.0, 31.0)],
        [None, 1.0, None, 1.0],
    ),
    "the same moment again is no new sample": (
        30.0,
        [("a", 0.0, 0.0), ("a", 30.0, 30.0), ("a", 30.0, 30.0)],
        [None, 1.0, 1.0],
    ),
    "an older moment neither": (30.0, [("a", 10.0, 10.0), ("a", 5.0, 5.0), ("a", 40.0, 40.0)], [None, None, 1.0]),
    "after a pause it is that of the whole pause": (
        30.0,
        [("a", 0.0, 0.0), ("a", 30.0, 30.0), ("a", 330.0, 180.0)],
        [None, 1.0, 0.5],
    ),
}


@pytest.mark.parametrize(("window", "samples", "expected"), ROWS.values(), ids=ROWS)
def test_rate(window: float, samples: list[Sample], expected: list[float | None]) -> None:
    rate = Rate()
    found = [rate.over(window, run, at, amount) for run, at, amount in samples]
    assert found == [None if one is None else pytest.approx(one) for one in expected]


@given(
    st.floats(0.1, 120),
    st.lists(st.tuples(st.sampled_from("ab"), st.floats(-1, 40), st.floats(0, 1000)), max_size=60),
)
def test_whatever_is_sampled_a_rate_is_never_negative_nor_more_than_the_fastest_growth(
    window: float, history: list[tuple[str, float, float]]
) -> None:
    rate, at, amount, run = Rate(), 1000.0, 0.0, ""
    for name, pause, growth in history:
        if name != run:
            run, amount = name, 0.0
        at += pause
        amount += growth
        found = rate.over(window, run, at, amount)
        if found is not None:
            assert 0 <= found <= amount / (0.9 * max(5.0, window)) + 1e-6
        assert len(rate._samples) <= len(history)
