"""Hours on air: what is wanted, since when, until when, in every night of the year."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from supervisor.desired.schedule import Schedule, Window, window

BERLIN = "Europe/Berlin"
DAY = Schedule(("0 6 * * *",), ("0 22 * * *",), BERLIN)


def seconds(text: str) -> float:
    """Of a time with its distance from UTC."""
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-11-27 12:00+01:00", (True, "2026-11-27 06:00+01:00", "2026-11-27 22:00+01:00")),
        ("2026-11-27 21:59:59+01:00", (True, "2026-11-27 06:00+01:00", "2026-11-27 22:00+01:00")),
        ("2026-11-27 22:00+01:00", (False, "2026-11-27 22:00+01:00", "2026-11-28 06:00+01:00")),
        ("2026-11-28 05:59:59.9+01:00", (False, "2026-11-27 22:00+01:00", "2026-11-28 06:00+01:00")),
        ("2026-11-28 06:00+01:00", (True, "2026-11-28 06:00+01:00", "2026-11-28 22:00+01:00")),
    ],
)
def test_it_is_wanted_from_on_to_off(at: str, expected: tuple[bool, str, str]) -> None:
    wanted, since, until = expected
    assert window(DAY, seconds(at)) == Window(wanted, seconds(since), seconds(until))


def switches(schedule: Schedule, begin: str, end: str) -> list[tuple[str, bool]]:
    """Every change that is seen by whoever looks four times an hour, in UTC; each look agrees with the one before."""
    at, last, found = seconds(begin), window(schedule, seconds(begin)), []
    while at < seconds(end):
        now = window(schedule, at)
        assert now.holds(at)
        if now.wanted is not last.wanted:
            assert at == last.until == now.since, "it was told when, and since when"
            found.append((f"{datetime.fromtimestamp(at, UTC):%d %H:%M}", now.wanted))
        last, at = now, at + 900
    return found


NIGHTS = {
    "spring": ("2026-03-28 12:00+01:00", "2026-03-30 12:00+02:00"),
    "autumn": ("2026-10-24 12:00+02:00", "2026-10-26 12:00+01:00"),
}


# The clock is set at 01:00 UTC, in spring from 02:00 to 03:00, in autumn from 03:00 to 02:00.
@pytest.mark.parametrize(
    ("on", "off", "night", "expected"),
    [
        ("30 2", "0 22", "spring", [("28 21:00", False), ("29 01:00", True), ("29 20:00", False), ("30 00:30", True)]),
        ("30 2", "0 22", "autumn", [("24 20:00", False), ("25 00:30", True), ("25 21:00", False), ("26 01:30", True)]),
        ("0 22", "30 2", "spring", [("28 21:00", True), ("29 01:00", False), ("29 20:00", True), ("30 00:30", False)]),
        ("0 22", "30 2", "autumn", [("24 20:00", True), ("25 00:30", False), ("25 21:00", True), ("26 01:30", False)]),
        # Hours that begin in the night, or lie in it whole, or are not there at all.
        ("30 2", "30 3", "spring", [("29 01:00", True), ("29 01:30", False), ("30 00:30", True), ("30 01:30", False)]),
        ("30 2", "30 3", "autumn", [("25 00:30", True), ("25 02:30", False), ("26 01:30", True), ("26 02:30", False)]),
        ("15 2", "45 2", "spring", [("30 00:15", True), ("30 00:45", False)]),
        ("15 2", "45 2", "autumn", [("25 00:15", True), ("25 00:45", False), ("26 01:15", True), ("26 01:45", False)]),
        ("45 2", "0 3", "spring", [("30 00:45", True), ("30 01:00", False)]),
        ("0 6", "0 22", "spring", [("28 21:00", False), ("29 04:00", True), ("29 20:00", False), ("30 04:00", True)]),
        ("0 6", "0 22", "autumn", [("24 20:00", False), ("25 05:00", True), ("25 21:00", False), ("26 05:00", True)]),
    ],
)
def test_in_both_summer_time_nights_each_switch_happens_once(
    on: str, off: str, night: str, expected: list[tuple[str, bool]]
) -> None:
    schedule = Schedule((f"{on} * * *",), (f"{off} * * *",), BERLIN)
    assert switches(schedule, *NIGHTS[night]) == expected


def test_off_counts_where_both_come_together() -> None:
    """On every day at six, but not on Sundays."""
    weekdays = Schedule(("0 6 * * *",), ("0 6 * * 0", "0 22 * * *"), "UTC")
    saturday, sunday = seconds("2026-11-28 12:00Z"), seconds("2026-11-29 12:00Z")
    assert window(weekdays, saturday).wanted
    assert window(weekdays, sunday) == Window(False, seconds("2026-11-28 22:00Z"), seconds("2026-11-30 06:00Z"))


def test_several_times_a_day_and_other_hours_at_the_weekend() -> None:
    twice = Schedule(("0 6,18 * * 1-5", "0 10 * * 6,0"), ("0 9,22 * * *",), "UTC")
    monday = [window(twice, seconds(f"2026-11-30 {hour:02}:30Z")).wanted for hour in (5, 6, 8, 9, 12, 18, 21, 22)]
    assert monday == [False, True, True, False, False, True, True, False]
    sunday = [window(twice, seconds(f"2026-11-29 {hour:02}:30Z")).wanted for hour in (6, 9, 10, 18, 22)]
    assert sunday == [False, False, True, True, False]


def test_a_second_switch_in_the_same_direction_changes_nothing() -> None:
    often = Schedule(("0 6-20 * * *",), ("0 22,23 * * *",), "UTC")
    assert window(often, seconds("2026-11-29 20:30Z")) == Window(
        True, seconds("2026-11-29 06:00Z"), seconds("2026-11-29 22:00Z")
    )
    assert window(often, seconds("2026-11-29 23:30Z")).since == seconds("2026-11-29 22:00Z")


def test_a_whole_year_has_as_many_evenings_as_days() -> None:
    at, evenings = seconds("2026-01-01 00:00+01:00"), 0
    while at < seconds("2027-01-01 00:00+01:00"):
        now = window(DAY, at)
        assert now.until is not None
        evenings += not now.wanted and window(DAY, now.until - 1) == now
        at = now.until
    assert evenings == 366, "and the night before the first day"


def test_whatever_the_clock_shows_something_is_wanted_or_not() -> None:
    """A machine without a battery begins in 1970; a typing error leads far ahead."""
    yearly = Schedule(("0 6 29 2 *",), ("0 6 1 3 *",), BERLIN)
    for at in (0.0, 86400.0, 4e9, 7.2e9):
        for schedule in (DAY, yearly):
            assert window(schedule, at).holds(at)
    assert window(yearly, seconds("2028-02-29 12:00Z")).wanted
