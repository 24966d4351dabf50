"""What outlives neverdark's own end, as values; times are seconds since 1970. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from supervisor.model.incidents import Incident


class Word(NamedTuple):
    """An operator's start or stop, as it is kept.

    It holds before `until` (None: until another word); `ends` is how that was said. `enabled` is what the configuration
    says meanwhile: when it says something else, the operator's word is over.
    """

    wanted: bool
    why: str
    since: float | None
    until: float | None
    enabled: bool
    ends: str = "forever"


class Memory(Protocol):
    """What remembers the words of operators over a restart."""

    def recall(self) -> Mapping[str, Word]:
        """By stream, as they were when neverdark ended; none if that cannot be read."""

    def keep(self, words: Mapping[str, Word]) -> None:
        """From now on these are all there are. Never waits."""


class Forgetful:
    """Remembers nothing: for who has no store."""

    def recall(self) -> Mapping[str, Word]:
        """None."""
        return {}

    def keep(self, words: Mapping[str, Word]) -> None:
        """They are forgotten."""


class StoreState(NamedTuple):
    """How the store does; `queue` records wait to be written, `written` and `dropped` are totals."""

    up: bool = True
    queue: int = 0
    written: int = 0
    dropped: int = 0


class PastIncident(NamedTuple):
    """An incident as it is remembered; `ended_by` tells what closed it where that was no recovery and no stop."""

    incident: Incident
    ended_by: str | None
