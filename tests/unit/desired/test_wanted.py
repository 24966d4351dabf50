"""Who has the last word on a stream: enabled < schedule < operator, and each word only while it holds."""

from __future__ import annotations

import pytest

from supervisor.desired.wanted import Order, Orders, Wanted, wanted

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
        (99.9, Wanted(ON, "enabled", "start", 0.0, None)),  # it is said for later
        (100.0, Wanted(OFF, "schedule", "night", 100.0, 200.0)),
        (149.9, Wanted(OFF, "schedule", "night", 100.0, 200.0)),
        (150.0, Wanted(ON, "operator", "operator", 150.0, 160.0)),
        (159.9, Wanted(ON, "operator", "operator", 150.0, 160.0)),
        (160.0, Wanted(OFF, "schedule", "night", 100.0, 200.0)),  # the word below it counts again
        (200.0, Wanted(ON, "enabled", "start", 0.0, None)),
    ],
)
def test_a_word_counts_from_its_beginning_to_its_end(at: float, expected: Wanted) -> None:
    night, order = Order(OFF, "night", 100.0, 200.0), Order(ON, "operator", 150.0, 160.0)
    assert wanted(Order(ON, "start", 0.0), night, order, at) == expected


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
    known.forget("cam")
    assert known.wanted("cam", 6.0) == Wanted(OFF, "enabled", "config", 6.0, None)
    known.enable("cam", enabled=True, why="config", at=7.0)
    assert known.wanted("cam", 7.0) == Wanted(ON, "enabled", "config", 7.0, None)


def test_what_has_lapsed_is_named_once() -> None:
    known = orders(enabled=True)
    known.enable("other", enabled=True, why="start", at=1.0)
    known.operate("cam", Order(OFF, "operator", 5.0, until=10.0))
    known.operate("other", Order(OFF, "operator", 5.0))
    assert known.lapsed(9.9) == []
    assert known.lapsed(10.0) == ["cam"]
    assert known.lapsed(11.0) == []
    assert (known.wanted("cam", 11.0).wanted, known.wanted("other", 11.0).wanted) == (ON, OFF)


def test_at_the_end_nothing_shall_run_whatever_else_is_said() -> None:
    known = orders(enabled=True)
    known.end(5.0)
    known.operate("cam", Order(ON, "operator", 6.0))
    known.enable("late", enabled=True, why="config", at=6.0)
    assert known.ending
    for name in ("cam", "late", "unknown"):
        assert known.wanted(name, 7.0)[:3] == (OFF, "operator", "shutdown")
