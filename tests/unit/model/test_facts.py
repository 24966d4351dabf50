"""Facts: numbered, with their time and their subject, and heard by every listener in the same order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from supervisor.model import events
from supervisor.model.content import Defect
from supervisor.model.facts import Fact, Teller, subject_of
from supervisor.model.fallback import SwitchReason, SwitchWay
from supervisor.model.incidents import Finding, Incident
from supervisor.model.maintenance import Maintenance
from supervisor.model.subjects import ITSELF, Subject
from supervisor.model.terms import Action, ExitCause, Layer, ProcessKey, RestartReason, Role, Segment, State, Trouble

KEY = ProcessKey("cam", Role.PUSHER, "youtube")
FINDING = Finding(1.0, ExitCause.KILLED, Segment.PUSHER, Role.PUSHER, "youtube", Layer.PROCESS)
INCIDENT = Incident(
    id="cam-1",
    stream="cam",
    destination="youtube",
    opened=1.0,
    closed=None,
    cause=ExitCause.KILLED,
    segment=Segment.PUSHER,
    layer=Layer.PROCESS,
    drill=False,
    seconds_dark=0.0,
    detection_seconds=None,
    recovery_seconds=None,
    actions=(),
    role=Role.PUSHER,
    findings=(FINDING,),
)
PROCESS, STREAM, DESTINATION = Subject.of(KEY), Subject("cam"), Subject("cam", "youtube")
WINDOW = Maintenance("M1", ("cam",), 0.0, 60.0, "new lens", "operator")
TOLD: list[tuple[events.Payload, Subject]] = [
    (events.ProcessStarted(KEY, "r1", 7, RestartReason.EXIT), PROCESS),
    (events.ProcessAdopted(KEY, "r1", 7, 3600.0), PROCESS),
    (events.EncoderReplaced(KEY, RestartReason.OPERATOR, 0.002), PROCESS),
    (events.SlateTrouble("cam", "No space left on device"), STREAM),
    (events.FeedSwitched("cam", 0, 1, SwitchReason.FAILED, None), STREAM),
    (events.SwitchMeasured("cam", 1, SwitchWay.BROKEN_FIRST, None, 0.2), STREAM),
    (events.ProcessAdvanced(KEY, "r1", 0.4), PROCESS),
    (events.ProcessSilent(KEY, "r1", Trouble.STALL, 10.0, Segment.PUSHER), PROCESS),
    (
        events.ProcessExited(
            KEY,
            "r1",
            ExitCause.KILLED,
            None,
            9,
            3.0,
            planned=False,
            last_words=(),
            segment=Segment.PUSHER,
            silent=0.4,
            ended=5.0,
        ),
        PROCESS,
    ),
    (events.RecoveryOrdered(KEY, RestartReason.EXIT, "a command is run"), PROCESS),
    (events.RecoveryAnswered(KEY, "the command failed (exit code 1)"), PROCESS),
    (events.ProgramTrouble(KEY, None), PROCESS),
    (events.SourceLearned(KEY, "no sound"), PROCESS),
    (events.ProcessRemoved(KEY), PROCESS),
    (events.SpawnFailed(KEY, ExitCause.ENCODER_MISSING, "cannot start"), PROCESS),
    (events.RetryScheduled(KEY, State.BACKOFF, 0.5, 9, ExitCause.OTHER), PROCESS),
    (events.BudgetRefilled(KEY), PROCESS),
    (events.StreamWanted("cam", wanted=True, why="start"), STREAM),
    (events.StreamOrdered("cam", wanted=False, why="operator", until=None), STREAM),
    (events.SourceOrdered("cam", "fallback1", "operator", None), STREAM),
    (events.OrderLapsed("cam"), STREAM),
    (events.MaintenanceOrdered(WINDOW), STREAM),
    (events.MaintenanceBegun(WINDOW._replace(streams=("cam", "other"))), ITSELF),
    (events.MaintenanceOver(WINDOW._replace(streams=None)), ITSELF),
    (events.StreamOnAir("cam", on_air=True, reason=None, seconds=3.0), STREAM),
    (events.DrillAnnounced("cam", 90.0, None), STREAM),
    (events.ContentFound("cam", Defect.BLACK, 10.0, "black for 10s"), STREAM),
    (events.ContentGood("cam", Defect.BLACK, 60.0, seen=True), STREAM),
    (events.OrderGiven("stop", STREAM, "anna", "::1"), STREAM),
    (events.PlatformFound("cam", "youtube", Trouble.BROADCAST_ENDED, "it has ended"), DESTINATION),
    (events.PlatformGood("cam", "youtube", Trouble.BROADCAST_ENDED, None), DESTINATION),
    (events.PlatformAsked("cam", "youtube", "insert", "ok", True, None), DESTINATION),
    (events.DestinationHealthy("cam", "youtube", 7, 0.1, 9), DESTINATION),
    (events.DestinationUnhealthy("cam", "youtube", 1, 3, Segment.UPLINK, "uplink: unhealthy", None), DESTINATION),
    (events.RecoveryAttempted("cam", "youtube", 1, Action.RESTART_PUSHER, Segment.UPLINK), DESTINATION),
    (events.AnotherPublisher("cam", "youtube", "pid 9"), DESTINATION),
    (events.IncidentOpened(INCIDENT, FINDING), DESTINATION),
    (events.FindingEntered(INCIDENT._replace(destination=None), FINDING), STREAM),
    (events.IncidentClosed(INCIDENT._replace(stream="", destination=None)), ITSELF),
    (events.WatchdogsSwitched(("cam:yt",), False, "stop"), Subject("cam", "yt")),
    (events.WatchdogsSwitched(("cam:yt", "cam:backup"), True, "reload"), ITSELF),
    (events.WatchdogStarted(2), ITSELF),
    (events.LineChanged(down=True, seconds=0.0), ITSELF),
    (events.CheckRearmed("cam:youtube", 3600.0), ITSELF),
    (events.ConfigReloaded(Path("/c.yml"), (), (), (), ()), ITSELF),
    (events.StreamsEdited(("a",), (), ()), ITSELF),
    (events.ConfigRejected(Path("/c.yml"), ("a: wrong",)), ITSELF),
    (events.OrphanEnded(7, "r0"), ITSELF),
    (events.ClockStepped(-60.0), ITSELF),
    (events.StorageTrouble(Path("/data"), "full"), ITSELF),
    (events.StorageRecovered(Path("/data")), ITSELF),
    (events.OrdersRecalled(("cam",), ()), ITSELF),
    (events.StoreTrouble("/data/neverdark.db", "database is locked"), ITSELF),
    (events.StoreRecovered("/data/neverdark.db", 61.0, 0), ITSELF),
    (events.ProbeTrouble("uplink", "no netlink"), ITSELF),
    (events.InternalError("job", "KeyError"), ITSELF),
]


@pytest.mark.parametrize(("what", "subject"), TOLD, ids=lambda value: type(value).__name__)
def test_what_a_fact_is_about(what: events.Payload, subject: Subject) -> None:
    assert subject_of(what) == subject


def test_every_kind_of_fact_is_in_the_table_above() -> None:
    assert {type(what) for what, _ in TOLD} == set(get_args(events.Payload))


@pytest.mark.parametrize(
    ("subject", "shown", "key"),
    [
        (ITSELF, "neverdark", None),
        (Subject("harbour-cam"), "harbour-cam", None),
        (Subject("harbour-cam", "youtube"), "harbour-cam:youtube", None),
        (
            Subject("harbour-cam", role=Role.ENCODER),
            "harbour-cam/encoder",
            ProcessKey("harbour-cam", Role.ENCODER),
        ),
        (PROCESS, "cam/pusher-youtube", KEY),
    ],
)
def test_a_subject_prints_as_users_know_it_and_gives_its_process(
    subject: Subject, shown: str, key: ProcessKey | None
) -> None:
    assert str(subject) == shown
    assert subject.key == key
    assert key is None or Subject.of(key) == subject


class Desk:
    """A teller with a clock that goes on by one at each look."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.errors: list[Exception] = []
        self.teller = Teller(self.wall, self.failed)

    def wall(self) -> float:
        self.time += 1
        return self.time

    def failed(self, error: Exception) -> None:
        self.errors.append(error)
        self.teller.tell(events.InternalError("listener", type(error).__name__))

    def listen(self, listener: Callable[[Fact], None] | None = None) -> list[Fact]:
        heard: list[Fact] = []
        self.teller.listeners.append(listener or heard.append)
        return heard


def test_numbers_grow_by_one_and_the_time_is_that_of_the_telling() -> None:
    desk = Desk()
    heard = desk.listen()
    for seconds in (1.0, 2.0, 3.0):
        desk.teller.tell(events.ClockStepped(seconds))
    assert heard == [Fact(1000.0 + n, n, ITSELF, events.ClockStepped(float(n))) for n in (1, 2, 3)]


def test_what_follows_from_a_fact_comes_after_it_for_every_listener() -> None:
    desk = Desk()

    def follow(fact: Fact) -> None:
        if isinstance(fact.what, events.ProcessRemoved):
            desk.teller.tell(events.StreamWanted("cam", wanted=False, why="x"))
            desk.teller.tell(events.WatchdogStarted(0))

    before = desk.listen()
    desk.listen(follow)
    after = desk.listen()
    desk.teller.tell(events.ProcessRemoved(KEY))
    assert [fact.number for fact in before] == [1, 2, 3]
    assert after == before
    assert isinstance(after[0].what, events.ProcessRemoved)


def test_a_listener_that_fails_is_told_of_and_heard_of_by_nobody_else() -> None:
    desk = Desk()

    def broken(_: Fact) -> None:
        raise KeyError("secret")

    desk.listen(broken)
    heard = desk.listen()
    desk.teller.tell(events.ClockStepped(1.0))
    desk.teller.tell(events.ClockStepped(2.0))
    assert [type(fact.what).__name__ for fact in heard] == ["ClockStepped", "InternalError"] * 2
    assert [fact.number for fact in heard] == [1, 2, 3, 4]
    assert len(desk.errors) == 2, "its failure at hearing of its failure is not told"


def test_a_teller_that_was_interrupted_goes_on() -> None:
    desk = Desk()
    heard: list[int] = []

    def interrupted(fact: Fact) -> None:
        heard.append(fact.number)
        if fact.number == 1:
            raise KeyboardInterrupt

    desk.listen(interrupted)
    with pytest.raises(KeyboardInterrupt):
        desk.teller.tell(events.ClockStepped(1.0))
    desk.teller.tell(events.ClockStepped(2.0))
    assert heard == [1, 2]
