"""Totals never fall, an arrival proves nothing, and the speed is that of the last seconds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from supervisor.judge.progress_meter import ProgressMeter
from supervisor.model.terms import Report

COUNTS = st.integers(0, 2**63 - 1)
REPORTS = st.builds(
    Report,
    st.none() | COUNTS,
    st.none() | st.floats(0, 1e9),
    st.none() | COUNTS,
    COUNTS,
    COUNTS,
    st.booleans(),
)


def report(frames: int | None = None, media: float | None = None, size: int | None = None) -> Report:
    return Report(frames, media, size, 0, 0, ended=False)


@given(st.lists(st.none() | REPORTS), st.booleans())
def test_totals_never_fall_whatever_is_reported(history: list[Report | None], video: bool) -> None:  # noqa: FBT001
    """None stands for the beginning of a new run."""
    meter = ProgressMeter(video=video)
    before = meter.totals(0.0)
    for now, item in enumerate(history):
        if item is None:
            meter.begin_run()
        else:
            meter.update(item, float(now), 1e9 + now)
        after = meter.totals(float(now))
        assert all(new >= old for new, old in zip(after[:5], before[:5], strict=True))
        assert (after.last_advance or 0) >= (before.last_advance or 0)
        before = after


@given(st.lists(st.tuples(COUNTS, COUNTS), min_size=1))
def test_a_total_is_the_sum_of_the_highest_counts_of_its_runs(runs: list[tuple[int, int]]) -> None:
    meter = ProgressMeter(video=True)
    for first, second in runs:
        meter.begin_run()
        meter.update(report(first), 0, 0)
        meter.update(report(second), 1, 1)
    assert meter.totals(1).frames == sum(max(run) for run in runs)


def test_reports_that_go_on_with_frozen_values_are_no_advance() -> None:
    """Reports that arrive prove nothing: a frozen FFmpeg may go on sending them."""
    meter = ProgressMeter(video=True)
    assert meter.update(report(5, 0.2), 1.0, 101.0)
    for now in range(2, 30):
        assert not meter.update(report(5, 0.2), float(now), 100.0 + now)
    assert (meter.last_advance, meter.last_advance_wall) == (1.0, 101.0)


def test_sound_alone_is_no_progress_where_there_should_be_a_picture() -> None:
    with_video, any_program = ProgressMeter(video=True), ProgressMeter(video=False)
    with_video.update(report(5, 0.2), 0.0, 0.0)
    any_program.update(report(5, 0.2), 0.0, 0.0)
    sound = report(5, 3.0)
    assert not with_video.update(sound, 3.0, 3.0)
    assert any_program.update(sound, 3.0, 3.0)
    assert with_video.totals(3.0).media_seconds == 3.0, "counted it is, all the same"


def test_bytes_alone_are_no_progress() -> None:
    meter = ProgressMeter(video=False)
    assert not meter.update(report(size=5000), 0.0, 0.0)
    assert meter.totals(0.0).bytes == 5000


def test_a_new_run_counts_from_zero_and_has_not_advanced() -> None:
    meter = ProgressMeter(video=True)
    meter.update(report(100, 4.0), 1.0, 101.0)
    meter.begin_run()
    assert (meter.last_advance, meter.last_advance_wall) == (None, 101.0)
    assert meter.update(report(1, 0.04), 2.0, 102.0)
    assert meter.totals(2.0).frames == 101


def test_speed_is_measured_over_the_last_seconds_only() -> None:
    meter = ProgressMeter(video=True)
    now = media = frames = 0.0
    speeds: list[float | None] = []
    for pace in (1.0, 0.5, 2.0):
        for _ in range(24):
            now, media, frames = now + 0.5, media + 0.5 * pace, frames + 1
            meter.update(report(int(frames), media), now, now)
        speeds.append(meter.totals(now).speed)
    assert speeds == [1.0, 0.5, 2.0]


def test_a_speed_that_nobody_measured_lately_is_not_told() -> None:
    meter = ProgressMeter(video=True)
    assert meter.totals(0.0).speed is None
    for now in range(12):
        meter.update(report(now + 1, float(now)), float(now), float(now))
    assert meter.totals(12.0).speed == 1.0
    assert meter.totals(60.0).speed is None
    meter.begin_run()
    assert meter.totals(60.0).speed is None


def test_frames_whose_media_time_stands_are_no_advance() -> None:
    """Behind a relay whose clock began anew, FFmpeg copied each packet to 11 µs behind the one before."""
    meter = ProgressMeter(video=True)
    assert meter.update(report(100, 4.0), 1.0, 101.0)
    for n in range(1, 100):
        assert not meter.update(report(100 + n, 4.0 + n * 11e-6), 1.0 + n / 2, 101.0)
    assert meter.totals(50.0).frames == 199, "counted they are, all the same"
    assert meter.last_advance == 1.0


def test_a_source_that_stands_for_a_moment_and_goes_on_advances() -> None:
    meter = ProgressMeter(video=True)
    assert meter.update(report(100, 4.0), 1.0, 101.0)
    assert not meter.update(report(101, 4.0), 1.5, 101.5)
    assert not meter.update(report(102, 4.002), 2.0, 102.0)
    assert meter.update(report(103, 4.004), 2.5, 102.5), "a frame of the quickest camera lasts 4 ms"
    assert meter.last_advance == 2.5


def test_media_time_that_goes_back_is_no_advance_until_it_is_where_it_was() -> None:
    meter = ProgressMeter(video=True)
    meter.update(report(100, 60.0), 1.0, 101.0)
    assert not any(meter.update(report(100 + n, float(n)), 1.0 + n, 101.0) for n in range(1, 61))
    assert meter.update(report(161, 61.0), 62.0, 162.0)


def test_who_tells_no_media_time_is_believed_by_its_frames() -> None:
    meter = ProgressMeter(video=True)
    assert all(meter.update(report(n), float(n), float(n)) for n in range(1, 10))
    assert meter.totals(9.0).frames == 9


def test_another_run_begins_its_media_time_anew() -> None:
    meter = ProgressMeter(video=True)
    meter.update(report(100, 60.0), 1.0, 101.0)
    meter.begin_run()
    assert meter.update(report(1, 0.04), 2.0, 102.0)


def test_bytes_for_each_second_of_media_are_those_of_this_run() -> None:
    meter = ProgressMeter(video=True)
    assert meter.bytes_per_second == 0.0
    meter.update(report(100, 4.0, 8000), 1.0, 101.0)
    assert meter.bytes_per_second == 2000.0
    meter.begin_run()
    assert meter.bytes_per_second == 0.0
    meter.update(report(25, 1.0, 500), 2.0, 102.0)
    assert meter.bytes_per_second == 500.0
