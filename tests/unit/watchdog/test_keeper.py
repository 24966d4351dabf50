"""Facts → entries: what failed opens an incident, what was done about it stands in it, what is planned opens none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from supervisor.judge.incidents import Book
from supervisor.model import events
from supervisor.model.content import Defect
from supervisor.model.facts import Fact, subject_of
from supervisor.model.incidents import Finding, Incident
from supervisor.model.subjects import Subject
from supervisor.model.terms import (
    Action,
    ExitCause,
    Layer,
    ProcessKey,
    RestartReason,
    Result,
    Role,
    Segment,
    State,
    Trouble,
)
from supervisor.watchdog.keeper import Keeper

WALL = 1_700_000_000.0
ENCODER = ProcessKey("cam", Role.ENCODER)
PUSHER = ProcessKey("cam", Role.PUSHER, "youtube")
FIRST_LAYER = {RestartReason.EXIT, RestartReason.STALL, RestartReason.START_TIMEOUT, RestartReason.UPLINK}
SECOND_LAYER = {RestartReason.WATCHDOG, RestartReason.LIMIT}
PLANNED = {RestartReason.OPERATOR, RestartReason.CONFIG}
NOBODY = {RestartReason.PARAMETERS}  # nothing is wrong: other media needs another connection


class Desk:
    """A keeper with a book, a clock that is set by hand, and what it told."""

    def __init__(self) -> None:
        self.seconds = 100.0
        self.told: list[events.Payload] = []
        self.drilling = False
        self.wanted = True
        self.book = Book()
        self.book.tally.know("cam", is_command=False)
        self.keep = Keeper(
            self,
            self.book,
            self.told.append,
            lambda _: [ENCODER, PUSHER],
            lambda _: self.drilling,
            lambda _: True,
            lambda _: self.wanted,
        )

    def now(self) -> float:
        return self.seconds

    def wall(self) -> float:
        return WALL + self.seconds

    def at(self, now: float, *facts: events.Payload) -> None:
        self.seconds = now
        for fact in facts:
            self.hear(replace(fact, ended=now) if isinstance(fact, events.ProcessExited) else fact)

    def hear(self, what: events.Payload) -> None:
        self.keep(Fact(self.wall(), 1, subject_of(what), what))

    def incidents(self) -> tuple[Incident, ...]:
        return self.book.incidents(None, self.seconds)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def exited(
    key: ProcessKey = ENCODER, *, planned: bool = False, silent: float | None = 0.25, segment: Segment = Segment.ENCODER
) -> events.ProcessExited:
    return events.ProcessExited(key, "r1", ExitCause.KILLED, None, 9, 60.0, planned, ("bye",), segment, silent, 0.0)


def started(reason: RestartReason | None, key: ProcessKey = ENCODER) -> events.ProcessStarted:
    return events.ProcessStarted(key, "r2", 7, reason)


def test_a_crash_from_its_first_to_its_last_word(desk: Desk) -> None:
    desk.at(100.0, exited())
    desk.at(100.5, started(RestartReason.EXIT))
    desk.at(102.0, events.ProcessAdvanced(ENCODER, "r2", 1.5))
    for second in range(31):
        desk.keep.look(lambda _: 102.0 + second, now=102.0 + second, wall=WALL + 102 + second)  # noqa: B023 - at once
    (incident,) = desk.incidents()
    assert (incident.cause, incident.segment, incident.layer) == (ExitCause.KILLED, Segment.ENCODER, Layer.PROCESS)
    assert (incident.seconds_dark, incident.detection_seconds, incident.recovery_seconds) == (2.25, 0.25, 2.0)
    assert [(a.at - WALL, a.layer, a.action, a.result) for a in incident.actions] == [
        (100.5, Layer.PROCESS, Action.RESTART_ENCODER, Result.RECOVERED)
    ]
    opened, closed = desk.told
    assert isinstance(opened, events.IncidentOpened)
    assert opened.finding == Finding(WALL + 100, ExitCause.KILLED, Segment.ENCODER, Role.ENCODER, None, Layer.PROCESS)
    assert (opened.incident.id, opened.incident.closed) == (incident.id, None)
    assert closed == events.IncidentClosed(incident)


@pytest.mark.parametrize(
    ("fact", "cause", "segment", "detection"),
    [
        (
            events.ProcessSilent(PUSHER, "r1", Trouble.UPLINK_BLOCKED, 5.0, Segment.UPLINK),
            Trouble.UPLINK_BLOCKED,
            Segment.UPLINK,
            5.0,
        ),
        (exited(PUSHER, segment=Segment.PLATFORM, silent=None), ExitCause.KILLED, Segment.PLATFORM, None),
        (
            events.SpawnFailed(ENCODER, ExitCause.ENCODER_MISSING, "cannot start"),
            ExitCause.ENCODER_MISSING,
            Segment.ENCODER,
            None,
        ),
        (
            events.SpawnFailed(PUSHER, ExitCause.OUT_OF_MEMORY, "cannot start"),
            ExitCause.OUT_OF_MEMORY,
            Segment.PUSHER,
            None,
        ),
    ],
)
def test_what_opens_an_incident(
    desk: Desk, fact: events.Payload, cause: object, segment: Segment, detection: float | None
) -> None:
    desk.at(100.0, fact)
    (incident,) = desk.incidents()
    assert (incident.cause, incident.segment, incident.detection_seconds) == (cause, segment, detection)
    (opened,) = desk.told
    assert isinstance(opened, events.IncidentOpened)
    assert opened.incident.destination == incident.destination


def test_the_end_of_what_was_killed_for_its_silence_is_no_second_failure(desk: Desk) -> None:
    desk.at(100.0, events.ProcessSilent(ENCODER, "r1", Trouble.STALL, 10.0, Segment.ENCODER))
    desk.at(100.01, exited(planned=True), started(RestartReason.STALL))
    (incident,) = desk.incidents()
    assert [action.result for action in incident.actions] == [None]
    assert len(desk.told) == 1


def test_told_once_however_often_it_fails(desk: Desk) -> None:
    for number in range(5):
        desk.at(100.0 + number, exited(), started(RestartReason.EXIT))
    assert len(desk.told) == 1


PLANNED_FACTS: list[events.Payload] = [
    exited(planned=True),
    started(None),
    *(started(reason) for reason in RestartReason),
    events.ProcessAdvanced(ENCODER, "r1", 0.4),
    events.StreamWanted("cam", wanted=True, why="start"),
    events.StreamWanted("cam", wanted=False, why="operator"),
    events.StreamOnAir("cam", on_air=False, reason="stopped", seconds=60.0, planned=True),
    events.RetryScheduled(ENCODER, State.BACKOFF, 0.5, 9, ExitCause.OTHER),
    events.BudgetRefilled(ENCODER),
]


@pytest.mark.parametrize("fact", PLANNED_FACTS, ids=str)
def test_what_is_planned_or_no_failure_opens_none(desk: Desk, fact: events.Payload) -> None:
    """A recovery that is told and was none hides the real ones."""
    desk.at(100.0, fact)
    assert (desk.incidents(), desk.told) == ((), [])


@pytest.mark.parametrize("reason", RestartReason)
def test_who_acts(desk: Desk, reason: RestartReason) -> None:
    assert set(RestartReason) == FIRST_LAYER | SECOND_LAYER | PLANNED | NOBODY
    desk.at(100.0, exited())
    desk.at(101.0, started(reason))
    (incident,) = desk.incidents()
    attempts = sum(desk.book.tally.know("cam", is_command=False).attempts.values())
    assert attempts == (1 if reason in FIRST_LAYER else 0), "the second layer says so itself"
    assert [taken.layer for taken in incident.actions] == (
        [Layer.PROCESS] if reason in FIRST_LAYER else [Layer.OPERATOR] if reason in PLANNED else []
    )
    assert incident.closed is None


def test_who_is_fed_by_what_failed_has_a_part_in_its_incident(desk: Desk) -> None:
    desk.at(100.0, exited())
    desk.at(101.0, exited(PUSHER, segment=Segment.PUSHER))
    (incident,) = desk.incidents()
    assert [(one.role, one.destination) for one in incident.findings] == [
        (Role.ENCODER, None),
        (Role.PUSHER, "youtube"),
    ]
    assert desk.told[1:] == [events.FindingEntered(incident, incident.findings[1])]


def test_a_stop_is_the_end_for_all_of_them(desk: Desk) -> None:
    desk.at(60.0, exited(PUSHER, segment=Segment.PUSHER))
    desk.at(100.0, exited())
    desk.at(102.0, events.StreamWanted("cam", wanted=True, why="operator"))
    assert [one.closed for one in desk.incidents()] == [None, None]
    desk.at(103.0, events.StreamWanted("cam", wanted=False, why="operator"))
    assert [one.closed for one in desk.incidents()] == [WALL + 103, WALL + 103]
    assert [what.incident.destination for what in desk.told if isinstance(what, events.IncidentClosed)] == [
        None,
        "youtube",
    ]


def test_what_fails_in_a_drill_is_one(desk: Desk) -> None:
    desk.drilling = True
    desk.at(100.0, exited())
    (incident,) = desk.incidents()
    assert incident.drill
    assert desk.told == [events.IncidentOpened(incident, incident.findings[0])]


def test_what_the_second_layer_finds_while_media_flows_is_not_dark(desk: Desk) -> None:
    for now in (100.0, 130.0):
        desk.seconds = now
        desk.keep.complained(ENCODER, Trouble.SLOW, Segment.ENCODER, "cam:youtube")
    (incident,) = desk.incidents()
    assert (incident.layer, incident.seconds_dark) == (Layer.WATCHDOG, 0.0)
    assert len(desk.told) == 1


def test_a_failure_is_entered_at_its_own_time_not_at_that_of_its_telling(desk: Desk) -> None:
    """A new run may be alive before the end of the old one is told."""
    desk.seconds = 100.5
    desk.hear(replace(exited(), ended=100.0))
    desk.keep.look(lambda _: 100.2, now=101.0, wall=WALL + 101)
    assert desk.incidents()[0].recovery_seconds == 1.0


def test_a_process_that_is_no_longer_configured_leaves_no_incident_open(desk: Desk) -> None:
    desk.at(100.0, exited(PUSHER, segment=Segment.PUSHER))
    desk.at(101.0, events.ProcessRemoved(PUSHER))
    assert desk.incidents()[0].closed == WALL + 101.0


def test_what_fails_on_its_way_out_opens_nothing(desk: Desk) -> None:
    """Pushers end first; until then an encoder that crashes all the time may do so once more."""
    desk.wanted = False
    desk.at(100.0, exited())
    assert desk.incidents() == ()


def test_what_viewers_see_is_an_incident_of_the_stream_until_it_is_good_again(desk: Desk) -> None:
    desk.at(100.0, events.ContentFound("cam", Defect.BLACK, 10.0, "black for 10s"))
    desk.at(105.0, events.ContentFound("cam", Defect.SILENT, 15.0, "silent for 15s"))
    (incident,) = desk.incidents()
    assert (incident.subject, incident.cause, incident.segment) == (Subject("cam"), Trouble.BLACK, Segment.SOURCE)
    assert (incident.said, incident.layer, incident.seconds_dark) == ("black for 10s", Layer.WATCHDOG, 0.0)
    assert [one.cause for one in incident.findings] == [Trouble.BLACK, Trouble.SILENT]
    desk.at(200.0, events.ContentGood("cam", Defect.BLACK, 100.0, seen=True))
    _looks(desk, 201.0, 260.0)
    assert desk.incidents()[0].closed is None, "it is silent still"
    desk.at(261.0, events.ContentGood("cam", Defect.SILENT, 100.0, seen=True))
    _looks(desk, 262.0, 300.0)
    assert desk.incidents()[0].closed == WALL + 292.0


def test_one_source_that_is_good_again_says_nothing_of_another(desk: Desk) -> None:
    desk.at(100.0, events.ContentFound("cam", Defect.BLACK, 10.0, "black for 10s"))
    desk.at(105.0, events.ContentFound("cam", Defect.BLACK, 10.0, "fallback1: black for 10s", 1))
    desk.at(110.0, events.ContentGood("cam", Defect.BLACK, 15.0, seen=True, rung=1))
    _looks(desk, 111.0, 200.0)
    assert desk.incidents()[0].closed is None
    desk.at(201.0, events.ContentGood("cam", Defect.BLACK, 100.0, seen=True))
    _looks(desk, 202.0, 240.0)
    assert desk.incidents()[0].closed is not None


def test_a_planned_stop_ends_what_viewers_saw(desk: Desk) -> None:
    desk.at(100.0, events.ContentFound("cam", Defect.FROZEN, 30.0, "frozen for 30s"))
    desk.at(101.0, events.StreamWanted("cam", wanted=False, why="operator"))
    assert desk.incidents()[0].closed == WALL + 101.0


def _looks(desk: Desk, first: float, last: float) -> None:
    for second in range(int(last - first) + 1):
        now = desk.seconds = first + second
        desk.keep.look(lambda _, now=now: now, now=now, wall=WALL + now)  # type: ignore[misc]
