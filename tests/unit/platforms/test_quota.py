"""A day's units: Pacific days, who comes first, and how far polling is stretched. Numbers only."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.config.youtube import PlaceSection, QuotaSection
from supervisor.platforms.youtube.quota import (
    Day,
    Need,
    Use,
    begin_of_day,
    closed,
    daily_need,
    date_of,
    end_of_day,
    may,
    rotation_units,
    round_units,
    stretched,
    today,
)

QUOTA = QuotaSection()


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


NOON = at("2026-11-27T20:00")  # 12:00 at the Pacific, 12 h are left
DAY = Day("2026-11-27")


@pytest.mark.parametrize(
    ("now", "date", "hours"),
    [
        ("2026-11-27T07:59:59", "2026-11-26", 24),
        ("2026-11-27T08:00", "2026-11-27", 24),
        ("2026-07-01T06:59", "2026-06-30", 24),
        ("2026-07-01T07:00", "2026-07-01", 24),
        ("2026-03-08T12:00", "2026-03-08", 23),  # clocks are set forward
        ("2026-11-01T12:00", "2026-11-01", 25),  # and back
    ],
)
def test_a_day_begins_at_midnight_at_the_pacific(now: str, date: str, hours: int) -> None:
    assert date_of(at(now)) == date
    assert end_of_day(at(now)) - begin_of_day(at(now)) == hours * 3600
    assert date_of(end_of_day(at(now)) - 1) == date != date_of(end_of_day(at(now)))


def test_a_new_day_has_nothing_used() -> None:
    used = DAY._replace(used=9000)
    assert today(used, NOON) == used
    assert today(used, end_of_day(NOON)).used == 0


def test_who_comes_first() -> None:
    def allowed(used: int, kept: int = 0) -> list[bool]:
        return [
            may(QUOTA, DAY._replace(used=used), NOON, use, 50, kept) for use in (Use.POLL, Use.ROTATION, Use.REPAIR)
        ]

    assert allowed(0) == [True, True, True]
    assert allowed(8000, kept=856) == [True, True, True], "144 units are for a look every ten minutes until midnight"
    assert allowed(8806, kept=50) == [True, True, True]
    assert allowed(8807) == [True, False, True]
    assert allowed(8950) == [True, False, True]
    assert allowed(8951) == [False, False, True]
    assert allowed(9950) == [False, False, True]
    assert allowed(9951) == [False, False, False]


def test_the_servers_word_closes_the_day_until_midnight() -> None:
    shut = closed(DAY, NOON)
    assert shut.closed_until == end_of_day(NOON)
    assert not any(may(QUOTA, shut, NOON, use, 0) for use in Use)
    tomorrow = end_of_day(NOON)
    assert may(QUOTA, today(shut, tomorrow), tomorrow, Use.POLL, 1)


def test_a_clock_that_is_ahead_does_not_lose_a_whole_day() -> None:
    """Right after our midnight the server still counts yesterday."""
    early = begin_of_day(NOON) + 60
    shut = closed(Day(date_of(early)), early)
    assert shut.closed_until == early + 900
    assert may(QUOTA, shut, early + 901, Use.POLL, 1)


def test_polling_is_stretched_so_that_the_rest_of_the_day_suffices() -> None:
    assert stretched(QUOTA, DAY, NOON, 60, 2) == 60
    # 1,000 units for 12 h at 2 a round: 500 rounds.
    assert stretched(QUOTA, DAY._replace(used=8000), NOON, 60, 2) == pytest.approx(86.4)
    assert stretched(QUOTA, DAY._replace(used=8000), NOON, 60, 2, kept=800) == pytest.approx(432)
    for kept in (900, 20_000):  # however many rotations there should be: a look every ten minutes
        assert stretched(QUOTA, DAY._replace(used=8000), NOON, 60, 2, kept=kept) == pytest.approx(600)
    assert stretched(QUOTA, DAY._replace(used=9000), NOON, 60, 2) == 43_200
    assert stretched(QUOTA, closed(DAY, NOON), NOON, 60, 2) == 43_200


@given(
    used=st.integers(0, 12_000),
    kept=st.integers(0, 5_000),
    every=st.floats(1, 3600),
    units=st.integers(1, 40),
    hour=st.floats(0, 23.9),
)
def test_polling_as_told_never_uses_what_is_kept(used: int, kept: int, every: float, units: int, hour: float) -> None:
    now = begin_of_day(NOON) + hour * 3600
    day = DAY._replace(used=used)
    while now < end_of_day(NOON) - 1:
        wait = stretched(QUOTA, day, now, every, units, kept)
        assert wait >= every
        if not may(QUOTA, day, now, Use.POLL, units, kept):
            assert wait >= min(end_of_day(NOON) - now, every)
            break
        day = day._replace(used=day.used + units)
        looks = math.ceil((end_of_day(NOON) - (begin_of_day(NOON) + hour * 3600)) / 600) * 2
        assert day.used <= max(used + looks, 9000 - kept)
        now += max(wait, 300)  # as quick as it matters


def places(count: int, **more: object) -> list[PlaceSection]:
    written = {"account": "main", "stream_id": "s", "broadcast": {"title": "T"}, **more}
    return [PlaceSection.model_validate(written) for _ in range(count)]


def test_what_a_day_needs() -> None:
    assert daily_need(QUOTA, places(1)) == Need(2880, 0, 288)
    ten = daily_need(QUOTA, places(10))
    assert ten == Need(2880, 0, 288)
    assert ten.total < 6000
    # Ten rotations every 11 h at 200 units each.
    assert daily_need(QUOTA, places(10, rotate={"every": "11h"})) == Need(2880, 4364, 288)
    assert daily_need(QUOTA, places(60)).polling == 5760
    assert daily_need(QUOTA, [*places(1, poll="5m"), *places(1, poll="2m")]).polling == 1440
    assert daily_need(QUOTA, [PlaceSection(channel="UC1234567890123456789012")]) == Need(0, 0)
    assert daily_need(QuotaSection(read=5), places(1)).polling == 14_400


def test_what_single_things_cost() -> None:
    assert (round_units(QUOTA, 50), round_units(QUOTA, 51), rotation_units(QUOTA)) == (2, 4, 200)
