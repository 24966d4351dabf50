"""Who waits for an ingest that could not be reached need not wait longer when it is known to be back."""

from __future__ import annotations

from supervisor.lifecycle.types import RetryNow
from supervisor.process.slot import Slot


class WaitingForIngest:
    """The processes that wait for their ingest."""

    def __init__(self) -> None:
        self._slots: set[Slot] = set()

    def follow(self, slot: Slot) -> None:
        """A process took a turn: it may have begun to wait, or have ended it."""
        (self._slots.add if slot.waits_for_ingest else self._slots.discard)(slot)

    def answered(self, sender: Slot) -> None:
        """This one sends: its ingest accepts connections."""
        address = sender.spec.ingest
        for slot in tuple(self._slots) if address else ():
            if any(way.address == address for way in slot.spec.ingests):
                slot.dispatch(RetryNow())
