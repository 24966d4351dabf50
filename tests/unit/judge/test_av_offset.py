"""How far sound and picture are apart where they leave, told by stamps that come one at a time."""

from __future__ import annotations

import pytest

from supervisor.ffmpeg.destinations import AUDIO_BASE
from supervisor.judge.av_offset import AvOffset

UNITS = pytest.mark.parametrize("unit", [1.0, 90.0], ids=["seconds", "FFmpeg 5's ninetieth"])


def leaving(offset: AvOffset, apart: float, *, unit: float = 1.0, begin: float = 100.0, seconds: int = 10) -> float:
    """Both tracks once a second, `apart` seconds of sound ahead; the sound is printed a little later. Returns when."""
    for n in range(seconds):
        offset.stamp(n / unit, begin + n)
        offset.stamp(AUDIO_BASE + (n + 0.3 + apart) / unit, begin + n + 0.3)
    return begin + seconds - 0.7


@pytest.mark.parametrize("apart", [0.0, 0.04, -0.5, 29.0, -29.0])
@UNITS
def test_how_far_apart_they_leave(apart: float, unit: float) -> None:
    offset = AvOffset()
    now = leaving(offset, apart, unit=unit)
    # FFmpeg prints six digits behind the point, Python has sixteen: a ninetieth beside a billion keeps 5 µs of them.
    assert offset.seconds(now) == pytest.approx(apart, abs=1e-4)


def test_while_one_track_has_not_been_heard_nothing_is_known() -> None:
    only_picture, only_sound = AvOffset(), AvOffset()
    for n in range(5):
        only_picture.stamp(float(n), float(n))
        only_sound.stamp(AUDIO_BASE + n, float(n))
    assert only_picture.seconds(4.0) is only_sound.seconds(4.0) is None


def test_one_stamp_does_not_tell_its_unit() -> None:
    offset = AvOffset()
    offset.stamp(0.0, 100.0)
    offset.stamp(AUDIO_BASE, 100.0)
    assert offset.seconds(100.0) is None


def test_stamps_in_a_burst_do_not_tell_their_unit() -> None:
    offset = AvOffset()
    for n in range(5):
        offset.stamp(float(n), 100.0 + n / 100)
    offset.stamp(AUDIO_BASE + 4.0, 100.04)
    assert offset.seconds(100.04) is None


@UNITS
def test_a_long_pause_between_the_first_two_stamps_does_not_change_their_unit(unit: float) -> None:
    """An encoder that is replaced: a second of media in twelve seconds is no ninetieth."""
    offset = AvOffset()
    offset.stamp(0.0, 88.0)
    offset.stamp(1.0 / unit, 100.0)
    offset.stamp(AUDIO_BASE + 1.03 / unit, 100.0)
    assert offset.seconds(100.0) is None, "twelve seconds tell nothing"
    now = leaving(offset, 0.03, unit=unit, begin=101.0)
    assert offset.seconds(now) == pytest.approx(0.03, abs=1e-4)


def test_a_unit_that_was_told_wrongly_is_told_again() -> None:
    offset = AvOffset()
    offset.stamp(0.0, 91.0)
    offset.stamp(0.05, 99.0)  # eight slow seconds
    assert offset.seconds(leaving(offset, 0.03)) == pytest.approx(0.03, abs=1e-4)


def test_a_track_that_is_no_longer_heard_says_nothing_of_now() -> None:
    offset = AvOffset()
    now = leaving(offset, 0.5)
    for n in range(15):
        offset.stamp(10.0 + n, now + 1 + n)
    assert offset.seconds(now + 9.0) is not None
    assert offset.seconds(now + 15.0) is None


def test_another_run_begins_anew() -> None:
    offset = AvOffset()
    now = leaving(offset, 20.0)
    offset.begin_run()
    assert offset.seconds(now) is None
    assert offset.seconds(leaving(offset, 0.1, begin=now + 1)) == pytest.approx(0.1, abs=1e-4)


@UNITS
def test_whether_sound_leaves_beside_the_picture(unit: float) -> None:
    offset = AvOffset()
    assert offset.sounds(100.0) is None
    for n in range(30):
        offset.stamp(n / unit, 100.0 + n)
        assert offset.sounds(100.0 + n) is (None if n <= 10 else False), "it may come a little later"
    offset.stamp(AUDIO_BASE, 130.0)
    assert offset.sounds(140.0) is True
    assert offset.sounds(141.0) is None, "the picture has not been heard for as long"
    offset.stamp(41.0 / unit, 141.0)
    assert offset.sounds(141.0) is False
    offset.begin_run()
    assert offset.sounds(141.0) is None
