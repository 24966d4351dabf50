"""Maintenance windows: when they are open, for whom, and what a clock that is set does to them."""

from __future__ import annotations

from datetime import datetime

import pytest

from supervisor.desired.maintenance import Planned, Windows
from supervisor.model.maintenance import Maintenance


def seconds(text: str) -> float:
    """Of a time with its distance from UTC."""
    return datetime.fromisoformat(text).timestamp()


NIGHTLY = Planned(("cam",), "new key", cron="0 3 * * *", duration=7200, timezone="Europe/Berlin")
ONCE = Planned(None, None, since=1000.0, until=2000.0)


def open_for(windows: Windows, stream: str) -> tuple[float, float] | None:
    found = windows.covering(stream)
    return found and (found.since, found.until)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-11-27 02:59:59+01:00", None),
        ("2026-11-27 03:00+01:00", ("2026-11-27 03:00+01:00", "2026-11-27 05:00+01:00")),
        ("2026-11-27 04:59:59+01:00", ("2026-11-27 03:00+01:00", "2026-11-27 05:00+01:00")),
        ("2026-11-27 05:00+01:00", None),
        # An hour has sixty minutes also in these nights.
        ("2026-03-29 04:30+02:00", ("2026-03-29 03:00+02:00", "2026-03-29 05:00+02:00")),
        ("2026-10-25 04:30+01:00", ("2026-10-25 03:00+01:00", "2026-10-25 05:00+01:00")),
    ],
)
def test_one_that_comes_again_is_open_for_its_duration(at: str, expected: tuple[str, str] | None) -> None:
    windows = Windows()
    windows.plan([NIGHTLY])
    windows.look(seconds(at))
    assert open_for(windows, "cam") == (expected and tuple(map(seconds, expected)))
    assert windows.covering("other") is None
    (listed,) = windows.all
    assert listed.until > seconds(at), "the one that is open, or else the next"
    assert (listed.id, listed.reason, listed.origin) == ("F1", "new key", "file")


def test_each_begins_and_ends_once() -> None:
    windows, told = Windows(), []
    windows.plan([ONCE, Planned(("cam",), None, since=1500.0, until=1600.0)])
    for at in range(900, 2100, 10):
        begun, over = windows.look(at)
        told += [(at, "begun", one.id) for one in begun] + [(at, "over", one.id) for one in over]
    assert told == [(1000, "begun", "F1"), (1500, "begun", "F2"), (1600, "over", "F2"), (2000, "over", "F1")]
    assert windows.all == ()


def test_of_several_the_one_that_ends_last_is_shown() -> None:
    windows = Windows()
    windows.plan([ONCE])
    longer = windows.give(["cam"], 1100.0, 3000.0, "lens", lasting=True)
    windows.look(1200.0)
    assert windows.covering("cam") == longer
    assert open_for(windows, "other") == (1000.0, 2000.0)
    windows.look(2500.0)
    assert windows.covering("cam") == longer
    assert windows.covering("other") is None


def test_one_that_is_ended_is_over_at_once_and_one_of_the_file_cannot_be() -> None:
    windows = Windows()
    windows.plan([ONCE])
    first, second = (windows.give(None, 1100.0, 3000.0, None, lasting=True) for _ in range(2))
    assert [first.id, second.id] == ["M1", "M2"]
    windows.look(1200.0)
    windows.end("M1")
    assert windows.look(1200.0).over == [first]
    with pytest.raises(LookupError):
        windows.end("F1")
    windows.end("M2")
    windows.look(1200.0)
    assert open_for(windows, "cam") == (1000.0, 2000.0)


def test_a_clock_that_is_set_makes_an_hour_no_longer_and_leaves_times_of_day() -> None:
    windows = Windows()
    windows.give(["an-hour"], 1000.0, 4600.0, None, lasting=True)
    windows.give(["until-five"], 1000.0, 4600.0, None, lasting=False)
    windows.look(1100.0)
    windows.clock_was_set(-500.0)
    windows.look(600.0)
    assert open_for(windows, "an-hour") == (500.0, 4100.0)
    assert open_for(windows, "until-five") == (1000.0, 4600.0), "it has begun, and that is not unsaid"
    assert windows.look(4100.0).over[0].streams == ("an-hour",)
    windows.plan([ONCE])
    windows.look(2500.0)
    assert [one.origin for one in windows.all] == ["operator"], "the file's is over by this clock"
    windows.look(1500.0)
    assert open_for(windows, "cam") == (1000.0, 2000.0), "and by that one it is not"


def test_what_is_kept_is_restored_and_new_ones_get_other_ids() -> None:
    windows, again = Windows(), Windows()
    windows.give(["cam"], 1000.0, 4600.0, "lens", lasting=True)
    windows.give(None, 1000.0, 1100.0, None, lasting=True)
    windows.look(1050.0)
    again.restore(windows.kept())
    again.look(1200.0)
    assert again.all == (Maintenance("M1", ("cam",), 1000.0, 4600.0, "lens", "operator", True),)
    assert again.give(None, 1200.0, 1300.0, None, lasting=True).id == "M2"


def test_another_configuration_ends_what_it_no_longer_has() -> None:
    windows = Windows()
    windows.plan([ONCE, NIGHTLY])
    windows.look(1500.0)
    windows.plan([NIGHTLY])
    assert [one.id for one in windows.look(1501.0).over] == ["F1"]
    assert windows.covering("cam") is None
