"""What an encoder's runs find out about its source: when, in which order, and how often at most."""

from __future__ import annotations

import pytest

from supervisor.ffmpeg.opening import Traits
from supervisor.judge.source_watch import SILENCE, Learned, SourceWatch

DAY = 86400.0


def described(
    watch: SourceWatch, now: float, *, rate: str = "25 fps, ", sound: bool = True, kind: str = "rtsp"
) -> None:
    for line in (
        f"Input #0, {kind}, from 'x':",
        f"  Stream #0:0: Video: h264, yuv420p, 64x64, {rate}90k tbn",
        *(["  Stream #0:1: Audio: aac, 44100 Hz"] if sound else []),
        "Stream mapping:",
    ):
        assert watch.heed(f"[info] {line}".encode(), now)


def picture(watch: SourceWatch, now: float) -> None:
    watch.heed(b"[Eval @ 0x7fc3c45a5070] [info] 7770001.000000", now)


def output(watch: SourceWatch, now: float) -> None:
    watch.heed(b"[info] Output #0, tee, to 'x':", now)


def silent(watch: SourceWatch, now: float) -> float:
    """A run that begins at `now` and finds no sound. Returns when that was found."""
    watch.begin_run()
    described(watch, now)
    picture(watch, now)
    assert watch.look(now + 4, advanced=False) == Learned(SILENCE, replace=True)
    return now + 4


def watch_sound() -> SourceWatch:
    return SourceWatch(sound=True, copied=False)


def test_sound_that_does_not_come_is_waited_for_four_seconds_after_the_picture() -> None:
    watch = watch_sound()
    described(watch, 5.0)
    assert watch.look(60.0, advanced=False) is None, "no picture either: it is not the sound that is missing"
    picture(watch, 60.0)
    assert watch.look(63.9, advanced=False) is None
    assert not watch.note
    assert watch.look(64.0, advanced=False) == Learned(SILENCE, replace=True)
    assert (watch.traits, watch.note) == (Traits(silent=True), SILENCE)


def test_a_copied_picture_shows_no_first_frame_and_is_given_longer() -> None:
    watch = SourceWatch(sound=True, copied=True)
    described(watch, 5.0)
    assert watch.look(16.9, advanced=False) is None
    assert watch.look(17.0, advanced=False) == Learned(SILENCE, replace=True)


@pytest.mark.parametrize(
    ("takes", "declares", "begins"), [(False, True, False), (True, False, False), (True, True, True)]
)
def test_silence_is_taken_for_nothing_else(takes: bool, declares: bool, begins: bool) -> None:  # noqa: FBT001
    watch = SourceWatch(sound=takes, copied=False)
    described(watch, 5.0, sound=declares)
    picture(watch, 5.0)
    if begins:
        output(watch, 5.5)
    assert watch.look(1000.0, advanced=begins) is None


def test_a_later_run_does_not_pay_for_it_again() -> None:
    watch = watch_sound()
    found = silent(watch, 0.0)
    watch.begin_run()
    described(watch, found + 1)
    assert watch.look(found + 40, advanced=False) is None
    assert watch.traits.silent


def test_it_is_tried_again_ever_more_seldom_and_only_while_on_air() -> None:
    watch, now, waits = watch_sound(), 0.0, []
    for _ in range(6):
        found = silent(watch, now)
        watch.begin_run()
        now = found
        while (learned := watch.look(now, advanced=True)) is None:
            assert watch.look(now, advanced=False) is None
            now += 10
        assert learned.replace
        assert watch.note == SILENCE, "until it is known better"
        waits.append(now - found)
    assert waits == [60, 600, 3600, 6 * 3600, DAY, DAY]


def test_sound_that_is_back_is_used_and_said_so_once() -> None:
    watch = watch_sound()
    found = silent(watch, 0.0)
    assert watch.look(found + 60, advanced=True)
    watch.begin_run()
    described(watch, 70.0)
    picture(watch, 70.0)
    output(watch, 70.1)
    learned = watch.look(71.0, advanced=True)
    assert learned is not None
    assert not learned.replace
    assert (watch.traits.silent, watch.note) == (False, None)
    assert watch.look(72.0, advanced=True) is None


def test_an_order_begins_afresh() -> None:
    watch = watch_sound()
    silent(watch, 0.0)
    watch.hope()
    assert (watch.traits.silent, watch.note) == (False, None)


@pytest.mark.parametrize(
    ("told", "few"), [("1 fps, ", 1.0), ("0.20 fps, ", 0.2), ("5 fps, ", None), ("25 fps, ", None), ("", None)]
)
def test_few_frames_are_known_from_what_is_told(told: str, few: float | None) -> None:
    watch = watch_sound()
    described(watch, 5.0, rate=told)
    assert watch.due
    assert bool(watch.look(5.0, advanced=False)) == (few is not None)
    assert watch.traits.rate == few


def test_few_frames_are_guessed_where_nobody_tells_and_nothing_comes_out() -> None:
    watch = watch_sound()
    described(watch, 5.0, rate="")
    picture(watch, 5.0)
    output(watch, 5.1)
    assert watch.look(12.9, advanced=False) is None
    assert watch.look(13.0, advanced=True) is None
    learned = watch.look(13.0, advanced=False)
    assert learned is not None
    assert learned.replace
    assert watch.traits.rate == 0.2


def test_only_few_frames_are_given_more_time() -> None:
    watch = watch_sound()
    described(watch, 5.0)
    assert watch.look(5.0, advanced=False) is None
    assert (watch.usual_gap, watch.patience(5.0)) == (0.0, 0.0)
    watch.traits = Traits(rate=0.2)
    assert (watch.usual_gap, watch.patience(5.0)) == (12.5, 60.0)


def test_who_waits_for_a_keyframe_is_given_time_while_frames_come() -> None:
    watch = watch_sound()
    watch.heed(b"[h264 @ 0x55] [error] no frame!", 20.0)
    assert watch.patience(30.0) == 90.0
    assert watch.patience(36.0) == 0.0


@pytest.mark.parametrize("kind", ["mpjpeg", "mjpeg"])
def test_frames_without_time_stamps_are_known_by_their_format_and_once(kind: str) -> None:
    watch = watch_sound()
    described(watch, 1.0, kind=kind, rate="", sound=False)
    learned = watch.look(1.0, advanced=False)
    assert learned is not None
    assert learned.replace
    assert watch.traits.untimed
    assert watch.look(1.0, advanced=False) is None
