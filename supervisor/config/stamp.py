"""What tells that a file is not the one that was read: taken before it is read, so that no change falls between."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import NamedTuple


class Stamp(NamedTuple):
    """A file at one moment. All zero: there is none that can be looked at."""

    size: int = 0
    inode: int = 0
    written_ns: int = 0
    changed_ns: int = 0  # also by chmod: a file that could not be read may be readable now


def stamp_of(path: Path) -> Stamp:
    """The file behind `path` right now, links followed."""
    try:
        return stamp_of_status(path.stat())
    except OSError:
        return Stamp()


def read_stamped(path: Path, most: int, *, plain: bool = False) -> tuple[bytes, Stamp]:
    """The first `most` bytes of a file, and its stamp of the moment before. Raises OSError.

    `plain` refuses what may never end, such as a device or a pipe.
    """
    if plain and path.exists() and not path.is_file() and not path.is_dir():
        raise OSError(errno.EINVAL, "it is not a plain file")
    with path.open("rb") as file:
        stamp = stamp_of_status(os.fstat(file.fileno()))
        return file.read(most), stamp


def ends_with_a_line(path: Path) -> bool:
    """Whether the last line of a file has its end; True for what is empty, no plain file or cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe that nobody writes to would keep us
    except OSError:
        return True
    try:
        status = os.fstat(descriptor)
        plain = stat.S_ISREG(status.st_mode) and status.st_size > 0
        return not plain or os.pread(descriptor, 1, status.st_size - 1) == b"\n"
    except OSError:
        return True
    finally:
        os.close(descriptor)


def stamp_of_status(status: os.stat_result) -> Stamp:
    """The same, of what was looked at already."""
    return Stamp(status.st_size, status.st_ino, status.st_mtime_ns, status.st_ctime_ns)
