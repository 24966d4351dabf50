"""Which of the time in which no neverdark was there counts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from supervisor.desired.absence import Span, length, wanted_within, without
from supervisor.desired.maintenance import Planned, Windows
from supervisor.desired.schedule import Schedule, Window
from supervisor.desired.wanted import Kept, Order, Orders

HOUR = 3600.0
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC).timestamp()
DAYTIME = Schedule(("0 6 * * *",), ("0 22 * * *",), "UTC")


def orders(schedule: Schedule | None = None, operator: Order | None = None, *, enabled: bool = True) -> Orders:
    made = Orders()
    if operator:
        made.restore({"cam": Kept(operator, enabled)})
    made.enable("cam", enabled=enabled, why="start", at=NOON)
    made.schedule("cam", schedule, NOON)
    return made


@pytest.mark.parametrize(
    ("known", "hours", "counted"),
    [
        (orders(), 30.0, 30.0),
        (orders(enabled=False), 30.0, 0.0),
        (orders(DAYTIME), 2.0, 2.0),
        (orders(DAYTIME), 30.0, 22.0),  # from 6 to 12, and from 6 to 22 on the day before
        (orders(operator=Order(wanted=False, why="operator", since=0.0)), 30.0, 0.0),
        (orders(operator=Order(wanted=False, why="operator", since=0.0, until=NOON - HOUR)), 30.0, 1.0),
        (orders(DAYTIME, Order(wanted=True, why="operator", since=0.0, until=NOON - 8 * HOUR)), 30.0, 28.0),
    ],
)
def test_what_was_wanted_is_known_from_what_is_said_now(known: Orders, hours: float, counted: float) -> None:
    looked_up: dict[Schedule, list[Window]] = {}
    for _ in range(2):  # the second time from what was looked up
        spans = wanted_within(known.looked_up("cam", looked_up), NOON - hours * HOUR, NOON)
        assert length(spans) / HOUR == pytest.approx(counted)


def test_a_long_absence_has_an_end_also_with_a_schedule_that_switches_all_the_time() -> None:
    often = Schedule(("*/2 * * * *",), ("1-59/2 * * * *",), "UTC")
    looked_up: dict[Schedule, list[Window]] = {}
    spans = wanted_within(orders(often).looked_up("cam", looked_up), NOON - 720 * HOUR, NOON)
    assert 0 < length(spans) < 720 * HOUR
    assert len(looked_up[often]) <= 500


@pytest.mark.parametrize(
    ("others", "left"),
    [
        ([], [(0.0, 10.0)]),
        ([(2.0, 4.0)], [(0.0, 2.0), (4.0, 10.0)]),
        ([(-5.0, 3.0), (2.0, 4.0)], [(4.0, 10.0)]),
        ([(8.0, 20.0)], [(0.0, 8.0)]),
        ([(-1.0, 11.0)], []),
        ([(10.0, 11.0)], [(0.0, 10.0)]),
    ],
)
def test_what_lies_in_others_is_left_out(others: list[Span], left: list[Span]) -> None:
    assert without([(0.0, 10.0)], others) == left


def test_maintenance_that_is_over_is_still_known_of_an_absence() -> None:
    windows = Windows()
    given = windows.give(["cam"], NOON - 3 * HOUR, NOON - 2 * HOUR, "new lens", lasting=True)
    windows.restore([given])
    windows.plan([Planned(None, "every night", cron="0 3 * * *", duration=HOUR)])
    found = windows.within(NOON - 30 * HOUR, NOON)
    hours = [((one.since - NOON) / HOUR, (one.until - NOON) / HOUR) for one in found]
    assert sorted(hours) == [(-9.0, -8.0), (-3.0, -2.0)]
    assert [one.covers("other") for one in sorted(found, key=lambda one: one.since)] == [True, False]
    assert windows.within(NOON - HOUR, NOON) == []
