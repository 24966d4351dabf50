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
        self._failing = False
        self._retry_at = 0.0

    def begin_run(self, run_id: str) -> None:
        """Later lines go to a new file, made when the first line comes."""
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
            self._runs = None  # the directory may be another one, or gone
            self._retry_at = now + _RETRY_SECONDS
            if not self._failing:
                self._failing = True
                self._trouble(self._path, error)
            return
        if self._failing:
            self._failing = False
            self._trouble(self._path, None)

    def _append(self, path: Path, data: bytes) -> None:
        """Open, write, close: a thousand processes must not keep a thousand files open for their rare words."""
        if self._runs is None:
            self._directory.mkdir(parents=True, exist_ok=True)
            # Run ids begin with their time, so names sort by age.
            self._runs = deque(sorted(self._directory.glob(f"{self._name}.*.log")))
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            size = os.fstat(file).st_size
            full = size > 0 and size + len(data) > _MAX_PART_BYTES
            while data and not full:
                data = data[os.write(file, data) :]
        finally:
            os.close(file)
        if full:
            path.rename(path.with_name(path.name + ".1"))
            self._append(path, data)
        elif path not in self._runs:
            self._runs.append(path)
            self._forget_old_runs()

    def _forget_old_runs(self) -> None:
        assert self._runs is not None
        while len(self._runs) > MAX_RUNS:
            old = self._runs.popleft()
            old.unlink(missing_ok=True)
            old.with_name(old.name + ".1").unlink(missing_ok=True)
