"""How an answer goes over the wire: as it is, or in gzip's frame, put together from parts deflated before."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from struct import pack
from typing import Final

_LEVEL: Final = 1  # level 9 costs eight times as much and saves a third
_RAW: Final = -15  # zlib's way to ask for a 32 KiB window and no header
_HEADER: Final = b"\x1f\x8b\x08\0\0\0\0\0\x04\xff"  # deflate, no name, no time, the fastest, unknown system
_LAST_BLOCK: Final = b"\x03\0"


def deflate(text: bytes) -> bytes:
    """Whole deflate blocks that refer to nothing before them, so that they can stand anywhere in a stream."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _RAW)
    return packer.compress(text) + packer.flush(zlib.Z_FULL_FLUSH)


class Plain:
    """An answer as it is."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def add(self, text: bytes, packed: Callable[[], bytes] | None = None) -> None:
        """Append `text`."""
        del packed
        self._parts.append(text)

    def whole(self) -> bytes:
        """The answer."""
        return b"".join(self._parts)


class Gzip:
    """An answer in gzip's frame (RFC 1952)."""

    def __init__(self) -> None:
        self._parts = [_HEADER]
        self._checksum = self._size = 0

    def add(self, text: bytes, packed: Callable[[], bytes] | None = None) -> None:
        """Append `text`; `packed` gives the same text from `deflate`, perhaps of an earlier answer."""
        self._parts.append(packed() if packed else deflate(text))
        self._checksum = zlib.crc32(text, self._checksum)
        self._size += len(text)

    def whole(self) -> bytes:
        """The answer."""
        return b"".join([*self._parts, _LAST_BLOCK, pack("<II", self._checksum, self._size & 0xFFFFFFFF)])
