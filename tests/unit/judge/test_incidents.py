"""The book of incidents: one from the first failure until half a minute of sustained advance, counted once."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supervisor.judge import past
from supervisor.judge.entries import Complaint, Failed, News, Turn
from supervisor.judge.findings import headline
from supervisor.judge.incidents import Book
from supervisor.judge.tally import ACTION_OF_ROLE, LAYERS, Sums
from supervisor.model.incidents import ActionTaken, Finding, Incident
from supervisor.model.snapshot import DETECTION_BUCKETS, RECOVERY_BUCKETS
from supervisor.model.subjects import Subject
from supervisor.model.terms import Action, Cause, ExitCause, Layer, ProcessKey, Result, Role, Segment, Trouble

WALL = 1_700_000_000.0
ENCODER = ProcessKey("cam", Role.ENCODER)
PUSHER = ProcessKey("cam", Role.PUSHER, "youtube")
SECOND = ProcessKey("cam", Role.PUSHER, "twitch")
OTHER = ProcessKey("quay", Role.ENCODER)
KEYS = (ENCODER, PUSHER, SECOND, OTHER)
FED = (PUSHER, SECOND)  # by ENCODER
BY = "cam:youtube"  # who complains


class Diary:
    """A book, with one clock for both times and with what advances."""

    def __init__(self) -> None:
        self.book = Book()
        self.told: list[News] = []
        self.advancing = set(KEYS)
        self.drilling = False
        self.needed: set[ProcessKey] = set(FED)  # those without whom the stream is off air
        for key in KEYS:
            self.know(key.stream)

    def know(self, stream: str) -> Sums:
        return self.book.tally.know(stream, is_command=False)

    def news(self) -> list[Turn]:
        news = self.book.news()
        self.told += news
        return [one.turn for one in news]

    def fail(
        self,
        at: float,
        key: ProcessKey = ENCODER,
        silent: float | None = 0.5,
        *,
        cause: Cause = ExitCause.KILLED,
        segment: Segment | None = None,
        layer: Layer = Layer.PROCESS,
        drill: bool = False,
    ) -> bool:
        """Returns whether it has opened an incident."""
        self.advancing.discard(key)
        own = Segment.PUSHER if key.role is Role.PUSHER else Segment.ENCODER
        feeds = FED if key is ENCODER else ()
        failed = Failed(key, cause, segment or own, silent, layer, drill, feeds)
        self.book.fail(failed, now=at, wall=WALL + at)
        return Turn.OPENED in self.news()

    def starve(self, at: float, silent: float = 10.0) -> None:
        """The camera is gone: the encoder fails, and nobody sends any more."""
        self.fail(at, silent=silent, cause=Trouble.STALL, segment=Segment.SOURCE)
        self.advancing -= set(FED)

    def complain(self, at: float, key: ProcessKey = ENCODER, cause: Cause = Trouble.AV_OFFSET) -> bool:
        complaint = Complaint(Subject.of(key), cause, Segment.ENCODER)
        self.book.complain(complaint, BY, now=at, wall=WALL + at)
        return Turn.OPENED in self.news()

    def planned(self, at: float, *keys: ProcessKey) -> list[Incident]:
        self.book.planned(keys, now=at, wall=WALL + at)
        return self._closed()

    def _closed(self) -> list[Incident]:
        before = len(self.told)
        self.news()
        return [news.incident for news in self.told[before:] if news.turn is Turn.CLOSED]

    def act(self, at: float, key: ProcessKey = ENCODER, layer: Layer = Layer.PROCESS) -> None:
        self.book.act(key, layer, ACTION_OF_ROLE[key.role], now=at, wall=WALL + at)

    def advance(self, at: float, key: ProcessKey = ENCODER) -> None:
        self.advancing.add(key)
        self.book.advanced(key, now=at)

    def recover(self, at: float, key: ProcessKey = ENCODER) -> None:
        """What the first layer does about a crash, all in one moment."""
        self.act(at, key)
        self.advance(at, key)

    def look(self, at: float) -> list[Incident]:
        """Returns what was closed."""
        self.book.look(
            lambda key: at if key in self.advancing else None,
            lambda _: self.drilling,
            lambda _: not self.needed <= self.advancing,
            now=at,
            wall=WALL + at,
        )
        return self._closed()

    def watch(self, first: float, last: float) -> list[Incident]:
        """A look every second."""
        closed = []
        for second in range(int(last - first) + 1):
            closed += self.look(first + second)
        return closed

    def only(self, now: float) -> Incident:
        (incident,) = self.book.incidents(None, now)
        return incident

    def counted(self, stream: str = "cam") -> dict[Segment, int]:
        return {segment: count for segment, count in self.know(stream).incidents.items() if count}

    def results(self, stream: str = "cam") -> dict[tuple[Layer, Result], int]:
        return {pair: count for pair, count in self.know(stream).results.items() if count}


@pytest.fixture
def diary() -> Diary:
    return Diary()


def test_it_is_over_after_thirty_seconds_of_advance_and_not_before(diary: Diary) -> None:
    assert diary.fail(100.0)
    diary.recover(102.0)
    assert diary.watch(102.0, 131.0) == []
    assert diary.only(131.0).closed is None
    (closed,) = diary.look(132.0)
    assert (closed.opened, closed.closed) == (WALL + 100, WALL + 132)
    assert diary.book.incidents(None, 133.0) == (closed,)


def test_a_slow_evening_is_one_incident(diary: Diary) -> None:
    """Each new connection does well for half a minute, until as much waits in it again."""
    slow = {"cause": Trouble.BACKLOG, "segment": Segment.UPLINK}
    assert diary.fail(100.0, PUSHER, **slow)  # type: ignore[arg-type]
    for replaced in range(101, 3600, 34):
        diary.recover(replaced, PUSHER)
        assert diary.watch(replaced, replaced + 32.0) == []
        assert not diary.fail(replaced + 33.0, PUSHER, **slow)  # type: ignore[arg-type]
    diary.recover(4000.0, PUSHER)
    assert diary.watch(4000.0, 4179.0) == []
    (closed,) = diary.look(4180.0)
    assert (closed.cause, closed.findings[0].times) == (Trouble.BACKLOG, 104)


def test_what_had_another_reason_is_over_after_thirty_seconds_although_it_was_slow_too(diary: Diary) -> None:
    diary.fail(100.0, PUSHER, cause=Trouble.BACKLOG, segment=Segment.UPLINK)
    diary.book.learn(PUSHER, Segment.NETWORK, Trouble.NETWORK_DOWN)
    diary.recover(102.0, PUSHER)
    assert len(diary.watch(102.0, 132.0)) == 1


def test_what_it_says_of_itself(diary: Diary) -> None:
    diary.fail(100.0, PUSHER, silent=0.75, segment=Segment.PLATFORM)
    diary.recover(103.25, PUSHER)
    diary.watch(104.0, 140.0)
    assert diary.only(999.0) == Incident(
        id=diary.only(999.0).id,
        stream="cam",
        destination="youtube",
        opened=WALL + 100,
        closed=WALL + 134,
        cause=ExitCause.KILLED,
        segment=Segment.PLATFORM,
        layer=Layer.PROCESS,
        drill=False,
        seconds_dark=4.0,
        detection_seconds=0.75,
        recovery_seconds=3.25,
        actions=(ActionTaken(WALL + 103.25, Layer.PROCESS, Action.RESTART_PUSHER, Result.RECOVERED),),
        role=Role.PUSHER,
        findings=(
            Finding(WALL + 100, ExitCause.KILLED, Segment.PLATFORM, Role.PUSHER, "youtube", Layer.PROCESS, times=1),
        ),
    )


def test_an_encoders_concerns_the_whole_stream(diary: Diary) -> None:
    diary.fail(100.0)
    assert diary.only(100.0).destination is None


def test_a_break_in_the_advance_starts_the_half_minute_again(diary: Diary) -> None:
    diary.fail(100.0)
    diary.recover(101.0)
    diary.watch(101.0, 120.0)
    diary.advancing.discard(ENCODER)  # for a moment, and nobody has judged it
    diary.look(121.0)
    diary.advancing.add(ENCODER)
    assert diary.watch(122.0, 151.0) == []
    assert len(diary.look(152.0)) == 1


def test_it_stays_open_as_long_as_it_is_dark_and_tells_how_long(diary: Diary) -> None:
    diary.fail(100.0, silent=10.0)
    assert diary.watch(101.0, 900.0) == []
    assert diary.only(900.0).seconds_dark == 810.0
    assert diary.book.open.segments() == {"cam": dict.fromkeys(Segment, 0) | {Segment.ENCODER: 1}}


def test_a_crash_loop_is_one_incident(diary: Diary) -> None:
    for number in range(10):
        at = 100.0 + 10 * number
        assert diary.fail(at) is (number == 0)
        diary.act(at + 1)
        diary.advance(at + 2)
        diary.watch(at + 2, at + 9)
    (closed,) = diary.watch(200.0, 240.0)
    assert diary.counted() == {Segment.ENCODER: 1}
    assert [action.result for action in closed.actions] == [Result.FAILED] * 9 + [Result.RECOVERED]
    assert diary.results() == {(Layer.PROCESS, Result.FAILED): 9, (Layer.PROCESS, Result.RECOVERED): 1}
    assert diary.know("cam").attempts[Layer.PROCESS, Action.RESTART_ENCODER] == 10
    assert closed.seconds_dark == 25.0, "ten times half a second unnoticed and two seconds dark"


def test_each_darkness_is_measured_for_itself(diary: Diary) -> None:
    diary.fail(100.0, silent=0.5)
    diary.recover(102.0)
    diary.fail(110.0, silent=0.25)
    assert diary.only(110.5).recovery_seconds is None, "that of the first is over"
    diary.recover(111.5)
    assert (diary.only(112.0).detection_seconds, diary.only(112.0).recovery_seconds) == (0.25, 1.5)
    assert (
        sum(diary.book.tally.recovery[Layer.PROCESS].counts)
        == sum(diary.book.tally.detection[Layer.PROCESS].counts)
        == 2
    )


def test_attempts_that_never_advance_fail_too_and_it_is_dark_all_the_while(diary: Diary) -> None:
    diary.fail(100.0)
    for at in (101.0, 104.0, 109.0):
        diary.act(at)
        diary.fail(at + 1, silent=at - 99)
    diary.recover(120.0)
    (closed,) = diary.watch(120.0, 150.0)
    assert [action.result for action in closed.actions] == [Result.FAILED] * 3 + [Result.RECOVERED]
    assert (closed.seconds_dark, closed.detection_seconds, closed.recovery_seconds) == (20.5, 0.5, 20.0)


def test_who_acts_before_an_action_is_concluded_supersedes_it(diary: Diary) -> None:
    diary.fail(100.0)
    diary.act(101.0)
    diary.act(130.0, layer=Layer.WATCHDOG)
    diary.advance(131.0)
    (closed,) = diary.watch(131.0, 161.0)
    assert [(action.layer, action.result) for action in closed.actions] == [
        (Layer.PROCESS, Result.SUPERSEDED),
        (Layer.WATCHDOG, Result.RECOVERED),
    ]
    assert diary.know("cam").last_recovery == {Layer.WATCHDOG: 31.0}, "who acted last has done it"


def test_a_planned_end_closes_it_at_once(diary: Diary) -> None:
    """What is done on purpose is no failure."""
    diary.fail(100.0, PUSHER)
    diary.recover(104.0, PUSHER)
    diary.fail(120.0)
    diary.act(121.0)
    closed = diary.planned(130.0, *KEYS[:3])
    assert {one.destination: one.seconds_dark for one in closed} == {None: 10.5, "youtube": 4.5}
    assert diary.results() == {(Layer.PROCESS, Result.SUPERSEDED): 2}
    assert diary.book.open.segments() == {}
    assert diary.planned(131.0, *KEYS) == []


def test_a_replacement_on_purpose_is_a_remedy_and_closes_nothing(diary: Diary) -> None:
    """A wrong key is corrected: it is over when media flows, and that has to last."""
    diary.fail(100.0, PUSHER, segment=Segment.PLATFORM)
    diary.act(101.0, PUSHER)
    diary.book.replaced(PUSHER, wall=WALL + 140)
    assert diary.watch(141.0, 144.0) == []
    diary.advance(145.0, PUSHER)
    (closed,) = diary.watch(145.0, 175.0)
    assert (closed.seconds_dark, closed.recovery_seconds, closed.closed) == (45.5, 45.0, WALL + 175)
    assert closed.actions[-1] == ActionTaken(WALL + 140, Layer.OPERATOR, Action.RESTART_PUSHER, Result.RECOVERED)
    assert diary.results() == {(Layer.PROCESS, Result.SUPERSEDED): 1}, "what an operator does is not counted as ours"
    assert diary.know("cam").last_recovery == {}
    assert sum(diary.know("cam").attempts.values()) == 1


def test_a_destination_that_fails_while_media_comes_has_an_incident_of_its_own(diary: Diary) -> None:
    assert diary.fail(100.0, PUSHER)
    assert diary.fail(130.0)
    assert diary.book.open.segments()["cam"] == dict.fromkeys(Segment, 0) | {Segment.ENCODER: 1, Segment.PUSHER: 1}
    diary.recover(132.0)
    diary.watch(132.0, 162.0)
    assert diary.book.open.segments()["cam"][Segment.ENCODER] == 0
    assert diary.book.open.segments()["cam"][Segment.PUSHER] == 1
    assert (diary.book.open.segment(ENCODER), diary.book.open.segment(PUSHER)) == (None, Segment.PUSHER)


# --- what follows from it ------------------------------------------------------------------------------


def drop(diary: Diary, at: float, key: ProcessKey = PUSHER, silent: float | None = None) -> bool:
    """The ingest has hung up on a pusher that sent nothing."""
    return diary.fail(at, key, silent, cause=ExitCause.INGEST_CLOSED, segment=Segment.PLATFORM)


def test_an_ingest_that_hangs_up_because_nothing_comes_is_no_incident_of_its_own(diary: Diary) -> None:
    """Seen: a camera was away for 186 s, and a second incident blamed the platform for 188 s."""
    diary.starve(110.0)
    diary.act(110.0)
    diary.watch(111.0, 285.0)
    diary.advance(286.0)
    diary.look(286.5)
    assert not drop(diary, 287.0, silent=187.0)
    diary.act(287.5, PUSHER)
    diary.look(287.6)
    diary.advance(289.0, PUSHER)
    diary.advancing.add(SECOND)
    assert diary.watch(289.0, 318.0) == []
    (closed,) = diary.look(319.0)
    assert (closed.destination, closed.role, closed.cause, closed.segment) == (
        None,
        Role.ENCODER,
        Trouble.STALL,
        Segment.SOURCE,
    )
    assert closed.seconds_dark == 189.0, "from the last advance until the destination got media again"
    assert (closed.detection_seconds, closed.recovery_seconds) == (10.0, 179.0)
    assert closed.findings == (
        Finding(WALL + 110, Trouble.STALL, Segment.SOURCE, Role.ENCODER, None, Layer.PROCESS),
        Finding(
            WALL + 287,
            ExitCause.INGEST_CLOSED,
            Segment.PLATFORM,
            Role.PUSHER,
            "youtube",
            Layer.PROCESS,
            consequence=True,
        ),
    )
    assert [(taken.action, taken.result) for taken in closed.actions] == [
        (Action.RESTART_ENCODER, Result.RECOVERED),
        (Action.RESTART_PUSHER, Result.RECOVERED),
    ]
    assert diary.counted() == {Segment.SOURCE: 1}
    assert [one.turn for one in diary.told] == [Turn.OPENED, Turn.FOUND, Turn.CLOSED]
    assert sum(diary.book.tally.detection[Layer.PROCESS].counts) == 1, "an idle connection cannot be noticed"


def test_what_fails_with_its_encoder_is_a_finding_whatever_it_is(diary: Diary) -> None:
    diary.fail(100.0)
    assert not diary.fail(101.0, PUSHER)
    assert not diary.fail(102.0, PUSHER, cause=ExitCause.OTHER)
    assert not diary.fail(103.0, PUSHER, cause=ExitCause.OTHER)
    assert [(one.cause, one.times) for one in diary.only(104.0).findings] == [
        (ExitCause.KILLED, 1),
        (ExitCause.KILLED, 1),
        (ExitCause.OTHER, 2),
    ]
    assert [one.turn for one in diary.told] == [Turn.OPENED, Turn.FOUND, Turn.FOUND], "the same again is no news"
    assert (diary.book.open.segment(PUSHER), diary.book.open.own_segment(PUSHER)) == (Segment.ENCODER, Segment.PUSHER)


def test_a_destination_that_has_sent_for_a_while_fails_by_itself(diary: Diary) -> None:
    diary.fail(100.0)
    diary.recover(101.0)
    diary.watch(102.0, 111.0)
    assert drop(diary, 112.0, silent=0.5)
    assert {one.destination for one in diary.book.incidents("cam", 112.0)} == {None, "youtube"}


def test_what_is_dark_long_after_its_encoder_is_back_has_trouble_of_its_own(diary: Diary) -> None:
    diary.starve(110.0)
    diary.advance(150.0)
    diary.advancing.add(SECOND)
    drop(diary, 151.0)
    closed = diary.watch(152.0, 241.0)
    assert [(one.destination, one.seconds_dark) for one in closed] == [(None, 111.0)], "60 s of patience after 150"
    mine, *_ = diary.book.incidents("cam", 240.0)
    assert (mine.destination, mine.cause, mine.segment) == ("youtube", ExitCause.INGEST_CLOSED, Segment.PLATFORM)
    assert mine.seconds_dark == 29.0, "no second twice"
    assert [one.turn for one in diary.told] == [Turn.OPENED, Turn.FOUND, Turn.OPENED, Turn.CLOSED]
    assert sum(diary.book.tally.detection[Layer.PROCESS].counts) == 1


def test_a_destination_that_never_failed_and_sends_nothing_is_let_go(diary: Diary) -> None:
    diary.starve(110.0)
    diary.advance(150.0)
    diary.advancing.add(PUSHER)
    closed = diary.watch(151.0, 245.0)
    assert [one.destination for one in closed] == [None]
    assert diary.book.open.segments() == {}


def test_a_destination_that_need_not_be_on_air_makes_it_no_longer(diary: Diary) -> None:
    diary.needed = {SECOND}
    diary.starve(110.0)
    diary.advance(150.0)
    diary.advancing.add(SECOND)
    drop(diary, 151.0)
    diary.watch(151.5, 158.5)
    diary.advance(159.0, PUSHER)
    (closed,) = diary.watch(159.0, 189.0)
    assert closed.seconds_dark == 50.0
    assert len(closed.findings) == 2


def test_what_is_found_before_its_root_becomes_a_part_of_it(diary: Diary) -> None:
    """An ingest may hang up before the stall of the encoder is noticed; and a careless kill hits all at once."""
    assert drop(diary, 105.0, silent=5.0)
    assert diary.fail(106.0, SECOND, silent=6.0)
    first = diary.book.incidents("cam", 106.0)[-1]
    diary.starve(110.0)
    root = diary.only(110.0)
    assert (root.id, root.opened, root.destination) == (first.id, first.opened, None)
    assert (root.cause, root.segment, root.seconds_dark) == (Trouble.STALL, Segment.SOURCE, 10.0)
    assert [(one.destination, one.consequence) for one in root.findings] == [
        ("youtube", True),
        ("twitch", True),
        (None, False),
    ]
    assert [one.turn for one in diary.told] == [Turn.OPENED, Turn.OPENED, Turn.JOINED, Turn.FOUND]


def test_what_was_wrong_before_stays_what_it_was_and_no_second_counts_twice(diary: Diary) -> None:
    drop(diary, 100.0, silent=0.0)
    diary.watch(101.0, 149.0)
    diary.starve(160.0)
    diary.watch(161.0, 189.0)
    dark = {one.destination: one.seconds_dark for one in diary.book.incidents("cam", 190.0)}
    assert dark == {"youtube": 50.0, None: 40.0}
    diary.advancing.add(SECOND)
    diary.advance(190.0)
    diary.watch(191.0, 199.0)
    diary.advance(200.0, PUSHER)
    dark = {one.destination: one.seconds_dark for one in diary.book.incidents("cam", 300.0)}
    assert dark == {"youtube": 60.0, None: 40.0}
    assert diary.counted() == {Segment.PLATFORM: 1, Segment.SOURCE: 1}


def test_an_incident_is_dark_for_its_destination_while_only_that_is(diary: Diary) -> None:
    """Its incident from before is still open when the encoder fails, and its connection breaks when that is back."""
    drop(diary, 100.0, silent=0.0)
    diary.recover(102.0, PUSHER)
    diary.watch(103.0, 110.0)
    diary.starve(125.0)
    diary.advance(140.0)
    diary.advancing.add(SECOND)
    drop(diary, 142.0, silent=27.0)
    diary.watch(143.0, 145.0)
    diary.advance(146.0, PUSHER)
    dark = {one.destination: one.seconds_dark for one in diary.book.incidents("cam", 300.0)}
    assert dark == {"youtube": 8.0, None: 25.0}


def test_the_first_bytes_after_it_may_still_seem_to_be_sent(diary: Diary) -> None:
    diary.starve(110.0)
    diary.advance(150.0)
    diary.advancing |= set(FED)
    diary.watch(150.5, 152.5)
    assert not drop(diary, 153.0, silent=0.5)
    diary.watch(153.5, 154.5)
    diary.advance(155.0, PUSHER)
    (closed,) = diary.watch(155.0, 185.0)
    assert closed.seconds_dark == 52.5, "50 s, and from 152.5 on"


def test_what_fails_anew_while_all_is_dark_counts_from_when_the_rest_is_not(diary: Diary) -> None:
    diary.fail(100.0, PUSHER, silent=0.0)
    diary.recover(102.0, PUSHER)
    diary.watch(103.0, 110.0)
    diary.starve(125.0)
    diary.fail(130.0, PUSHER, silent=15.0)
    diary.watch(131.0, 139.0)
    diary.advancing.add(SECOND)
    diary.advance(140.0)
    diary.look(140.5)
    diary.advance(143.0, PUSHER)
    dark = {one.destination: one.seconds_dark for one in diary.book.incidents("cam", 300.0)}
    assert dark == {"youtube": 5.0, None: 25.0}


def test_too_little_is_sent_because_too_little_comes(diary: Diary) -> None:
    assert diary.complain(100.0)
    assert not diary.complain(101.0, PUSHER, Trouble.BITRATE_LOW)
    assert (diary.only(102.0).cause, len(diary.only(102.0).findings)) == (Trouble.AV_OFFSET, 2)
    for key in (ENCODER, PUSHER):
        diary.book.praise(key, BY)
    (closed,) = diary.watch(102.0, 133.0)
    assert closed.seconds_dark == 0.0
    assert diary.complain(140.0, PUSHER, Trouble.BITRATE_LOW), "without the other it is one of its own"


def test_a_complaint_outlives_what_explained_it(diary: Diary) -> None:
    diary.fail(100.0)
    diary.recover(101.0)
    assert not diary.complain(130.0, PUSHER, Trouble.BITRATE_LOW), "the outage is part of what was measured"
    diary.watch(131.0, 161.0)
    assert diary.complain(162.0, PUSHER, Trouble.BITRATE_LOW)
    closed = diary.watch(163.0, 200.0)
    assert [one.destination for one in closed] == [None]


# --- one line for several ------------------------------------------------------------------------------


def cut(diary: Diary, at: float, key: ProcessKey, segment: Segment = Segment.UPLINK, silent: float = 5.0) -> bool:
    return diary.fail(at, key, silent, cause=Trouble.UPLINK_BLOCKED, segment=segment)


def test_destinations_that_one_line_has_cut_off_have_one_incident(diary: Diary) -> None:
    assert cut(diary, 105.0, PUSHER)
    assert not cut(diary, 105.5, SECOND)
    diary.book.learn(SECOND, Segment.NETWORK, Trouble.NETWORK_DOWN)
    diary.watch(106.0, 119.0)
    diary.advance(120.0, PUSHER)
    diary.look(120.5)
    diary.advance(121.0, SECOND)
    (closed,) = diary.watch(121.0, 151.0)
    assert (closed.destination, closed.role, closed.segment) == (None, Role.PUSHER, Segment.NETWORK)
    assert closed.seconds_dark == 21.0
    assert [one.destination for one in closed.findings] == ["youtube", "twitch"]
    assert diary.counted() == {Segment.NETWORK: 1}
    assert [one.turn for one in diary.told] == [Turn.OPENED, Turn.FOUND, Turn.CLOSED]


def test_evidence_may_show_later_that_it_was_one_line(diary: Diary) -> None:
    assert cut(diary, 105.0, PUSHER)
    assert drop(diary, 106.0, SECOND, silent=6.0)
    diary.book.learn(SECOND, Segment.NETWORK, Trouble.NETWORK_DOWN)
    diary.news()
    one = diary.only(110.0)
    assert (one.destination, one.segment, one.cause, one.seconds_dark) == (
        None,
        Segment.NETWORK,
        Trouble.NETWORK_DOWN,
        10.0,
    )
    assert [one.turn for one in diary.told] == [Turn.OPENED, Turn.OPENED, Turn.JOINED]


def test_destinations_that_fail_alike_at_the_same_time_have_one_incident(diary: Diary) -> None:
    """Their server is gone; or what the encoder reports does not come out of it."""
    assert drop(diary, 105.0, silent=1.0)
    assert not drop(diary, 107.0, SECOND, silent=2.0)
    diary.advance(120.0, PUSHER)
    diary.advance(122.0, SECOND)
    (closed,) = diary.watch(122.0, 152.0)
    assert (closed.destination, closed.seconds_dark) == (None, 18.0)


@pytest.mark.parametrize("silent", [6.0, None])
def test_those_that_fail_alike_one_after_the_other_have_one_each(diary: Diary, silent: float | None) -> None:
    assert drop(diary, 105.0, silent=silent)
    assert drop(diary, 112.0, SECOND, silent=0.0)


def test_different_roots_are_different_incidents(diary: Diary) -> None:
    assert cut(diary, 105.0, PUSHER)
    assert drop(diary, 106.0, SECOND)
    diary.fail(200.0, OTHER)
    assert len(diary.book.incidents(None, 201.0)) == 3


def test_who_does_not_get_through_when_another_does_is_on_its_own(diary: Diary) -> None:
    cut(diary, 105.0, PUSHER, Segment.NETWORK)
    cut(diary, 105.0, SECOND, Segment.NETWORK)
    diary.advance(120.0, PUSHER)
    closed = diary.watch(121.0, 230.0)
    assert [(one.destination, one.seconds_dark) for one in closed] == [(None, 81.0)]
    (mine,) = [one for one in diary.book.incidents("cam", 230.0) if one.closed is None]
    assert (mine.destination, mine.segment, mine.seconds_dark) == ("twitch", Segment.NETWORK, 49.0)


def test_a_destination_that_is_removed_takes_its_part_along(diary: Diary) -> None:
    cut(diary, 105.0, PUSHER)
    cut(diary, 105.0, SECOND)
    assert diary.planned(110.0, SECOND) == []
    diary.recover(112.0, PUSHER)
    (closed,) = diary.watch(112.0, 142.0)
    assert closed.seconds_dark == 12.0


# --- what gives it its name ----------------------------------------------------------------------------


def test_slow_does_not_hide_dark(diary: Diary) -> None:
    diary.complain(100.0)
    diary.watch(101.0, 140.0)
    assert not diary.fail(150.0, silent=10.0, cause=ExitCause.SOURCE_UNREACHABLE, segment=Segment.SOURCE)
    assert diary.only(151.0).cause is ExitCause.SOURCE_UNREACHABLE
    assert [one.cause for one in diary.only(151.0).findings] == [Trouble.AV_OFFSET, ExitCause.SOURCE_UNREACHABLE]
    assert diary.book.open.segments()["cam"][Segment.SOURCE] == 1
    assert diary.counted() == {Segment.ENCODER: 1}, "it is one incident, counted when it had settled"


def test_a_death_explains_what_comes_of_it_in_the_same_darkness(diary: Diary) -> None:
    diary.fail(100.0, PUSHER)
    diary.fail(101.0, PUSHER, cause=ExitCause.INGEST_REFUSED, segment=Segment.PLATFORM)
    assert diary.only(102.0).cause is ExitCause.KILLED
    diary.recover(103.0, PUSHER)
    diary.fail(120.0, PUSHER, cause=ExitCause.INGEST_REFUSED, segment=Segment.PLATFORM)
    assert diary.only(121.0).cause is ExitCause.INGEST_REFUSED, "this time there was nothing before it"


def test_what_says_why_comes_before_what_says_that(diary: Diary) -> None:
    diary.fail(100.0, cause=Trouble.STALL)
    diary.fail(101.0, cause=ExitCause.SOURCE_UNREACHABLE, segment=Segment.SOURCE)
    assert diary.only(102.0).segment is Segment.SOURCE


# --- drills --------------------------------------------------------------------------------------------


def test_a_drill_is_remembered_and_neither_counted_nor_shown_as_open(diary: Diary) -> None:
    diary.fail(100.0, drill=True)
    assert diary.book.open.segments() == {}
    assert diary.only(101.0).drill
    diary.recover(102.0)
    (closed,) = diary.watch(102.0, 132.0)
    assert closed.drill
    assert diary.counted() == {}


# --- evidence that comes later -------------------------------------------------------------------------


def test_the_segment_may_change_until_media_advances_and_is_counted_then(diary: Diary) -> None:
    diary.fail(100.0, PUSHER, segment=Segment.NETWORK)
    assert diary.counted() == {}
    diary.book.learn(PUSHER, Segment.PLATFORM)
    assert diary.only(101.0).segment is Segment.PLATFORM
    diary.recover(104.0, PUSHER)
    assert diary.counted() == {Segment.PLATFORM: 1}
    diary.book.learn(PUSHER, Segment.NETWORK, Trouble.NETWORK_DOWN)
    (closed,) = diary.watch(104.0, 134.0)
    assert (closed.segment, closed.cause) == (Segment.PLATFORM, ExitCause.KILLED)
    assert diary.counted() == {Segment.PLATFORM: 1}


def test_who_fails_once_more_before_it_is_over_did_so_for_a_reason_of_its_own(diary: Diary) -> None:
    """A pusher was killed and came back; then our line fails."""
    diary.fail(100.0, PUSHER, segment=Segment.PUSHER)
    diary.recover(104.0, PUSHER)
    diary.watch(104.0, 119.0)
    diary.fail(120.0, PUSHER, cause=Trouble.UPLINK_BLOCKED, segment=Segment.UPLINK)
    diary.book.learn(PUSHER, Segment.NETWORK, Trouble.NETWORK_DOWN)
    one = diary.only(121.0)
    assert (one.segment, one.cause) == (Segment.NETWORK, Trouble.NETWORK_DOWN)
    assert [found.cause for found in one.findings] == [ExitCause.KILLED, Trouble.NETWORK_DOWN]
    assert diary.counted() == {Segment.PUSHER: 1}, "it is one incident, counted as it began"
    diary.watch(121.0, 151.0)
    diary.book.learn(PUSHER, Segment.PLATFORM)
    assert diary.only(151.0).segment is Segment.NETWORK, "and after a while it is known"


@pytest.mark.parametrize("before", [ExitCause.INGEST_CLOSED, Trouble.UPLINK_BLOCKED])
def test_it_is_no_longer_the_line_when_something_else_turns_out_to_be_broken(diary: Diary, before: Cause) -> None:
    """The reference host answers after all: what it had failed of is known again."""
    diary.fail(100.0, PUSHER, cause=before, segment=Segment.UPLINK)
    diary.book.learn(PUSHER, Segment.NETWORK, Trouble.NETWORK_DOWN)
    diary.book.learn(PUSHER, Segment.NETWORK)
    assert (diary.only(101.0).segment, diary.only(101.0).cause) == (Segment.NETWORK, Trouble.NETWORK_DOWN)
    diary.book.learn(PUSHER, Segment.PLATFORM)
    assert (diary.only(102.0).segment, diary.only(102.0).cause) == (Segment.PLATFORM, before)


def test_what_was_the_lines_from_the_start_and_is_not_is_an_ingest_out_of_reach(diary: Diary) -> None:
    diary.fail(100.0, PUSHER, cause=Trouble.NETWORK_DOWN, segment=Segment.NETWORK)
    diary.book.learn(PUSHER, Segment.PLATFORM)
    assert diary.only(101.0).cause is ExitCause.INGEST_UNREACHABLE


def test_it_is_counted_after_half_a_minute_even_if_it_lasts(diary: Diary) -> None:
    diary.fail(100.0, PUSHER, segment=Segment.NETWORK)
    diary.watch(101.0, 129.0)
    assert diary.counted() == {}
    diary.book.learn(PUSHER, Segment.NETWORK, Trouble.NETWORK_DOWN)
    diary.look(130.0)
    assert diary.counted() == {Segment.NETWORK: 1}
    diary.book.learn(PUSHER, Segment.PLATFORM)
    diary.watch(131.0, 200.0)
    assert diary.counted() == {Segment.NETWORK: 1}
    assert diary.only(200.0).cause is Trouble.NETWORK_DOWN


def test_an_incident_that_is_closed_early_is_counted(diary: Diary) -> None:
    diary.fail(100.0)
    diary.planned(101.0, ENCODER)
    assert diary.counted() == {Segment.ENCODER: 1}


def test_evidence_about_what_has_not_failed_is_none(diary: Diary) -> None:
    diary.book.learn(ENCODER, Segment.SOURCE)
    assert diary.book.incidents(None, 1.0) == ()


# --- figures -------------------------------------------------------------------------------------------


def test_detection_and_recovery_are_measured_by_who_noticed_and_who_acted(diary: Diary) -> None:
    diary.fail(100.0, silent=95.0, layer=Layer.WATCHDOG)
    diary.act(100.0, layer=Layer.WATCHDOG)
    diary.advance(102.0)
    diary.fail(200.0, OTHER, silent=0.02)
    diary.recover(200.5, OTHER)
    cam, quay = diary.know("cam"), diary.know("quay")
    assert (cam.last_detection, cam.last_recovery) == ({Layer.WATCHDOG: 95.0}, {Layer.WATCHDOG: 2.0})
    assert (quay.last_detection, quay.last_recovery) == ({Layer.PROCESS: 0.02}, {Layer.PROCESS: 0.5})
    detection, recovery = diary.book.tally.detection, diary.book.tally.recovery
    assert detection[Layer.WATCHDOG].counts[DETECTION_BUCKETS.index(95.0)] == 1, "a bucket includes its bound"
    assert detection[Layer.PROCESS].counts[DETECTION_BUCKETS.index(0.05)] == 1
    assert recovery[Layer.WATCHDOG].counts[RECOVERY_BUCKETS.index(2.5)] == 1
    assert recovery[Layer.PROCESS].counts[RECOVERY_BUCKETS.index(1.0)] == 1
    assert (detection[Layer.WATCHDOG].sum, recovery[Layer.PROCESS].sum) == (95.0, 0.5)


def test_beyond_the_last_bucket_there_is_one_more(diary: Diary) -> None:
    diary.fail(10_000.0, silent=2000.0)
    assert diary.book.tally.detection[Layer.PROCESS].counts[-1] == 1


def test_what_never_advanced_was_not_detected_late(diary: Diary) -> None:
    diary.fail(100.0, silent=None)
    assert (diary.only(103.0).detection_seconds, diary.only(103.0).seconds_dark) == (None, 3.0)
    assert sum(diary.book.tally.detection[Layer.PROCESS].counts) == 0
    assert diary.know("cam").last_detection == {}


def test_a_recovery_that_nobody_did_anything_for_is_the_noticers(diary: Diary) -> None:
    diary.fail(100.0)
    diary.advance(103.0)
    assert diary.know("cam").last_recovery == {Layer.PROCESS: 3.0}


def test_a_look_finds_an_advance_that_nobody_told(diary: Diary) -> None:
    diary.fail(100.0)
    diary.advancing.add(ENCODER)
    diary.look(104.0)
    assert diary.only(105.0).recovery_seconds == 4.0
    assert len(diary.watch(105.0, 134.0)) == 1


def test_what_was_shown_before_the_failure_was_noticed_proves_nothing(diary: Diary) -> None:
    diary.fail(100.0)
    for second in range(40):
        diary.book.look(lambda _: 99.9, lambda _: False, lambda _: True, now=100.0 + second, wall=WALL + 100 + second)
    assert diary.only(140.0).recovery_seconds is None
    diary.book.look(lambda _: 140.5, lambda _: False, lambda _: True, now=141.0, wall=WALL + 141)
    assert diary.only(141.0).recovery_seconds == 41.0


# --- wrong although media flows ------------------------------------------------------------------------


def test_what_is_wrong_while_media_flows_stays_open_until_it_is_praised(diary: Diary) -> None:
    assert diary.complain(100.0)
    assert not diary.complain(130.0)
    assert diary.watch(101.0, 190.0) == []
    assert diary.only(190.0).seconds_dark == 0.0
    diary.book.praise(ENCODER, BY)
    assert diary.watch(191.0, 220.0) == []
    (closed,) = diary.look(221.0)
    assert (closed.cause, closed.layer, closed.seconds_dark) == (Trouble.AV_OFFSET, Layer.WATCHDOG, 0.0)
    assert diary.counted() == {Segment.ENCODER: 1}


def test_a_complaint_after_praise_goes_on_with_the_same_incident(diary: Diary) -> None:
    diary.complain(100.0)
    diary.book.praise(ENCODER, BY)
    diary.watch(100.0, 129.0)
    assert not diary.complain(129.5)
    assert diary.watch(130.0, 200.0) == []


def test_what_is_slow_again_soon_after_each_restart_is_one_incident(diary: Diary) -> None:
    assert diary.complain(100.0, cause=Trouble.SLOW)
    for second in range(160, 1800, 180):
        diary.act(second, layer=Layer.WATCHDOG)
        diary.advance(second + 2.0)
        diary.book.praise(ENCODER, BY)
        assert diary.watch(second + 3.0, second + 120.0) == []
        assert not diary.complain(second + 120.0, cause=Trouble.SLOW)
    diary.book.praise(ENCODER, BY)
    assert diary.watch(2000.0, 2179.0) == []
    assert len(diary.look(2180.0)) == 1


def test_a_restart_for_it_is_dark_from_that_moment_on(diary: Diary) -> None:
    diary.complain(100.0)
    diary.act(160.0, layer=Layer.WATCHDOG)
    diary.advance(162.5)
    diary.book.praise(ENCODER, BY)
    (closed,) = diary.watch(163.0, 193.0)
    assert (closed.seconds_dark, closed.recovery_seconds) == (2.5, 2.5)
    assert closed.actions[0].result is Result.RECOVERED


def test_praise_for_what_failed_otherwise_changes_nothing(diary: Diary) -> None:
    diary.fail(100.0)
    diary.recover(101.0)
    diary.watch(101.0, 130.0)
    diary.book.praise(ENCODER, BY)
    assert len(diary.look(131.0)) == 1
    diary.book.praise(ENCODER, BY)


# --- what is kept --------------------------------------------------------------------------------------


def test_a_thousand_are_remembered_newest_first(diary: Diary) -> None:
    for number in range(1003):
        diary.fail(float(number), OTHER if number % 2 else ENCODER)
        diary.book.planned(KEYS, now=number + 0.5, wall=WALL + number + 0.5)
    diary.fail(2000.0, PUSHER)
    every = diary.book.incidents(None, 2000.0)
    assert [one.opened - WALL for one in every] == [2000.0, *map(float, range(1002, 2, -1))]
    assert len({one.id for one in every}) == 1001
    assert {one.stream for one in diary.book.incidents("quay", 2000.0)} == {"quay"}
    assert sum(diary.counted().values()) == 502, "and all are counted, but for the one that may still change"


def test_one_is_found_by_its_id_while_it_is_open_and_as_long_as_it_is_remembered(diary: Diary) -> None:
    diary.fail(1.0)
    first = diary.only(3.0)
    assert diary.book.incident(first.id, 3.0) == first
    diary.planned(4.0, ENCODER)
    closed = diary.book.incident(first.id, 5.0)
    assert closed is not None
    assert (closed.id, closed.closed) == (first.id, WALL + 4.0)
    assert diary.book.incident("cam-1", 5.0) is None
    for number in range(1000):
        diary.fail(10.0 + number, OTHER)
        diary.planned(10.5 + number, OTHER)
    assert diary.book.incident(first.id, 2000.0) is None


def test_the_id_of_what_became_a_part_leads_to_the_whole(diary: Diary) -> None:
    """First two destinations are one, then they are a part of a third one's incident."""
    third = ProcessKey("cam", Role.PUSHER, "vimeo")
    drop(diary, 90.0, third, silent=0.5)
    oldest = diary.only(90.0)
    cut(diary, 105.0, PUSHER)
    drop(diary, 106.0, SECOND, silent=6.0)
    part = next(one for one in diary.book.incidents("cam", 106.5) if one.destination == "twitch")
    diary.book.learn(SECOND, Segment.NETWORK, Trouble.NETWORK_DOWN)
    diary.news()
    joined = diary.told[-1]
    whole = diary.book.incident(part.id, 110.0)
    assert whole is not None
    assert (joined.turn, joined.part and joined.part.id, joined.incident.id) == (Turn.JOINED, part.id, whole.id)
    assert whole.id not in {part.id, oldest.id}
    diary.book.learn(third, Segment.NETWORK, Trouble.NETWORK_DOWN)
    root = diary.only(110.0)
    assert {diary.book.incident(one.id, 110.0) for one in (part, whole, oldest)} == {root}
    assert root.id == oldest.id
    diary.planned(112.0, *KEYS, third)
    closed = diary.book.incident(part.id, 113.0)
    assert closed is not None
    assert (closed.id, closed.closed) == (root.id, WALL + 112.0)


def test_a_month_of_parts_leaves_a_bounded_trace(diary: Diary, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past, "REMEMBERED", 20)
    for number in range(25):
        at = 100.0 + 50 * number
        cut(diary, at, PUSHER)
        drop(diary, at + 1, SECOND, silent=6.0)
        diary.book.learn(SECOND, Segment.NETWORK, Trouble.NETWORK_DOWN)
        diary.planned(at + 2.0, *KEYS)
    assert len(diary.book._past._joined) == 20


def test_a_stream_that_is_gone_leaves_its_past(diary: Diary) -> None:
    diary.fail(1.0, OTHER)
    diary.planned(2.0, OTHER)
    diary.book.forget("quay")
    assert len(diary.book.incidents("quay", 3.0)) == 1
    assert diary.counted("quay") == {}


def test_every_count_exists_from_the_start_and_only_those_that_can_occur() -> None:
    sums = Book().tally.know("cam", is_command=False)
    single = {Action.RESTART_ENCODER, Action.RESTART_PUSHER}
    assert set(sums.incidents) == set(Segment)
    assert set(sums.attempts) == {(Layer.PROCESS, action) for action in single} | {
        (Layer.WATCHDOG, action) for action in single | {Action.RESTART_ALL}
    }
    assert set(sums.results) == {(layer, result) for layer in LAYERS for result in Result}
    command = Book().tally.know("own", is_command=True)
    assert set(command.attempts) == {(layer, Action.RESTART_COMMAND) for layer in LAYERS}
    assert {*sums.incidents.values(), *sums.attempts.values(), *sums.results.values()} == {0}


# --- whatever happens ----------------------------------------------------------------------------------

DEEDS = st.sampled_from(
    [
        *("fail", "drill", "complain", "act", "act2", "advance", "learn", "praise", "planned", "replaced", "look"),
        *("black", "ended", "taken back"),
    ]
)
HISTORY = st.lists(
    st.tuples(DEEDS, st.sampled_from(KEYS), st.floats(0, 40), st.none() | st.floats(0, 100)), max_size=60
)


def _do(diary: Diary, deed: str, key: ProcessKey, at: float, silent: float | None) -> None:
    match deed:
        case "fail" | "drill":
            segment = Segment.NETWORK if silent and silent > 50 else None
            diary.fail(at, key, silent, segment=segment, drill=deed == "drill")
        case "complain":
            diary.complain(at, key)
        case "act" | "act2":
            diary.act(at, key, Layer.PROCESS if deed == "act" else Layer.WATCHDOG)
        case "advance":
            diary.advance(at, key)
        case "replaced":
            diary.book.replaced(key, wall=WALL + at)
        case "learn":
            diary.book.learn(key, Segment.PLATFORM if silent else Segment.NETWORK)
        case "praise":
            diary.book.praise(key, BY)
        case "black" | "ended" | "taken back":
            _do_without_process(diary, deed, key, at)
        case "planned":
            diary.planned(at, key)
        case _:
            diary.look(at)


def _do_without_process(diary: Diary, deed: str, key: ProcessKey, at: float) -> None:
    """What is said of a stream, or of a destination, and not of a process."""
    stream, destination = Subject(key.stream), Subject(key.stream, key.destination)
    if deed == "taken back":
        diary.book.praise(stream, BY)
        diary.book.praise(destination, BY)
        return
    complaint = Complaint(stream if deed == "black" else destination, ExitCause.SOURCE_ENDED, Segment.SOURCE)
    diary.book.complain(complaint, BY, now=at, wall=WALL + at)
    diary.news()


def _flat(diary: Diary) -> dict[object, float]:
    """All that must never fall."""
    flat: dict[object, float] = {}
    for stream in {key.stream for key in KEYS}:
        sums = diary.know(stream)
        for counts in (sums.incidents, sums.attempts, sums.results):
            flat |= {(stream, what): count for what, count in counts.items()}
    for layer in LAYERS:
        for name, histogram in (("d", diary.book.tally.detection[layer]), ("r", diary.book.tally.recovery[layer])):
            flat |= {(name, layer, place): count for place, count in enumerate(histogram.counts)}
            flat[name, layer] = histogram.sum
    return flat


@settings(max_examples=100)
@given(HISTORY)
def test_whatever_happens_the_book_adds_up(history: list[tuple[str, ProcessKey, float, float | None]]) -> None:
    diary, now = Diary(), 1000.0
    before = _flat(diary)
    for deed, key, pause, silent in history:
        now += pause
        _do(diary, deed, key, now, silent)
        after = _flat(diary)
        assert all(after[what] >= count for what, count in before.items()), "counters never fall"
        before = after
        _holds(diary, now)
    closed = diary.planned(now, *KEYS)
    assert all(one.closed is not None for one in closed)
    counted = sum(sum(diary.counted(stream).values()) for stream in ("cam", "quay"))
    assert counted == sum(not one.drill for one in diary.book.incidents(None, now)), "each once, drills not at all"


def _holds(diary: Diary, now: float) -> None:
    shown = diary.book.incidents(None, now)
    assert all(one.seconds_dark >= 0 for one in shown)
    still = [one for one in shown if one.closed is None]
    places = [(one.stream, one.destination) for one in still if one.destination or one.role is not Role.PUSHER]
    assert len(set(places)) == len(places), "one a place at a time"
    opened = sum(sum(row.values()) for row in diary.book.open.segments().values())
    assert opened == sum(not one.drill for one in still)
    for one in shown:
        for action in set(ACTION_OF_ROLE.values()) if one.destination else ():
            results = [taken.result for taken in one.actions if taken.action is action]
            assert None not in results[:-1], "only the latest may still be without a result"
            assert Result.RECOVERED not in results[:-1]
        assert one.closed is None or None not in [taken.result for taken in one.actions]
        assert [finding.at for finding in one.findings] == sorted(finding.at for finding in one.findings)
        assert headline(one.findings)[1:4] == (one.cause, one.segment, one.role)
    given_out = sum(sum(diary.results(stream).values()) for stream in ("cam", "quay"))
    ours = [taken for one in shown for taken in one.actions if taken.layer in LAYERS]
    assert given_out == sum(taken.result is not None for taken in ours)


def test_two_may_complain_of_one_process_and_only_both_can_be_content(diary: Diary) -> None:
    diary.complain(100.0)
    complaint = Complaint(Subject.of(ENCODER), Trouble.AV_OFFSET, Segment.ENCODER)
    diary.book.complain(complaint, "cam:backup", now=101.0, wall=WALL + 101)
    assert diary.news() == []
    diary.book.praise(ENCODER, "cam:backup")
    assert diary.watch(102.0, 140.0) == []
    diary.book.praise(ENCODER, BY)
    assert len(diary.watch(141.0, 172.0)) == 1


def test_a_command_that_became_a_stream_with_an_encoder_loses_no_count() -> None:
    book = Book()
    command = ProcessKey("cam", Role.COMMAND)
    book.tally.know("cam", is_command=True)
    book.act(command, Layer.PROCESS, Action.RESTART_COMMAND, now=1.0, wall=WALL)
    sums = book.tally.know("cam", is_command=False)
    assert sums.attempts[Layer.PROCESS, Action.RESTART_COMMAND] == 1
    book.act(ENCODER, Layer.WATCHDOG, Action.RESTART_ALL, now=2.0, wall=WALL)
    assert book.tally.know("cam", is_command=False).attempts[Layer.WATCHDOG, Action.RESTART_ALL] == 1


def test_what_is_told_of_a_stream_that_is_no_longer_known_does_no_harm() -> None:
    """Facts of an exit come a moment late: the stream may have been removed meanwhile."""
    book = Book()
    book.fail(Failed(ENCODER, ExitCause.KILLED, Segment.ENCODER, 0.5), now=1.0, wall=WALL)
    assert [one.turn for one in book.news()] == [Turn.OPENED]


def test_a_month_of_retries_is_a_page_and_not_a_book(diary: Diary) -> None:
    for second in range(200):
        diary.fail(100.0 + second)
        diary.act(100.5 + second)
    actions = diary.only(400.0).actions
    assert len(actions) == 50
    assert (actions[0].at, actions[-1].at) == (WALL + 100.5, WALL + 299.5), "how it began, and the latest"
    assert diary.know("cam").attempts[Layer.PROCESS, Action.RESTART_ENCODER] == 200


def test_what_is_still_dark_when_its_drill_is_over_is_no_drill_any_more(diary: Diary) -> None:
    diary.drilling = True
    diary.fail(100.0, drill=True)
    diary.look(120.0)
    assert diary.book.open.segments() == {}
    diary.drilling = False
    diary.look(121.0)
    assert diary.book.open.segments()["cam"][Segment.ENCODER] == 1
    diary.look(131.0)
    assert diary.know("cam").incidents[Segment.ENCODER] == 1


def test_a_failure_after_a_drill_is_taken_seriously(diary: Diary) -> None:
    """The drill recovered, so the window is closed; half a minute has not passed when the camera dies for real."""
    diary.fail(100.0, drill=True)
    diary.recover(101.0)
    assert diary.know("cam").incidents[Segment.ENCODER] == 0
    diary.fail(120.0, segment=Segment.SOURCE)
    assert diary.book.open.segments()["cam"][Segment.SOURCE] == 1
    diary.recover(121.0)
    assert diary.know("cam").incidents[Segment.SOURCE] == 1
    assert not diary.only(121.0).drill


# --- each dark second once -----------------------------------------------------------------------------

OUTAGES = st.lists(
    st.tuples(st.integers(1, 90), st.sampled_from(["camera", "ingest"]), st.integers(1, 120), st.booleans()),
    min_size=1,
    max_size=6,
)


@settings(max_examples=100)
@given(OUTAGES)
def test_all_incidents_together_are_as_dark_as_the_destination_was(outages: list[tuple[int, str, int, bool]]) -> None:
    """A camera, an encoder, a pusher and an ingest, second by second; an ingest that hears nothing may hang up."""
    diary, now, dark, turns = Diary(), 1000.0, 0, 0
    diary.needed = {PUSHER}
    for pause, what, length, hangs_up in outages:
        for _ in range(pause):
            now += 1
            diary.look(now)
        begun, turns = now, turns + 1
        if what == "ingest":
            diary.fail(now, PUSHER, 0.0, cause=ExitCause.INGEST_CLOSED, segment=Segment.PLATFORM)
        for second in range(1, length + 1):
            now += 1
            if what == "camera":
                diary.advancing.discard(PUSHER)
                if second == 10:
                    diary.fail(now, ENCODER, 10.0, cause=Trouble.STALL, segment=Segment.SOURCE)
            diary.look(now)
        if what == "camera" and length >= 10:
            diary.advance(now)
            if hangs_up:
                diary.look(now + 0.5)
                drop(diary, now + 1, silent=now + 1 - begun)
                diary.look(now + 1)
                now += 3
                turns += 1
        if what == "ingest" or length >= 10:
            dark += int(now - begun)
        diary.advance(now, PUSHER)
        diary.look(now)
    told = sum(one.seconds_dark for one in diary.book.incidents("cam", now))
    assert abs(told - dark) <= turns, f"{told} s are told, and it was dark for {dark} s"
