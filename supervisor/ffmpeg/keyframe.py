"""One whole keyframe, put together of the datagrams of an encoder's side output. Pure.

What comes is a stranger's picture in MPEG-TS of our own encoder: bounded in size, and of what is lost or cut off
nothing is made.
"""

from __future__ import annotations

from supervisor.ffmpeg.parameters import VIDEO_PID

_PACKET = 188
_SYNC = 0x47
_TABLES = (0x0000, 0x1000)  # which programs there are, and what the first is made of; as FFmpeg numbers them


class Keyframe:
    """Takes datagrams until it is `whole`; then `media` is a small MPEG-TS that begins with the tables.

    The side output has keyframes alone, so whatever begins in the track of the picture is one. It is whole with the
    packet that is filled up at its end; of one that happens to need no filling, with the next beginning, or when its
    taker finds that nothing has come for a while (`size`).
    """

    def __init__(self, most: int) -> None:
        """Of one that is larger than `most` bytes nothing is kept."""
        self.whole = False
        self.lost = 0  # keyframes that were begun and thrown away, because a part was missing or they were too large
        self._most = most
        self._tables: dict[int, bytes] = {}
        self._media = bytearray()
        self._count = 0  # the continuity counter of the latest packet

    def another(self) -> Keyframe:
        """The next one of the same encoder, whose tables are known."""
        keyframe = Keyframe(self._most)
        keyframe._tables = dict(self._tables)
        return keyframe

    @property
    def size(self) -> int:
        """Bytes so far; 0 before it has begun."""
        return len(self._media)

    @property
    def media(self) -> bytes:
        """What has come so far."""
        return bytes(self._media)

    def begin_again(self) -> None:
        """What comes from now on is another encoder's."""
        if not self.whole:
            self._tables.clear()
            self._media.clear()

    def take(self, datagram: bytes) -> None:
        """Anything may stand in it; never raises."""
        for at in range(0, len(datagram) - _PACKET + 1, _PACKET):
            if self.whole:
                return
            packet = datagram[at : at + _PACKET]
            pid = (packet[1] << 8 | packet[2]) & 0x1FFF
            if packet[0] != _SYNC:
                continue
            if pid in _TABLES:
                self._tables[pid] = packet
            elif pid == VIDEO_PID:
                self._take_picture(packet)

    def _take_picture(self, packet: bytes) -> None:
        begins, count = bool(packet[1] & 0x40), packet[3] & 0x0F
        if begins:
            if self._media:
                self.whole = True  # with this one the next begins
            elif len(self._tables) == len(_TABLES):
                self._media += b"".join(self._tables[pid] for pid in _TABLES) + packet
        elif self._media:
            if count != (self._count + 1) & 0x0F or len(self._media) + _PACKET > self._most:
                self._media.clear()
                self.lost += 1
            else:
                self._media += packet
                self.whole = bool(packet[3] & 0x20)  # an adaptation field, which here does nothing but fill
        self._count = count
