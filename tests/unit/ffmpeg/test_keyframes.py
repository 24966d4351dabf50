"""Keyframes by the time stamps of their PES headers: how far apart they are, and how far frames are reordered."""

from __future__ import annotations

import pytest

from supervisor.ffmpeg.keyframes import Keyframes, Stamps, keyframe_stamps
from tests.unit.transport_stream import AUDIO, SLICE, VIDEO, filler, packet, units

WRAP = 1 << 33
SECOND = 90_000


def stamp(ticks: int, mark: int) -> bytes:
    return bytes(
        (
            mark << 4 | (ticks >> 30 & 7) << 1 | 1,
            ticks >> 22 & 0xFF,
            (ticks >> 15 & 0x7F) << 1 | 1,
            ticks >> 7 & 0xFF,
            (ticks & 0x7F) << 1 | 1,
        )
    )


def header(shown: int, decoded: int | None = None) -> bytes:
    stamps = stamp(shown, 2) if decoded is None else stamp(shown, 3) + stamp(decoded, 1)
    return b"\x00\x00\x01\xe0\x00\x00\x80" + bytes((0x80 if decoded is None else 0xC0, len(stamps))) + stamps


def keyframe(shown: int, decoded: int | None = None) -> bytes:
    return packet(VIDEO, header(shown, decoded) + units(SLICE), begins=True, key=True)


@pytest.mark.parametrize("before", range(7))
@pytest.mark.parametrize("ticks", [0, 1, 12_345_678, WRAP - 1, 0x155555555 & (WRAP - 1)])
def test_the_stamps_of_a_keyframe_wherever_it_begins(before: int, ticks: int) -> None:
    datagram = filler() * before + keyframe(ticks) + filler() * (6 - before)
    assert keyframe_stamps(datagram) == Stamps(ticks, ticks)
    both = filler() * before + keyframe(ticks, (ticks - 7200) % WRAP)
    assert keyframe_stamps(both) == Stamps(ticks, (ticks - 7200) % WRAP)


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"x" * 1316,
        bytes(1316),
        filler() * 7,
        packet(VIDEO, header(1), begins=True),
        packet(VIDEO, header(1), key=True),
        packet(AUDIO, header(1), begins=True, key=True),
        packet(VIDEO, header(1)[:12], begins=True, key=True),
        packet(VIDEO, b"\x00\x00\x01\xe0\x00\x00\x80\x00\x00" + bytes(9), begins=True, key=True),
        packet(VIDEO, b"", begins=True, key=True),
    ],
    ids=[
        *("nothing", "noise", "zeros", "other tracks", "no keyframe", "its middle", "sound", "cut off", "no stamps"),
        "empty",
    ],
)
def test_what_is_none_has_no_stamps(datagram: bytes) -> None:
    assert keyframe_stamps(datagram) is None


def seen(*seconds: float, delay: float = 0.0) -> Keyframes:
    found = Keyframes()
    for at in seconds:
        ticks = round(at * SECOND) % WRAP
        found.take(Stamps(ticks, (ticks - round(delay * SECOND)) % WRAP))
    return found


def test_the_longest_of_late_counts() -> None:
    assert seen().longest is seen(7.0).longest is None
    assert seen(0, 2, 4, 12).longest == 8.0
    assert seen(0, 8, *range(10, 24, 2)).longest == 8.0, "a quarter of a minute later"
    assert seen(0, 8, *range(10, 28, 2)).longest == 2.0, "and then no more"


def test_stamps_wrap_after_a_day() -> None:
    day = WRAP / SECOND
    assert seen(day - 1, day + 3, delay=0.08).longest == 4.0
    assert seen(day - 1, day + 0.04, delay=0.08).delay == pytest.approx(0.08)


def test_another_clock_is_no_distance() -> None:
    assert seen(0, 2, 5000).longest is None
    assert seen(0, 2, 5000, 5003).longest == 3.0
    assert seen(5000, 5002, 10, 14).longest == 4.0


def test_one_that_comes_twice_is_one() -> None:
    assert seen(0, 2, 2, 2).longest == 2.0


def test_another_run_begins_anew() -> None:
    found = seen(0, 8, delay=0.08)
    assert (found.longest, found.delay) == (8.0, 0.08)
    found.begin_run()
    assert (found.longest, found.delay) == (None, 0.0)
