"""MPEG-TS cut into segments at keyframes, and the playlist of the latest of them. Pure."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

PACKET = 188
_SYNC = 0x47
_TABLES = (0x0000, 0x1000)  # which programs there are, and what the first is made of; as FFmpeg numbers them
_VIDEO = 0x100
_CLOCK = 90_000  # a second
_WRAP = 1 << 33
_EARLY = 0.05  # seconds: a keyframe that is so much early is the one that was meant
_LISTED = 5


class Segment(NamedTuple):
    """What lies between two keyframes, or more of them; it begins with the tables."""

    media: bytes
    seconds: float


class TooLong(Exception):  # noqa: N818 - the name says what happened
    """So much has come without a keyframe that nothing can be cut."""


class Cutter:
    """Takes whole packets, gives segments of at least `seconds`, up to the keyframe that follows."""

    def __init__(self, seconds: float, most: int) -> None:
        """No segment is larger than `most` bytes."""
        self._seconds = seconds - _EARLY
        self._most = most
        self._rest = b""
        self._tables: dict[int, bytes] = {}
        self._media = bytearray()
        self._begin: int | None = None  # the time stamp of its first keyframe

    def take(self, data: bytes) -> list[Segment]:
        """The segments that are whole now. Raises TooLong."""
        data = self._rest + data
        end = len(data) - len(data) % PACKET
        self._rest = data[end:]
        found = []
        for at in range(0, end, PACKET):
            packet = data[at : at + PACKET]
            if packet[0] != _SYNC:
                continue
            pid = (packet[1] << 8 | packet[2]) & 0x1FFF
            if pid == _VIDEO and packet[1] & 0x40 and (stamp := _keyframe(packet)) is not None:
                found += self._cut(stamp)
            elif pid in _TABLES:
                self._tables[pid] = packet
            if self._begin is not None:
                self._media += packet
        if len(self._media) > self._most:
            raise TooLong
        return found

    def _cut(self, stamp: int) -> list[Segment]:
        if self._begin is not None:
            seconds = (stamp - self._begin) % _WRAP / _CLOCK
            if seconds < self._seconds:
                return []
            found = [Segment(bytes(self._media), seconds)]
        else:
            found = []
        self._begin = stamp
        self._media = bytearray(b"".join(self._tables.get(pid, b"") for pid in _TABLES))
        return found


def _keyframe(packet: bytes) -> int | None:
    """The time stamp of the keyframe that begins in this packet, if one does."""
    if not packet[3] & 0x20 or not packet[4] or not packet[5] & 0x40:  # random access
        return None
    pes = packet[5 + packet[4] :]
    if len(pes) < 14 or pes[:3] != b"\x00\x00\x01" or not pes[7] & 0x80:  # noqa: PLR2004 - up to its time stamp
        return None
    middle, low = (int.from_bytes(pes[at : at + 2], "big") >> 1 for at in (10, 12))
    return (pes[9] >> 1 & 0x07) << 30 | middle << 15 | low


class Playlist:
    """The latest segments of one run. No two runs have a name, or a number, in common."""

    def __init__(self, number: int) -> None:
        """`number` is the first segment's: greater than that of any before, as the seconds of the clock are."""
        self._run = number
        self._next = number
        self._longest = 1
        self._segments: deque[tuple[int, str, float]] = deque(maxlen=_LISTED)

    def name(self) -> str:
        """What the next segment is to be called."""
        return f"nd{self._run:x}-{self._next - self._run}.ts"

    def add(self, seconds: float) -> str:
        """The playlist with one more segment, that of `name`."""
        self._segments.append((self._next, self.name(), seconds))
        self._next += 1
        self._longest = max(self._longest, -int(-seconds // 1))
        first = self._segments[0][0]
        lines = [
            "#EXTM3U",
            "#EXT-X-VERSION:3",
            f"#EXT-X-TARGETDURATION:{self._longest}",
            f"#EXT-X-MEDIA-SEQUENCE:{first}",
            f"#EXT-X-DISCONTINUITY-SEQUENCE:{self._run + (first > self._run)}",
        ]
        for number, name, length in self._segments:
            if number == self._run:
                lines.append("#EXT-X-DISCONTINUITY")  # another run's time was another one
            lines += [f"#EXTINF:{length:.3f},", name]
        return "\n".join(lines) + "\n"
