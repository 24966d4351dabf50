"""What is swept: never who lives, at every other call, and not while somebody else tries an encoder."""

from __future__ import annotations

from supervisor.machine.machine import Machine
from supervisor.model import events
from supervisor.watchdog.sweep import Sweep


class Swept(Machine):
    def __init__(self) -> None:
        self.asked: list[tuple[set[int], set[str], str]] = []

    def sweep(self, pids: object, run_ids: object, mark: str) -> list[int]:
        self.asked.append((set(pids), set(run_ids), mark))  # type: ignore[call-overload]
        return [4711]


def test_who_lives_is_spared_and_who_does_not_is_told_of() -> None:
    machine = Swept()
    told: list[object] = []
    sweep = Sweep(machine, lambda: iter([(1, "run-1"), (2, "run-2")]), "mark", told.append)
    for spare in (False, False, True, False):
        sweep.look(spare_unknown=spare)
    assert machine.asked == [({1, 2}, {"run-1", "run-2"}, "mark")]
    assert told == [events.OrphanEnded(4711, "of a run that is over")]
    sweep.look(spare_unknown=False)
    assert len(machine.asked) == 2
