"""Backoff and budget: bounded, growing, never longer than the longest wait."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.config import Restart
from supervisor.model import ExitCause
from supervisor.policy import HOPELESS, backoff_delay, budget_allows

HICCUPS = sorted(set(ExitCause) - {ExitCause.INGEST_REFUSED})


def restarts() -> st.SearchStrategy[Restart]:
    return st.builds(
        Restart,
        initial_delay=st.floats(0, 60),
        factor=st.floats(1, 100),
        max_delay=st.floats(60, 3600),
        jitter=st.floats(0, 1),
        attempts=st.integers(0, 100),
    )


def test_the_default_waits() -> None:
    waits = [backoff_delay(Restart(), spent, ExitCause.OTHER, 0) for spent in range(8)]
    assert waits == [0.5, 1, 2, 4, 8, 10, 10, 10]


def test_a_refusing_ingest_is_asked_less_often() -> None:
    waits = [backoff_delay(Restart(), spent, ExitCause.INGEST_REFUSED, 0) for spent in range(5)]
    assert waits == [10, 20, 40, 60, 60]


def test_an_owner_may_ask_a_refusing_ingest_even_less_often() -> None:
    slow = Restart(initial_delay=90, max_delay=600)
    waits = [backoff_delay(slow, spent, ExitCause.INGEST_REFUSED, 0) for spent in (0, 5)]
    assert waits == [90, 600]


@given(restarts(), st.integers(0, 10**9), st.sampled_from(HICCUPS), st.floats(0, 1))
def test_a_wait_is_within_its_bounds(restart: Restart, spent: int, cause: ExitCause, random: float) -> None:
    delay = backoff_delay(restart, spent, cause, random)
    assert restart.initial_delay * (1 - restart.jitter) - 1e-9 <= delay <= restart.max_delay


@given(restarts(), st.integers(0, 1000), st.sampled_from(ExitCause))
def test_waits_never_get_shorter(restart: Restart, spent: int, cause: ExitCause) -> None:
    assert backoff_delay(restart, spent, cause, 0) <= backoff_delay(restart, spent + 1, cause, 0)


@given(restarts(), st.integers(0, 200), st.sampled_from(ExitCause))
def test_the_budget(restart: Restart, spent: int, cause: ExitCause) -> None:
    assert budget_allows(restart, spent, cause) == (spent < restart.attempts and cause not in HOPELESS)


@pytest.mark.parametrize("cause", sorted(HOPELESS))
def test_what_cannot_help_is_not_tried(cause: ExitCause) -> None:
    assert not budget_allows(Restart(), 0, cause)
