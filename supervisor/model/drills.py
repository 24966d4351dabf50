"""The drills: faults on purpose, to prove recovery. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Drill(StrEnum):
    """The faults, in the order in which `all` causes them."""

    QUICK = "quick"
    FREEZE = "freeze"
    PUSHER = "pusher"
    UPLINK = "uplink"
    SOURCE = "source"
    FALLBACK = "fallback"
    FULL = "full"


LONGEST: Final = 3600.0  # seconds for which one may be announced
ALL: Final = "all"
WHAT_IS_DONE: Final[Mapping[str, str]] = {
    Drill.QUICK: "kill the encoder (or command)",
    Drill.FREEZE: "stop it",
    Drill.PUSHER: "kill a pusher",
    Drill.UPLINK: "nothing is acknowledged any more",
    Drill.SOURCE: "it is gone",
    Drill.FALLBACK: "it is gone, and viewers must see the next one, and then it again",
    Drill.FULL: "kill the encoder until the second layer takes over",
    ALL: "one after the other",
}
