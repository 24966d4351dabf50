"""The pictures of incidents in the data_dir: `thumbnails/INCIDENT.jpg`, bounded in number, size and age. IO; blocks.

Written whole or not at all. What cannot be read or removed stays, and is nobody's trouble.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from pathlib import Path

from supervisor.machine.data_dir import Folder

MOST_FILES = 500
MOST_BYTES = 20_000_000

_ENDING = ".jpg"
_HALF = ".new"  # ends what is not written yet
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,199}")
_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class KeptPictures:
    """By the id of the incident. Used by one thread at a time, but for `__contains__`, which any may ask."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._known: frozenset[str] = frozenset()

    @property
    def path(self) -> Path:
        """Where they are, for people."""
        return self._folder.path

    def __contains__(self, incident: str) -> bool:
        """Whether there was one at the latest look."""
        return incident in self._known

    def keep(self, incident: str, jpeg: bytes, wall: float) -> None:
        """Write one; the oldest make room for it. Raises OSError, and nothing half is left then."""
        if not _NAME.fullmatch(incident):
            return
        with self._folder.opened() as directory:
            half = f"{incident}{_HALF}"
            try:
                _write(directory, half, jpeg, wall)
                os.replace(half, f"{incident}{_ENDING}", src_dir_fd=directory, dst_dir_fd=directory)
            except OSError:
                with contextlib.suppress(OSError):
                    os.unlink(half, dir_fd=directory)
                raise
        self._known |= {incident}

    def move(self, incident: str, other: str) -> None:
        """The picture of an incident that has become a part of another one, which has none, is that one's."""
        if incident in self and other not in self and _NAME.fullmatch(other):
            with contextlib.suppress(OSError), self._folder.opened() as directory:
                names = f"{incident}{_ENDING}", f"{other}{_ENDING}"
                os.replace(*names, src_dir_fd=directory, dst_dir_fd=directory)
                self._known = self._known - {incident} | {other}

    def read(self, incident: str) -> bytes | None:
        """One of them; None if there is none."""
        if incident not in self:
            return None
        with contextlib.suppress(OSError), self._folder.opened() as directory:
            file = os.open(f"{incident}{_ENDING}", _READ, dir_fd=directory)
            with os.fdopen(file, "rb") as opened:
                if stat.S_ISREG(os.fstat(file).st_mode):
                    return opened.read(MOST_BYTES)
        return None

    def tidy(self, wall: float, seconds: float) -> None:
        """Remove those that are older than `seconds`, and the oldest of what is too many or too much; look anew."""
        kept: set[str] = set()
        if not self._folder.data_dir.held(*self._folder.names).is_dir():
            return  # where nothing was kept yet, nothing is made
        with contextlib.suppress(OSError), self._folder.opened() as directory:
            with os.scandir(directory) as entries:
                ours = [entry for entry in entries if entry.is_file(follow_symlinks=False)]
                found = [(entry.stat(follow_symlinks=False), entry.name) for entry in ours]
            total = 0
            for status, name in sorted(found, key=lambda one: -one[0].st_mtime):
                incident, ending = os.path.splitext(name)  # noqa: PTH122 - no path
                if ending not in {_ENDING, _HALF}:
                    continue
                total += status.st_size
                fits = total <= MOST_BYTES and len(kept) < MOST_FILES and wall - status.st_mtime <= seconds
                if ending == _ENDING and fits:
                    kept.add(incident)
                    continue
                with contextlib.suppress(OSError):
                    os.unlink(name, dir_fd=directory)
        self._known = frozenset(kept)


def _write(directory: int, name: str, data: bytes, wall: float) -> None:
    file = os.open(name, _NEW, 0o600, dir_fd=directory)
    try:
        while data:
            data = data[os.write(file, data) :]
        os.utime(file, (wall, wall))
    finally:
        os.close(file)
