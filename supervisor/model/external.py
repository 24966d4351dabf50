"""A program that somebody else runs and neverdark watches: what it has told of itself, as values. Pure.

Times are seconds since 1970. `begun` is when its process began, in the kernel's clock ticks since the boot (field 22 of
/proc/PID/stat): with the number of a process, that names one process and no later one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple

RECOVERY_SECONDS = 30.0  # that a recovery may take, if nobody says otherwise


@dataclass(frozen=True, slots=True)
class Recovery:
    """What is to be done when the program has failed: a command is run, or a webhook is called; never both.

    Both may hold secrets. `timeout` is how long that may take.
    """

    command: tuple[str, ...] = field(default=(), repr=False)
    webhook: str = field(default="", repr=False)
    timeout: float = RECOVERY_SECONDS


@dataclass(frozen=True, slots=True)
class External:
    """A program under its name; since `ended` it has told its planned end (None: it shall run).

    `boot` is the kernel's name of the boot that `begun` counts from, `since` when the program was announced.
    """

    name: str
    pid: int
    begun: int
    boot: str
    since: float
    destination_url: str = field(repr=False)
    progress_file: str = ""
    progress_url: str = field(default="", repr=False)
    recovery: Recovery | None = None
    ended: float | None = None

    @property
    def tracked(self) -> bool:
        """It tells its progress."""
        return bool(self.progress_file or self.progress_url)

    def is_process(self, pid: int, begun: int) -> bool:
        """Whether it is this process."""
        return (self.pid, self.begun) == (pid, begun)

    def over(self, at: float) -> External:
        """The same after its planned end."""
        return replace(self, ended=at)


@dataclass(frozen=True, slots=True)
class Announcement:
    """A program tells that it has started. `begun`: None if it does not say; `take_over`: also from one that lives."""

    name: str
    pid: int
    begun: int | None
    destination_url: str = field(repr=False)
    progress_file: str = ""
    progress_url: str = field(default="", repr=False)
    recovery: Recovery | None = None
    take_over: bool = False


class ExternalSnapshot(NamedTuple):
    """A program as the outside may see it, without its secrets.

    `watched`: its process is there and neverdark looks at it. `recovery` is how it is recovered, `command` or `webhook`
    (None: not by neverdark); `last_recovery` says in words what came of the latest attempt.
    """

    name: str
    pid: int
    begun: int
    since: float
    ended: float | None
    watched: bool
    on_air: bool
    reason: str | None
    shown_url: str
    progress: str | None
    recovery: str | None
    recoveries: int
    last_recovery: str | None


def kept(external: External) -> dict[str, Any]:
    """As it is kept over a restart."""
    return asdict(external)


def recalled(body: Mapping[str, Any]) -> External | None:
    """What `kept` has made; None for what it has not."""
    try:
        recovery = body["recovery"]
        known = recovery and Recovery(tuple(recovery["command"]), recovery["webhook"], float(recovery["timeout"]))
        return External(**{**body, "recovery": known or None})
    except (TypeError, KeyError, ValueError):
        return None
