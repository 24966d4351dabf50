"""Two keyframes and the sound of a few seconds are put together, and what is measured of them is read."""

from __future__ import annotations

import pytest

from supervisor.ffmpeg.content import Reading
from supervisor.ffmpeg.sample import Sample, measuring, readings
from supervisor.model.content import Level
from tests.unit.ffmpeg.test_keyframe import PICTURE, TABLES, datagrams, full, last
from tests.unit.transport_stream import AUDIO, PACKET

WHOLE = TABLES + PICTURE + last(18)
SOUND = full(AUDIO, 1, begins=True) + full(AUDIO, 2)
TOLD = b"""frame:0    pts:0       pts_time:0
lavfi.signalstats.YMIN=16
lavfi.signalstats.YAVG=125.5
lavfi.signalstats.YHIGH=235
lavfi.signalstats.YDIF=0
frame:1    pts:9000    pts_time:2
lavfi.signalstats.YAVG=125.5
lavfi.signalstats.YHIGH=235
lavfi.signalstats.YDIF=219
frame:0    pts:0       pts_time:0
lavfi.astats.Overall.Peak_level=-inf
lavfi.astats.Overall.RMS_level=-inf
"""


def taken(*streams: bytes, sound: bool = True) -> Sample:
    sample = Sample(sound=sound)
    for stream in streams:
        for datagram in datagrams(stream):
            sample.take(datagram)
    return sample


def test_the_first_and_the_latest_picture_and_all_sound() -> None:
    first, second, third = (TABLES + PICTURE + last(18 + number) for number in (0, 0, 0))
    sample = taken(first, SOUND, second, SOUND, third)
    assert sample.pictures == 2
    assert sample.media == first + third + SOUND + SOUND


def test_sound_that_is_not_wanted_is_left_out() -> None:
    assert taken(WHOLE, SOUND, sound=False).media == WHOLE


def test_a_picture_whose_tables_came_once_is_known_all_the_same() -> None:
    sample = taken(WHOLE, PICTURE + last(18))
    assert sample.pictures == 2


def test_one_that_needs_no_filling_is_whole_when_nothing_follows() -> None:
    sample = taken(TABLES + PICTURE)
    assert (sample.pictures, sample.size > 0) == (0, True)
    sample.settle()
    assert (sample.pictures, sample.size) == (1, 0)
    sample.settle()
    assert sample.pictures == 1


def test_without_a_picture_there_is_nothing_and_of_another_encoder_nothing_is_mixed_in() -> None:
    assert taken(SOUND).media == b""
    sample = taken(WHOLE, SOUND)
    sample.begin_again()
    assert (sample.pictures, sample.media) == (0, b"")


@pytest.mark.parametrize("datagram", [b"", b"x", bytes(1316), b"\xff" * 1316, b"\x47" * 187])
def test_anything_may_come(datagram: bytes) -> None:
    assert taken(datagram).media == b""


def test_it_does_not_grow_for_ever() -> None:
    sample = taken(WHOLE, *[SOUND * 200] * 1000)
    assert len(sample.media) < (2 << 20) + 10 * PACKET


def test_what_is_told_of_it() -> None:
    assert readings(TOLD) == [
        Reading(Level.LUMA, 0.5),
        Reading(Level.BRIGHT, 1.0),
        Reading(Level.LUMA, 0.5),
        Reading(Level.BRIGHT, 1.0),
        Reading(Level.DIFFERENCE, 1.0),
        Reading(Level.PEAK, -120.0),
        Reading(Level.OWN_SOUND, 1.0),
        Reading(Level.SOUND, -120.0),
    ]


def test_a_single_picture_tells_of_no_difference_and_noise_of_nothing() -> None:
    assert [one.level for one in readings(TOLD[: TOLD.index(b"frame:1")])] == [Level.LUMA, Level.BRIGHT]
    assert readings(b"\xff\x00\n=\nlavfi.signalstats.YAVG=x\n" * 3) == []


def test_nothing_that_the_media_could_name_is_opened() -> None:
    argv = measuring("ffmpeg")
    assert argv[argv.index("-protocol_whitelist") + 1] == "pipe"
    assert argv[argv.index("-i") + 1] == "pipe:0"
