"""How often the kernel has ended somebody for want of memory. Linux."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path


class MemoryWatch:
    """Whether it has happened in the last second or two. What happened before is nobody's death of today."""

    def __init__(self, kills: Callable[[], int]) -> None:
        self._kills = kills
        self._counts = deque([kills()] * 2, maxlen=2)

    def sample(self) -> None:
        """Called every second."""
        self._counts.append(self._kills())

    def ran_out(self) -> bool:
        """Somebody was ended since the sample before the last."""
        return self._kills() > self._counts[0]


def oom_kills() -> int:
    """How many processes the kernel has ended for want of memory: of our control group, else of the machine."""
    for path in (_memory_events(), Path("/proc/vmstat")):
        try:
            for line in path.read_text().splitlines():
                name, _, count = line.partition(" ")
                if name == "oom_kill":
                    return int(count)
        except (OSError, ValueError):
            continue
    return 0


def _memory_events() -> Path:
    """Our control group's, where there is a unified hierarchy."""
    try:
        groups = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        groups = []
    own = next((line.partition("::")[2] for line in groups if line.startswith("0::")), "/")
    return Path("/sys/fs/cgroup") / own.lstrip("/") / "memory.events"
