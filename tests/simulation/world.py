"""The world around one engine: processes, ingests, sources, the line, clocks; and the truth about them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from supervisor.model.snapshot import Snapshot
from tests.simulation.fault import Fault


class Happened(NamedTuple):
    """A fault that was carried out: when it really began and ended (None: it has not)."""

    fault: Fault
    began: float
    ended: float | None


class World:
    """Everything around one engine. All that is by chance comes from `seed`."""

    def __init__(self, seed: int, streams: int) -> None:
        self.facts: list[tuple[float, Any]] = []  # virtual seconds, payload of supervisor.model.events
        self.faults: list[Happened] = []
        self.settled = False

    @property
    def now(self) -> float:
        """Virtual seconds since the world began."""
        raise NotImplementedError

    def cause(self, fault: Fault) -> None:
        """Carry out a fault now, and end it when it has lasted."""
        raise NotImplementedError

    async def snapshot(self) -> Snapshot:
        """What the engine shows."""
        raise NotImplementedError

    def publishers(self, url_key: str) -> int:
        """How many publish on a key right now; a key is "STREAM/DESTINATION"."""
        raise NotImplementedError

    def truth(self, stream: str) -> bool:
        """Whether all that a stream needs from the world is there, so that it could be on air."""
        raise NotImplementedError

    def alive(self) -> list[str]:
        """The simulated processes that live."""
        raise NotImplementedError


def run(
    world: World, faults: Sequence[Fault], seconds: float, on_second: Callable[[World], None] | None = None
) -> None:
    """Run the engine for so many virtual seconds with these faults, then stop it in order."""
    raise NotImplementedError
