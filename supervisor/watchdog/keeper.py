"""Keeps the book of incidents: turns facts into entries, and tells what was opened and closed."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from supervisor.judge.attribution import Evidence, segment_of
from supervisor.judge.incident import Failed, Turn
from supervisor.judge.incidents import Book
from supervisor.judge.tally import ACTION_OF_ROLE
from supervisor.machine.machine import Clock
from supervisor.model import events
from supervisor.model.terms import Cause, Layer, ProcessKey, RestartReason, Role, Segment

_FIRST_LAYER = frozenset({RestartReason.EXIT, RestartReason.STALL, RestartReason.START_TIMEOUT, RestartReason.UPLINK})
_PLANNED = frozenset({RestartReason.OPERATOR, RestartReason.CONFIG})


class Keeper:
    """A listener to facts.

    `keys_of` gives the processes of a stream, `drilling` whether it is in a drill, `off_air` whether it is wanted and
    not on air, `wanted` whether a process shall run.
    """

    def __init__(
        self,
        clock: Clock,
        book: Book,
        tell: events.Listener,
        keys_of: Callable[[str], Iterable[ProcessKey]],
        drilling: Callable[[str], bool],
        off_air: Callable[[str], bool],
        wanted: Callable[[ProcessKey], bool],
    ) -> None:
        self._clock = clock
        self._book = book
        self._tell = tell
        self._keys_of = keys_of
        self._drilling = drilling
        self._off_air = off_air
        self._wanted = wanted

    def __call__(self, fact: events.Fact) -> None:
        """Enter one fact."""
        now, wall = self._clock.now(), self._clock.wall()
        match fact:
            case events.ProcessSilent(key, _, trouble, seconds, segment):
                self.failed(key, trouble, segment, seconds)
            case events.ProcessExited() if not fact.planned:
                self.failed(fact.key, fact.cause, fact.segment, fact.silent, at=fact.at, said=fact.said)
            case events.SpawnFailed(key, cause, error):
                self.failed(key, cause, segment_of(Evidence(key.role, cause)), None, said=error)
            case events.ProcessStarted(key, reason=reason) if reason in _FIRST_LAYER:
                self._book.act(key, Layer.PROCESS, ACTION_OF_ROLE[key.role], now=now, wall=wall)
            case events.ProcessStarted(key, reason=reason) if reason in _PLANNED:
                self._book.replaced(key, wall=wall)
            case events.ProcessAdvanced(key):
                self._book.advanced(key, now=now)
            case events.ProcessRemoved(key):
                self._book.planned([key], now=now, wall=wall)
            case events.StreamWanted(stream, wanted=False):
                self._book.planned(self._keys_of(stream), now=now, wall=wall)
            case _:
                return
        self._spread()

    def failed(
        self,
        key: ProcessKey,
        cause: Cause,
        segment: Segment,
        silent: float | None,
        layer: Layer = Layer.PROCESS,
        *,
        at: float | None = None,
        said: str | None = None,
    ) -> None:
        """A process failed, `at` some time (monotonic) or now. One that is on its way out anyway does no harm."""
        if not self._wanted(key):
            return
        late = 0.0 if at is None else self._clock.now() - at
        feeds = tuple(other for other in self._keys_of(key.stream) if other != key) if key.role is Role.ENCODER else ()
        failed = Failed(key, cause, segment, silent, layer, self._drilling(key.stream), feeds, said)
        self._book.fail(failed, now=self._clock.now() - late, wall=self._clock.wall() - late)
        self._spread()

    def complained(self, key: ProcessKey, cause: Cause, segment: Segment, by: object) -> None:
        """While media flows, the second layer finds something wrong all the same."""
        failed = Failed(key, cause, segment, None, Layer.WATCHDOG, drill=self._drilling(key.stream))
        self._book.complain(failed, by, now=self._clock.now(), wall=self._clock.wall())
        self._spread()

    def look(self, proof: Callable[[ProcessKey], float | None], *, now: float, wall: float) -> None:
        """Called every second; see `Book.look`."""
        self._book.look(proof, self._drilling, self._off_air, now=now, wall=wall)
        self._spread()

    def _spread(self) -> None:
        """Tell what there is to tell."""
        for turn, one, found in self._book.news():
            whose = one.stream, one.destination or ""
            match turn:
                case Turn.OPENED:
                    told: events.Fact = events.IncidentOpened(
                        *whose, one.cause, one.segment, one.layer, one.drill, one.said
                    )
                case Turn.FOUND | Turn.JOINED:
                    of = found.destination or "", found.role, found.cause, found.segment, found.layer
                    told = events.IncidentFinding(
                        one.stream, *of, one.drill, joined=turn is Turn.JOINED, said=found.said
                    )
                case Turn.CLOSED:
                    told = events.IncidentClosed(*whose, one.cause, one.segment, one.seconds_dark, one.drill)
            self._tell(told)
