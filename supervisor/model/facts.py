"""A fact: what happened, when, the how-manieth it is, and what it is about; and who hands facts to their listeners.

A listener is a plain callable. It hears every fact, in the order of their numbers, on the engine's loop: it may not
block. One that may be slow puts what it hears into an `Outbox`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import assert_never

from supervisor.model import events
from supervisor.model.subjects import ITSELF, Subject


@dataclass(frozen=True, slots=True)
class Fact:
    """`at` is wall-clock seconds; `number` grows by one, from 1, while neverdark runs."""

    at: float
    number: int
    subject: Subject
    what: events.Payload


Listener = Callable[[Fact], None]


def subject_of(what: events.Payload) -> Subject:  # noqa: PLR0911 - one a kind of subject
    """What a fact is about."""
    match what:
        case (
            events.ProcessStarted()
            | events.ProcessAdopted()
            | events.EncoderReplaced()
            | events.ProcessAdvanced()
            | events.ProcessSilent()
            | events.ProcessExited()
            | events.RecoveryOrdered()
            | events.RecoveryAnswered()
            | events.ProgramTrouble()
            | events.SourceLearned()
            | events.ProcessRemoved()
            | events.SpawnFailed()
            | events.RetryScheduled()
            | events.BudgetRefilled()
        ):
            return Subject.of(what.key)
        case (
            events.StreamWanted()
            | events.StreamOrdered()
            | events.OrderLapsed()
            | events.SourceOrdered()
            | events.StreamOnAir()
            | events.FeedSwitched()
            | events.SwitchMeasured()
            | events.SlateTrouble()
            | events.DrillAnnounced()
            | events.ContentFound()
            | events.ContentGood()
        ):
            return Subject(what.stream)
        case (
            events.DestinationHealthy()
            | events.DestinationUnhealthy()
            | events.RecoveryAttempted()
            | events.AnotherPublisher()
            | events.PlatformFound()
            | events.PlatformGood()
            | events.PlatformAsked()
        ):
            return Subject(what.stream, what.destination)
        case events.IncidentOpened() | events.FindingEntered() | events.IncidentClosed():
            return what.incident.subject
        case events.OrderGiven():
            return what.subject
        case events.MaintenanceOrdered() | events.MaintenanceBegun() | events.MaintenanceOver():
            named = what.window.streams or ()
            return Subject(named[0]) if len(named) == 1 else ITSELF
        case events.WatchdogsSwitched():
            only = what.destinations[0].partition(":") if len(what.destinations) == 1 else ("", "", "")
            return Subject(only[0], only[2])
        case (
            events.WatchdogStarted()
            | events.LineChanged()
            | events.CheckRearmed()
            | events.ConfigReloaded()
            | events.StreamsEdited()
            | events.ConfigRejected()
            | events.OrphanEnded()
            | events.ClockStepped()
            | events.StorageTrouble()
            | events.StorageRecovered()
            | events.OrdersRecalled()
            | events.StoreTrouble()
            | events.StoreRecovered()
            | events.ProbeTrouble()
            | events.InternalError()
        ):
            return ITSELF
        case _:
            assert_never(what)


class Teller:
    """Makes facts of what is told, and hands each to every listener before the next one.

    What a listener tells while it hears a fact comes after that fact, for all of them. One that fails is not heard of
    by the others: `failed` is told of its error.
    """

    def __init__(self, wall: Callable[[], float], failed: Callable[[Exception], None]) -> None:
        self.listeners: list[Listener] = []
        self._wall = wall
        self._failed = failed
        self._numbers = count(1)
        self._waiting: deque[Fact] = deque()
        self._telling = False

    def tell(self, what: events.Payload) -> None:
        """Something has happened."""
        self._waiting.append(Fact(self._wall(), next(self._numbers), subject_of(what), what))
        if self._telling:
            return
        self._telling = True
        try:
            while self._waiting:
                self._hand_out(self._waiting.popleft())
        finally:
            self._telling = False

    def _hand_out(self, fact: Fact) -> None:
        for listener in self.listeners:
            try:
                listener(fact)
            except Exception as error:  # noqa: BLE001 - a listener's trouble is not the streams'
                if not isinstance(fact.what, events.InternalError):  # or there would be no end
                    self._failed(error)
