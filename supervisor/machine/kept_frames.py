"""The last good frame of each stream whose slate shows it: `frames/….jpg` in the data_dir. IO; blocks."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Container, Iterable
from pathlib import Path

from supervisor.machine.data_dir import Folder

_ENDING = ".jpg"
_HALF = ".new"  # ends what is not written yet
_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW


class KeptFrames:
    """One for each stream, by a name that any file system takes."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def path(self, stream: str) -> Path:
        """Where a stream's is, if there is one."""
        return self._folder.path / f"{_name(stream)}{_ENDING}"

    def keep(self, stream: str, jpeg: bytes) -> None:
        """This one from now on. Raises OSError, and then the one before stays."""
        with self._folder.opened() as directory:
            half = f"{_name(stream)}{_HALF}"
            try:
                with os.fdopen(os.open(half, _NEW, 0o600, dir_fd=directory), "wb") as file:
                    file.write(jpeg)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(half, f"{_name(stream)}{_ENDING}", src_dir_fd=directory, dst_dir_fd=directory)
            except OSError:
                with contextlib.suppress(OSError):
                    os.unlink(half, dir_fd=directory)
                raise

    def keep_only(self, streams: Iterable[str]) -> None:
        """Those of other streams go. What cannot be removed stays."""
        kept: Container[str] = {f"{_name(stream)}{_ENDING}" for stream in streams}
        if not self._folder.path.is_dir():
            return  # where nothing was kept yet, nothing is made
        with contextlib.suppress(OSError), self._folder.opened() as directory:
            for name in os.listdir(directory):  # noqa: PTH208 - of a descriptor
                if name not in kept:
                    with contextlib.suppress(OSError):
                        os.unlink(name, dir_fd=directory)


def _name(stream: str) -> str:
    return hashlib.sha256(stream.encode()).hexdigest()[:32]
