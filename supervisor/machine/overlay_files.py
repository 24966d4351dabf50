"""The copies of the owner's texts and images that FFmpeg reads: always there, always whole. IO.

FFmpeg ends when such a file is not there, and hangs over a text of a megabyte.
"""

from __future__ import annotations

import base64
import os
import re
import stat
from pathlib import Path
from typing import Final

from supervisor.model.overlays import OverlayFile

_MOST_TEXT: Final = 4000  # bytes that are read
_MOST_LINES: Final = 20
_MOST_CHARACTERS: Final = 1000
_MOST_IMAGE: Final = 16 * 1024 * 1024
_UNDRAWABLE: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
# How whole images begin and end. A PNG's last chunk is always the same.
_IMAGES: Final = ((b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"), (b"\xff\xd8\xff", b"\xff\xd9"))
# One transparent pixel, where there is no image yet.
_NOTHING: Final = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


def make_ready(one: OverlayFile) -> None:
    """See to it that there is a copy that FFmpeg can begin with, if only an empty one. Raises OSError."""
    if not one.copy.exists():
        _put(one.copy, _NOTHING if one.image else b"")


def renew(one: OverlayFile) -> bool:
    """Copy what the owner's file holds now; True when that is new. Blocks. Raises OSError.

    A text that is gone is an empty one. An image that is gone, or not whole, is left as it was.
    """
    content = _image(one.file) if one.image else _text(one.file)
    try:
        before = one.copy.read_bytes()
    except FileNotFoundError:
        before = None
    if content is None:
        content = _NOTHING if before is None else before
    if content == before:
        return False
    _put(one.copy, content)
    return True


def _read(path: Path, most: int) -> bytes:
    """The beginning of a plain file; nothing of one that is not there. A pipe is not waited for."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return b""
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(most)
    finally:
        os.close(descriptor)


def _text(path: Path) -> bytes:
    lines = _read(path, _MOST_TEXT).decode("utf-8-sig", "ignore").replace("\r\n", "\n").split("\n")[:_MOST_LINES]
    return _UNDRAWABLE.sub(" ", "\n".join(lines).rstrip()[:_MOST_CHARACTERS]).encode()


def _image(path: Path) -> bytes | None:
    content = _read(path, _MOST_IMAGE + 1)
    whole = any(content.startswith(first) and content.rstrip(b"\0").endswith(last) for first, last in _IMAGES)
    return content if whole and len(content) <= _MOST_IMAGE else None


def _put(path: Path, content: bytes) -> None:
    """In one step: FFmpeg may read at any moment."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.write_bytes(content)
    new.replace(path)
