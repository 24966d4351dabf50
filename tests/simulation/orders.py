"""Which source an operator wants viewers to see: an oracle of the simulation's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from supervisor.model.snapshot import Refused
from tests.simulation.ladders import rung_of

if TYPE_CHECKING:
    from tests.simulation.lives import End
    from tests.simulation.world import World

AUTO = "auto"


class Order(NamedTuple):
    """Virtual seconds."""

    rung: int
    given: float
    until: float
    certain: bool = True  # False: another neverdark may have forgotten it, or may know its end otherwise


class Orders:
    """Of all streams."""

    def __init__(self, world: World) -> None:
        self.changed: dict[str, float] = {}  # when there last was another order, or one ended
        self._of: dict[str, Order] = {}
        self._world = world

    def give(self, stream: str, source: str, seconds: float) -> bool:
        """An operator says what is to be seen, for so long (0: until another order). False: it is refused."""
        world = self._world
        if not world.lives.settled:
            return False
        try:
            shown = None if source == AUTO else source
            if not world.engine.switch(stream, shown, seconds or None):
                return False
        except Refused:
            return False
        self.changed[stream] = world.now
        if source == AUTO:
            self._of.pop(stream, None)
        else:
            self._of[stream] = Order(rung_of(source), world.now, world.now + (seconds or float("inf")))
        return True

    def end(self, stream: str) -> None:
        """The stream is stopped: what was ordered ends with that."""
        if self._of.pop(stream, None):
            self.changed[stream] = self._world.now

    def of(self, stream: str) -> Order | None:
        """The one that counts."""
        order = self._of.get(stream)
        if order and self._world.now >= order.until:
            self.changed[stream] = order.until
            del self._of[stream]
            return None
        return order

    def life_over(self, how: End) -> None:
        """What was not written down by then may be forgotten, and what was ends by the clock on the wall."""
        del how
        self._of = {stream: order._replace(until=float("inf"), certain=False) for stream, order in self._of.items()}

    def life_begins(self) -> None:
        """See `lives.Watcher`."""
