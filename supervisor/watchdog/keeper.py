"""Keeps the book of incidents: turns facts into entries, and tells what was opened and closed."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from supervisor.judge.attribution import FailureEvidence, segment_of
from supervisor.judge.entries import OWN_SOURCE, Complaint, Failed, Feeding, Turn
from supervisor.judge.incidents import Book
from supervisor.judge.tally import ACTION_OF_ROLE
from supervisor.machine.machine import Clock
from supervisor.model import events
from supervisor.model.facts import Fact
from supervisor.model.subjects import Subject
from supervisor.model.terms import Cause, Layer, ProcessKey, Remedy, RestartReason, Role, Segment

_FIRST_LAYER = frozenset({RestartReason.EXIT, RestartReason.STALL, RestartReason.START_TIMEOUT, RestartReason.UPLINK})
_PLANNED = frozenset({RestartReason.OPERATOR, RestartReason.CONFIG})


class Keeper:
    """A listener to facts.

    `keys_of` gives the processes of a stream, `drilling` whether it is in a drill, `off_air` whether it is wanted and
    not on air, `wanted` whether a process shall run. `feeding` tells whose media viewers are given.
    """

    def __init__(
        self,
        clock: Clock,
        book: Book,
        tell: events.Tell,
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
        self.feeding: Callable[[str], Feeding] = lambda _: OWN_SOURCE

    def __call__(self, fact: Fact) -> None:  # noqa: C901, PLR0912 - one arm a fact
        """Enter one fact."""
        now, wall = self._clock.now(), self._clock.wall()
        what = fact.what
        match what:
            case events.ProcessSilent(key, _, trouble, seconds, segment):
                self.failed(key, trouble, segment, seconds)
            case events.ProcessExited() if not what.planned:
                self.failed(what.key, what.cause, what.segment, what.silent, ended=what.ended, said=what.said)
            case events.SpawnFailed(key, cause, error):
                self.failed(key, cause, segment_of(FailureEvidence(key.role, cause)), None, said=error)
            case events.ProcessStarted(key, reason=reason) if reason in _FIRST_LAYER:
                self._book.act(key, Layer.PROCESS, ACTION_OF_ROLE[key.role], now=now, wall=wall)
            case events.RecoveryOrdered(key, reason) if reason in _FIRST_LAYER:
                self._book.act(key, Layer.PROCESS, ACTION_OF_ROLE[key.role], now=now, wall=wall)
            case events.ProcessStarted(key, reason=reason) if reason in _PLANNED:
                self._book.replaced(key, wall=wall)
            case events.ProcessAdvanced(key):
                self._book.advanced(key, now=now)
            case events.ContentFound() | events.ContentGood():
                self._content(what)
            case events.PlatformFound() | events.PlatformGood():
                self._platform(what)
            case events.PlatformAsked(stream, destination, action=Remedy() as action, helped=helped):
                self._book.asked(Subject(stream, destination), Layer.PLATFORM, action, helped=helped, wall=wall)
            case events.ProcessRemoved(key):
                self._book.planned([key], now=now, wall=wall)
            case events.StreamWanted(stream, wanted=False):
                self._book.planned(self._keys_of(stream), now=now, wall=wall)
            case _:
                return
        self._spread()

    def _content(self, what: events.ContentFound | events.ContentGood) -> None:
        """What viewers see and hear has no process: it is the stream's."""
        about, by = Subject(what.stream), (what.defect, what.rung)
        if isinstance(what, events.ContentGood):
            self._book.praise(about, by)
            return
        drill = self._drilling(what.stream)
        found = Complaint(about, what.defect.cause, Segment.SOURCE, drill=drill, said=what.said)
        self._book.complain(found, by, now=self._clock.now(), wall=self._clock.wall())

    def _platform(self, what: events.PlatformFound | events.PlatformGood) -> None:
        """Nor has what a platform says of a destination."""
        about, by = Subject(what.stream, what.destination), (what.cause, what.destination)
        if isinstance(what, events.PlatformGood):
            self._book.praise(about, by)
            return
        found = Complaint(about, what.cause, Segment.PLATFORM, Layer.PLATFORM, self._drilling(what.stream), what.said)
        self._book.complain(found, by, now=self._clock.now(), wall=self._clock.wall())

    def failed(
        self,
        key: ProcessKey,
        cause: Cause,
        segment: Segment,
        silent: float | None,
        layer: Layer = Layer.PROCESS,
        *,
        ended: float | None = None,
        said: str | None = None,
    ) -> None:
        """A process failed: it `ended` (monotonic), or fails now. One that is on its way out anyway does no harm."""
        if not self._wanted(key):
            return
        late = 0.0 if ended is None else self._clock.now() - ended
        covered = key.role is Role.ENCODER and self.feeding(key.stream).rung != key.rung
        feeds: tuple[ProcessKey, ...] = ()
        if key.role is Role.ENCODER and not covered:
            feeds = tuple(other for other in self._keys_of(key.stream) if other.role is Role.PUSHER)
        failed = Failed(key, cause, segment, silent, layer, self._drilling(key.stream), feeds, said, covered)
        self._book.fail(failed, now=self._clock.now() - late, wall=self._clock.wall() - late)
        self._spread()

    def complained(self, key: ProcessKey, cause: Cause, segment: Segment, by: object) -> None:
        """While media flows, the second layer finds something wrong all the same."""
        complaint = Complaint(Subject.of(key), cause, segment, drill=self._drilling(key.stream))
        self._book.complain(complaint, by, now=self._clock.now(), wall=self._clock.wall())
        self._spread()

    def look(self, proof: Callable[[ProcessKey], float | None], *, now: float, wall: float) -> None:
        """Called every second; see `Book.look`."""
        # A fallback that is not needed any more will not show that it works.
        open_now = self._book.open.every()
        idle = [key for one in open_now for key in one.members if key.rung and not self._wanted(key)]
        self._book.planned(idle, now=now, wall=wall)
        self._book.look(proof, self._drilling, self._off_air, self.feeding, now=now, wall=wall)
        self._spread()

    def _spread(self) -> None:
        """Tell what there is to tell."""
        for turn, incident, finding, part in self._book.news():
            match turn:
                case Turn.OPENED:
                    self._tell(events.IncidentOpened(incident, finding))
                case Turn.FOUND | Turn.JOINED:
                    self._tell(events.FindingEntered(incident, finding, part))
                case Turn.CLOSED:
                    self._tell(events.IncidentClosed(incident))
