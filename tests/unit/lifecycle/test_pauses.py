"""Backoff and budget: bounded, growing, never longer than the longest wait."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.lifecycle.pauses import (
    HOPELESS,
    backoff_delay,
    budget_allows,
    fed_enough,
    had_nothing,
    is_ghost,
    slow_delay,
)
from supervisor.model.policies import RestartPolicy
from supervisor.model.terms import ExitCause, Refusal


def restarts() -> st.SearchStrategy[RestartPolicy]:
    return st.builds(
        RestartPolicy,
        initial_delay=st.floats(0, 60),
        factor=st.floats(1, 100),
        max_delay=st.floats(60, 3600),
        jitter=st.floats(0, 1),
        attempts=st.integers(0, 100),
    )


def test_the_default_waits() -> None:
    waits = [backoff_delay(RestartPolicy(), spent, 0, refused=None) for spent in range(8)]
    assert waits == [0.5, 1, 2, 4, 8, 10, 10, 10]


def test_a_refusing_ingest_is_asked_less_often() -> None:
    waits = [backoff_delay(RestartPolicy(), spent, 0, refused=Refusal.BUSY) for spent in range(5)]
    assert waits == [10, 20, 40, 60, 60]


def test_an_owner_may_ask_a_refusing_ingest_even_less_often() -> None:
    slow = RestartPolicy(initial_delay=90, max_delay=600)
    waits = [backoff_delay(slow, spent, 0, refused=Refusal.BUSY) for spent in (0, 5)]
    assert waits == [90, 600]


def test_a_source_that_does_not_want_us_is_asked_less_and_less_often_and_a_busy_one_once_a_minute() -> None:
    denied = [backoff_delay(RestartPolicy(), asked, 0, refused=Refusal.DENIED) for asked in range(7)]
    assert denied == [10, 20, 40, 80, 160, 300, 300]
    busy = [backoff_delay(RestartPolicy(), asked, 0, refused=Refusal.BUSY) for asked in range(5)]
    assert busy == [10, 20, 40, 60, 60]
    soon = [backoff_delay(RestartPolicy(), asked, 0, refused=Refusal.NOT_THERE) for asked in range(7)]
    assert soon == [0.5, 1, 2, 4, 8, 10, 10], "a relay has no lock-out, and its publisher is back in a moment"


@pytest.mark.parametrize("refused", [Refusal.DENIED, Refusal.BUSY])
def test_nothing_that_an_owner_sets_hurries_what_was_refused(refused: Refusal) -> None:
    eager = RestartPolicy(initial_delay=0, factor=1, max_delay=0, jitter=1, cooldown=1)
    assert [backoff_delay(eager, asked, 1, refused=refused) for asked in range(3)] == [8, 16, 32]
    assert slow_delay(eager, 300, refused) == 300


def test_what_is_spent_waits_for_the_cooldown_but_for_a_relay_without_its_publisher() -> None:
    assert slow_delay(RestartPolicy(), 60, Refusal.BUSY) == 300
    assert slow_delay(RestartPolicy(), 0.5, None) == 300
    assert slow_delay(RestartPolicy(), 0.5, Refusal.NOT_THERE) == 10
    assert slow_delay(RestartPolicy(max_delay=30), 0.5, Refusal.NOT_THERE) == 30
    assert slow_delay(RestartPolicy(cooldown=3), 0.5, Refusal.NOT_THERE) == 3


@given(restarts(), st.integers(0, 10**9), st.floats(0, 1))
def test_a_wait_is_within_its_bounds(restart: RestartPolicy, spent: int, random: float) -> None:
    delay = backoff_delay(restart, spent, random, refused=None)
    assert restart.initial_delay * (1 - restart.jitter) - 1e-9 <= delay <= restart.max_delay


@given(restarts(), st.integers(0, 1000), st.sampled_from([None, *Refusal]))
def test_waits_never_get_shorter(restart: RestartPolicy, spent: int, refused: Refusal | None) -> None:
    delay, next_one = (backoff_delay(restart, count, 0, refused=refused) for count in (spent, spent + 1))
    assert delay <= next_one


@given(restarts(), st.integers(0, 200), st.sampled_from(ExitCause))
def test_the_budget(restart: RestartPolicy, spent: int, cause: ExitCause) -> None:
    assert budget_allows(restart, spent, cause) == (spent < restart.attempts and cause not in HOPELESS)


@pytest.mark.parametrize("cause", sorted(HOPELESS))
def test_what_cannot_help_is_not_tried(cause: ExitCause) -> None:
    assert not budget_allows(RestartPolicy(), 0, cause)


@pytest.mark.parametrize(("worked", "ghost"), [(None, False), (0.0, True), (60.0, True), (60.1, False)])
def test_a_key_that_was_accepted_a_minute_ago_is_not_wrong(worked: float | None, ghost: bool) -> None:  # noqa: FBT001
    assert is_ghost(None if worked is None else 1000.0, 1000.0 + (worked or 0.0)) is ghost


@pytest.mark.parametrize(("limit", "least"), [(10.0, 8.5), (30.0, 28.5), (3.0, 1.5), (2.0, 1.0), (0.5, 0.25)])
def test_who_is_silent_is_held_to_account_for_what_it_was_given(limit: float, least: float) -> None:
    assert fed_enough(least, limit)
    assert not fed_enough(least - 0.01, limit)


@pytest.mark.parametrize(
    ("silent", "fed", "usual", "nothing"),
    [
        (90.0, 0.4, 0.0, True),  # its source was away, and has just come back
        (3.1, 0.0, 0.0, True),
        (2.9, 0.0, 0.0, False),  # an encoder was replaced
        (90.0, 8.0, 0.0, False),  # media was there, and did not leave
        (9.0, 0.0, 9.5, False),  # the pauses of a source that comes in pieces
        (90.0, None, 0.0, False),  # an encoder reads for itself
    ],
)
def test_who_had_nothing_to_send(silent: float, fed: float | None, usual: float, nothing: bool) -> None:  # noqa: FBT001 - a row of the table
    assert had_nothing(silent, fed, usual) is nothing
