"""The book of incidents: one from the first failure until half a minute of sustained advance, counted once."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supervisor.incidents import ACTION_OF_ROLE, LAYERS, Book, Failed, Sums
from supervisor.model import Action, ExitCause, Layer, ProcessKey, Result, Role, Segment, Trouble
from supervisor.snapshot import DETECTION_BUCKETS, RECOVERY_BUCKETS, ActionTaken, Incident

WALL = 1_700_000_000.0
ENCODER = ProcessKey("cam", Role.ENCODER)
PUSHER = ProcessKey("cam", Role.PUSHER, "youtube")
OTHER = ProcessKey("quay", Role.ENCODER)
KEYS = (ENCODER, PUSHER, OTHER)
BY = "cam:youtube"  # who complains


class Diary:
    """A book, with one clock for both times and with what advances."""

    def __init__(self) -> None:
        self.book = Book()
        self.sums: dict[str, Sums] = {}
        self.advancing = set(KEYS)
        self.drilling = False
        for key in KEYS:
            self.know(key.stream)

    def know(self, stream: str) -> Sums:
        return self.book.know(stream, is_command=False)

    def fail(
        self,
        at: float,
        key: ProcessKey = ENCODER,
        silent: float | None = 0.5,
        *,
        segment: Segment | None = None,
        layer: Layer = Layer.PROCESS,
        drill: bool = False,
    ) -> bool:
        self.advancing.discard(key)
        own = Segment.PUSHER if key.role is Role.PUSHER else Segment.ENCODER
        failed = Failed(key, ExitCause.KILLED, segment or own, silent, layer, drill)
        return self.book.fail(failed, now=at, wall=WALL + at)

    def complain(self, at: float, key: ProcessKey = ENCODER) -> bool:
        failed = Failed(key, Trouble.SLOW, Segment.ENCODER, 0.2, Layer.WATCHDOG)
        return self.book.complain(failed, BY, now=at, wall=WALL + at)

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
        return self.book.look(
            lambda key: at if key in self.advancing else None, lambda _: self.drilling, now=at, wall=WALL + at
        )

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
    assert diary.book.open_segments() == {"cam": dict.fromkeys(Segment, 0) | {Segment.ENCODER: 1}}


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
    assert sum(diary.book.recovery[Layer.PROCESS].counts) == sum(diary.book.detection[Layer.PROCESS].counts) == 2


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


def test_what_is_planned_closes_it_at_once(diary: Diary) -> None:
    """Lesson 12."""
    diary.fail(100.0)
    diary.act(101.0)
    diary.fail(102.0, PUSHER)
    closed = diary.book.planned([ENCODER, PUSHER], now=110.0, wall=WALL + 110)
    assert {one.destination: one.seconds_dark for one in closed} == {None: 10.5, "youtube": 8.5}
    assert diary.results() == {(Layer.PROCESS, Result.SUPERSEDED): 1}
    assert diary.book.open_segments() == {}
    assert diary.book.planned([ENCODER, PUSHER], now=111.0, wall=WALL + 111) == []


def test_processes_of_one_stream_fail_each_for_itself(diary: Diary) -> None:
    assert diary.fail(100.0)
    assert diary.fail(101.0, PUSHER)
    assert diary.book.open_segments()["cam"] == dict.fromkeys(Segment, 0) | {Segment.ENCODER: 1, Segment.PUSHER: 1}
    diary.recover(102.0)
    diary.watch(102.0, 132.0)
    assert diary.book.open_segments()["cam"][Segment.ENCODER] == 0
    assert diary.book.open_segments()["cam"][Segment.PUSHER] == 1
    assert (diary.book.segment(ENCODER), diary.book.segment(PUSHER)) == (None, Segment.PUSHER)


# --- drills --------------------------------------------------------------------------------------------


def test_a_drill_is_remembered_and_neither_counted_nor_shown_as_open(diary: Diary) -> None:
    diary.fail(100.0, drill=True)
    assert diary.book.open_segments() == {}
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
    diary.book.planned([ENCODER], now=101.0, wall=WALL + 101)
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
    detection, recovery = diary.book.detection, diary.book.recovery
    assert detection[Layer.WATCHDOG].counts[DETECTION_BUCKETS.index(95.0)] == 1, "a bucket includes its bound"
    assert detection[Layer.PROCESS].counts[DETECTION_BUCKETS.index(0.05)] == 1
    assert recovery[Layer.WATCHDOG].counts[RECOVERY_BUCKETS.index(2.5)] == 1
    assert recovery[Layer.PROCESS].counts[RECOVERY_BUCKETS.index(1.0)] == 1
    assert (detection[Layer.WATCHDOG].sum, recovery[Layer.PROCESS].sum) == (95.0, 0.5)


def test_beyond_the_last_bucket_there_is_one_more(diary: Diary) -> None:
    diary.fail(10_000.0, silent=2000.0)
    assert diary.book.detection[Layer.PROCESS].counts[-1] == 1


def test_what_never_advanced_was_not_detected_late(diary: Diary) -> None:
    diary.fail(100.0, silent=None)
    assert (diary.only(103.0).detection_seconds, diary.only(103.0).seconds_dark) == (None, 3.0)
    assert sum(diary.book.detection[Layer.PROCESS].counts) == 0
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
        assert diary.book.look(lambda _: 99.9, lambda _: False, now=100.0 + second, wall=WALL + 100 + second) == []
    assert diary.only(140.0).recovery_seconds is None
    diary.book.look(lambda _: 140.5, lambda _: False, now=141.0, wall=WALL + 141)
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
    assert (closed.cause, closed.layer, closed.seconds_dark) == (Trouble.SLOW, Layer.WATCHDOG, 0.0)
    assert diary.counted() == {Segment.ENCODER: 1}


def test_a_complaint_after_praise_goes_on_with_the_same_incident(diary: Diary) -> None:
    diary.complain(100.0)
    diary.book.praise(ENCODER, BY)
    diary.watch(100.0, 129.0)
    assert not diary.complain(129.5)
    assert diary.watch(130.0, 200.0) == []


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


def test_a_stream_that_is_gone_leaves_its_past(diary: Diary) -> None:
    diary.fail(1.0, OTHER)
    diary.book.planned([OTHER], now=2.0, wall=WALL + 2)
    diary.book.forget("quay")
    assert len(diary.book.incidents("quay", 3.0)) == 1
    assert diary.counted("quay") == {}


def test_every_count_exists_from_the_start_and_only_those_that_can_occur() -> None:
    sums = Book().know("cam", is_command=False)
    single = {Action.RESTART_ENCODER, Action.RESTART_PUSHER}
    assert set(sums.incidents) == set(Segment)
    assert set(sums.attempts) == {(Layer.PROCESS, action) for action in single} | {
        (Layer.WATCHDOG, action) for action in single | {Action.RESTART_ALL}
    }
    assert set(sums.results) == {(layer, result) for layer in LAYERS for result in Result}
    command = Book().know("own", is_command=True)
    assert set(command.attempts) == {(layer, Action.RESTART_COMMAND) for layer in LAYERS}
    assert {*sums.incidents.values(), *sums.attempts.values(), *sums.results.values()} == {0}


# --- whatever happens ----------------------------------------------------------------------------------

DEEDS = st.sampled_from(["fail", "drill", "complain", "act", "act2", "advance", "learn", "praise", "planned", "look"])
HISTORY = st.lists(
    st.tuples(DEEDS, st.sampled_from(KEYS), st.floats(0, 40), st.none() | st.floats(0, 100)), max_size=60
)


def _do(diary: Diary, deed: str, key: ProcessKey, at: float, silent: float | None) -> None:
    match deed:
        case "fail" | "drill":
            diary.fail(at, key, silent, drill=deed == "drill")
        case "complain":
            diary.complain(at, key)
        case "act" | "act2":
            diary.act(at, key, Layer.PROCESS if deed == "act" else Layer.WATCHDOG)
        case "advance":
            diary.advance(at, key)
        case "learn":
            diary.book.learn(key, Segment.PLATFORM if silent else Segment.NETWORK)
        case "praise":
            diary.book.praise(key, BY)
        case "planned":
            diary.book.planned([key], now=at, wall=WALL + at)
        case _:
            diary.look(at)


def _flat(diary: Diary) -> dict[object, float]:
    """All that must never fall."""
    flat: dict[object, float] = {}
    for stream in {key.stream for key in KEYS}:
        sums = diary.know(stream)
        for counts in (sums.incidents, sums.attempts, sums.results):
            flat |= {(stream, what): count for what, count in counts.items()}
    for layer in LAYERS:
        for name, histogram in (("d", diary.book.detection[layer]), ("r", diary.book.recovery[layer])):
            flat |= {(name, layer, place): count for place, count in enumerate(histogram.counts)}
            flat[name, layer] = histogram.sum
    return flat


@settings(max_examples=60)
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
    closed = diary.book.planned(KEYS, now=now, wall=WALL + now)
    assert all(one.closed is not None for one in closed)
    counted = sum(sum(diary.counted(stream).values()) for stream in ("cam", "quay"))
    assert counted == sum(not one.drill for one in diary.book.incidents(None, now)), "each once, drills not at all"


def _holds(diary: Diary, now: float) -> None:
    shown = diary.book.incidents(None, now)
    assert all(one.seconds_dark >= 0 for one in shown)
    still = [one for one in shown if one.closed is None]
    assert len({(one.stream, one.destination) for one in still}) == len(still), "one a process at a time"
    opened = sum(sum(row.values()) for row in diary.book.open_segments().values())
    assert opened == sum(not one.drill for one in still)
    for one in shown:
        results = [action.result for action in one.actions]
        assert None not in results[:-1], "only the latest may still be without a result"
        assert Result.RECOVERED not in results[:-1]
        assert one.closed is None or None not in results
    given_out = sum(sum(diary.results(stream).values()) for stream in ("cam", "quay"))
    assert given_out == sum(action.result is not None for one in shown for action in one.actions)


def test_two_may_complain_of_one_process_and_only_both_can_be_content(diary: Diary) -> None:
    diary.complain(100.0)
    failed = Failed(ENCODER, Trouble.SLOW, Segment.ENCODER, 0.2, Layer.WATCHDOG)
    assert not diary.book.complain(failed, "cam:backup", now=101.0, wall=WALL + 101)
    diary.book.praise(ENCODER, "cam:backup")
    assert diary.watch(102.0, 140.0) == []
    diary.book.praise(ENCODER, BY)
    assert len(diary.watch(141.0, 172.0)) == 1


def test_a_command_that_became_a_stream_with_an_encoder_loses_no_count() -> None:
    book = Book()
    command = ProcessKey("cam", Role.COMMAND)
    book.know("cam", is_command=True)
    book.act(command, Layer.PROCESS, Action.RESTART_COMMAND, now=1.0, wall=WALL)
    sums = book.know("cam", is_command=False)
    assert sums.attempts[Layer.PROCESS, Action.RESTART_COMMAND] == 1
    book.act(ENCODER, Layer.WATCHDOG, Action.RESTART_ALL, now=2.0, wall=WALL)
    assert book.know("cam", is_command=False).attempts[Layer.WATCHDOG, Action.RESTART_ALL] == 1


def test_what_is_told_of_a_stream_that_is_no_longer_known_does_no_harm() -> None:
    """Facts of an exit come a moment late: the stream may have been removed meanwhile."""
    book = Book()
    assert book.fail(Failed(ENCODER, ExitCause.KILLED, Segment.ENCODER, 0.5), now=1.0, wall=WALL)


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
    assert diary.book.open_segments() == {}
    diary.drilling = False
    diary.look(121.0)
    assert diary.book.open_segments()["cam"][Segment.ENCODER] == 1
    diary.look(131.0)
    assert diary.know("cam").incidents[Segment.ENCODER] == 1


def test_a_failure_after_a_drill_is_taken_seriously(diary: Diary) -> None:
    """The drill recovered, so the window is closed; half a minute has not passed when the camera dies for real."""
    diary.fail(100.0, drill=True)
    diary.recover(101.0)
    assert diary.know("cam").incidents[Segment.ENCODER] == 0
    diary.fail(120.0, segment=Segment.SOURCE)
    assert diary.book.open_segments()["cam"][Segment.SOURCE] == 1
    diary.recover(121.0)
    assert diary.know("cam").incidents[Segment.SOURCE] == 1
    assert not diary.only(121.0).drill
