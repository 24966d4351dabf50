"""What is sent over some minutes, from counts: rates, peaks, media that is faster than the clock or jumps."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from supervisor.judge.sent_meter import Counts, Pace, SentMeter

EVERY = 30.0
BYTES = 625_000  # a second: 5 Mbit/s
LOOKS = [EVERY * n for n in range(12)]


def metered(
    media: Callable[[float], float] = lambda at: at,
    size: Callable[[float], float] = lambda at: BYTES * at,
    times: Iterable[float] = LOOKS,
    interval: float = EVERY,
    usual: float = 0.0,
) -> Pace:
    meter = SentMeter()
    for at in times:
        meter.take("run", Counts(at, size(at), round(media(at) * 25), media(at)), interval)
    return meter.pace(usual)


def test_a_steady_stream() -> None:
    assert metered() == Pace(bit_rate=5e6, peak=1.0, frame_rate=25.0, pace=1.0, jumps=0)


def test_one_look_tells_nothing_and_neither_do_two_at_once() -> None:
    assert metered(times=(0.0,)) == metered(times=(0.0, 5.0)) == metered(times=(7.0, 7.0)) == Pace()


def test_what_is_long_ago_is_forgotten() -> None:
    few_at_first = metered(size=lambda at: BYTES * max(0.0, at - 300), times=[EVERY * n for n in range(30)])
    assert few_at_first.bit_rate == 5e6


def test_a_new_run_begins_a_new_count() -> None:
    meter = SentMeter()
    meter.take("one", Counts(0.0, 0, 0, 0.0), EVERY)
    meter.take("two", Counts(EVERY, BYTES * EVERY, 750, EVERY), EVERY)
    assert meter.pace() == Pace()


def test_looks_that_come_often_are_taken_together() -> None:
    """A keyframe is ten times as large as another frame: second by second nothing is constant."""
    uneven = metered(size=lambda at: BYTES * (at + (at % 2) * 0.5), times=[float(n) for n in range(60)], interval=1.0)
    assert uneven.peak is None, "ten seconds are one step"
    often = metered(size=lambda at: BYTES * (at + (at % 2) * 0.5), times=[5.0 * n for n in range(30)], interval=5.0)
    assert often.peak == pytest.approx(1.0, abs=0.06)


def test_the_peak() -> None:
    burst = metered(size=lambda at: BYTES * (at + (60 if at > 200 else 0)))
    assert burst.peak == pytest.approx(2.5, abs=0.1)


@pytest.mark.parametrize("speed", [0.8, 1.5, 40.0])
def test_media_of_another_speed(speed: float) -> None:
    found = metered(media=lambda at: speed * at)
    assert found.pace == pytest.approx(speed)
    assert found.frame_rate == pytest.approx(25.0), "frames are those of a second of media"


def test_a_jump_is_no_speed() -> None:
    jumped = metered(media=lambda at: at + (60.0 if at > 150 else 0.0))
    assert (jumped.pace, jumped.jumps) == (1.0, 1)
    assert metered(media=lambda at: at + 600.0 * (at // 100)).jumps == 3


def test_a_burst_that_catches_up_is_no_jump() -> None:
    """Segments of HLS come whole."""
    for length in (6.0, 10.0, 14.0):
        times = [7.0 + EVERY * n for n in range(40)]
        assert metered(media=lambda at: length * (at // length), times=times, usual=1.25 * length).jumps == 0  # noqa: B023
    stood = metered(media=lambda at: at if at < 100 or at > 200 else 100.0)
    assert stood.jumps == 0


def test_nothing_sent_has_no_rates() -> None:
    assert metered(media=lambda at: 0 * at, size=lambda at: 0 * at) == Pace(0.0, None, None, 0.0, 0)
