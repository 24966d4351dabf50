"""One keyframe is put together whole, or not at all."""

from __future__ import annotations

import pytest

from supervisor.ffmpeg.keyframe import Keyframe
from tests.unit.transport_stream import AUDIO, PACKET, VIDEO

MOST = 10_000
PROGRAMS, MADE_OF = 0x0000, 0x1000


def full(pid: int, count: int, *, begins: bool = False) -> bytes:
    """A packet that is all payload but for the head; `count` is its number in its track."""
    head = bytes((0x47, (0x40 if begins else 0) | pid >> 8, pid & 0xFF, (0x30 if begins else 0x10) | count & 0x0F))
    return head + bytes((1, 0x40) if begins else ()) + bytes((count,)) * (PACKET - (6 if begins else 4))


def last(count: int) -> bytes:
    """One that is filled up."""
    return bytes((0x47, VIDEO >> 8, VIDEO & 0xFF, 0x30 | count & 0x0F, 100, 0)) + b"\xff" * 99 + b"\x01" * 83


TABLES = full(PROGRAMS, 0) + full(MADE_OF, 0)
PICTURE = full(VIDEO, 15, begins=True) + full(VIDEO, 16) + full(VIDEO, 17)


def datagrams(stream: bytes, packets: int = 7) -> list[bytes]:
    size = packets * PACKET
    return [stream[at : at + size] for at in range(0, len(stream), size)]


def taken(*streams: bytes, most: int = MOST, packets: int = 7) -> Keyframe:
    keyframe = Keyframe(most)
    for stream in streams:
        for datagram in datagrams(stream, packets):
            keyframe.take(datagram)
    return keyframe


@pytest.mark.parametrize("packets", range(1, 8))
def test_it_is_whole_with_the_packet_that_is_filled_up(packets: int) -> None:
    found = taken(TABLES + PICTURE + last(18) + full(VIDEO, 19), packets=packets)
    assert found.whole
    assert found.media == TABLES + PICTURE + last(18)


def test_or_with_the_next_that_begins() -> None:
    assert not taken(TABLES + PICTURE).whole
    found = taken(TABLES + PICTURE, TABLES + full(VIDEO, 18, begins=True))
    assert found.whole
    assert found.media == TABLES + PICTURE


def test_who_joins_midway_waits_for_the_next_and_for_what_explains_it() -> None:
    assert taken(full(VIDEO, 3) + last(4)).size == 0
    assert taken(PICTURE + last(18)).size == 0, "nobody could read it"
    assert taken(full(VIDEO, 3) + last(4), PICTURE, TABLES + PICTURE + last(18)).media == TABLES + PICTURE + last(18)


def test_other_tracks_are_left_out() -> None:
    mixed = TABLES + full(AUDIO, 1, begins=True) + PICTURE + full(AUDIO, 2) + full(0x11, 0) + last(18)
    assert taken(mixed).media == TABLES + PICTURE + last(18)


@pytest.mark.parametrize("missing", [1, 2])
def test_of_one_with_a_gap_nothing_is_made(missing: int) -> None:
    parts = [full(VIDEO, 15, begins=True), full(VIDEO, 16), full(VIDEO, 17), last(18)]
    found = taken(TABLES + b"".join(part for number, part in enumerate(parts) if number != missing))
    assert (found.whole, found.size, found.lost) == (False, 0, 1)
    for datagram in datagrams(TABLES + PICTURE + last(18)):
        found.take(datagram)
    assert found.whole, "the next is taken"


def test_one_that_is_too_large_is_thrown_away() -> None:
    endless = TABLES + full(VIDEO, 0, begins=True) + b"".join(full(VIDEO, count) for count in range(1, 200))
    found = taken(endless, most=20 * PACKET)
    assert (found.whole, found.size, found.lost) == (False, 0, 1)
    assert taken(TABLES + PICTURE + last(18), most=6 * PACKET).whole


def test_what_another_encoder_had_begun_is_forgotten() -> None:
    found = taken(TABLES + PICTURE)
    found.begin_again()
    assert found.size == 0
    found.take(last(18))
    assert not found.whole


@pytest.mark.parametrize("noise", [b"", b"\x47", b"\x00" * 1316, b"\xff" * 1316, b"\x47\x41\x00" * 400])
def test_anything_may_come(noise: bytes) -> None:
    found = taken(TABLES + PICTURE, noise, last(18))
    assert found.media in {TABLES + PICTURE + last(18), TABLES + PICTURE}
