"""A few seconds off the side output of an encoder that copies its picture, and the FFmpeg that measures them. Pure.

The side output has keyframes alone, and copied sound: two keyframes tell what the picture is like and whether it
changes. What is measured is the same as in `content`, and so are the words that tell it.
"""

from __future__ import annotations

from supervisor.ffmpeg.content import SAMPLED_PICTURE, SAMPLED_SOUND, Reading, parse
from supervisor.ffmpeg.keyframe import Keyframe
from supervisor.ffmpeg.parameters import AUDIO_PID
from supervisor.model.content import Level

TOLD_BYTES = 200_000  # of what is measured, at most
PICTURES = 2

_PICTURE_BYTES = 8 << 20  # of one keyframe, at most
_SOUND_BYTES = 2 << 20
_LARGEST_PICTURE = 40_000_000  # pixels, as for thumbnails
_PACKET = 188


class Sample:
    """Takes datagrams: the first keyframe that is whole, the latest one, and the sound of all the time."""

    def __init__(self, *, sound: bool) -> None:
        self._pictures: list[bytes] = []
        self._sound = bytearray()
        self._takes_sound = sound
        self._keyframe = Keyframe(_PICTURE_BYTES)

    @property
    def pictures(self) -> int:
        """How many there are, at most `PICTURES`."""
        return len(self._pictures)

    @property
    def size(self) -> int:
        """Bytes of the keyframe that is coming; 0 for none."""
        return self._keyframe.size

    @property
    def media(self) -> bytes:
        """All of it as MPEG-TS; without a picture there is none, for the tables come with it."""
        return b"".join([*self._pictures, self._sound]) if self._pictures else b""

    def take(self, datagram: bytes) -> None:
        """Anything may stand in it; never raises."""
        self._keyframe.take(datagram)
        if self._keyframe.whole:
            self.settle()
        if self._takes_sound:
            self._take_sound(datagram)

    def _take_sound(self, datagram: bytes) -> None:
        for at in range(0, len(datagram) - _PACKET + 1, _PACKET):
            packet = datagram[at : at + _PACKET]
            if (packet[1] << 8 | packet[2]) & 0x1FFF == AUDIO_PID and len(self._sound) < _SOUND_BYTES:
                self._sound += packet

    def settle(self) -> None:
        """Nothing has come for a while, or the next one begins: what is there of the keyframe is all of it."""
        if self._keyframe.size:
            self._pictures = [*self._pictures[: PICTURES - 1], self._keyframe.media]
            self._keyframe = self._keyframe.another()

    def begin_again(self) -> None:
        """What comes from now on is another encoder's."""
        self._pictures, self._keyframe = [], Keyframe(_PICTURE_BYTES)
        self._sound.clear()


def measuring(ffmpeg: str) -> list[str]:
    """The command line: the media at its standard input, what it is like on its standard output."""
    return [
        *(ffmpeg, "-nostdin", "-hide_banner", "-loglevel", "quiet"),
        *("-scan_all_pmts", "0", "-fpsprobesize", "0"),
        *("-threads", "1", "-max_pixels", str(_LARGEST_PICTURE)),
        *("-protocol_whitelist", "pipe", "-f", "mpegts", "-i", "pipe:0"),
        *("-map", "0:v:0", "-map", "0:a:0?", "-filter_threads", "1"),
        *("-vf", SAMPLED_PICTURE, "-af", SAMPLED_SOUND, "-f", "null", "-"),
    ]


def readings(told: bytes) -> list[Reading]:
    """What that tells. The first picture is compared with nothing, and so says nothing of a difference."""
    found: list[Reading] = []
    compared = False
    for line in told.splitlines():
        if not (reading := parse(line)):
            continue
        if reading.level is Level.DIFFERENCE and not compared:
            compared = True
            continue
        if reading.level is Level.SOUND:
            found.append(Reading(Level.OWN_SOUND, 1.0))  # what is copied is the source's
        found.append(reading)
    return found
