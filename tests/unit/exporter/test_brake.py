"""How long tokens wait, by numbers."""

from __future__ import annotations

import pytest

from exporter.api.brake import LONGEST_WAIT, MOST_ADDRESSES, MOST_WAITING, OTHERS, TOLD_AGAIN, Brake, Brakes, whose


def braked(wrong: int, now: float = 100.0) -> Brake:
    brake = Brake()
    for _ in range(wrong):
        brake.refused(now)
    return brake


def test_a_few_slips_of_the_hand_cost_nothing() -> None:
    assert braked(5).wait(100.0) == 0.0


@pytest.mark.parametrize(("wrong", "seconds"), [(6, 0.1), (7, 0.2), (8, 0.4), (9, 0.8), (10, 1.0), (1_000_000, 1.0)])
def test_wrong_tokens_wait_longer_and_longer_up_to_a_bound(wrong: int, seconds: float) -> None:
    assert braked(wrong).wait(100.0) == pytest.approx(seconds)


def test_many_at_once_stand_in_one_line_and_none_waits_for_long() -> None:
    brake = braked(1000)
    waits = []
    for _ in range(MOST_WAITING):
        waits.append(brake.wait(100.0))
        brake.waiting += 1
    assert waits[:4] == [1.0, 2.0, 3.0, LONGEST_WAIT]
    assert set(waits[4:]) == {LONGEST_WAIT}
    assert brake.wait(100.0) is None
    # So many guesses a second at most: 100,000,000 of them take two months, not a day.
    assert MOST_WAITING / LONGEST_WAIT < 25


def test_who_guesses_one_by_one_gets_one_guess_a_second() -> None:
    brake = braked(100, now=0.0)
    now, guesses = 0.0, 0
    while now < 60.0:
        wait = brake.wait(now)
        assert wait is not None
        now += wait
        brake.refused(now)
        guesses += 1
    assert guesses == 60


def test_it_is_forgotten_after_a_quiet_minute() -> None:
    brake = braked(100)
    assert brake.wait(159.9) == 1.0
    assert brake.wait(160.0) == 0.0
    brake.refused(160.0)
    assert brake.wait(160.0) == 0.0


# --- addresses -------------------------------------------------------------------------------------


def tried(brakes: Brakes, address: str, times: int, now: float = 100.0) -> Brakes:
    for _ in range(times):
        brakes.refused(address, now)
    return brakes


def test_each_address_waits_for_its_own_wrong_tokens() -> None:
    brakes = tried(Brakes(), "203.0.113.7", 100)
    assert brakes.of("203.0.113.7").wait(100.0) == 1.0
    assert brakes.of("203.0.113.8").wait(100.0) == 0.0


@pytest.mark.parametrize(
    ("address", "known"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::1"),
        ("unknown", "unknown"),
    ],
)
def test_one_machine_is_one_address(address: str, known: str) -> None:
    assert whose(address) == known


def test_an_address_is_told_once_an_hour_with_the_number() -> None:
    brakes = Brakes()
    assert brakes.refused("203.0.113.7", 0.0) == ("203.0.113.7", 1)
    assert {brakes.refused("203.0.113.7", second)[1] for second in range(1, 3600)} == {0}
    assert brakes.refused("203.0.113.7", TOLD_AGAIN) == ("203.0.113.7", 3600)
    assert brakes.refused("203.0.113.8", 1.0) == ("203.0.113.8", 1)


def test_ten_thousand_addresses_take_bounded_memory_and_guess_no_faster() -> None:
    brakes = Brakes()
    told = [brakes.refused(f"10.{n // 65536}.{n // 256 % 256}.{n % 256}", 100.0) for n in range(10_000)]
    assert len(brakes) == MOST_ADDRESSES
    assert sum(1 for _, times in told if times) == MOST_ADDRESSES + 1
    assert told[-1][0] == OTHERS
    assert brakes.of("198.51.100.1").wait(100.0) == 1.0, "one queue for all that have no place"
    assert brakes.of("10.0.0.0").wait(100.0) == 0.0, "and a place keeps its own"
    brakes.refused("198.51.100.1", 100.0 + TOLD_AGAIN)
    assert len(brakes) == 1, "after a quiet hour the places are free again"
