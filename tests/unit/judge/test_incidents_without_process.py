"""Incidents about what has no process: a black picture (a stream), an ended broadcast (a destination), a full disk."""

from __future__ import annotations

import pytest

from supervisor.judge.entries import Complaint, Failed, Turn
from supervisor.judge.incidents import Book
from supervisor.model.incidents import ActionTaken, Finding, Incident
from supervisor.model.subjects import ITSELF, Subject
from supervisor.model.terms import ExitCause, Layer, ProcessKey, Remedy, Result, Role, Segment, Trouble

WALL = 1_700_000_000.0
ENCODER = ProcessKey("cam", Role.ENCODER)
PUSHER = ProcessKey("cam", Role.PUSHER, "youtube")
SECOND = ProcessKey("cam", Role.PUSHER, "twitch")
BY = "content"
BLACK = Complaint(Subject("cam"), Trouble.BLACK, Segment.SOURCE, said="the picture is black")
ENDED = Complaint(Subject("cam", "youtube"), ExitCause.INGEST_CLOSED, Segment.PLATFORM, Layer.PLATFORM)
FULL = Complaint(ITSELF, ExitCause.DISK_FULL, Segment.NEVERDARK)
SLOW = Complaint(Subject.of(ENCODER), Trouble.SLOW, Segment.ENCODER)
THIN = Complaint(Subject.of(PUSHER), Trouble.BITRATE_LOW, Segment.UPLINK)
CRASH = Failed(ENCODER, ExitCause.KILLED, Segment.ENCODER, 0.5, feeds=(PUSHER, SECOND))
REFUSED = Failed(PUSHER, ExitCause.INGEST_REFUSED, Segment.PLATFORM, 0.5)


class Diary:
    """A book with one clock for both times; all processes advance but those that are `dark`."""

    def __init__(self) -> None:
        self.book = Book()
        self.dark: set[ProcessKey] = set()
        self.book.tally.know("cam", is_command=False)

    def complain(self, at: float, *complaints: Complaint) -> None:
        for complaint in complaints:
            self.book.complain(complaint, BY, now=at, wall=WALL + at)

    def fail(self, at: float, failed: Failed) -> None:
        self.dark.add(failed.key)
        self.book.fail(failed, now=at, wall=WALL + at)

    def advance(self, at: float, key: ProcessKey) -> None:
        self.dark.discard(key)
        self.book.advanced(key, now=at)

    def watch(self, first: float, last: float) -> list[Incident]:
        """A look every second; returns what was closed."""
        self.book.news()
        for second in range(int(last - first) + 1):
            now = first + second
            proof = lambda key, now=now: None if key in self.dark else now  # noqa: E731 - short
            self.book.look(proof, lambda _: False, lambda _: bool(self.dark), now=now, wall=WALL + now)
        return [one.incident for one in self.book.news() if one.turn is Turn.CLOSED]

    def stop(self, at: float, *keys: ProcessKey) -> list[Incident]:
        self.book.news()
        self.book.planned(keys, now=at, wall=WALL + at)
        return [one.incident for one in self.book.news() if one.turn is Turn.CLOSED]

    def open(self, at: float) -> list[Incident]:
        return [one for one in self.book.incidents(None, at) if one.closed is None]

    def only(self, at: float) -> Incident:
        (incident,) = self.open(at)
        return incident


@pytest.fixture
def diary() -> Diary:
    return Diary()


START = Remedy.START_BROADCAST


def test_what_the_platform_was_asked_for_stands_in_the_incident_and_has_helped_when_nobody_complains(
    diary: Diary,
) -> None:
    diary.complain(100.0, ENDED)
    about = ENDED.subject
    diary.book.asked(about, Layer.PLATFORM, Remedy.NEW_BROADCAST, helped=False, wall=WALL + 105)
    diary.book.asked(about, Layer.PLATFORM, Remedy.NEW_BROADCAST, helped=True, wall=WALL + 110)
    diary.book.asked(Subject("cam", "twitch"), Layer.PLATFORM, START, helped=True, wall=WALL + 111)
    diary.watch(101.0, 130.0)
    assert diary.only(130.0).recovery_seconds is None
    diary.book.praise(about, BY)
    (closed,) = diary.watch(131.0, 170.0)
    new = Remedy.NEW_BROADCAST
    assert closed.actions == (
        ActionTaken(WALL + 105, Layer.PLATFORM, new, Result.FAILED),
        ActionTaken(WALL + 110, Layer.PLATFORM, new, Result.RECOVERED),
    )
    assert closed.recovery_seconds == 30.0


def test_what_goes_away_by_itself_was_not_recovered(diary: Diary) -> None:
    diary.complain(100.0, ENDED)
    diary.watch(101.0, 130.0)
    diary.book.praise(ENDED.subject, BY)
    (closed,) = diary.watch(131.0, 170.0)
    assert (closed.actions, closed.recovery_seconds) == ((), None)


def test_while_something_else_is_bad_there_nothing_has_helped_yet(diary: Diary) -> None:
    diary.complain(100.0, ENDED)
    other = ENDED._replace(cause=Trouble.NOT_WELL_RECEIVED)
    diary.book.complain(other, "health", now=100.0, wall=WALL + 100)
    diary.book.asked(ENDED.subject, Layer.PLATFORM, START, helped=True, wall=WALL + 110)
    diary.watch(101.0, 130.0)
    diary.book.praise(ENDED.subject, BY)
    assert (diary.only(130.0).recovery_seconds, diary.only(130.0).actions[0].result) == (None, None)
    diary.book.praise(ENDED.subject, "health")
    assert diary.only(130.0).actions[0].result is Result.RECOVERED


def causes(incident: Incident) -> list[tuple[object, bool]]:
    return [(finding.cause, finding.consequence) for finding in incident.findings]


@pytest.mark.parametrize(
    ("complaint", "stream", "destination", "prefix"),
    [(BLACK, "cam", None, "cam-"), (ENDED, "cam", "youtube", "cam-"), (FULL, "", None, "neverdark-")],
)
def test_it_is_opened_told_once_and_over_half_a_minute_after_the_last_praise(
    diary: Diary, complaint: Complaint, stream: str, destination: str | None, prefix: str
) -> None:
    for at in (100.0, 130.0, 160.0):
        diary.complain(at, complaint)
    incident = diary.only(160.0)
    assert incident.id.startswith(prefix)
    assert (incident.stream, incident.destination, incident.subject) == (stream, destination, complaint.subject)
    assert (incident.cause, incident.segment, incident.layer) == (complaint.cause, complaint.segment, complaint.layer)
    assert incident.findings == (
        Finding(
            WALL + 100,
            complaint.cause,
            complaint.segment,
            None,
            destination,
            complaint.layer,
            times=3,
            said=complaint.said,
        ),
    )
    assert [(one.turn, one.incident.id) for one in diary.book.news()] == [(Turn.OPENED, incident.id)]
    assert diary.watch(161.0, 260.0) == []
    diary.book.praise(complaint.subject, BY)
    assert diary.watch(261.0, 290.0) == []
    (closed,) = diary.watch(291.0, 291.0)
    assert (closed.id, closed.seconds_dark, closed.actions) == (incident.id, 0.0, ())


def test_it_counts_in_its_segment_as_any_other(diary: Diary) -> None:
    diary.complain(100.0, BLACK, FULL)
    assert diary.book.open.segments()["cam"][Segment.SOURCE] == 1
    diary.watch(100.0, 131.0)
    sums = diary.book.tally.know("cam", is_command=False)
    assert {segment for segment, count in sums.incidents.items() if count} == {Segment.SOURCE}


@pytest.mark.parametrize("order", [(SLOW, BLACK), (BLACK, SLOW)])
def test_slow_never_hides_black_and_both_stay_in_the_list(diary: Diary, order: tuple[Complaint, Complaint]) -> None:
    diary.complain(100.0, *order)
    incident = diary.only(101.0)
    assert (incident.cause, incident.role, incident.said) == (BLACK.cause, None, BLACK.said)
    assert sorted(causes(incident)) == [("black", False), ("slow", False)]
    assert [one.turn for one in diary.book.news()] == [Turn.OPENED, Turn.FOUND]


@pytest.mark.parametrize("encoder_first", [True, False])
def test_a_stream_has_one_incident_with_its_encoder(diary: Diary, *, encoder_first: bool) -> None:
    if encoder_first:
        diary.fail(100.0, CRASH)
        diary.complain(101.0, BLACK)
    else:
        diary.complain(99.0, BLACK)
        diary.fail(100.0, CRASH)
    incident = diary.only(101.0)
    assert sorted(causes(incident)) == [("black", False), ("killed", False)]
    assert incident.cause is Trouble.BLACK, "nearer to the root"
    assert incident.seconds_dark == 1.5, "as any crash"
    assert diary.book.open.is_dark(ENCODER)
    assert diary.book.open.segment(PUSHER) is Segment.SOURCE
    for key in (ENCODER, PUSHER, SECOND):
        diary.advance(103.0, key)
    if encoder_first:
        assert diary.watch(103.0, 200.0) == [], "it is still black"
        diary.book.praise(BLACK.subject, BY)
    (closed,) = diary.watch(201.0, 232.0)
    assert (closed.id, closed.recovery_seconds) == (incident.id, 3.0)


@pytest.mark.parametrize("pusher_first", [True, False])
def test_a_destination_has_one_incident_with_its_pusher(diary: Diary, *, pusher_first: bool) -> None:
    if pusher_first:
        diary.fail(100.0, REFUSED)
        diary.complain(101.0, ENDED)
    else:
        diary.complain(99.0, ENDED)
        diary.fail(100.0, REFUSED)
    incident = diary.only(101.0)
    assert incident.destination == "youtube"
    assert sorted(causes(incident)) == [("ingest_closed", False), ("ingest_refused", False)]
    assert incident.seconds_dark == 1.5


@pytest.mark.parametrize("failed", [REFUSED, CRASH])
def test_an_ended_broadcast_keeps_its_incident_open_also_when_a_process_fails_in_it(
    diary: Diary, failed: Failed
) -> None:
    """A platform's word is said once, and once taken back."""
    diary.complain(99.0, ENDED)
    diary.fail(100.0, failed)
    for key in (failed.key, PUSHER, SECOND):
        diary.advance(103.0, key)
    watched = diary.watch(103.0, 400.0)
    assert ExitCause.INGEST_CLOSED not in {one.cause for one in watched}
    assert any(("ingest_closed", False) in causes(one) for one in diary.open(400.0))
    diary.book.praise(ENDED.subject, BY)
    diary.watch(401.0, 432.0)
    assert diary.open(432.0) == []


def test_what_ends_because_nothing_came_is_a_consequence(diary: Diary) -> None:
    diary.fail(100.0, CRASH)
    diary.complain(400.0, ENDED)
    incident = diary.only(401.0)
    assert causes(incident) == [("killed", False), ("ingest_closed", True)]
    assert (incident.cause, incident.destination) == (ExitCause.KILLED, None)


def test_what_ends_by_itself_is_no_part_of_what_the_encoder_had_long_before(diary: Diary) -> None:
    diary.fail(100.0, CRASH)
    for key in (ENCODER, PUSHER, SECOND):
        diary.advance(101.0, key)
    diary.dark.add(SECOND)  # keeps the first one open
    diary.watch(101.0, 170.0)
    diary.complain(171.0, ENDED)
    assert {incident.destination for incident in diary.open(171.0)} == {None, "youtube"}


def test_a_thin_line_beside_a_black_picture_is_a_part_of_it_and_no_root(diary: Diary) -> None:
    diary.complain(100.0, BLACK, THIN)
    assert causes(diary.only(101.0)) == [("black", False), ("bitrate_low", True)]
    diary.fail(110.0, REFUSED)
    assert [incident.destination for incident in diary.open(111.0)] == ["youtube", None]


def test_those_who_share_a_line_and_what_was_found_at_one_of_them_are_one(diary: Diary) -> None:
    lost = Failed(PUSHER, Trouble.NETWORK_DOWN, Segment.NETWORK, 0.5)
    diary.fail(100.0, lost)
    diary.complain(101.0, ENDED)
    diary.fail(102.0, lost._replace(key=SECOND))
    diary.complain(131.0, ENDED)
    incident = diary.only(132.0)
    assert (incident.destination, incident.cause) == (None, Trouble.NETWORK_DOWN)
    assert [one.turn for one in diary.book.news()] == [Turn.OPENED, Turn.FOUND, Turn.FOUND]


def test_a_stop_ends_it_and_a_removed_destination_ends_its_own(diary: Diary) -> None:
    diary.complain(100.0, ENDED, BLACK, FULL)
    assert diary.stop(101.0, SECOND) == []
    assert [one.destination for one in diary.stop(102.0, PUSHER)] == ["youtube"]
    assert [one.destination for one in diary.stop(103.0, ENCODER, SECOND)] == [None]
    assert [incident.subject for incident in diary.open(104.0)] == [ITSELF], "a full disk is not over because of that"


@pytest.mark.parametrize("found", [ENDED, THIN])
def test_what_was_found_at_a_removed_destination_holds_nothing_open(diary: Diary, found: Complaint) -> None:
    diary.complain(100.0, BLACK, found)
    assert diary.stop(101.0, PUSHER) == []
    diary.book.praise(BLACK.subject, BY)
    assert len(diary.watch(102.0, 132.0)) == 1


def test_one_complaint_in_another_ones_incident_is_taken_back_when_the_process_has_its_own(diary: Diary) -> None:
    """It would stay open for ever: nobody praises it there."""
    late = SLOW._replace(cause=Trouble.AV_OFFSET)
    diary.complain(100.0, late, THIN)
    diary.fail(101.0, REFUSED)
    for complaint in (late, THIN):
        diary.book.praise(complaint.subject, BY)
    diary.advance(102.0, PUSHER)
    assert len(diary.watch(103.0, 140.0)) == 2
