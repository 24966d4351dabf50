"""Cron expressions mean what a crontab means by them."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest

from supervisor.model.cron import MINUTE, last_time, next_time, next_without, parse_cron


def time(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M")  # noqa: DTZ007 - local, wherever that is


# 1 March 2026 is a Sunday.
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 6 * * *", "2026-03-01 06:00"),
        ("30 2 * * 0", "2026-03-01 02:30"),
        ("30 2 * * 7", "2026-03-01 02:30"),
        ("30 2 * * sun", "2026-03-01 02:30"),
        ("0 6 * * 1", "2026-03-02 06:00"),
        ("0 6 * * 1-5", "2026-03-02 06:00"),
        ("0 6 * * 6", "2026-03-07 06:00"),
        ("0 6 * * 6-7", "2026-03-01 06:00"),
        ("0 6 * * FRI-MON", "2026-03-01 06:00"),
        ("0 6 * * 2,4", "2026-03-03 06:00"),
        ("0 6 * * 1-5/2", "2026-03-02 06:00"),
        ("0 6 13 * *", "2026-03-13 06:00"),
        ("0 6 13 * 5", "2026-03-06 06:00"),  # the 13th, or a Friday: cron's way
        ("0 6 */2 * 1", "2026-03-09 06:00"),  # but a star is no date: odd days that are Mondays
        ("0 6 1 jan *", "2027-01-01 06:00"),
        ("*/20 22 * * *", "2026-03-01 22:00"),
        ("0 0 29 2 *", "2028-02-29 00:00"),
    ],
)
def test_the_next_time_is_cron_s(text: str, expected: str) -> None:
    assert next_time([parse_cron(text)], time("2026-03-01 00:00")) == time(expected)


def test_a_friday_and_a_thirteenth_both_count() -> None:
    found, at = [], time("2026-03-01 00:00")
    for _ in range(4):
        following = next_time(["0 6 13 * 5"], at)
        assert following is not None
        found.append(following)
        at = following + MINUTE
    assert [one.day for one in found] == [6, 13, 20, 27]
    assert next_time(["0 6 13 * 5"], time("2026-04-10 07:00")) == time("2026-04-13 06:00"), "a Monday"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (5, "expected minute, hour"),
        ("", "5 fields, not 0"),
        ("@daily", "5 fields, not 1"),
        ("0 6 * *", "5 fields, not 4"),
        ("0 6 * * * *", "5 fields, not 6"),
        ("60 6 * * *", "60"),
        ("0 24 * * *", "24"),
        ("0 6 0 * *", "0"),
        ("0 6 32 * *", "32"),
        ("0 6 * 13 *", "13"),
        ("0 6 * * 8", "'8' is no day of week"),
        ("-5 6 * * *", "'-5' is no minute"),
        ("5/15 * * * *", "'5/15' is no minute"),
        ("0,, 6 * * *", "'' is no minute"),
        ("0 22-6 * * *", "minimum"),
        ("*/0 6 * * *", "higher than 0"),
        ("0 6 last * *", "'last' is no day of month"),
        ("0 6 * * mon#1", "'mon#1' is no day of week"),
        ("\u0661 6 * * *", "is no minute"),
        ("0 6 30 2 *", "expected a time that comes"),
        ("0 6 31 4,6,9,11 *", "expected a time that comes"),
        ("0 " * 100_000, "expected minute, hour"),
    ],
)
def test_what_is_none_is_refused_with_what_was_expected(wrong: object, said: str) -> None:
    with pytest.raises(ValueError, match=r"^expected ") as caught:
        parse_cron(wrong)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "text", ["*/7 * * * *", "5 3 * * 1", "0 6 13 * 5", "59 23 31 * *", "0 0 29 2 *", "* * * * *", "0-5,30 4,8 * * *"]
)
def test_the_last_time_is_one_and_none_comes_after_it(text: str) -> None:
    chance = random.Random(text)  # noqa: S311 - the same times again
    for _ in range(30):
        at = time("2026-01-01 00:00") + timedelta(minutes=chance.randrange(600_000), seconds=chance.randrange(60))
        last = last_time([text], at)
        assert last is not None
        assert last <= at
        assert next_time([text], last) == last
        following = next_time([text], last + MINUTE)
        assert following is not None
        assert following > at


def test_of_several_expressions_any_counts() -> None:
    both = ["0 6 * * 1-5", "0 9 * * 0,6"]
    assert next_time(both, time("2026-03-06 12:00")) == time("2026-03-07 09:00")
    assert last_time(both, time("2026-03-07 08:00")) == time("2026-03-06 06:00")


def test_what_others_name_as_well_is_passed_over() -> None:
    assert next_without(["0 6 * * *"], ["0 6 * * 1-5"], time("2026-03-02 00:00")) == time("2026-03-07 06:00")
    assert next_without(["0 6 * * *"], ["0 6 * * 0-6"], time("2026-03-02 00:00")) is None
