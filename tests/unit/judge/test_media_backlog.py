"""How far a pusher is behind: what grows is told, what only trembles is not."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.judge.media_backlog import MediaBacklog


def test_a_line_that_carries_39_percent_is_behind_by_the_rest() -> None:
    backlog = MediaBacklog()
    for second in range(61):
        backlog.weigh(float(second), 0.39 * second, float(second))
    assert backlog.seconds == pytest.approx(0.61 * 60, abs=0.1)


def test_a_line_that_is_fast_again_catches_up() -> None:
    backlog = MediaBacklog()
    for second in range(31):
        backlog.weigh(float(second), 0.5 * second, float(second))
    assert backlog.seconds == pytest.approx(15.0, abs=0.1)
    for second in range(31, 41):
        backlog.weigh(float(second), 15.0 + 2 * (second - 30), float(second))
    assert backlog.seconds == pytest.approx(5.0, abs=0.1)
    for second in range(41, 61):
        backlog.weigh(float(second), min(second, 15.0 + 2 * (second - 30)), float(second))
    assert backlog.seconds == 0.0


@pytest.mark.parametrize("phase", [0.0, 0.1, 0.25, 0.49])
def test_reports_every_half_second_do_not_add_up_to_a_backlog(phase: float) -> None:
    """Both report what they had at the last half second, each at its own; for a day."""
    backlog = MediaBacklog()
    for second in range(86_400):
        at = second + 0.01 * (second % 37)
        fed, sent = math.floor(at * 2) / 2, math.floor((at - phase) * 2) / 2
        assert backlog.weigh(fed, sent, at) <= 1.01


def test_silence_of_ours_that_runs_a_ten_thousandth_fast_is_no_backlog() -> None:
    backlog = MediaBacklog()
    for second in range(86_400):
        backlog.weigh(second * 1.0001, float(second), float(second))
    assert backlog.seconds < 0.01


def test_who_is_early_is_on_time_and_owes_nothing_for_it() -> None:
    backlog = MediaBacklog()
    backlog.weigh(0.0, 0.0, 0.0)
    assert backlog.weigh(1.0, 30.0, 1.0) == 0.0
    assert backlog.weigh(6.0, 30.0, 2.0) == pytest.approx(5.0, abs=0.01)


def test_a_new_run_begins_with_what_comes_now() -> None:
    backlog = MediaBacklog()
    backlog.weigh(0.0, 0.0, 0.0)
    backlog.weigh(20.0, 0.0, 20.0)
    backlog.begin_run()
    assert backlog.seconds == 0.0
    assert backlog.weigh(25.0, 0.0, 25.0) == 0.0, "what was fed in between is nobody's"
    assert backlog.weigh(26.0, 0.0, 26.0) == pytest.approx(1.0, abs=0.01)


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100), st.floats(0, 100))))
def test_it_is_never_negative(steps: list[tuple[float, float, float]]) -> None:
    backlog, fed, sent, now = MediaBacklog(), 0.0, 0.0, 0.0
    for more_fed, more_sent, seconds in steps:
        fed, sent, now = fed + more_fed, sent + more_sent, now + seconds
        assert 0.0 <= backlog.weigh(fed, sent, now) <= fed
