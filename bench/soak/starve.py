"""A process that gets too little of the processor: a control group of our own. Needs root."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Self

from bench.soak.line import Unavailable

_PERIOD = 100_000  # µs
_LEAST = 1_000  # µs; the kernel takes no less


class Starve:
    """One control group; whoever is fed to it gets a share of a core and no more."""

    def __init__(self) -> None:
        name = f"neverdark-soak-{os.getpid()}"
        first = Path("/sys/fs/cgroup/cpu")
        self._folder = (first if first.is_dir() else Path("/sys/fs/cgroup")) / name

    def __enter__(self) -> Self:
        try:
            self._folder.mkdir()
            self.allow(1.0)
        except OSError as error:
            self.close()
            raise Unavailable(f"no control group for the processor ({error})") from None
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def hold(self, pid: int, cores: float) -> None:
        """Give this process so many cores."""
        self.allow(cores)
        (self._folder / "cgroup.procs").write_text(str(pid))

    def allow(self, cores: float) -> None:
        """More or less for who is in there."""
        quota = max(_LEAST, int(cores * _PERIOD))
        if (old := self._folder / "cpu.cfs_quota_us").exists():
            (self._folder / "cpu.cfs_period_us").write_text(str(_PERIOD))
            old.write_text(str(quota))
        else:
            (self._folder / "cpu.max").write_text(f"{quota} {_PERIOD}")

    def release(self) -> None:
        """Whoever is still in there is free."""
        for pid in (self._folder / "cgroup.procs").read_text().split():
            with contextlib.suppress(OSError):
                (self._folder.parent / "cgroup.procs").write_text(pid)

    def close(self) -> None:
        """Leave nothing."""
        with contextlib.suppress(OSError):
            self.release()
        with contextlib.suppress(OSError):
            self._folder.rmdir()
