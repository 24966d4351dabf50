"""What the fake's platform consists of. The words are written anew here, so that a slip in the product's is found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Json = dict[str, Any]


class State(StrEnum):
    """`lifeCycleStatus` of a broadcast."""

    CREATED = "created"
    READY = "ready"
    TEST_STARTING = "testStarting"
    TESTING = "testing"
    LIVE_STARTING = "liveStarting"
    LIVE = "live"
    COMPLETE = "complete"
    REVOKED = "revoked"


# bind and most changes are possible before anything was seen, and delete is not while somebody may see it.
UPCOMING = frozenset({State.CREATED, State.READY})
ON_SHOW = frozenset({State.TEST_STARTING, State.TESTING, State.LIVE_STARTING, State.LIVE})
OVER = frozenset({State.COMPLETE, State.REVOKED})


@dataclass(frozen=True)
class Broadcast:
    """One event, one video. The parts hold what a client may write; beside them is what the platform says."""

    id: str
    channel: str
    created: float
    snippet: Json
    status: Json
    details: Json
    state: State = State.CREATED
    since: float = 0.0  # in this state
    stream: str | None = None
    bound: float = 0.0  # when it was bound
    started: float | None = None
    ended: float | None = None
    persistent: bool = False  # the channel's default broadcast of old: `broadcastType=event` hides it
    by_api: bool = True
    thumbnail: bytes = b""

    @property
    def monitor(self) -> bool:
        """Whether it must be tested before it can be live."""
        return bool(self.details["monitorStream"]["enableMonitorStream"])

    @property
    def title(self) -> str:
        return str(self.snippet["title"])

    @property
    def privacy(self) -> str:
        return str(self.status["privacyStatus"])


@dataclass(frozen=True)
class Stream:
    """What a stream key leads to."""

    id: str
    channel: str
    created: float
    key: str
    title: str
    cdn: Json  # `frameRate`, `ingestionType`, `resolution` as they were asked for
    addresses: Json  # of `ingestionInfo`, without the key
    reusable: bool = True
    description: str = ""


@dataclass(frozen=True)
class Channel:
    """An account's channel."""

    id: str
    title: str
