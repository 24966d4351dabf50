"""Wanted is on air plus off air, and darkness begins when media stopped and ends when it has flowed for a while."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.judge.airtime import AirTime
from supervisor.model.terms import Segment

WALL = 1_700_000_000.0


def dark(air: AirTime, first: float, last: float, *, planned: bool = False, stopped: float | None = None) -> None:
    """Every second of darkness noted, from `first` to `last`."""
    for second in range(int(last - first) + 1):
        media_stopped = WALL + (first if stopped is None else stopped)
        air.note_darkness(first + second, on_air=False, planned=planned, media_stopped=media_stopped)


def light(air: AirTime, first: float, last: float) -> None:
    for second in range(int(last - first) + 1):
        air.note_darkness(first + second, on_air=True, planned=False, media_stopped=WALL + first + second)


def test_it_begins_when_media_stopped_not_when_that_was_noticed() -> None:
    air = AirTime(0.0)
    dark(air, 13.0, 20.0, stopped=10.0)
    assert air.off_air_since == WALL + 10


def test_it_is_forgiven_after_thirty_seconds_of_media_and_not_before() -> None:
    air = AirTime(0.0)
    dark(air, 10.0, 20.0)
    light(air, 21.0, 50.0)
    assert air.off_air_since == WALL + 10
    light(air, 51.0, 51.0)
    assert air.off_air_since == 0.0


def test_a_stream_that_comes_and_goes_has_been_off_air_since_the_first_time() -> None:
    """105 s dark and 15 s on, again and again: to alert on the last change would never alert."""
    air = AirTime(0.0)
    for number in range(20):
        began = 100.0 + 120 * number
        dark(air, began, began + 104)
        light(air, began + 105, began + 119)
        assert air.off_air_since == WALL + 100
    light(air, 2500.0, 2530.0)
    assert air.off_air_since == 0.0


def test_a_planned_stop_is_no_darkness() -> None:
    air = AirTime(0.0)
    dark(air, 10.0, 20.0)
    air.nobody_wants_it()
    assert air.off_air_since == 0.0
    dark(air, 30.0, 35.0, planned=True)
    assert air.off_air_since == 0.0


def test_what_is_replaced_on_purpose_is_no_darkness_until_it_fails() -> None:
    air = AirTime(0.0)
    dark(air, 10.0, 20.0, planned=True)
    assert air.off_air_since == 0.0
    dark(air, 21.0, 25.0)
    assert air.off_air_since == WALL + 21
    dark(air, 26.0, 30.0, planned=True)
    assert air.off_air_since == WALL + 21, "a replacement comes too late for what has failed"


def test_seconds_are_booked_where_they_belong() -> None:
    air = AirTime(100.0)
    for now, on_air, segment in (
        (101.0, True, Segment.UNKNOWN),
        (103.0, False, Segment.ENCODER),
        (104.5, False, Segment.NETWORK),
        (106.0, True, Segment.UNKNOWN),
    ):
        air.account(now, wanted=True, on_air=on_air, segment=segment, excused=False)
    assert (air.wanted, air.on_air) == (6.0, 2.5)
    assert air.off_air == dict.fromkeys(Segment, 0.0) | {Segment.ENCODER: 2.0, Segment.NETWORK: 1.5}


def test_what_nobody_wants_is_not_booked_nor_made_up_for_later() -> None:
    air = AirTime(100.0)
    air.account(200.0, wanted=False, on_air=False, segment=Segment.UNKNOWN, excused=False)
    air.account(201.0, wanted=True, on_air=True, segment=Segment.UNKNOWN, excused=False)
    assert (air.wanted, air.on_air) == (1.0, 1.0)


def test_excused_darkness_was_not_wanted_and_light_counts() -> None:
    air = AirTime(100.0)
    air.account(101.0, wanted=True, on_air=False, segment=Segment.ENCODER, excused=True)
    assert (air.wanted, sum(air.off_air.values())) == (0.0, 0.0)
    air.account(102.0, wanted=True, on_air=True, segment=Segment.UNKNOWN, excused=True)
    assert (air.wanted, air.on_air) == (1.0, 1.0)


@pytest.mark.parametrize(("gap", "blamed"), [(5.0, Segment.PLATFORM), (5.1, Segment.NEVERDARK)])
def test_darkness_that_we_slept_through_is_our_own(gap: float, blamed: Segment) -> None:
    air = AirTime(100.0)
    air.account(100.0 + gap, wanted=True, on_air=False, segment=Segment.PLATFORM, excused=False)
    assert air.off_air[blamed] == pytest.approx(gap)


MOMENTS = st.tuples(
    st.floats(-5, 100),  # a clock that runs backwards is nobody's darkness
    st.booleans(),
    st.booleans(),
    st.sampled_from(Segment),
    st.booleans(),
    st.booleans(),
)


@given(st.lists(MOMENTS, max_size=60))
def test_whatever_happens_wanted_is_on_air_plus_off_air(
    history: list[tuple[float, bool, bool, Segment, bool, bool]],
) -> None:
    air, now, passed = AirTime(1000.0), 1000.0, 0.0
    before = [0.0, 0.0, *air.off_air.values()]
    for pause, wanted, on_air, segment, excused, planned in history:
        now += pause
        passed += max(0.0, pause)
        air.account(now, wanted=wanted, on_air=on_air, segment=segment, excused=excused)
        air.note_darkness(now, on_air=on_air, planned=planned, media_stopped=WALL + now)
        after = [air.wanted, air.on_air, *air.off_air.values()]
        assert all(new >= old for new, old in zip(after, before, strict=True))
        assert air.wanted == pytest.approx(air.on_air + sum(air.off_air.values()))
        assert air.wanted <= passed + 1e-6
        if not on_air and not planned:
            assert air.off_air_since > 0
        before = after


@pytest.mark.parametrize(("media", "proven"), [(12.0, 10.0), (10.0, 10.0), (4.0, 4.0), (0.0, 0.0), (-3.0, 0.0)])
def test_seconds_without_a_supervisor_are_on_air_as_far_as_media_proves_it(media: float, proven: float) -> None:
    air = AirTime(0.0)
    air.go_on(90.0, {Segment.SOURCE: 8.0, Segment.NEVERDARK: 2.0})
    air.nobody_was_there(5.0, 10.0, media)
    assert (air.wanted, air.on_air) == (110.0, 90.0 + proven)
    assert air.off_air[Segment.NEVERDARK] == pytest.approx(12.0 - proven)
    assert air.off_air[Segment.SOURCE] == 8.0
    assert air.wanted == pytest.approx(air.on_air + sum(air.off_air.values()))


def test_what_was_booked_is_of_this_life_alone_and_tells_also_what_is_not_wanted() -> None:
    air = AirTime(0.0)
    air.go_on(900.0, {Segment.UPLINK: 100.0})
    air.nobody_was_there(0.0, 10.0, 4.0)
    air.account(1.0, wanted=True, on_air=True, segment=Segment.UNKNOWN, excused=False)
    air.account(3.0, wanted=True, on_air=False, segment=Segment.UPLINK, excused=False)
    air.account(6.0, wanted=True, on_air=False, segment=Segment.UPLINK, excused=True)
    air.account(10.0, wanted=False, on_air=False, segment=Segment.UNKNOWN, excused=False)
    booked = {state: seconds for state, seconds in air.booked().items() if seconds}
    assert booked == {"on_air": 5.0, "neverdark": 6.0, "uplink": 2.0, "excused": 3.0, "not_wanted": 4.0}
    assert (air.wanted, air.on_air) == (1013.0, 905.0), "the sums themselves go on"


def test_time_on_a_fallback_is_a_part_of_the_time_on_air() -> None:
    air = AirTime(0.0)
    air.account(10.0, wanted=True, on_air=True, segment=Segment.SOURCE, excused=False, on_fallback=True)
    air.go_on_air(14.0, on_fallback=True)
    air.go_on_air(20.0)
    air.account(25.0, wanted=True, on_air=False, segment=Segment.SOURCE, excused=False, on_fallback=True)
    assert (air.wanted, air.on_air, air.on_fallback) == (25.0, 20.0, 14.0)
    assert air.booked()["on_fallback"] == 14.0
    air.nobody_was_there(40.0, 15.0, 10.0, on_fallback=True)
    assert (air.on_air, air.on_fallback) == (30.0, 24.0), "who fed went on feeding; what is unknown is no time on it"
