"""Who may do what no two processes may do at the same time: never two publishers on one key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from supervisor.model.terms import Role

if TYPE_CHECKING:
    from supervisor.process.slot import Slot


class Claims:
    """Processes by what they do. A process that must wait is held until the other one is gone."""

    def __init__(self) -> None:
        self.held: set[Slot] = set()
        self._owners: dict[tuple[str, ...], tuple[Slot, int]] = {}

    def claim(self, slot: Slot) -> bool:
        """Whether a process may start now; not even while another one is on its way out.

        Two commands may be the same on purpose; one only waits for another that is going (a stream was renamed).
        """
        if not slot.spec.claim:
            return True
        owner, run = self._owners.get(slot.spec.claim, (slot, 0))
        busy = owner is not slot and owner.alive and owner.status.run == run
        if busy and (slot.key.role is Role.PUSHER or not owner.status.wanted):
            self.held.add(slot)
            return False
        self._owners[slot.spec.claim] = (slot, slot.status.run)
        return True

    def release(self) -> None:
        """Somebody is gone: let those that were held try again."""
        held, self.held = self.held, set()
        for slot in held:
            slot.release()

    def forget_the_dead(self) -> None:
        """Let go of what nobody does any more."""
        self._owners = {target: owner for target, owner in self._owners.items() if owner[0].alive}
