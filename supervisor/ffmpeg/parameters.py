"""What a decoder must know before the first frame, found in MPEG-TS. Pure.

A connection announces it once, at its start: an encoder that goes on with other parameters needs a new connection, or
the viewers see green, or nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

VIDEO_PID, AUDIO_PID = 0x100, 0x101  # FFmpeg's first and second track

_PACKET = 188
_SYNC = 0x47
_START = b"\x00\x00\x01"
# By the first byte of a NAL unit. H.264's type is its low five bits, beside a priority that is never 0 for a set.
_H264_SPS = frozenset({0x27, 0x47, 0x67})
_H264_SETS = _H264_SPS | {0x28, 0x48, 0x68}
_H265_SPS = frozenset({0x42})
_H265_SETS = _H265_SPS | {0x40, 0x44}
_ADTS = re.compile(rb"\xff[\xf0\xf1\xf8\xf9]")


@dataclass(frozen=True, slots=True)
class Parameters:
    """Of the picture: its parameter sets, as they are sent. Of the sound, where it is copied: codec, rate, channels.

    Empty: not seen yet.
    """

    video: frozenset[bytes] = field(default=frozenset(), repr=False)
    audio: bytes = b""

    def updated(self, newer: Parameters) -> Parameters:
        """These, with what `newer` knows."""
        return Parameters(newer.video or self.video, newer.audio or self.audio)

    def differ(self, other: Parameters) -> bool:
        """Whether something that is known of both is not the same; who repeats less of it does not differ."""
        video = not (self.video <= other.video or self.video >= other.video)
        audio = self.audio and other.audio and self.audio != other.audio
        return bool(video or audio)


class Colours(NamedTuple):
    """What H.264 parameter sets tell of the colours, in its own numbers; 2 stands for nothing."""

    full: bool = False  # black is 0, not 16
    primaries: int = 2
    transfer: int = 2
    matrix: int = 2


UNSAID = Colours()


class Picture(NamedTuple):
    """What H.264 parameter sets tell of the picture; no rate where they do not tell."""

    width: int
    height: int
    rate: float | None
    square: bool  # its pixels are
    colours: Colours = UNSAID


def parse_parameters(datagram: bytes) -> Parameters:
    """What one datagram of TS packets tells. Anything may stand in it; never raises."""
    video = audio = b""
    for at in range(0, len(datagram) - _PACKET + 1, _PACKET):
        packet = datagram[at : at + _PACKET]
        pid = (packet[1] << 8 | packet[2]) & 0x1FFF
        if packet[0] != _SYNC or pid not in {VIDEO_PID, AUDIO_PID}:
            continue
        payload = _payload(packet)
        begins = bool(packet[1] & 0x40)
        if pid == VIDEO_PID and (begins or video):
            video += payload
        elif pid == AUDIO_PID and begins:
            audio = audio or _sound(_elementary(payload))
    return Parameters(_sets(_elementary(video)), audio)


def _payload(packet: bytes) -> bytes:
    control = packet[3] & 0x30
    if control == 0x10:  # noqa: PLR2004 - no adaptation field
        return packet[4:]
    return packet[5 + packet[4] :] if control == 0x30 else b""  # noqa: PLR2004 - adaptation field and payload


def _elementary(pes: bytes) -> bytes:
    """What follows the header of a PES packet."""
    if len(pes) < 9 or pes[:3] != _START:  # noqa: PLR2004 - its fixed part
        return b""
    return pes[9 + pes[8] :]


def _sets(stream: bytes) -> frozenset[bytes]:
    """The parameter sets at the start of a keyframe; none if one of them is cut off, or their head is missing."""
    units = stream.split(_START)[1:]
    for heads, kinds in ((_H265_SPS, _H265_SETS), (_H264_SPS, _H264_SETS)):
        if any(unit[:1] and unit[0] in heads for unit in units):
            found = [unit.rstrip(b"\x00") for unit in units if unit[:1] and unit[0] in kinds]
            whole = units[-1][:1] and units[-1][0] not in kinds  # of the last unit nobody knows where it ends
            return frozenset(found if whole else ())
    return frozenset()


def _sound(frame: bytes) -> bytes:
    """Of AAC as ADTS: profile, rate and channels; of MP3 what is as fixed; of anything else nothing."""
    if len(frame) < 4 or frame[0] != 0xFF:  # noqa: PLR2004 - the shortest header
        return b""
    if _ADTS.match(frame):
        return b"aac" + bytes((frame[2] & 0xFD, frame[3] & 0xC0))
    if frame[1] & 0xE0 == 0xE0 and frame[1] & 0x06:  # noqa: PLR2004 - MPEG audio's sync and layer
        return b"mp3" + bytes((frame[1] & 0xFE, frame[2] & 0x0C, frame[3] & 0xC0))
    return b""


# --- the picture -------------------------------------------------------------------------------------


def video_codec(parameters: Parameters) -> str | None:
    """`h264` or `h265`; None for another codec, or while it has not been seen."""
    heads = {unit[0] for unit in parameters.video}
    return "h264" if heads & _H264_SPS else "h265" if heads & _H265_SPS else None


def picture(parameters: Parameters) -> Picture | None:
    """The picture that H.264 parameter sets describe; None for another codec, or what cannot be understood."""
    for unit in parameters.video:
        if unit[0] in _H264_SPS:
            try:
                return _sequence(_Bits(unit[1:].replace(b"\x00\x00\x03", b"\x00\x00")))
            except IndexError:
                return None
    return None


class _Bits:
    """Reads the numbers of H.264; raises IndexError beyond the end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> int:
        """An unsigned number of so many bits."""
        value = 0
        for _ in range(count):
            value = value << 1 | (self._data[self._at >> 3] >> (7 - (self._at & 7)) & 1)
            self._at += 1
        return value

    def golomb(self) -> int:
        """An unsigned Exp-Golomb number."""
        zeros = 0
        while not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)

    def signed(self) -> int:
        """A signed one."""
        number = self.golomb()
        return (number + 1) // 2 if number & 1 else -(number // 2)


_WITH_CHROMA = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}
_EXTENDED_SAR = 255


def _sequence(bits: _Bits) -> Picture:
    """A sequence parameter set, as ITU-T H.264 7.3.2.1.1 lays it out."""
    profile = bits.take(8)
    bits.take(16)  # constraints, level
    bits.golomb()  # its number
    chroma = _chroma(bits) if profile in _WITH_CHROMA else 1
    bits.golomb()  # frame numbers
    order = bits.golomb()
    if order == 0:
        bits.golomb()
    elif order == 1:
        bits.take(1)
        bits.signed()
        bits.signed()
        for _ in range(bits.golomb()):
            bits.signed()
    bits.golomb()  # reference frames
    bits.take(1)
    width, height = (bits.golomb() + 1) * 16, (bits.golomb() + 1) * 16
    frames_only = bits.take(1)
    height *= 2 - frames_only
    if not frames_only:
        bits.take(1)
    bits.take(1)
    if bits.take(1):  # cropping
        across, down = (1 if chroma in {0, 3} else 2), (1 if chroma != 1 else 2) * (2 - frames_only)
        left, right, top, bottom = (bits.golomb() for _ in range(4))
        width, height = width - (left + right) * across, height - (top + bottom) * down
    rate, square, colours = _usability(bits) if bits.take(1) else (None, True, UNSAID)
    return Picture(width, height, rate, square, colours)


def _chroma(bits: _Bits) -> int:
    chroma = bits.golomb()
    if chroma == 3:  # noqa: PLR2004 - 4:4:4
        bits.take(1)
    bits.golomb()
    bits.golomb()
    bits.take(1)
    if bits.take(1):
        for number in range(8 if chroma != 3 else 12):  # noqa: PLR2004
            if bits.take(1):
                _skip_scaling(bits, 16 if number < 6 else 64)  # noqa: PLR2004
    return chroma


def _skip_scaling(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed()) % 256
        last = following or last


def _usability(bits: _Bits) -> tuple[float | None, bool, Colours]:
    """The frame rate, whether pixels are square, and the colours, of video usability information (annex E)."""
    square, colours = True, UNSAID
    if bits.take(1):
        shape = bits.take(8)
        square = (bits.take(16) == bits.take(16)) if shape == _EXTENDED_SAR else shape in {0, 1}
    if bits.take(1):
        bits.take(1)
    if bits.take(1):
        bits.take(3)
        colours = Colours(bool(bits.take(1)))
        if bits.take(1):
            colours = Colours(colours.full, bits.take(8), bits.take(8), bits.take(8))
    if bits.take(1):
        bits.golomb()
        bits.golomb()
    if not bits.take(1):
        return None, square, colours
    units, scale = bits.take(32), bits.take(32)
    return (scale / (2 * units) if units else None), square, colours
