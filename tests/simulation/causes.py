"""What each kind of fault does to the world, and how it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation.fault import Fault

if TYPE_CHECKING:
    from tests.simulation.world import World


class Causes:
    """Carries faults out."""

    def __init__(self, world: World) -> None:
        self._world = world

    def begin(self, fault: Fault) -> None:
        raise NotImplementedError(fault.kind)
