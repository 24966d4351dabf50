"""What neverdark asks of a platform: one look, in which it observes, plans and acts, and what it knows then."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

from supervisor.model.platforms import LoginState, PlatformState
from supervisor.model.terms import Remedy

Place = tuple[str, str]  # a stream, and one of its destinations


class Deed(StrEnum):
    """What a platform may ask of our own processes."""

    RESTART_PUSHER = "restart_pusher"
    RESTART_ENCODER = "restart_encoder"
    OTHER_ADDRESS = "other_address"


class Order(NamedTuple):
    """Something that is to be done for a destination, and why.

    `address` is where its media is to be sent instead of to where the configuration says; where it is sent elsewhere
    already, it is to go back.
    """

    place: Place
    deed: Deed
    why: str
    address: str = ""


class Asked(NamedTuple):
    """Something that the platform was asked for, and what it said: for the journal, the incident and the counts.

    `action` is what it amounts to, where it is meant to bring a broadcast back.
    """

    place: Place
    what: str
    result: str
    helped: bool
    address: str | None = None
    action: Remedy | None = None


class Platform(Protocol):
    """One login, and its destinations. All but `due` and the states blocks: it runs in a thread of its own."""

    @property
    def due(self) -> float:
        """When to look next (monotonic)."""
        ...

    def look(
        self, sends: Mapping[Place, bool], soundless: Collection[Place] = ()
    ) -> tuple[Sequence[Order], Sequence[Asked]]:
        """Observe, plan and act. `sends` tells whose media the ingest acknowledges, `soundless` who sends no sound."""
        ...

    def states(self) -> Sequence[PlatformState]:
        """What is known of its destinations. For any thread."""
        ...

    def login(self) -> LoginState | None:
        """How its login stands; None: it has none."""
        ...
