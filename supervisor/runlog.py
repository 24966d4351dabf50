"""The log files of one process: a file a run, bounded in size and in number. IO, but never in anybody's way.

A full or read-only disk costs log lines, never a stream: errors are told once, and writing is tried again.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

MAX_RUNS = 5
_MAX_PART_BYTES = 500_000  # a run has two parts at most, and a process five runs: 5 MB in all
_RETRY_SECONDS = 10.0

Trouble = Callable[[Path, OSError | None], None]


class RunLog:
    """Writes lines to `DIRECTORY/NAME.RUN_ID.log`; the older half of a long run ends with `.log.1`."""

    def __init__(self, directory: Path, name: str, trouble: Trouble) -> None:
        """`trouble` is told of a first failure (with the error) and of its end (with None)."""
        self._directory = directory
        self._name = name
        self._trouble = trouble
        self._path: Path | None = None
        self._runs: deque[Path] | None = None  # the files that are there, the oldest first; None: not looked yet
        self._fd: int | None = None
        self._size = 0
        self._failing = False
        self._retry_at = 0.0

    def begin_run(self, run_id: str) -> None:
        """Later lines go to a new file, made when the first line comes."""
        self.close()
        self._path = self._directory / f"{self._name}.{run_id}.log"

    def write(self, lines: Iterable[str], wall: float, now: float) -> None:
        """Append `lines`, each with the wall-clock time; `now` is monotonic."""
        stamp = datetime.fromtimestamp(wall, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z "
        data = "".join(f"{stamp}{line}\n" for line in lines).encode()
        if not data or self._path is None or now < self._retry_at:
            return
        try:
            self._append(self._path, data)
        except OSError as error:
            self.close()
            self._runs = None  # the directory may be another one, or gone
            self._retry_at = now + _RETRY_SECONDS
            if not self._failing:
                self._failing = True
                self._trouble(self._path, error)
            return
        if self._failing:
            self._failing = False
            self._trouble(self._path, None)

    def close(self) -> None:
        """Let go of the file."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _append(self, path: Path, data: bytes) -> None:
        if self._fd is not None and self._size + len(data) > _MAX_PART_BYTES:
            self.close()
            path.rename(path.with_name(path.name + ".1"))
        if self._fd is None:
            self._open(path)
        assert self._fd is not None
        while data:
            written = os.write(self._fd, data)
            self._size += written
            data = data[written:]

    def _open(self, path: Path) -> None:
        if self._runs is None:
            self._directory.mkdir(parents=True, exist_ok=True)
            # Run ids begin with their time, so names sort by age.
            self._runs = deque(sorted(self._directory.glob(f"{self._name}.*.log")))
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        self._size = os.fstat(self._fd).st_size
        if path not in self._runs:
            self._runs.append(path)
        while len(self._runs) > MAX_RUNS:
            old = self._runs.popleft()
            old.unlink(missing_ok=True)
            old.with_name(old.name + ".1").unlink(missing_ok=True)
