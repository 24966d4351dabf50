"""When keyframes are shown and when they are sent, as their PES headers in MPEG-TS tell. Pure.

The time stamps are the media's own: what the loop, the kernel or a burst adds to the times of arrival is not in them.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from supervisor.ffmpeg.parameters import VIDEO_PID

_PACKET = 188
_SYNC = 0x47
_START = b"\x00\x00\x01"
_FIXED = 9  # bytes of a PES header that are always there
_STAMP = 5
_TICKS = 90_000  # a second
_WRAP = 1 << 33
_MOST = 600.0  # seconds; what is further apart is another clock, and so is what goes back
_REMEMBERED = 8  # distances; of keyframes 2 s apart a quarter of a minute


class Stamps(NamedTuple):
    """When a frame is shown and when it is to be decoded, in ticks of 90 kHz that wrap at 33 bits."""

    shown: int
    decoded: int


class Keyframes:
    """The keyframes of one encoder's run."""

    def __init__(self) -> None:
        self.begin_run()

    def begin_run(self) -> None:
        """Another run may make others."""
        self.count = 0
        self.delay = 0.0  # seconds from the decoding of the latest one to its showing
        self._latest: int | None = None
        self._distances: deque[float] = deque(maxlen=_REMEMBERED)

    def take(self, stamps: Stamps) -> None:
        """One has come."""
        self.delay = _seconds(stamps.shown - stamps.decoded)
        if self._latest is not None:
            distance = _seconds(stamps.shown - self._latest)
            if distance == 0.0:
                return
            if distance <= _MOST:
                self._distances.append(distance)
            else:
                self._distances.clear()
        self._latest = stamps.shown
        self.count += 1

    @property
    def longest(self) -> float | None:
        """The longest of the latest distances, in seconds; None: there were not two of them."""
        return max(self._distances, default=None)


def keyframe_stamps(datagram: bytes) -> Stamps | None:
    """The time stamps of the keyframe that begins in a datagram of TS packets, if one does. Never raises."""
    for at in range(0, len(datagram) - _PACKET + 1, _PACKET):
        packet = datagram[at : at + _PACKET]
        if packet[0] != _SYNC or (packet[1] << 8 | packet[2]) & 0x5FFF != 0x4000 | VIDEO_PID:
            continue
        if packet[3] & 0x20 and packet[4] and packet[5] & 0x40:  # its adaptation field says: random access
            return _stamps(packet[5 + packet[4] :])
    return None


def _stamps(pes: bytes) -> Stamps | None:
    if len(pes) < _FIXED + _STAMP or pes[:3] != _START or not pes[7] & 0x80:
        return None
    shown = _stamp(pes[_FIXED:])
    both = pes[7] & 0x40 and len(pes) >= _FIXED + 2 * _STAMP
    return Stamps(shown, _stamp(pes[_FIXED + _STAMP :]) if both else shown)


def _stamp(field: bytes) -> int:
    """33 bits in five bytes, as ISO 13818-1 lays them out."""
    return (field[0] >> 1 & 0x07) << 30 | field[1] << 22 | (field[2] >> 1) << 15 | field[3] << 7 | field[4] >> 1


def _seconds(ticks: int) -> float:
    return (ticks % _WRAP) / _TICKS
