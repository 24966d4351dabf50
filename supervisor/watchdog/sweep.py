"""Ends what processes have left behind: what carries our mark and belongs to no run that is alive."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from supervisor.machine.machine import Machine
from supervisor.model import events


class Sweep:
    """Called every second, it looks at every other call."""

    def __init__(
        self, machine: Machine, alive: Callable[[], Iterable[tuple[int, str]]], mark: str, tell: events.Tell
    ) -> None:
        """`alive` gives pid and run of those that live; `mark` is what each of them has in its environment."""
        self._machine = machine
        self._alive = alive
        self._mark = mark
        self._tell = tell
        self._odd = False

    def look(self, *, spare_unknown: bool) -> None:
        """`spare_unknown`: somebody else has a process under way (trying an encoder) and waits for it himself."""
        self._odd = not self._odd
        if not self._odd or spare_unknown:
            return
        alive = dict(self._alive())
        for pid in self._machine.sweep(alive, set(alive.values()), self._mark):
            self._tell(events.OrphanEnded(pid, "of a run that is over"))
