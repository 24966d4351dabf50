"""How long tokens wait, by numbers."""

from __future__ import annotations

import pytest

from exporter.api.brake import LONGEST_WAIT, MOST_WAITING, Brake


def braked(wrong: int, now: float = 100.0) -> Brake:
    brake = Brake()
    for _ in range(wrong):
        brake.refused(now)
    return brake


def test_a_few_slips_of_the_hand_cost_nothing() -> None:
    assert braked(5).wait(100.0, 0) == 0.0


@pytest.mark.parametrize(("wrong", "seconds"), [(6, 0.1), (7, 0.2), (8, 0.4), (9, 0.8), (10, 1.0), (1_000_000, 1.0)])
def test_wrong_tokens_wait_longer_and_longer_up_to_a_bound(wrong: int, seconds: float) -> None:
    assert braked(wrong).wait(100.0, 0) == pytest.approx(seconds)


def test_many_at_once_stand_in_one_line_and_none_waits_for_long() -> None:
    brake = braked(1000)
    waits = [brake.wait(100.0, waiting) for waiting in range(MOST_WAITING)]
    assert waits[:4] == [1.0, 2.0, 3.0, LONGEST_WAIT]
    assert set(waits[4:]) == {LONGEST_WAIT}
    assert brake.wait(100.0, MOST_WAITING) is None
    # So many guesses a second at most: 100,000,000 of them take two months, not a day.
    assert MOST_WAITING / LONGEST_WAIT < 25


def test_who_guesses_one_by_one_gets_one_guess_a_second() -> None:
    brake = braked(100, now=0.0)
    now, guesses = 0.0, 0
    while now < 60.0:
        wait = brake.wait(now, 0)
        assert wait is not None
        now += wait
        brake.refused(now)
        guesses += 1
    assert guesses == 60


def test_it_is_forgotten_after_a_quiet_minute() -> None:
    brake = braked(100)
    assert brake.wait(159.9, 0) == 1.0
    assert brake.wait(160.0, 0) == 0.0
    brake.refused(160.0)
    assert brake.wait(160.0, 0) == 0.0
