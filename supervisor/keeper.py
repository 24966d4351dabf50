"""Keeps the book of incidents: turns facts into entries, and tells what was opened and closed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from supervisor import events
from supervisor.attribution import Evidence, segment_of
from supervisor.incidents import ACTION_OF_ROLE, Book, Failed
from supervisor.model import Cause, Layer, ProcessKey, RestartReason, Segment
from supervisor.snapshot import Incident

_FIRST_LAYER = frozenset({RestartReason.EXIT, RestartReason.STALL, RestartReason.START_TIMEOUT, RestartReason.UPLINK})
_PLANNED = frozenset({RestartReason.OPERATOR, RestartReason.CONFIG})


class Keeper:
    """A listener to facts.

    `keys_of` gives the processes of a stream, `drilling` whether it is in a drill, `wanted` whether a process shall
    run.
    """

    def __init__(
        self,
        book: Book,
        tell: events.Listener,
        keys_of: Callable[[str], Iterable[ProcessKey]],
        drilling: Callable[[str], bool],
        wanted: Callable[[ProcessKey], bool],
    ) -> None:
        self._book = book
        self._tell = tell
        self._keys_of = keys_of
        self._drilling = drilling
        self._wanted = wanted

    def __call__(self, fact: events.Fact) -> None:
        """Enter one fact."""
        now, wall = time.monotonic(), time.time()
        match fact:
            case events.ProcessSilent(key, _, trouble, seconds, segment):
                self.failed(key, trouble, segment, seconds)
            case events.ProcessExited() if not fact.planned:
                self.failed(fact.key, fact.cause, fact.segment, fact.silent, at=fact.at)
            case events.SpawnFailed(key, cause):
                self.failed(key, cause, segment_of(Evidence(key.role, cause)), None)
            case events.ProcessStarted(key, reason=reason) if reason in _FIRST_LAYER:
                self._book.act(key, Layer.PROCESS, ACTION_OF_ROLE[key.role], now=now, wall=wall)
            case events.ProcessStarted(key, reason=reason) if reason in _PLANNED:
                self.closed(self._book.planned([key], now=now, wall=wall))
            case events.ProcessAdvanced(key):
                self._book.advanced(key, now=now)
            case events.ProcessRemoved(key):
                self.closed(self._book.planned([key], now=now, wall=wall))
            case events.StreamWanted(stream, wanted=False):
                self.closed(self._book.planned(self._keys_of(stream), now=now, wall=wall))
            case _:
                pass

    def failed(
        self,
        key: ProcessKey,
        cause: Cause,
        segment: Segment,
        silent: float | None,
        layer: Layer = Layer.PROCESS,
        *,
        at: float | None = None,
    ) -> None:
        """A process failed, `at` some time (monotonic) or now. One that is on its way out anyway does no harm."""
        if not self._wanted(key):
            return
        late = 0.0 if at is None else time.monotonic() - at
        failed = Failed(key, cause, segment, silent, layer, drill=self._drilling(key.stream))
        if self._book.fail(failed, now=time.monotonic() - late, wall=time.time() - late):
            self._opened(failed)

    def complained(self, key: ProcessKey, cause: Cause, segment: Segment, by: object) -> None:
        """While media flows, the second layer finds something wrong all the same."""
        failed = Failed(key, cause, segment, None, Layer.WATCHDOG, drill=self._drilling(key.stream))
        if self._book.complain(failed, by, now=time.monotonic(), wall=time.time()):
            self._opened(failed)

    def _opened(self, failed: Failed) -> None:
        key = failed.key
        self._tell(
            events.IncidentOpened(key.stream, key.destination, failed.cause, failed.segment, failed.layer, failed.drill)
        )

    def closed(self, incidents: Iterable[Incident]) -> None:
        """Tell of incidents that are over."""
        for one in incidents:
            destination = one.destination or ""
            self._tell(
                events.IncidentClosed(one.stream, destination, one.cause, one.segment, one.seconds_dark, one.drill)
            )
