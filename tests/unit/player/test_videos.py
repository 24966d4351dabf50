"""A list of videos: its sound lasts exactly as long as its picture."""

from __future__ import annotations

import os
from collections.abc import Iterator
from fractions import Fraction

import pytest

from supervisor.player.tracks import SOUNDS, VIDEOS
from supervisor.player.videos import Form, Sound

FRAME = 48_000 // 25 * 4  # bytes of sound that a frame lasts


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    yield reading, writing
    os.close(reading)
    os.close(writing)


def test_sound_goes_with_the_frames_and_no_further(pipe: tuple[int, int]) -> None:
    sound = Sound(pipe[1], Fraction(25))
    sound.hear(b"a" * 3 * FRAME)
    sound.follow(2, more=True)
    assert os.read(pipe[0], 99 * FRAME) == b"a" * 2 * FRAME
    sound.end_file()
    sound.hear(b"b" * FRAME)
    sound.follow(1, more=True)
    assert os.read(pipe[0], 99 * FRAME) == b"b" * FRAME  # what was left of the file before is gone


def test_it_is_known_whether_more_must_come(pipe: tuple[int, int]) -> None:
    sound = Sound(pipe[1], Fraction(25))
    assert sound.lacks(1)
    sound.hear(b"a" * FRAME)
    assert not sound.lacks(1)
    sound.follow(1, more=True)
    assert not sound.lacks(1)
    assert sound.lacks(2)


def test_a_file_without_sound_is_silent(pipe: tuple[int, int]) -> None:
    sound = Sound(pipe[1], Fraction(25))
    sound.follow(3, more=False)
    assert os.read(pipe[0], 99 * FRAME) == bytes(3 * FRAME)


def test_sound_that_is_late_is_silent_for_so_long_and_then_right(pipe: tuple[int, int]) -> None:
    sound = Sound(pipe[1], Fraction(25))
    sound.follow(7, more=True)
    assert os.read(pipe[0], 99 * FRAME) == bytes(3 * FRAME)  # of the last four it may still come
    sound.hear(b"a" * 3 * FRAME + b"b" * 4 * FRAME)
    sound.follow(7, more=True)
    assert os.read(pipe[0], 99 * FRAME) == b"b" * 4 * FRAME


def test_no_sample_is_lost_by_a_rate_that_is_no_whole_number(pipe: tuple[int, int]) -> None:
    """Over an hour of files of a second each, at 29.97 frames a second."""
    sound, heard = Sound(pipe[1], Fraction(30000, 1001)), 0
    for _ in range(3600):
        sound.follow(30, more=False)
        sound.end_file()
        heard += len(os.read(pipe[0], 1 << 20))
        while sound.blocked:
            sound.send()
            heard += len(os.read(pipe[0], 1 << 20))
    assert heard == int(3600 * 30 * 1001 / 30000 * 48_000) * 4


def test_what_the_encoder_does_not_take_waits(pipe: tuple[int, int]) -> None:
    sound = Sound(pipe[1], Fraction(25))
    sound.follow(50, more=False)
    waits = sound.blocked
    assert waits
    heard = len(os.read(pipe[0], 1 << 20))
    while sound.blocked:
        sound.send()
        heard += len(os.read(pipe[0], 1 << 20))
    assert heard == 50 * FRAME


def test_odd_sizes_have_whole_frames() -> None:
    assert Form("3x5", "25", sound=True).frame == 3 * 5 + 2 * 2 * 3


def test_no_name_is_of_both_kinds() -> None:
    assert not set(SOUNDS) & set(VIDEOS)
