"""Which file a run of a recording writes to: never over what has bytes, and no empty files left behind. IO."""

from __future__ import annotations

import contextlib
import os
import stat
from datetime import UTC, datetime
from pathlib import Path


class Recording:
    """The files of one destination. On a full disk each attempt makes one and writes nothing into it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._made: Path | None = None  # the latest run's, if it was not there before

    def file(self, wall: float, run: int) -> Path:
        """Where run number `run`, which begins at `wall` (Unix time), writes: `path`, or a new name beside it."""
        self.tidy()
        chosen = self.path
        if _is_there(chosen):
            stamp = datetime.fromtimestamp(wall, UTC).strftime("%Y%m%dT%H%M%SZ")
            chosen = chosen.with_name(f"{chosen.stem}.{stamp}-{run}{chosen.suffix}")
        self._made = None if _is_there(chosen) else chosen
        return chosen

    def tidy(self) -> None:
        """Remove what the latest run made, if it is empty. Only while nobody writes to it."""
        made, self._made = self._made, None
        if made is None:
            return
        with contextlib.suppress(OSError):
            status = made.lstat()
            if stat.S_ISREG(status.st_mode) and status.st_size == 0 and status.st_uid == os.geteuid():
                made.unlink()


def _is_there(path: Path) -> bool:
    """Whether anything has this name, a link to nowhere included."""
    return os.path.lexists(path)
