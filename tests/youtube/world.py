"""All broadcasts and streams, and how each looked when: lists lag behind."""

from __future__ import annotations

import itertools
import threading
from typing import NamedTuple

from tests.youtube.clock import Clock
from tests.youtube.errors import ApiError
from tests.youtube.ingest import Ingest
from tests.youtube.life import coming, entered
from tests.youtube.model import Broadcast, Channel, Stream
from tests.youtube.rules import Rules


class _Version(NamedTuple):
    since: float
    broadcast: Broadcast | None  # None: deleted


class World:
    """Whoever reads or writes holds `lock`, and settles first: what is due by now has happened then."""

    def __init__(self, clock: Clock, rules: Rules, ingest: Ingest) -> None:
        self.clock = clock
        self.rules = rules
        self.ingest = ingest
        self.lock = threading.RLock()
        self.channels: dict[str, Channel] = {}
        self.streams: dict[str, Stream] = {}
        self._histories: dict[str, list[_Version]] = {}
        self._numbers = itertools.count(1)

    def number(self) -> int:
        """One that nothing else has."""
        return next(self._numbers)

    # Broadcasts

    def put(self, broadcast: Broadcast, at: float | None = None) -> Broadcast:
        """It is so from now on."""
        since = self.clock.now() if at is None else at
        self._histories.setdefault(broadcast.id, []).append(_Version(since, broadcast))
        return broadcast

    def remove(self, broadcast: Broadcast) -> None:
        """It is gone."""
        self._histories[broadcast.id].append(_Version(self.clock.now(), None))

    def broadcasts(self, lag: float = 0.0) -> list[Broadcast]:
        """The newest first, as they were so many seconds ago."""
        self.settle()
        until = self.clock.now() - lag
        found = (self._as_of(history, until, lag) for history in reversed(self._histories.values()))
        return [broadcast for broadcast in found if broadcast]

    def broadcast(self, identity: str) -> Broadcast:
        """As it is now. Raises ApiError."""
        for broadcast in self.broadcasts():
            if broadcast.id == identity:
                return broadcast
        raise ApiError("liveBroadcastNotFound")

    @staticmethod
    def _as_of(history: list[_Version], until: float, lag: float) -> Broadcast | None:
        if not lag:
            return history[-1].broadcast
        known = [version for version in history if version.since <= until]
        return known[-1].broadcast if known else None

    # Streams

    def stream(self, identity: str) -> Stream:
        """Raises ApiError."""
        if identity not in self.streams:
            raise ApiError("liveStreamNotFound")
        return self.streams[identity]

    def active(self, broadcast: Broadcast) -> bool:
        """Whether the bound stream is."""
        return broadcast.stream is not None and self._is_active(broadcast.stream)

    def _is_active(self, identity: str) -> bool:
        """A stream that has been deleted is not."""
        return identity in self.streams and self.ingest.active(self.streams[identity])

    def settle(self) -> None:
        """What is due happens, in the order of its times."""
        while due := min(self._due(), key=lambda row: row[0], default=None):
            at, broadcast = due
            self.put(broadcast, at)

    def _due(self) -> list[tuple[float, Broadcast]]:
        now = self.clock.now()
        found = []
        for history in self._histories.values():
            broadcast = history[-1].broadcast
            if broadcast is None or broadcast.stream is None:
                continue
            stream = self.streams.get(broadcast.stream)
            changed = self.ingest.changed(stream) if stream else now
            active = self._is_active(broadcast.stream)
            following = coming(broadcast, active=active, changed=changed, rules=self.rules)
            if following and following[0] <= now:
                at, state = following
                found.append((at, entered(broadcast, state, at)))
        return found
