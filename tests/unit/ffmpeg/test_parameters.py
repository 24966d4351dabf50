"""What a decoder must know, found in what FFmpeg 5.1 and 9.0 really sent, and never in anything else."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.ffmpeg.parameters import Colours, Parameters, Picture, parse_parameters, picture
from tests.unit.transport_stream import (
    AUDIO,
    PICTURE_SET,
    SLICE,
    VIDEO,
    filler,
    keyframe,
    packet,
    pes,
    sequence,
    units,
)

CAPTURED = Path(__file__).parent / "captured" / "datagrams"  # one datagram each, as it was sent
VERSIONS = pytest.mark.parametrize("version", ["5.1.9", "9.0.2"])


def captured(name: str, version: str) -> Parameters:
    return parse_parameters((CAPTURED / f"{name}-{version}.ts").read_bytes())


# --- what was sent ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("h264-1080p2997", Picture(1920, 1080, 30000 / 1001, square=True)),  # 1088 lines, eight cut off
        ("h264-360p25", Picture(640, 360, 25.0, square=True)),
        ("h264-wide", Picture(720, 576, 25.0, square=False)),
        ("h264-444", Picture(322, 242, 25.0, square=True)),
        ("h264-interlaced", Picture(1920, 1080, 25.0, square=True)),
    ],
)
@VERSIONS
def test_the_picture_that_ffmpeg_sent(name: str, shown: Picture, version: str) -> None:
    found = captured(name, version)
    assert sorted(unit[0] for unit in found.video) == [0x67, 0x68]
    assert picture(found) == shown
    assert found.audio == b""


@VERSIONS
def test_of_h265_its_own_three_sets_and_nothing_else(version: str) -> None:
    found = captured("hevc", version)
    assert sorted(unit[0] for unit in found.video) == [0x40, 0x42, 0x44]
    assert picture(found) is None


@pytest.mark.parametrize("head", [0x26, 0x28], ids=["slice of type 19", "slice of type 20"])
def test_a_keyframe_slice_of_h265_is_never_taken_for_h264(head: int) -> None:
    """0x28 is how a picture parameter set of H.264 begins, too; a slice is another one each time."""
    sets = (b"\x40\x01\x0c", b"\x42\x01\x01", b"\x44\x01\xc0")
    first, second = (parse_parameters(keyframe(*sets, bytes((head, 1, n)), bytes((head, 0, n)))) for n in (7, 9))
    assert first == second == Parameters(frozenset(sets))
    assert parse_parameters(keyframe(bytes((head, 1, 7)), bytes((head, 1, 8)))) == Parameters()


@pytest.mark.parametrize(
    ("name", "audio"),
    [
        ("aac48stereo", b"aac\x4c\x80"),
        ("aac44mono", b"aac\x50\x40"),
        ("mp3", b"mp3\xfa\x04\x40"),
    ],
)
@VERSIONS
def test_the_sound_that_ffmpeg_sent(name: str, audio: bytes, version: str) -> None:
    assert captured(name, version) == Parameters(audio=audio)


def sound(frame: bytes) -> bytes:
    return parse_parameters(packet(AUDIO, pes(frame), begins=True)).audio


def test_what_is_another_with_each_frame_of_sound_is_no_parameter() -> None:
    aac, other = (
        sound(bytes((0xFF, 0xF1, 0x4C | private, 0x80 | low, low, 0, 0))) for private, low in ((0, 1), (2, 9))
    )
    assert aac == other != b""
    mp3, other = (
        sound(bytes((0xFF, 0xFA | crc, size | 0x04, 0x40 | low))) for crc, size, low in ((1, 0x90, 0), (0, 0x50, 4))
    )
    assert mp3 == other != b""


@pytest.mark.parametrize(
    "frame", [b"", b"\xff", b"\xff\xf1\x4c", b"\x0b\x77\x00\x00\x00", b"\xff\x00\x00\x00"], ids=bytes.hex
)
def test_of_other_sound_nothing_is_known(frame: bytes) -> None:
    assert sound(frame) == b""


def test_sound_that_goes_on_from_the_datagram_before_is_not_looked_at() -> None:
    assert parse_parameters(packet(AUDIO, pes(b"\xff\xf1\x4c\x80"))) == Parameters()


# --- how it may stand there ------------------------------------------------------------------------

SPS = sequence(1280, 720, (50, 1))


@pytest.mark.parametrize("before", range(7))
def test_wherever_in_a_datagram_a_keyframe_begins(before: int) -> None:
    found = parse_parameters(filler() * before + keyframe(SPS, PICTURE_SET, SLICE) + filler() * (6 - before))
    assert found == Parameters(frozenset({SPS, PICTURE_SET}))


def test_sets_that_go_on_in_the_next_packet() -> None:
    stream = pes(units(b"\x09\xf0", b"\x06" + b"\x55" * 150, SPS, PICTURE_SET, SLICE))
    assert len(stream) > 180
    datagram = packet(VIDEO, stream[:175], begins=True, key=True) + filler() + packet(VIDEO, stream[175:])
    assert parse_parameters(datagram) == Parameters(frozenset({SPS, PICTURE_SET}))


@pytest.mark.parametrize("length", range(1, len(pes(units(SPS, PICTURE_SET)))))
def test_of_sets_that_are_cut_off_nothing_is_known(length: int) -> None:
    """Half a set would differ from the whole one, and cost a connection."""
    cut = pes(units(SPS, PICTURE_SET))[:length]
    assert parse_parameters(packet(VIDEO, cut, begins=True, key=True)).video == frozenset()


def test_the_middle_of_a_frame_tells_nothing() -> None:
    assert parse_parameters(packet(VIDEO, pes(units(SPS, PICTURE_SET, SLICE)))) == Parameters()


def test_what_other_tracks_send_tells_nothing() -> None:
    assert parse_parameters(packet(0x102, pes(units(SPS, PICTURE_SET, SLICE)), begins=True, key=True)) == Parameters()


def test_the_same_sets_are_the_same_with_either_start_code() -> None:
    short = b"".join(b"\x00\x00\x01" + unit for unit in (SPS, PICTURE_SET, SLICE))
    assert parse_parameters(packet(VIDEO, pes(short), begins=True, key=True)).video == {SPS, PICTURE_SET}


def test_a_datagram_that_is_cut_off_tells_what_is_whole() -> None:
    datagram = keyframe(SPS, PICTURE_SET, SLICE)
    assert parse_parameters(datagram[:-1]) == Parameters()
    assert parse_parameters(datagram + datagram[:50]).video == {SPS, PICTURE_SET}


REAL = [path.read_bytes() for path in sorted(CAPTURED.iterdir())]


@given(st.binary(max_size=1316))
def test_no_bytes_break_it(datagram: bytes) -> None:
    for whole in (datagram, b"\x47\x41\x00\x10" + datagram):
        shown = picture(parse_parameters(whole))
        assert shown is None or min(shown.width, shown.height) > 0


@given(st.sampled_from(REAL), st.lists(st.tuples(st.integers(0, 700), st.integers(0, 255)), max_size=30))
def test_nor_do_broken_ones_that_were_real(datagram: bytes, changes: list[tuple[int, int]]) -> None:
    broken = bytearray(datagram)
    for at, value in changes:
        broken[at] = value
    found = parse_parameters(bytes(broken))
    shown = picture(found)
    assert shown is None or isinstance(shown.width, int)


@given(st.binary(max_size=60))
def test_nor_does_a_set_full_of_nonsense(rest: bytes) -> None:
    shown = picture(Parameters(frozenset({b"\x67" + rest})))
    assert shown is None or shown.rate is None or shown.rate >= 0


# --- the same or not -------------------------------------------------------------------------------

A, B, C = b"\x67a", b"\x68b", b"\x68c"


@pytest.mark.parametrize(
    ("one", "other", "different"),
    [
        (Parameters(), Parameters(), False),
        (Parameters(frozenset({A, B})), Parameters(frozenset({A, B})), False),
        (Parameters(frozenset({A, B})), Parameters(), False),
        (Parameters(frozenset({A, B})), Parameters(frozenset({A})), False),  # who repeats less of it
        (Parameters(frozenset({A, B})), Parameters(frozenset({A, C})), True),
        (Parameters(frozenset({A})), Parameters(frozenset({C})), True),
        (Parameters(audio=b"x"), Parameters(), False),
        (Parameters(audio=b"x"), Parameters(audio=b"x"), False),
        (Parameters(audio=b"x"), Parameters(audio=b"y"), True),
        (Parameters(frozenset({A}), b"x"), Parameters(frozenset({A}), b"y"), True),
        (Parameters(frozenset({A}), b"x"), Parameters(frozenset({C}), b"x"), True),
        (Parameters(frozenset({A})), Parameters(audio=b"y"), False),
    ],
)
def test_what_differs(one: Parameters, other: Parameters, different: bool) -> None:  # noqa: FBT001 - a row of the table
    assert one.differ(other) is other.differ(one) is different


def test_what_is_newer_takes_the_place_of_what_it_knows() -> None:
    known = Parameters(frozenset({A, B}), b"x")
    assert known.updated(Parameters()) == known
    assert known.updated(Parameters(frozenset({C}))) == Parameters(frozenset({C}), b"x")
    assert known.updated(Parameters(audio=b"y")) == Parameters(frozenset({A, B}), b"y")


def test_a_log_does_not_show_the_sets() -> None:
    assert "67" not in repr(Parameters(frozenset({b"\x67abc"})))


# --- the picture -----------------------------------------------------------------------------------


@given(
    st.integers(8, 2160).map(lambda half: 2 * half),
    st.integers(8, 2160).map(lambda half: 2 * half),
    st.none() | st.sampled_from([(25, 1), (30000, 1001), (24000, 1001), (60, 1), (90000, 1)]),
    st.none() | st.integers(0, 16) | st.tuples(st.integers(1, 65535), st.integers(1, 65535)),
)
def test_what_was_written_is_read(
    width: int, height: int, rate: tuple[int, int] | None, shape: int | tuple[int, int] | None
) -> None:
    square = shape is None or (shape[0] == shape[1] if isinstance(shape, tuple) else shape <= 1)
    shown = picture(Parameters(frozenset({sequence(width, height, rate, shape), PICTURE_SET})))
    assert shown == Picture(width, height, rate and rate[0] / rate[1], square)


@given(
    st.none() | st.sampled_from([(25, 1), (30000, 1001)]),
    st.tuples(st.booleans(), *[st.integers(0, 255)] * 3),
)
def test_the_colours_that_were_written_are_read(
    rate: tuple[int, int] | None, colours: tuple[bool, int, int, int]
) -> None:
    shown = picture(Parameters(frozenset({sequence(1280, 720, rate, None, colours)})))
    assert shown == Picture(1280, 720, rate and rate[0] / rate[1], square=True, colours=Colours(*colours))


def test_a_set_that_says_nothing_of_its_rate_has_none() -> None:
    assert picture(Parameters(frozenset({sequence(1920, 1080)}))) == Picture(1920, 1080, None, square=True)


@pytest.mark.parametrize("length", range(1, 9))
def test_half_a_set_is_no_picture(length: int) -> None:
    assert picture(Parameters(frozenset({sequence(1920, 1080, (25, 1))[:length]}))) is None


def test_without_a_set_there_is_no_picture() -> None:
    assert picture(Parameters()) is None
    assert picture(Parameters(frozenset({PICTURE_SET}), b"aac")) is None
