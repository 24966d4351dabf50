"""What the parameters of copied sound mean, as real FFmpegs have sent them, and bit by bit."""

from __future__ import annotations

import pytest

from supervisor.ffmpeg.parameters import Parameters, parse_parameters, video_codec
from supervisor.ffmpeg.sound_format import SoundFormat, sound_format
from tests.unit.transport_stream import AUDIO, PICTURE_SET, SLICE, keyframe, packet, pes, sequence

AAC_RATES = [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350]


def heard(frame: bytes) -> SoundFormat | None:
    return sound_format(parse_parameters(packet(AUDIO, pes(frame), begins=True)))


@pytest.mark.parametrize(("number", "rate"), list(enumerate(AAC_RATES)))
def test_every_rate_of_aac(number: int, rate: int) -> None:
    assert heard(bytes((0xFF, 0xF1, 0x40 | number << 2, 0x80, 0, 0, 0))) == SoundFormat("aac", rate, 2)


@pytest.mark.parametrize(("number", "channels"), [(0, None), (1, 1), (2, 2), (6, 6), (7, 8)])
def test_channels_of_aac(number: int, channels: int | None) -> None:
    frame = bytes((0xFF, 0xF1, 0x4C | number >> 2, (number & 3) << 6, 0, 0, 0))
    assert heard(frame) == SoundFormat("aac", 48_000, channels)


def test_a_number_that_is_none_tells_no_rate() -> None:
    assert heard(bytes((0xFF, 0xF1, 0x40 | 15 << 2, 0x80, 0, 0, 0))) == SoundFormat("aac", None, 2)


@pytest.mark.parametrize(
    ("frame", "found"),
    [
        ((0xFF, 0xFB, 0x90, 0x00), SoundFormat("mp3", 44_100, 2)),
        ((0xFF, 0xFB, 0x94, 0xC0), SoundFormat("mp3", 48_000, 1)),
        ((0xFF, 0xF3, 0x80, 0x00), SoundFormat("mp3", 22_050, 2)),
        ((0xFF, 0xE3, 0x88, 0x00), SoundFormat("mp3", 8_000, 2)),
        ((0xFF, 0xFD, 0x90, 0x00), SoundFormat("mp2", 44_100, 2)),
        ((0xFF, 0xFB, 0x9C, 0x00), SoundFormat("mp3", None, 2)),
    ],
)
def test_mpeg_audio(frame: tuple[int, ...], found: SoundFormat) -> None:
    assert heard(bytes(frame)) == found


def test_what_has_not_been_seen_is_not_known() -> None:
    assert sound_format(Parameters()) is None
    assert video_codec(Parameters()) is None


def test_the_codec_of_the_picture() -> None:
    assert video_codec(parse_parameters(keyframe(sequence(640, 360), PICTURE_SET, SLICE))) == "h264"
    h265 = (b"\x40\x01\x0c", b"\x42\x01\x01", b"\x44\x01\xc0", b"\x26\x01\xaf")
    assert video_codec(parse_parameters(keyframe(*h265))) == "h265"
