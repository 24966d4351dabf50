"""A change of the encoder whose media the pushers get, between two frames. IO, no decisions.

The next encoder runs beside the one that feeds. At each link a second socket takes what the next one sends, until a
keyframe of it has come on all of them; then the next one is stopped for a moment, the links take media from it and from
nobody else, are given what has come since that keyframe, and it goes on. Nothing stands in the media's way but that.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from supervisor.ffmpeg.parameters import AUDIO_PID, VIDEO_PID
from supervisor.machine.media_links import MediaLink

_DATAGRAM_BYTES = 1500
_TS_PACKET = 188
_BUFFER_BYTES = 4 << 20
_MOST_KEPT = 2000  # datagrams since a keyframe: what waits longer than that has missed its moment
_BEGINS, _HAS_ADAPTATION, _RANDOM_ACCESS = 0x40, 0x20, 0x40


class SideSocket:
    """Takes what the next encoder sends to one link, beside the link's own socket."""

    def __init__(self, link: MediaLink, sender: int) -> None:
        """`sender` is the port that the next encoder sends from. Raises OSError."""
        self.link = link
        self._sender = sender
        self._socket = link.beside(sender)
        self.fd = self._socket.fileno()
        self._sound = b""  # the latest datagram that begins a piece of sound
        self._kept: list[bytes] = []
        self._kept_since = 0.0
        self.came = False

    def read(self, *, keep: bool) -> None:
        """Take in what is waiting; to `keep` it means to look for a keyframe, and to keep all that follows."""
        while datagram := self._next():
            self.came = True
            if not keep:
                self._sound, self._kept = b"", []
                continue
            video, sound = _begins(datagram)
            if self._kept:
                self._kept.append(datagram)
            elif video:
                self._kept = [self._sound, datagram] if self._sound else [datagram]
                self._kept_since = time.monotonic()
            if sound:
                self._sound = datagram
        if len(self._kept) > _MOST_KEPT:
            self._kept = []

    @property
    def has_keyframe(self) -> bool:
        """A keyframe has come, and nothing after it is lost."""
        return bool(self._kept)

    @property
    def gap(self) -> float | None:
        """Seconds from the last datagram of the one that feeds to the first that was kept; None: not known."""
        quiet = self.link.quiet_for
        return None if quiet is None else max(0.0, quiet - (time.monotonic() - self._kept_since))

    def hand_over(self) -> None:
        """The link goes on with what was kept, and with what its new sender sends. It must be stopped meanwhile."""
        self.link.go_over(self._kept, self._sender)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _next(self) -> bytes:
        try:
            return self._socket.recv(_DATAGRAM_BYTES)
        except OSError:
            return b""


class Handover:
    """The links of one encoder's destinations go over to the next one."""

    gap: float | None = None  # seconds without media, from one run to the other; None: not known

    def __init__(self, links: Mapping[MediaLink, int]) -> None:
        """`links`, and the ports that the next encoder sends from. Raises OSError, and then nothing has changed."""
        self.sides: list[SideSocket] = []
        try:
            for link, sender in links.items():
                self.sides.append(SideSocket(link, sender))
        except OSError:
            self.close()
            raise

    def look(self, *, keep: bool) -> bool:
        """Take in what has come. True when every link could go over at this moment."""
        for side in self.sides:
            side.read(keep=keep)
        return keep and all(side.has_keyframe for side in self.sides)

    @property
    def came(self) -> bool:
        """The next encoder has sent something to every link."""
        return all(side.came for side in self.sides)

    def go_over(self) -> None:
        """Do it. The next encoder is stopped."""
        self.look(keep=True)
        # An encoder sends to all of them together: what reads latest knows best when the last of it came.
        self.gap = min((gap for side in self.sides if (gap := side.gap) is not None), default=None)
        for side in self.sides:
            side.hand_over()
        self.close()

    def close(self) -> None:
        """Let go of the sockets; the links are as they are."""
        for side in self.sides:
            side.close()


def _begins(datagram: bytes) -> tuple[bool, bool]:
    """Whether a keyframe, and whether a piece of sound, begins in a datagram of TS packets."""
    video = sound = False
    for at in range(0, len(datagram) - _TS_PACKET + 1, _TS_PACKET):
        if not datagram[at + 1] & _BEGINS:
            continue
        pid = (datagram[at + 1] & 0x1F) << 8 | datagram[at + 2]
        if pid == AUDIO_PID:
            sound = True
        elif pid == VIDEO_PID and datagram[at + 3] & _HAS_ADAPTATION and datagram[at + 4]:
            video = video or bool(datagram[at + 5] & _RANDOM_ACCESS)
    return video, sound
