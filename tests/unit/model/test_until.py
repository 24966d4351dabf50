"""Until when, as people write it; local time in both summer-time nights."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from supervisor.model.until import Ends, parse_moment, parse_until
from supervisor.model.zones import instant, latest_local, parse_zone

BERLIN = ZoneInfo("Europe/Berlin")


def local(text: str) -> datetime:
    return datetime.fromisoformat(text)


def seconds(text: str) -> float:
    """Of a time with its distance from UTC."""
    return datetime.fromisoformat(text).timestamp()


NOW = seconds("2026-06-01 12:00+02:00")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("22:00", "2026-06-01 22:00+02:00"),
        ("9:30", "2026-06-02 09:30+02:00"),
        ("12:00", "2026-06-02 12:00+02:00"),  # now has passed
        ("2026-12-24T22:00", "2026-12-24 22:00+01:00"),
        ("2026-12-24 22:00:30", "2026-12-24 22:00:30+01:00"),
        ("2026-12-24T22:00Z", "2026-12-24 22:00+00:00"),
        ("2026-12-24T22:00+05:30", "2026-12-24 22:00+05:30"),
        (" 2h ", "2026-06-01 14:00+02:00"),
        ("90m", "2026-06-01 13:30+02:00"),
        ("1.5h", "2026-06-01 13:30+02:00"),
    ],
)
def test_a_time_or_a_duration_is_a_moment(text: str, expected: str) -> None:
    assert parse_until(text).moment(NOW, BERLIN) == parse_moment(text).moment(NOW, BERLIN) == seconds(expected)


def test_without_a_zone_it_is_the_machine_s() -> None:
    here = datetime.fromtimestamp(NOW).astimezone()
    expected = here.replace(hour=23, minute=59, second=0, microsecond=0)
    found = parse_moment("23:59").moment(NOW, None)
    assert found in {expected.timestamp(), (expected + timedelta(days=1)).timestamp()}


def test_a_word_is_its_kind_of_end() -> None:
    assert [parse_until(word).ends for word in ("next", "Forever", "22:00", "2h")] == [
        Ends.NEXT,
        Ends.NEVER,
        Ends.AT,
        Ends.AFTER,
    ]


@pytest.mark.parametrize("text", ["", "22", "0s", "-1h", "24:00", "7:5", "2026-13-01T00:00", "2026-02-30 10:00",
                                  "1970-01-01T00:00", "9999-12-31T23:59", "tomorrow", "2 hours", "1" * 5000 + "h",
                                  "400d", "\u0662h"])  # fmt: skip
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^expected a time such as 22:00 .*, or next or forever$"):
        parse_until(text)
    with pytest.raises(ValueError, match=r"^expected a time such as 22:00 "):
        parse_moment(text)


@pytest.mark.parametrize("word", ["next", "forever"])
def test_where_a_moment_is_meant_a_word_is_none(word: str) -> None:
    with pytest.raises(ValueError, match=r"^expected a time such as"):
        parse_moment(word)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-29 01:59", "2026-03-29 01:59+01:00"),
        ("2026-03-29 02:00", "2026-03-29 03:00+02:00"),
        ("2026-03-29 02:30", "2026-03-29 03:00+02:00"),  # does not exist: when the clock is set
        ("2026-03-29 02:59", "2026-03-29 03:00+02:00"),
        ("2026-03-29 03:00", "2026-03-29 03:00+02:00"),
        ("2026-10-25 02:30", "2026-10-25 02:30+02:00"),  # exists twice: the first one
        ("2026-10-25 03:00", "2026-10-25 03:00+01:00"),
    ],
)
def test_a_local_time_is_one_moment_in_both_nights(text: str, expected: str) -> None:
    assert instant(local(text), BERLIN) == seconds(expected)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-10-25 02:59:59+02:00", "2026-10-25 02:59"),
        ("2026-10-25 02:00+01:00", "2026-10-25 02:59"),  # again: all of that hour has come already
        ("2026-10-25 02:59+01:00", "2026-10-25 02:59"),
        ("2026-10-25 03:00+01:00", "2026-10-25 03:00"),
        ("2026-03-29 01:59:59+01:00", "2026-03-29 01:59"),
        ("2026-03-29 03:00+02:00", "2026-03-29 03:00"),
    ],
)
def test_what_has_come_never_comes_again(at: str, expected: str) -> None:
    assert latest_local(seconds(at), BERLIN) == local(expected)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "America/St_Johns", "UTC"])
def test_of_two_local_times_the_later_one_never_comes_first(zone: str) -> None:
    """Lord Howe's clock is set by half an hour; Samoa left a whole day out."""
    moment, end = local("2011-12-28 00:00"), local("2012-01-02 00:00")
    found = []
    while moment < end:
        found.append(instant(moment, ZoneInfo(zone)))
        moment += timedelta(minutes=17)
    assert found == sorted(found)


@pytest.mark.parametrize("wrong", [5, None, "", "Europe/Berlim", "../etc/passwd", "/etc/localtime", "Europe", "CET \0"])
def test_what_is_no_zone_is_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match=r"^expected the name of a time zone, such as Europe/Berlin or UTC$"):
        parse_zone(wrong)
    assert parse_zone("Europe/Berlin") == "Europe/Berlin"
