"""MPEG-TS by hand, as far as parameters need it: packets, PES, parameter sets of H.264."""

from __future__ import annotations

PACKET = 188
VIDEO, AUDIO = 0x100, 0x101


def packet(pid: int, payload: bytes = b"", *, begins: bool = False, key: bool = False) -> bytes:
    """One TS packet; what `payload` lacks is filled by the adaptation field, which says whether a keyframe begins."""
    assert len(payload) <= PACKET - 6
    head = bytes((0x47, (0x40 if begins else 0) | pid >> 8, pid & 0xFF, 0x30))
    room = PACKET - 5 - len(payload)
    adaptation = bytes((room, 0x40 if key else 0)) + b"\xff" * (room - 1)
    return head + adaptation + payload


def filler() -> bytes:
    """A packet of another track, all of it payload."""
    return bytes((0x47, 0x00, 0x11, 0x10)) + b"\xff" * (PACKET - 4)


def pes(elementary: bytes) -> bytes:
    """A PES packet with a header of five further bytes."""
    return b"\x00\x00\x01\xe0\x00\x00\x80\x80\x05" + b"\x21\x00\x01\x00\x01" + elementary


def units(*found: bytes) -> bytes:
    """NAL units, each behind its start code."""
    return b"".join(b"\x00\x00\x00\x01" + unit for unit in found)


def keyframe(*found: bytes) -> bytes:
    """The TS packet that a keyframe begins with."""
    return packet(VIDEO, pes(units(*found)), begins=True, key=True)


class Bits:
    """Writes the numbers of H.264."""

    def __init__(self) -> None:
        self._bits = ""

    def put(self, value: int, count: int) -> Bits:
        self._bits += f"{value:0{count}b}"
        return self

    def golomb(self, *values: int) -> Bits:
        for value in values:
            number = f"{value + 1:b}"
            self._bits += "0" * (len(number) - 1) + number
        return self

    def bytes(self) -> bytes:
        """All of it, with the stop bit and what keeps it from looking like a start code."""
        bits = self._bits + "1"
        bits += "0" * (-len(bits) % 8)
        made = bytearray()
        for at in range(0, len(bits), 8):
            byte = int(bits[at : at + 8], 2)
            if made[-2:] == b"\x00\x00" and byte <= 3:
                made.append(3)
            made.append(byte)
        return bytes(made)


def sequence(
    width: int,
    height: int,
    rate: tuple[int, int] | None = None,
    shape: int | tuple[int, int] | None = None,
    colours: tuple[bool, int, int, int] | None = None,
) -> bytes:
    """A sequence parameter set of H.264: even sizes; `rate` as a fraction; `shape` of a pixel, by number or as one.

    `colours` are whether black is 0, and the three numbers of their description.
    """
    wide, high = -(-width // 16), -(-height // 16)
    bits = Bits().put(66, 8).put(0, 8).put(40, 8).golomb(0, 0, 2, 1).put(0, 1)
    bits.golomb(wide - 1, high - 1).put(1, 1).put(1, 1)
    right, bottom = (wide * 16 - width) // 2, (high * 16 - height) // 2
    bits.put(int(bool(right or bottom)), 1)
    if right or bottom:
        bits.golomb(0, right, 0, bottom)
    usable = any(told is not None for told in (rate, shape, colours))
    bits.put(int(usable), 1)
    if not usable:
        return b"\x67" + bits.bytes()
    bits.put(int(shape is not None), 1)
    if isinstance(shape, tuple):
        bits.put(255, 8).put(shape[0], 16).put(shape[1], 16)
    elif shape is not None:
        bits.put(shape, 8)
    bits.put(0, 1).put(int(colours is not None), 1)  # overscan, signal type
    if colours is not None:
        bits.put(5, 3).put(int(colours[0]), 1).put(1, 1)
        for number in colours[1:]:
            bits.put(number, 8)
    bits.put(0, 1)  # chroma location
    bits.put(int(rate is not None), 1)
    if rate is not None:
        bits.put(rate[1], 32).put(2 * rate[0], 32).put(1, 1)
    return b"\x67" + bits.put(0, 3).bytes()


PICTURE_SET = b"\x68\xce\x0f\xc8"
SLICE = b"\x65\x88\x84\x00\x10"
