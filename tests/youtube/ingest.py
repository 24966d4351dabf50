"""What arrives at the ingest: said by hand, or taken from real servers. What they receive is the truth."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

import requests

from tests.youtube import discovery
from tests.youtube.clock import Clock
from tests.youtube.model import Json, Stream
from tests.youtube.rules import Rules

_PAUSE = 0.25
# A publisher that is connected and sends nothing is one that YouTube calls inactive, too.
_SILENCE = 5.0


class Publisher(Protocol):
    """What is known of who publishes (of tests.integration.harness.ingest)."""

    @property
    def bytes_in(self) -> int: ...


Publishers = Callable[[], Mapping[str, Publisher]]


class _Arrival(NamedTuple):
    receives: bool = False
    since: float = 0.0
    ever: bool = False


class Ingest:
    """By stream key."""

    def __init__(self, clock: Clock, rules: Rules) -> None:
        self._clock = clock
        self._rules = rules
        self._arrivals: dict[str, _Arrival] = {}
        self._health: dict[str, str] = {}
        self._issues: dict[str, list[Json]] = {}
        self.before_change: Callable[[], object] = lambda: None  # what was due until now happens as it was until now
        self._closing = threading.Event()
        self._follower: threading.Thread | None = None

    # What a test says

    def sends(self, key: str, *, yes: bool = True) -> None:
        """The encoder sends, or does not, from now on."""
        known = self._arrivals.get(key, _Arrival())
        if known.receives != yes:
            self.before_change()
            self._arrivals[key] = _Arrival(yes, self._clock.now(), known.ever or yes)

    def stops(self, key: str) -> None:
        """Nothing more comes."""
        self.sends(key, yes=False)

    def health(self, key: str, status: str) -> None:
        """While something arrives: good, ok, bad, revoked."""
        words = discovery.document()["schemas"]["LiveStreamHealthStatus"]["properties"]["status"]["enum"]
        assert status in words, f"{status}: none of {words}"
        self._health[key] = status

    def issues(self, key: str, *kinds: str, severity: str = "error") -> None:
        """Configuration issues of these types instead of those before; none: all is well."""
        words = set(_issue("type"))
        assert set(kinds) <= words, f"{', '.join(sorted(set(kinds) - words))}: no word of YouTube's"
        assert severity in _issue("severity")
        self._issues[key] = [
            {"type": kind, "severity": severity, "reason": f"Reason of {kind}", "description": f"Mend {kind}."}
            for kind in kinds
        ]

    def follow(self, *servers: Publishers) -> None:
        """From now on a key is received while one of these servers receives bytes for it; one that is gone does not."""
        assert self._follower is None, "it follows already"
        self._follower = threading.Thread(target=self._follow, args=(servers,), name="fake ingest")
        self._follower.start()

    def close(self) -> None:
        """Follow nobody."""
        self._closing.set()
        if self._follower:
            self._follower.join()

    # What the platform says

    def active(self, stream: Stream) -> bool:
        """Whether streamStatus is `active`."""
        arrival = self._arrivals.get(stream.key, _Arrival())
        passed = self._clock.now() - arrival.since
        if arrival.receives:
            return passed >= self._rules.active_after
        return arrival.ever and passed < self._rules.inactive_after

    def changed(self, stream: Stream) -> float:
        """When it became active, or inactive."""
        arrival = self._arrivals.get(stream.key, _Arrival())
        return arrival.since + (self._rules.active_after if arrival.receives else self._rules.inactive_after)

    def status(self, stream: Stream) -> Json:
        """The part `status` of a liveStream."""
        arrival = self._arrivals.get(stream.key, _Arrival())
        active = self.active(stream)
        word = "active" if active else "inactive" if arrival.ever and not arrival.receives else "ready"
        health: Json = {"status": self._health.get(stream.key, "good") if active else "noData"}
        if active:
            health["lastUpdateTimeSeconds"] = str(int(self._clock.now()))
            if issues := self._issues.get(stream.key):
                health["configurationIssues"] = issues
        return {"streamStatus": word, "healthStatus": health}

    def _follow(self, servers: tuple[Publishers, ...]) -> None:
        grown: dict[tuple[int, str], tuple[int, float]] = {}
        while not self._closing.wait(_PAUSE):
            live: set[str] = set()
            for number, server in enumerate(servers):
                for key, publisher in _asked(server).items():
                    before, when = grown.get((number, key), (0, 0.0))
                    now = time.monotonic()  # real bytes come in real time
                    if publisher.bytes_in != before:
                        grown[number, key] = publisher.bytes_in, now
                    if publisher.bytes_in != before or now - when < _SILENCE:
                        live.add(key)
            for key in live | self._arrivals.keys():
                self.sends(key, yes=key in live)


def _issue(field: str) -> list[str]:
    words: list[str] = discovery.document()["schemas"]["LiveStreamConfigurationIssue"]["properties"][field]["enum"]
    return words


def _asked(server: Publishers) -> Mapping[str, Publisher]:
    try:
        return server()
    except requests.RequestException:
        return {}  # it is being restarted
