"""Time on air by the hour: nothing twice, nothing lost, whatever clock and configuration do."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from supervisor.model.availability import (
    HOUR,
    AirHour,
    Hours,
    StreamTime,
    add_up,
    availability_of,
    away,
    hour_of,
    total_of,
)

NOON = 1_760_000_400.0 // HOUR * HOUR


def sums(rows: Iterable[AirHour]) -> dict[tuple[str, float, str], float]:
    """What a table with these keys holds after all have been written."""
    return {row[:3]: row.seconds for row in rows}


def test_rows_are_the_sums_of_their_hour_and_may_be_written_twice() -> None:
    hours = Hours(NOON)
    written = [*hours.look(NOON + 60, {"a": {"on_air": 60.0, "uplink": 0.0}})]
    assert written == [AirHour("a", NOON, "on_air", 60.0)], "what has not grown is no row"
    written += hours.look(NOON + 120, {"a": {"on_air": 100.0, "uplink": 20.0}})
    written += hours.look(NOON + HOUR, {"a": {"on_air": 3580.0, "uplink": 20.0}})
    written += hours.look(NOON + HOUR + 60, {"a": {"on_air": 3640.0, "uplink": 20.0}})
    assert sums(written) == {
        ("a", NOON, "on_air"): 3580.0,
        ("a", NOON, "uplink"): 20.0,
        ("a", NOON + HOUR, "on_air"): 60.0,
    }


def test_a_stream_that_was_taken_away_and_comes_back_begins_anew() -> None:
    hours = Hours(NOON)
    written = [*hours.look(NOON + 60, {"a": {"on_air": 60.0}, "b": {"on_air": 60.0}})]
    written += hours.look(NOON + 120, {"b": {"on_air": 120.0}})
    written += hours.look(NOON + 180, {"a": {"on_air": 30.0}, "b": {"on_air": 5.0}})
    assert sums(written) == {("a", NOON, "on_air"): 90.0, ("b", NOON, "on_air"): 125.0}


def test_a_clock_that_is_set_back_adds_to_the_hour_that_comes_once_more() -> None:
    hours = Hours(NOON)
    written = [*hours.look(NOON + HOUR, {"a": {"on_air": 3600.0}})]
    written += hours.look(NOON + 1800, {"a": {"on_air": 3610.0}})  # set back by half an hour
    written += hours.look(NOON + 1860, {"a": {"on_air": 3670.0}})
    assert sums(written) == {("a", NOON, "on_air"): 3660.0, ("a", NOON + HOUR, "on_air"): 10.0}


def test_memory_does_not_grow_with_the_hours() -> None:
    hours = Hours(NOON)
    for number in range(1, 200):
        hours.look(NOON + number * HOUR, {"a": {"on_air": number * HOUR}})
    assert len(hours._of) <= 3


@pytest.mark.parametrize("offset", [0.0, 3600.0, 19_800.0, -12_600.0, 20_700.0])
def test_hours_begin_with_local_ones_also_where_they_are_half_an_hour_apart(offset: float) -> None:
    begun = hour_of(NOON + 1234.0, offset)
    assert (begun + offset) % HOUR == 0.0
    assert 0.0 <= NOON + 1234.0 - begun < HOUR


def test_what_is_unknown_counts_as_off_air_and_what_is_excused_not_at_all() -> None:
    (time,) = add_up(
        [
            *(("a", "on_air", 900.0), ("a", "uplink", 50.0), ("a", "neverdark", 50.0), ("a", "excused", 500.0)),
            *(("a", "not_wanted", 7000.0), ("a", "uplink", 0.0)),
        ]
    )
    assert time == StreamTime("a", 900.0, {"uplink": 50.0}, 50.0, 500.0, 7000.0)
    assert time.wanted == 1000.0
    assert availability_of(time) == 0.9
    assert availability_of(time, with_unknown=True) == 0.95
    assert availability_of(StreamTime("b", not_wanted=5.0)) is None
    total = total_of([time, StreamTime("b", 1000.0, {"uplink": 1.0, "source": 2.0})])
    assert (total.on_air, total.off_air, total.unknown) == (1900.0, {"uplink": 51.0, "source": 2.0}, 50.0)


def test_away_is_between_lives_within_the_time_that_is_asked_for() -> None:
    lives = [(100.0, 200.0), (250.0, 300.0), (300.0, 400.0), (350.0, 360.0), (1000.0, 1100.0)]
    assert away(lives, 0.0, 2000.0) == 50.0 + 600.0
    assert away(lives, 225.0, 500.0) == 25.0 + 100.0
    assert away([], 0.0, 10.0) == 0.0


def test_time_on_a_fallback_is_a_part_of_the_time_on_air() -> None:
    times = add_up([("cam", "on_air", 90.0), ("cam", "on_fallback", 30.0), ("cam", "source", 10.0)])
    assert (times[0].on_air, times[0].on_fallback, times[0].wanted) == (90.0, 30.0, 100.0)
    assert times[0].off_air == {"source": 10.0}
    total = total_of([*times, *times])
    assert (total.on_air, total.on_fallback) == (180.0, 60.0)
