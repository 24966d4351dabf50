"""What streams leave in the data_dir that are no longer configured: kept for a while, and never without bounds. IO.

A stream that was renamed by mistake finds its logs when it is back; a month of streams with dated names fills no disk.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Collection, Iterator

from supervisor.machine.data_dir import DataDir

KEPT_SECONDS = 7 * 86_400.0
KEPT_STREAMS = 50
KEPT_BYTES = 100_000_000

_GONE = "gone"  # made in a folder of logs when its stream was first seen to be gone; its time is that moment
_BELOW = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW


def clear(data_dir: DataDir, streams: Collection[str], wall: float) -> None:
    """Remove what is too old, or too much, of streams other than `streams`; the latest to go is kept longest.

    Follows no link, and removes nothing but what neverdark makes. What cannot be read or removed stays.
    """
    with contextlib.suppress(OSError), data_dir.folder("run").opened() as run:
        for name in _others(run, streams):
            _remove(run, name, stat.S_ISFIFO, (".output",))
    with contextlib.suppress(OSError), data_dir.folder("logs").opened() as logs:
        for name in streams:
            with contextlib.suppress(OSError), _entered(logs, name) as folder:
                os.unlink(_GONE, dir_fd=folder)
        gone = [(_gone_for(logs, name, wall), *_measured(logs, name), name) for name in _others(logs, streams)]
        total = 0
        for number, (age, _, size, name) in enumerate(sorted(gone)):
            total += size
            if age > KEPT_SECONDS or number >= KEPT_STREAMS or total > KEPT_BYTES:
                _remove(logs, name, stat.S_ISREG, (".log", ".log.1", _GONE))


def _others(directory: int, streams: Collection[str]) -> list[str]:
    """The folders in it, links aside, that are of no stream."""
    with os.scandir(directory) as entries:
        return [entry.name for entry in entries if entry.name not in streams and entry.is_dir(follow_symlinks=False)]


def _gone_for(logs: int, name: str, wall: float) -> float:
    """Seconds since its stream was first seen to be gone; 0 if that is now."""
    with contextlib.suppress(OSError), _entered(logs, name) as folder:
        with contextlib.suppress(FileExistsError):
            marker = os.open(_GONE, _NEW, 0o640, dir_fd=folder)
            try:
                os.utime(marker, (wall, wall))
            finally:
                os.close(marker)
        return wall - os.stat(_GONE, dir_fd=folder, follow_symlinks=False).st_mtime
    return 0.0  # a full disk takes no marker: it is among the latest, for now


def _measured(directory: int, name: str) -> tuple[float, int]:
    """When its latest log was written, as seconds before 1970, so that the latest sorts first; and bytes in all."""
    with contextlib.suppress(OSError), _entered(directory, name) as folder, os.scandir(folder) as entries:
        found = [entry.stat(follow_symlinks=False) for entry in entries if entry.name != _GONE]
        return -max((each.st_mtime for each in found), default=0.0), sum(each.st_size for each in found)
    return 0.0, 0


def _remove(directory: int, name: str, is_ours: Callable[[int], bool], endings: tuple[str, ...]) -> None:
    """Remove a folder with the files of ours in it; with others in it, it stays."""
    with contextlib.suppress(OSError):
        with _entered(directory, name) as folder:
            with os.scandir(folder) as entries:
                ours = [
                    entry.name
                    for entry in entries
                    if entry.name.endswith(endings) and is_ours(entry.stat(follow_symlinks=False).st_mode)
                ]
            for file in ours:
                os.unlink(file, dir_fd=folder)
        os.rmdir(name, dir_fd=directory)


@contextlib.contextmanager
def _entered(directory: int, name: str) -> Iterator[int]:
    folder = os.open(name, _BELOW, dir_fd=directory)
    try:
        yield folder
    finally:
        os.close(folder)
