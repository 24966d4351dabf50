"""The incidents that are over, and what became of those that went on as a part of another. Bounded. Pure."""

from __future__ import annotations

from collections import deque

from supervisor.model.incidents import Incident

REMEMBERED = 1000


class Past:
    """What is remembered, at most so many of each."""

    def __init__(self) -> None:
        self.closed: deque[Incident] = deque(maxlen=REMEMBERED)  # oldest first
        self._joined: dict[str, str] = {}  # which incident has become a part of which

    def join(self, part: str, whole: str) -> None:
        """An incident goes on as a part of another one; both by their ids."""
        self._joined[part] = whole
        if len(self._joined) > REMEMBERED:
            del self._joined[next(iter(self._joined))]

    def whole_of(self, identity: str) -> str:
        """The id under which an incident goes on: its own, as a rule."""
        while identity in self._joined:
            identity = self._joined[identity]
        return identity

    def find(self, identity: str) -> Incident | None:
        """One that is over and not yet forgotten."""
        return next((incident for incident in self.closed if incident.id == identity), None)
