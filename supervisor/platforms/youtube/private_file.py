"""Small files that are for neverdark's own user: read with care, replaced as a whole. IO."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

MOST_BYTES: Final = 65_536


def read_private(path: Path, most: int = MOST_BYTES) -> bytes:
    """What stands in it, `most` bytes of it. Raises OSError, also for what is no plain file.

    One that others may read, because somebody copied it, is closed to them.
    """
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(0, "expected a plain file")
        if status.st_mode & 0o077:
            with contextlib.suppress(OSError):
                os.fchmod(file, 0o600)
        return os.read(file, most)
    finally:
        os.close(file)


@contextlib.contextmanager
def alone_with(path: Path) -> Iterator[None]:
    """No other process is in here with this file; where no lock can be made, because nothing can be written, anyone."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            lock = os.open(path.with_name(path.name + ".lock"), flags, 0o600)
            stack.callback(os.close, lock)
            _give_to_owner_of(path.parent, lock)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def check_writable(path: Path) -> None:
    """Whether `write_private` can be done, before something is begun that ends with it. Raises OSError."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "expected a file, and it is a directory", str(path))
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "there is no such directory", str(path.parent))
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, "no file can be made in it", str(path.parent))


def write_private(path: Path, content: bytes, *, lasting: bool = True) -> None:
    """Replace the file, mode 0600: who reads it sees the old one or the new one, also after a kill. Raises OSError.

    `lasting`: also after a loss of power. Root leaves it to the user whose directory it is in. Only one may write.
    """
    new = path.with_name(path.name + ".new")
    with contextlib.suppress(FileNotFoundError):
        new.unlink()  # of somebody who lost power: we are alone
    file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(file, "wb") as writing:
            _give_to_owner_of(path.parent, file)
            writing.write(content)
            writing.flush()
            if lasting:
                os.fsync(file)
        new.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            new.unlink()
        raise
    if lasting:
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def _give_to_owner_of(directory: Path, file: int) -> None:
    """What root makes in somebody's directory is for the neverdark that runs as that user."""
    if os.geteuid() == 0:
        status = directory.stat()
        os.fchown(file, status.st_uid, status.st_gid)
