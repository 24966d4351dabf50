"""MPEG-TS cut at keyframes, and the playlist of what was cut."""

from __future__ import annotations

import pytest

from supervisor.uploader.segments import PACKET, Cutter, Playlist, Segment, TooLong

PAT, PMT, VIDEO, AUDIO = 0x0000, 0x1000, 0x100, 0x101
FIRST = 1 << 33  # where time stamps begin anew


def packet(pid: int, *, key: bool = False, begins: bool = False, at: float = 0.0, fill: int = 0xFF) -> bytes:
    """A packet; of a picture that begins, with its time stamp."""
    head = bytes([0x47, (0x40 if begins or key else 0) | pid >> 8, pid & 0xFF, 0x30])
    adaptation = bytes([1, 0x40 if key else 0])
    stamp = round(at * 90_000) % FIRST
    five = bytes(
        [
            0x21 | stamp >> 30 << 1 & 0x0E,
            stamp >> 22 & 0xFF,
            stamp >> 14 & 0xFE | 1,
            stamp >> 7 & 0xFF,
            stamp << 1 & 0xFE | 1,
        ]
    )
    pes = b"\x00\x00\x01\xe0\x00\x00\x80\x80\x05" + five if begins or key else b""
    body = head + adaptation + pes
    return body + bytes([fill]) * (PACKET - len(body))


TABLES = packet(PAT) + packet(PMT)


def frames(until: float, *, since: float = 0.0, every: float = 1.0, rate: int = 10) -> bytes:
    """Pictures from one time on, with a keyframe every so often."""
    media = [TABLES]
    for number in range(round((until - since) * rate)):
        at = since + number / rate
        media.append(packet(VIDEO, key=number % round(every * rate) == 0, begins=True, at=at) + packet(AUDIO))
    return b"".join(media)


def cut(media: bytes, step: int = 1000, seconds: float = 2.0) -> list[Segment]:
    cutter = Cutter(seconds, 1 << 20)
    return [one for at in range(0, len(media), step) for one in cutter.take(media[at : at + step])]


@pytest.mark.parametrize("step", [1, 188, 1000, 1 << 20])
def test_segments_end_with_a_keyframe_and_begin_with_the_tables(step: int) -> None:
    found = cut(frames(6.5), step)
    assert [one.seconds for one in found] == pytest.approx([2.0, 2.0, 2.0])
    assert all(
        one.media.startswith(TABLES + packet(VIDEO, key=True, begins=True, at=2.0 * n)[:8])
        for n, one in enumerate(found)
    )
    assert b"".join(one.media[len(TABLES) :] for one in found) in frames(6.5), "nothing is lost between them"


def test_keyframes_that_are_far_apart_make_longer_ones() -> None:
    assert [one.seconds for one in cut(frames(10, every=3.0))] == pytest.approx([3.0, 3.0, 3.0])


def test_what_comes_before_the_first_keyframe_is_left_out() -> None:
    assert [one.seconds for one in cut(packet(VIDEO, begins=True, at=9.0) * 3 + frames(2.5))] == pytest.approx([2.0])


def test_time_stamps_that_begin_anew() -> None:
    edge = FIRST / 90_000
    assert [one.seconds for one in cut(frames(edge + 3.5, since=edge - 3.0))] == pytest.approx([2.0, 2.0, 2.0])


def test_without_a_keyframe_nothing_grows_for_ever() -> None:
    cutter = Cutter(2.0, 100 * PACKET)
    cutter.take(packet(VIDEO, key=True, begins=True) + packet(VIDEO) * 99)
    with pytest.raises(TooLong):
        cutter.take(packet(VIDEO))


def test_the_playlist_has_the_latest_five_and_numbers_that_only_grow() -> None:
    playlist = Playlist(1000)
    names, texts = [], []
    for _ in range(7):
        names.append(playlist.name())
        texts.append(playlist.add(2.001))
    assert len(set(names)) == 7
    assert texts[0].splitlines() == [
        "#EXTM3U",
        "#EXT-X-VERSION:3",
        "#EXT-X-TARGETDURATION:3",
        "#EXT-X-MEDIA-SEQUENCE:1000",
        "#EXT-X-DISCONTINUITY-SEQUENCE:1000",
        "#EXT-X-DISCONTINUITY",
        "#EXTINF:2.001,",
        names[0],
    ]
    last = texts[-1].splitlines()
    assert [line for line in last if line.endswith(".ts")] == names[2:]
    assert "#EXT-X-MEDIA-SEQUENCE:1002" in last
    assert "#EXT-X-DISCONTINUITY-SEQUENCE:1001" in last
    assert "#EXT-X-DISCONTINUITY" not in last
    assert Playlist(1003).name() not in names
