"""The log files of one process: a file a run, bounded in size and in number. IO, but never in anybody's way.

A full or read-only disk costs log lines, never a stream: errors are told once, and writing is tried again.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections import deque
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from supervisor.machine.data_dir import Folder

MAX_RUNS = 5
_MAX_PART_BYTES = 500_000  # a run has two parts at most, and a process five runs: 5 MB in all
_RETRY_SECONDS = 10.0
# Not through a link, and not waiting for a reader if it is a FIFO.
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK

AfterWrite = Callable[[Path, OSError | None], None]


class RunLog:
    """Writes lines to `FOLDER/NAME.RUN_ID.log`; the older half of a long run ends with `.log.1`."""

    def __init__(self, folder: Folder, name: str, trouble: AfterWrite) -> None:
        """`trouble` is told of a first failure (with the error) and of its end (with None)."""
        self._folder = folder
        self._name = name
        self._trouble = trouble
        self._file: str | None = None
        self._runs: deque[str] | None = None  # the files that are there, the oldest first; None: not looked yet
        self._failing = False
        self._retry_at = 0.0

    def begin_run(self, run_id: str) -> None:
        """Later lines go to a new file, made when the first line comes."""
        self._file = f"{self._name}.{run_id}.log"

    def write(self, lines: Iterable[str], wall: float, now: float) -> None:
        """Append `lines`, each with the wall-clock time; `now` is monotonic."""
        stamp = datetime.fromtimestamp(wall, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z "
        data = "".join(f"{stamp}{line}\n" for line in lines).encode()
        if not data or self._file is None or now < self._retry_at:
            return
        try:
            with self._folder.opened() as directory:
                self._append(directory, self._file, data)
        except OSError as error:
            self._runs = None  # the directory may be another one, or gone
            self._retry_at = now + _RETRY_SECONDS
            if not self._failing:
                self._failing = True
                self._trouble(self._folder.path / self._file, error)
            return
        if self._failing:
            self._failing = False
            self._trouble(self._folder.path / self._file, None)

    def _append(self, directory: int, name: str, data: bytes) -> None:
        """Open, write, close: a thousand processes must not keep a thousand files open for their rare words."""
        if self._runs is None:
            found = [each for each in os.listdir(directory) if each.startswith(f"{self._name}.")]
            # Run ids begin with their time, so names sort by age.
            self._runs = deque(sorted(each for each in found if each.endswith(".log")))
        file = os.open(name, _FLAGS, 0o640, dir_fd=directory)
        try:
            status = os.fstat(file)
            if not stat.S_ISREG(status.st_mode):
                raise OSError(errno.EINVAL, "not a regular file")
            full = status.st_size > 0 and status.st_size + len(data) > _MAX_PART_BYTES
            while data and not full:
                data = data[os.write(file, data) :]
        finally:
            os.close(file)
        if full:
            os.rename(name, f"{name}.1", src_dir_fd=directory, dst_dir_fd=directory)
            self._append(directory, name, data)
        elif name not in self._runs:
            self._runs.append(name)
            self._forget_old_runs(directory)

    def _forget_old_runs(self, directory: int) -> None:
        assert self._runs is not None
        while len(self._runs) > MAX_RUNS:
            old = self._runs.popleft()
            for part in (old, f"{old}.1"):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(part, dir_fd=directory)
