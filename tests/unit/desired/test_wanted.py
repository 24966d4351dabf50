"""Who has the last word on a stream: enabled < schedule < operator, and each word only while it holds."""

from __future__ import annotations

import pytest

from supervisor.desired.schedule import Schedule
from supervisor.desired.wanted import Kept, Order, Orders, wanted
from supervisor.model.snapshot import Refused, Wanted
from supervisor.model.until import parse_until

ON, OFF = True, False


@pytest.mark.parametrize(
    ("enabled", "schedule", "operator", "expected"),
    [
        (ON, None, None, (ON, "enabled")),
        (OFF, None, None, (OFF, "enabled")),
        (ON, OFF, None, (OFF, "schedule")),
        (OFF, ON, None, (ON, "schedule")),
        (ON, ON, OFF, (OFF, "operator")),
        (OFF, OFF, ON, (ON, "operator")),
        (ON, None, OFF, (OFF, "operator")),
        (OFF, None, ON, (ON, "operator")),
        (ON, OFF, ON, (ON, "operator")),
        (OFF, ON, OFF, (OFF, "operator")),
    ],
)
def test_the_highest_word_counts(
    *, enabled: bool, schedule: bool | None, operator: bool | None, expected: tuple[bool, str]
) -> None:
    second = None if schedule is None else Order(schedule, "why 2", 2.0)
    third = None if operator is None else Order(operator, "why 3", 3.0)
    found = wanted(Order(enabled, "why 1", 1.0), second, third, at=10.0)
    assert (found.wanted, found.by) == expected
    rank = {"enabled": 1, "schedule": 2, "operator": 3}[found.by]
    assert (found.why, found.since, found.until) == (f"why {rank}", rank, None), "whose word it is, is told with it"


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (100.0, Wanted(OFF, "schedule", "night", 100.0, 200.0)),
        (150.0, Wanted(ON, "operator", "operator", 150.0, 160.0)),
        (159.9, Wanted(ON, "operator", "operator", 150.0, 160.0)),
        (160.0, Wanted(OFF, "schedule", "night", 100.0, 200.0)),  # the word below it counts again
        (200.0, Wanted(ON, "enabled", "start", 0.0, None)),
    ],
)
def test_a_word_counts_until_its_end(at: float, expected: Wanted) -> None:
    night = Order(OFF, "night", 100.0, 200.0)
    order = Order(ON, "operator", 150.0, 160.0) if at >= 150 else None
    assert wanted(Order(ON, "start", 0.0), night, order, at) == expected


def test_a_clock_that_is_set_back_does_not_unsay_an_order() -> None:
    stop = Order(OFF, "operator", 100.0, 200.0)
    assert wanted(Order(ON, "start", 0.0), None, stop, at=50.0) == Wanted(OFF, "operator", "operator", 100.0, 200.0)


def orders(*, enabled: bool) -> Orders:
    known = Orders()
    known.enable("cam", enabled=enabled, why="start", at=1.0)
    return known


def test_an_operators_stop_holds_however_often_the_same_is_configured() -> None:
    known = orders(enabled=True)
    known.operate("cam", Order(OFF, "operator", 5.0))
    known.enable("cam", enabled=True, why="config", at=6.0)
    assert known.wanted("cam", 1e9) == Wanted(OFF, "operator", "operator", 5.0, None)


@pytest.mark.parametrize("enabled", [ON, OFF])
def test_a_change_of_enabled_is_a_newer_word_than_the_operators(*, enabled: bool) -> None:
    known = orders(enabled=not enabled)
    known.operate("cam", Order(not enabled, "operator", 5.0))
    known.enable("cam", enabled=enabled, why="config", at=6.0)
    assert known.wanted("cam", 6.0) == Wanted(enabled, "enabled", "config", 6.0, None)


def test_the_last_of_an_operators_words_counts() -> None:
    known = orders(enabled=True)
    known.operate("cam", Order(OFF, "operator", 5.0))
    known.operate("cam", Order(ON, "operator", 6.0))
    assert known.wanted("cam", 6.0).wanted


def test_what_is_not_configured_shall_not_run_and_comes_back_as_if_it_were_new() -> None:
    known = orders(enabled=True)
    known.operate("cam", Order(OFF, "operator", 5.0))
    known.keep_only(())
    assert known.wanted("cam", 6.0) == Wanted(OFF, "enabled", "config", 6.0, None)
    known.enable("cam", enabled=True, why="config", at=7.0)
    assert known.wanted("cam", 7.0) == Wanted(ON, "enabled", "config", 7.0, None)


def test_what_has_lapsed_is_named_once() -> None:
    known = orders(enabled=True)
    known.enable("other", enabled=True, why="start", at=1.0)
    known.operate("cam", Order(OFF, "operator", 5.0, until=10.0))
    known.operate("other", Order(OFF, "operator", 5.0))
    assert known.lapsed(9.9) == ([], [])
    assert known.lapsed(10.0) == (["cam"], [])
    assert known.lapsed(11.0) == ([], [])
    assert (known.wanted("cam", 11.0).wanted, known.wanted("other", 11.0).wanted) == (ON, OFF)


def test_at_the_end_nothing_shall_run_whatever_else_is_said() -> None:
    known = orders(enabled=True)
    known.end(5.0)
    known.operate("cam", Order(ON, "operator", 6.0))
    known.enable("late", enabled=True, why="config", at=6.0)
    assert known.ending
    for name in ("cam", "late", "unknown"):
        assert known.wanted(name, 7.0)[:3] == (OFF, "operator", "shutdown")


# --- hours on air ----------------------------------------------------------------------------------

HOURS = Schedule(("0 6 * * *",), ("0 22 * * *",), "UTC")
OTHER_HOURS = Schedule(("0 8 * * *",), ("0 20 * * *",), "UTC")
DAY = 86400.0


def hour(number: float, day: int = 20_000) -> float:
    return day * DAY + number * 3600


def scheduled(at: float, *, enabled: bool = True) -> Orders:
    known = Orders()
    known.enable("cam", enabled=enabled, why="start", at=at)
    known.schedule("cam", HOURS, at)
    known.lapsed(at)
    return known


def test_the_schedule_switches_and_says_since_and_until_when() -> None:
    known = scheduled(hour(12))
    assert known.wanted("cam", hour(12)) == Wanted(ON, "schedule", "schedule", hour(6), hour(22))
    assert known.lapsed(hour(21.9)) == ([], [])
    assert known.lapsed(hour(22)) == ([], ["cam"])
    assert known.lapsed(hour(22.1)) == ([], [])
    assert known.wanted("cam", hour(22.1)) == Wanted(OFF, "schedule", "schedule", hour(22), hour(30))


def test_whoever_looks_between_does_not_hide_a_switch() -> None:
    known = scheduled(hour(12))
    assert not known.wanted("cam", hour(22)).wanted
    assert known.lapsed(hour(22)) == ([], ["cam"])


def test_who_is_switched_off_in_the_configuration_has_no_hours() -> None:
    known = scheduled(hour(12), enabled=False)
    assert known.wanted("cam", hour(12))[:2] == (OFF, "enabled")


@pytest.mark.parametrize("to", [hour(23), hour(5), hour(23, 19_000), hour(3, 21_000)])
def test_a_clock_that_is_set_elsewhere_is_seen_at_the_next_look(to: float) -> None:
    known = scheduled(hour(12))
    assert known.lapsed(to) == ([], ["cam"])
    assert not known.wanted("cam", to).wanted
    assert known.lapsed(hour(12)) == ([], ["cam"])
    assert known.wanted("cam", hour(12)).wanted


def order(known: Orders, at: float, text: str | None, *, wanted: bool = OFF) -> Order:
    given = known.ordered("cam", parse_until(text) if text else None, at, wanted=wanted, why="operator")
    known.operate("cam", given)
    return given


@pytest.mark.parametrize(
    ("text", "until"),
    [
        (None, hour(22)),
        ("next", hour(22)),
        ("forever", None),
        ("14:30", hour(14.5)),
        ("11:00", hour(35)),
        ("2h", hour(14)),
    ],
)
def test_an_order_holds_until_then(text: str | None, until: float | None) -> None:
    known = scheduled(hour(12))
    order(known, hour(12), text)
    assert known.wanted("cam", hour(12)) == Wanted(OFF, "operator", "operator", hour(12), until)
    if until is None:
        assert known.lapsed(hour(12, 25_000)) == ([], ["cam"])
        assert not known.wanted("cam", hour(12, 25_000)).wanted
    else:
        assert known.lapsed(until - 1)[0] == []
        assert known.lapsed(until)[0] == ["cam"]
        assert known.wanted("cam", until).by == "schedule"


def test_without_a_schedule_an_order_holds_for_ever_and_knows_no_next_switch() -> None:
    known = orders(enabled=True)
    assert order(known, 5.0, None).until is None
    with pytest.raises(Refused, match="no schedule"):
        order(known, 5.0, "next")


def test_a_time_of_day_is_the_schedule_s() -> None:
    known = scheduled(hour(12))
    known.schedule("cam", HOURS._replace(timezone="Asia/Tokyo"), hour(12))
    assert order(known, hour(12), "22:00").until == hour(13)


def test_an_end_that_has_passed_is_refused() -> None:
    with pytest.raises(Refused, match="still to come"):
        order(scheduled(hour(12)), hour(12), "2001-01-01T00:00")


def test_a_start_out_of_hours_lasts_until_the_next_switch() -> None:
    known = scheduled(hour(23))
    assert order(known, hour(23), None, wanted=ON).until == hour(30)
    assert known.lapsed(hour(30)) == (["cam"], ["cam"])
    assert known.wanted("cam", hour(30)) == Wanted(ON, "schedule", "schedule", hour(30), hour(46))


def test_another_schedule_has_another_next_switch() -> None:
    known = scheduled(hour(12))
    order(known, hour(12), "next")
    known.schedule("cam", OTHER_HOURS, hour(13))
    assert known.wanted("cam", hour(13)) == Wanted(OFF, "operator", "operator", hour(12), hour(20))
    known.schedule("cam", None, hour(13))
    assert known.wanted("cam", hour(13)).until == hour(20), "without any, what was said holds"
    assert known.lapsed(hour(20)) == (["cam"], [])


def test_a_clock_that_is_set_makes_two_hours_no_longer_and_leaves_times_of_day() -> None:
    for text, until in (("2h", hour(9)), ("14:00", hour(14)), ("next", hour(22))):
        known = scheduled(hour(12))
        order(known, hour(12), text)
        known.clock_was_set(-5 * 3600.0)
        assert known.wanted("cam", hour(7)).until == until
        assert not known.wanted("cam", hour(7)).wanted


def test_what_an_operator_said_is_remembered_unless_the_configuration_has_changed_its_mind() -> None:
    known = scheduled(hour(12))
    given = order(known, hour(12), "forever")
    kept = known.kept()
    assert kept == {"cam": Kept(given, enabled=True)}
    for enabled, expected in ((True, "operator"), (False, "enabled")):
        again = Orders()
        again.restore(kept)
        again.enable("cam", enabled=enabled, why="start", at=hour(13))
        again.schedule("cam", HOURS, hour(13))
        assert again.wanted("cam", hour(13))[:2] == (OFF, expected)
        again.keep_only(())
        assert again.kept() == {}


def test_an_order_until_the_next_switch_is_over_if_that_came_while_neverdark_was_away() -> None:
    known = scheduled(hour(12))
    order(known, hour(12), "next")
    for back, expected in ((hour(21), "operator"), (hour(23), "schedule")):
        again = Orders()
        again.restore(known.kept())
        again.enable("cam", enabled=True, why="start", at=back)
        again.schedule("cam", HOURS, back)
        assert again.wanted("cam", back).by == expected


def test_a_thousand_streams_with_one_schedule_switch_together() -> None:
    known = Orders()
    for number in range(1000):
        known.enable(f"s{number}", enabled=True, why="start", at=hour(12))
        known.schedule(f"s{number}", HOURS, hour(12))
    known.lapsed(hour(12))
    assert known.lapsed(hour(22)) == ([], [f"s{number}" for number in range(1000)])
    assert len(known._windows) == 1
