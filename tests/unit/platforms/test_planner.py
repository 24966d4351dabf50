"""From what is seen at YouTube to the next step: each row of the ladder, with numbers for time."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from supervisor.platforms.youtube.delivery import RESTART_EVERY, TAKES_UP
from supervisor.platforms.youtube.desk import described
from supervisor.platforms.youtube.model import (
    Broadcast,
    HealthStatus,
    Issue,
    LifeCycle,
    LiveStream,
    Severity,
    StreamStatus,
)
from supervisor.platforms.youtube.pauses import LATER, LISTED, TAKES
from supervisor.platforms.youtube.planner import (
    AUTO_START,
    INSERT_EVERY,
    INSERTS_A_DAY,
    STUCK,
    Planner,
)
from supervisor.platforms.youtube.steps import Act, Memory, Policy, Refused, Sight, Step, Trouble

WALL = 1_800_000_000.0
ACTIVE = LiveStream("S", StreamStatus.ACTIVE, HealthStatus.GOOD)
INACTIVE = LiveStream("S", StreamStatus.INACTIVE, HealthStatus.NO_DATA)
OURS = Memory(current="B", made=("B",))
LIVE = Broadcast("B", LifeCycle.LIVE, "S", monitor=False, actual_start=WALL - 100)
ENDED = LIVE._replace(life_cycle=LifeCycle.COMPLETE)
READY = LIVE._replace(life_cycle=LifeCycle.READY, actual_start=None)


class Scene:
    """A planner, and a clock that is moved by hand."""

    def __init__(self, memory: Memory = OURS, **policy: Any) -> None:
        self.planner = Planner(Policy("S")._replace(**policy), memory)
        self.now = 1000.0

    def look(
        self, *broadcasts: Broadcast, stream: LiveStream | None = ACTIVE, sends: bool = True, after: float = 0.0
    ) -> Step:
        self.now += after
        return self.planner.plan(Sight(sends, stream, broadcasts), self.now, WALL + self.now)

    def insert(self) -> str:
        """Follow an order to insert, up to the call. Returns the marker."""
        return self.planner.intend(f"m{self.now:g}", WALL + self.now, rotation=False).marker

    def answered(self, step: Step, why: Refused = Refused.NO) -> None:
        self.planner.answered(step, why, self.now)


def did(step: Step) -> tuple[str, ...]:
    return tuple(word for word in (step.act.value, step.broadcast, step.to) if word)


def test_what_is_live_is_looked_at_once_a_poll() -> None:
    step = Scene(poll=77.0).look(LIVE)
    assert (step.act, step.trouble, step.seconds) == (Act.LOOK, Trouble.NONE, 77.0)


@pytest.mark.parametrize("state", list(LifeCycle))
def test_without_the_encoder_nothing_is_changed(state: LifeCycle) -> None:
    scene = Scene()
    for stream in (ACTIVE, INACTIVE):
        for _ in range(50):
            step = scene.look(LIVE._replace(life_cycle=state), stream=stream, sends=False, after=60)
            assert (step.act, step.trouble) == (Act.LOOK, Trouble.NOT_SENDING)


@pytest.mark.parametrize(
    "sight", [Sight(sends=True, stream=None, broadcasts=None), Sight(sends=True, stream=ACTIVE, broadcasts=None)]
)
def test_what_could_not_be_read_leads_to_nothing(sight: Sight) -> None:
    planner = Planner(Policy("S"), OURS)
    for hour in range(24):
        assert planner.plan(sight, hour * 3600.0, WALL).trouble is Trouble.NOT_READ
        assert planner.plan(sight, hour * 3600.0, WALL).act is Act.LOOK


def test_a_stream_that_is_not_there_is_told_at_the_second_look_and_nothing_is_done() -> None:
    scene = Scene()
    steps = [scene.look(ENDED, stream=None, after=60) for _ in range(50)]
    assert [step.trouble for step in steps] == [Trouble.NOT_READ, *[Trouble.NO_STREAM] * 49]
    assert {step.act for step in steps} == {Act.LOOK}
    assert steps[1].stands_down
    assert scene.look(LIVE).trouble is Trouble.NONE


def test_a_clock_that_was_hours_ahead_does_not_put_off_a_rotation() -> None:
    scene = Scene(OURS._replace(live_since=WALL + 43_200), rotate_every=3600.0)
    scene.look(LIVE)
    assert scene.planner.memory.live_since == LIVE.actual_start
    assert scene.look(LIVE, after=3600).act is Act.INSERT


@pytest.mark.parametrize(
    "unknown", [LIVE._replace(life_cycle=LifeCycle("quantum")), LIVE._replace(life_cycle=LifeCycle.UNKNOWN)]
)
def test_a_word_that_nobody_knows_leads_to_nothing(unknown: Broadcast) -> None:
    assert did(Scene().look(unknown)) == ("look",)
    assert did(Scene().look(ENDED, stream=ACTIVE._replace(status=StreamStatus("quantum")))) == ("look",)


# --- a: it sends, and the stream is not active --------------------------------------------------------


def test_an_inactive_stream_gets_a_new_connection_every_ten_minutes() -> None:
    scene = Scene()
    steps = [scene.look(ENDED, stream=INACTIVE, after=15) for _ in range(80)]
    assert [number for number, step in enumerate(steps) if step.act is Act.RESTART_PUSHER] == [2, 42]
    assert did(steps[0]) == ("look",), "at the second look it is believed"
    assert {step.trouble for step in steps} == {Trouble.STREAM_INACTIVE}
    assert not any(step.act.writes for step in steps), "another broadcast would not mend it"


# --- b: it is to be live --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (READY, ("transition", "B", "live")),
        (READY._replace(monitor=True), ("transition", "B", "testing")),
        (READY._replace(life_cycle=LifeCycle.TESTING, monitor=True), ("transition", "B", "live")),
        (READY._replace(life_cycle=LifeCycle.CREATED, stream=None), ("bind", "B")),
        (READY._replace(stream="other"), ("bind", "B")),
        (READY._replace(life_cycle=LifeCycle.LIVE_STARTING), ("look",)),
        (READY._replace(life_cycle=LifeCycle.TEST_STARTING), ("look",)),
        (READY._replace(life_cycle=LifeCycle.TESTING, stream="other"), ("insert",)),
    ],
)
def test_it_is_brought_up_from_wherever_it_is(seen: Broadcast, expected: tuple[str, ...]) -> None:
    scene = Scene()
    step = scene.look(seen)
    assert did(step) == expected
    assert step.trouble in {Trouble.NOT_LIVE_YET, Trouble.STUCK}
    if step.act.writes and step.act is not Act.INSERT:
        scene.answered(step)
        assert did(scene.look(seen, after=5)) == ("look",), "it takes its time"
        assert did(scene.look(seen, after=TAKES)) == expected


def test_an_automatic_start_is_waited_for() -> None:
    scene = Scene()
    assert did(scene.look(READY._replace(auto_start=True))) == ("look",)
    assert did(scene.look(READY._replace(auto_start=True), after=AUTO_START - 1)) == ("look",)
    assert did(scene.look(READY._replace(auto_start=True), after=1)) == ("transition", "B", "live")


def test_one_that_is_stuck_is_left_alone_and_replaced() -> None:
    scene = Scene()
    starting = READY._replace(life_cycle=LifeCycle.LIVE_STARTING)
    assert did(scene.look(starting)) == ("look",)
    assert did(scene.look(starting, after=STUCK - 1)) == ("look",)
    step = scene.look(starting, after=1)
    assert (did(step), step.trouble) == (("insert",), Trouble.STUCK)
    scene.insert()
    scene.planner.inserted("C")
    assert scene.planner.memory.current == "C"
    fresh = READY._replace(id="C")
    assert did(scene.look(starting, fresh)) == ("transition", "C", "live")
    live = fresh._replace(life_cycle=LifeCycle.LIVE)
    assert did(scene.look(starting, live, after=60)) == ("look",), "what is starting can neither be deleted nor ended"
    assert did(scene.look(LIVE, live, after=60)) == ("transition", "B", "complete"), "it came up after all"


@pytest.mark.parametrize(
    ("why", "again"),
    [(Refused.STREAM_INACTIVE, 15.0), (Refused.INVALID, TAKES), (Refused.UNSURE, TAKES), (Refused.LATER, 5.0)],
)
def test_a_transition_that_was_refused_is_asked_for_again_after_a_while(why: Refused, again: float) -> None:
    scene = Scene()
    scene.answered(scene.look(READY), why)
    assert did(scene.look(READY, after=again - 1)) == ("look",)
    assert did(scene.look(READY, after=1)) == ("transition", "B", "live")


def test_what_is_invalid_again_and_again_is_asked_for_ever_more_rarely() -> None:
    scene, asked = Scene(), []
    for _ in range(24 * 60):
        step = scene.look(READY, after=60)
        if step.act.writes:
            scene.answered(step, Refused.INVALID)
            asked.append(scene.now)
    assert len(asked) < 32, "each costs 50 units"
    assert asked[-1] - asked[-2] <= 3660


@pytest.mark.parametrize("step_from", [(READY,), (ENDED,)])
def test_what_is_not_permitted_is_not_tried_again_for_an_hour(step_from: tuple[Broadcast, ...]) -> None:
    scene = Scene()
    step = scene.look(*step_from)
    if step.act is Act.INSERT:
        scene.insert()
    scene.answered(step, Refused.NOT_PERMITTED)
    for _ in range(59):
        step = scene.look(*step_from, after=60)
        assert step.act is Act.LOOK
        assert step.stands_down
    assert scene.look(*step_from, after=120).act.writes


# --- c, d: there is none ------------------------------------------------------------------------------


def test_after_stream_finished_there_is_a_new_broadcast_on_the_same_stream() -> None:
    scene = Scene()
    step = scene.look(ENDED)
    assert (did(step), step.trouble) == (("insert",), Trouble.ENDED)
    scene.insert()
    assert scene.planner.memory.intent, "kept before the call"
    scene.planner.inserted("C")
    assert scene.planner.memory == Memory("C", "", ("B", "C"), None, (WALL + 1000,), None, 1)
    fresh = Broadcast("C", LifeCycle.CREATED, None, monitor=False)
    assert did(scene.look(ENDED, fresh)) == ("bind", "C")
    fresh = fresh._replace(stream="S", life_cycle=LifeCycle.READY)
    assert did(scene.look(ENDED, fresh, after=5)) == ("transition", "C", "live")
    assert did(scene.look(ENDED, fresh._replace(life_cycle=LifeCycle.LIVE_STARTING), after=5)) == ("look",)
    step = scene.look(ENDED, fresh._replace(life_cycle=LifeCycle.LIVE, actual_start=WALL + 5), after=5)
    assert (step.act, step.trouble) == (Act.LOOK, Trouble.NONE)
    assert scene.planner.memory.live_since == WALL + 5


def test_one_that_was_made_is_not_made_again_when_the_answer_is_lost() -> None:
    scene = Scene()
    step = scene.look(ENDED)
    marker = scene.insert()
    scene.answered(step, Refused.UNSURE)
    assert did(scene.look(ENDED)) == ("look",)
    assert did(scene.look(ENDED, after=LISTED - 1)) == ("look",), "lists lag"
    made = Broadcast("C", LifeCycle.CREATED, None, description=f"Harbour\n{marker}")
    assert did(scene.look(ENDED, made)) == ("take", "C")
    scene.planner.take("C", rotation=False)
    assert scene.planner.memory.made == ("B", "C")
    assert scene.planner.memory.intent is None


def test_one_that_was_not_made_is_asked_for_again_under_the_same_mark() -> None:
    scene = Scene()
    scene.answered(scene.look(ENDED), Refused.UNSURE)
    marker = scene.insert()
    assert did(scene.look(ENDED)) == ("look",)
    assert did(scene.look(ENDED, after=LISTED)) == ("insert",)
    assert scene.planner.intend("another", WALL, rotation=False).marker == marker
    assert did(scene.look(ENDED)) == ("look",), "and has as long again"


def test_an_insert_whose_answer_is_always_lost_is_asked_for_ever_more_rarely_and_leaves_the_cap_alone() -> None:
    scene, asked = Scene(), []
    for _ in range(24 * 60):
        step = scene.look(ENDED, after=60)
        if step.act is Act.INSERT:
            scene.insert()
            scene.answered(step, Refused.UNSURE)
            asked.append(scene.now)
    assert asked[1] - asked[0] <= 120
    assert len(asked) < 40, "each costs 50 units"
    assert len(scene.planner.memory.inserts) == 1, "none was made but, maybe, the last"


@pytest.mark.parametrize("why", [Refused.STREAM_INACTIVE, Refused.LATER, Refused.LIMIT, Refused.UNSURE])
def test_while_a_transition_is_refused_neither_calls_nor_looks_use_the_quota_up(why: Refused) -> None:
    scene, units, until = Scene(), 0.0, 1000.0 + 3600
    while scene.now < until:
        step = scene.look(READY)
        units += 50 if step.act.writes else 0
        if step.act.writes:
            scene.answered(step, why)
        units += 2
        scene.now += step.seconds
    assert units < 1300, "10,000 are a day's"


def test_an_intent_that_is_needless_does_not_keep_the_looks_at_all_going() -> None:
    scene = Scene()
    scene.answered(scene.look(ENDED), Refused.UNSURE)
    scene.insert()
    scene.look(LIVE, after=5)
    assert scene.planner.memory.intent
    scene.look(LIVE, after=LISTED)
    assert scene.planner.memory.intent is None


def test_what_is_taken_while_an_answer_is_missing_does_not_count_as_made() -> None:
    scene = Scene(adopt=True)
    step = scene.look(ENDED)
    marker = scene.insert()
    scene.answered(step, Refused.UNSURE)
    assert did(scene.look(ENDED, FOREIGN, after=5)) == ("take", "F")
    scene.planner.take("F", rotation=False)
    assert "F" not in scene.planner.memory.made, "it would be ended one day"
    made = Broadcast("C", LifeCycle.CREATED, None, description=marker)
    scene.look(FOREIGN, made, after=5)
    assert scene.planner.memory.made == ("B", "C")


def test_the_next_neverdark_finds_what_was_made_and_not_bound() -> None:
    scene = Scene()
    scene.look(ENDED)
    marker = scene.insert()
    after = Scene(scene.planner.memory)
    made = Broadcast("C", LifeCycle.CREATED, None, description=marker)
    assert did(after.look(ENDED, made, sends=False)) == ("take", "C"), "nothing is changed by that"
    after.planner.take("C", rotation=False)
    assert did(after.look(ENDED, made)) == ("bind", "C")


def test_a_broadcast_that_is_missed_is_looked_for_once_more() -> None:
    scene = Scene()
    step = scene.look()
    assert (did(step), step.trouble) == (("look",), Trouble.ABSENT)
    assert did(scene.look(LIVE, after=15)) == ("look",)
    scene.look()
    assert did(scene.look(after=15)) == ("insert",)


def test_a_revoked_one_is_a_persons_business() -> None:
    step = Scene().look(LIVE._replace(life_cycle=LifeCycle.REVOKED))
    assert step == Step(Act.LOOK, Trouble.REVOKED, 60.0)
    assert step.stands_down


def test_inserts_are_bounded() -> None:
    scene, inserts = Scene(), []
    for minute in range(24 * 60 * 2):
        step = scene.look(*(Broadcast(name, LifeCycle.COMPLETE, "S") for name in scene.planner.memory.made), after=60)
        if step.act is Act.INSERT:
            scene.insert()
            scene.planner.inserted(f"N{minute}")
            inserts.append(scene.now)
    assert len(inserts) == 2 * INSERTS_A_DAY
    assert min(b - a for a, b in pairwise(inserts)) >= INSERT_EVERY
    step = scene.look(*(Broadcast(name, LifeCycle.COMPLETE, "S") for name in scene.planner.memory.made))
    assert step.trouble is Trouble.TOO_MANY
    assert step.stands_down


def test_when_youtube_takes_no_more_inserts_there_are_none_for_an_hour() -> None:
    scene = Scene()
    step = scene.look(ENDED)
    scene.insert()
    scene.answered(step, Refused.NO_MORE_INSERTS)
    assert scene.planner.memory.intent is None, "it surely was not made"
    assert scene.look(ENDED, after=60).trouble is Trouble.TOO_MANY
    assert did(scene.look(ENDED, after=LATER)) == ("insert",)


# --- what others have made ------------------------------------------------------------------------


FOREIGN = Broadcast("F", LifeCycle.LIVE, "S", actual_start=WALL)


def test_what_somebody_else_has_live_on_our_stream_is_left_alone_and_told() -> None:
    for memory, seen in ((Memory(), ()), (OURS, (ENDED,))):
        step = Scene(memory).look(*seen, FOREIGN)
        assert (did(step), step.trouble) == (("look",), Trouble.NOT_OURS)
    step = Scene().look(LIVE, FOREIGN)
    assert (did(step), step.trouble) == (("look",), Trouble.SEVERAL)


def test_it_is_taken_where_that_is_allowed_and_never_ended() -> None:
    scene = Scene(Memory(), adopt=True, rotate_every=3600.0)
    assert did(scene.look(FOREIGN)) == ("take", "F")
    scene.planner.take("F", rotation=False)
    for _ in range(100):
        assert did(scene.look(FOREIGN, after=60)) == ("look",)
    assert did(scene.look(FOREIGN._replace(life_cycle=LifeCycle.COMPLETE))) == ("insert",)


def test_of_another_stream_nothing_is_taken() -> None:
    elsewhere = FOREIGN._replace(stream="T")
    assert did(Scene(Memory(), adopt=True).look(elsewhere)) == ("insert",)
    assert Scene().look(LIVE, elsewhere).trouble is Trouble.NONE


def test_of_two_of_ours_the_one_that_was_recorded_stays() -> None:
    scene = Scene(Memory("B", "", ("A", "B")))
    older = LIVE._replace(id="A", actual_start=WALL - 500)
    assert did(scene.look(older, LIVE)) == ("transition", "A", "complete")
    assert did(scene.look(older._replace(life_cycle=LifeCycle.READY), LIVE, after=60)) == ("delete", "A")
    scene = Scene(Memory("", "", ("A", "B")))
    assert did(scene.look(LIVE, older)) == ("take", "A"), "or else the one that began first"


def test_without_leave_to_manage_nothing_is_changed() -> None:
    for seen in ((ENDED,), (READY,), (LIVE, LIVE._replace(id="A")), ()):
        scene = Scene(Memory("B", "", ("A", "B")), manage=False, rotate_every=1.0)
        for _ in range(200):
            assert not scene.look(*seen, after=60).act.writes


# --- e: health ----------------------------------------------------------------------------------------


ERROR = Issue("gopSizeLong", Severity.ERROR)


def test_warnings_are_told_at_the_third_look_and_nothing_is_done() -> None:
    scene = Scene()
    warned = ACTIVE._replace(issues=(Issue("bitrateLow", Severity.WARNING),))
    steps = [scene.look(LIVE, stream=warned, after=60) for _ in range(30)]
    assert [step.trouble for step in steps[:3]] == [Trouble.NONE, Trouble.NONE, Trouble.UNHEALTHY]
    assert {step.act for step in steps} == {Act.LOOK}
    assert scene.look(LIVE, after=60).trouble is Trouble.NONE


def test_an_error_restarts_the_encoder_once() -> None:
    scene = Scene()
    bad = ACTIVE._replace(health=HealthStatus.BAD, issues=(ERROR,))
    steps = [scene.look(LIVE, stream=bad, after=60) for _ in range(60)]
    assert [step.act for step in steps].count(Act.RESTART_ENCODER) == 1
    assert steps[2].act is Act.RESTART_ENCODER
    scene.look(LIVE, after=60)
    steps = [scene.look(LIVE, stream=bad, after=60) for _ in range(3)]
    assert steps[-1].act is Act.RESTART_ENCODER, "it was well in between"


@pytest.mark.parametrize("seen", [(FOREIGN,), (LIVE, FOREIGN)])
def test_whoever_made_what_viewers_have_our_encoder_is_restarted_where_its_media_is_bad(
    seen: tuple[Broadcast, ...],
) -> None:
    scene = Scene(OURS if LIVE in seen else Memory())
    bad = ACTIVE._replace(health=HealthStatus.BAD, issues=(Issue("gopSizeLong", Severity.ERROR),))
    steps = [scene.look(*seen, stream=bad, after=60) for _ in range(20)]
    assert [number for number, step in enumerate(steps) if step.act is Act.RESTART_ENCODER] == [2]
    told = Trouble.SEVERAL if LIVE in seen else Trouble.NOT_OURS
    assert {step.trouble for step in steps if step.act is Act.LOOK} == {told}


# --- rotation -------------------------------------------------------------------------------------


def rotating(age: float = 11 * 3600.0) -> Scene:
    return Scene(OURS._replace(live_since=WALL + 1000 - age), rotate_every=11 * 3600.0)


def test_a_long_broadcast_is_followed_by_another_before_it_is_ended() -> None:
    assert did(rotating(11 * 3600 - 1).look(LIVE)) == ("look",)
    scene = rotating()
    step = scene.look(LIVE)
    assert (did(step), step.trouble, step.rotation) == (("insert",), Trouble.NONE, True)
    scene.planner.intend("m", WALL + 1000, rotation=True)
    scene.planner.inserted("C")
    assert (scene.planner.memory.current, scene.planner.memory.following) == ("B", "C")
    new = Broadcast("C", LifeCycle.CREATED, None, monitor=False)
    assert did(scene.look(LIVE, after=5)) == ("look",), "lists lag"
    assert did(scene.look(LIVE, new, after=5)) == ("bind", "C")
    new = new._replace(stream="S", life_cycle=LifeCycle.READY)
    assert did(scene.look(LIVE, new, after=5)) == ("transition", "C", "live")
    new = new._replace(life_cycle=LifeCycle.LIVE)
    assert did(scene.look(LIVE, new, after=5)) == ("take", "C")
    scene.planner.take("C", rotation=False)
    assert did(scene.look(LIVE, new)) == ("transition", "B", "complete")
    assert did(scene.look(ENDED, new, after=5)) == ("look",)
    assert scene.planner.memory.current == "C"


def test_where_only_one_may_be_live_the_old_one_is_kept() -> None:
    scene = rotating()
    scene.look(LIVE)
    scene.planner.intend("m", WALL + 1000, rotation=True)
    scene.planner.inserted("C")
    new = READY._replace(id="C")
    step = scene.look(LIVE, new, after=5)
    assert (did(step), step.rotation) == (("transition", "C", "live"), True)
    scene.answered(step, Refused.LIMIT)
    assert did(scene.look(LIVE, new, after=5)) == ("delete", "C")
    for _ in range(50):
        assert did(scene.look(LIVE, after=60)) == ("look",)
    assert did(scene.look(LIVE, after=LATER)) == ("insert",), "later it may be possible"


def test_rotations_that_fail_get_rare_and_leave_the_inserts_to_repairs() -> None:
    scene, asked = rotating(), []
    for minute in range(48 * 60):
        step = scene.look(LIVE, after=60)
        if step.act is Act.INSERT:
            scene.planner.intend(f"m{minute}", WALL + scene.now, rotation=True)
            scene.answered(step, Refused.LIMIT)
            asked.append(scene.now)
    assert 4 <= len(asked) <= 10
    step = scene.look(ENDED, after=60)
    assert (did(step), step.rotation) == (("insert",), False)


def test_a_rotation_whose_old_broadcast_ends_goes_on_as_a_recovery() -> None:
    scene = rotating()
    scene.look(LIVE)
    scene.planner.intend("m", WALL + 1000, rotation=True)
    scene.planner.inserted("C")
    assert did(scene.look(ENDED, READY._replace(id="C"), after=5)) == ("take", "C"), "no second insert"
    scene.planner.take("C", rotation=False)
    assert scene.planner.memory.current == "C"
    assert did(scene.look(ENDED, READY._replace(id="C"))) == ("transition", "C", "live")


def test_one_that_does_not_come_up_is_let_go_of() -> None:
    scene = rotating()
    scene.look(LIVE)
    scene.planner.intend("m", WALL + 1000, rotation=True)
    scene.planner.inserted("C")
    stuck = READY._replace(id="C", life_cycle=LifeCycle.LIVE_STARTING)
    assert did(scene.look(LIVE, stuck, after=5)) == ("look",)
    assert did(scene.look(LIVE, stuck, after=STUCK)) == ("forget",)
    scene.planner.forget(scene.now)
    assert did(scene.look(LIVE, stuck)) == ("look",)
    assert scene.planner.memory.current == "B"


def test_what_may_not_be_done_beside_a_live_broadcast_is_no_trouble_of_its_viewers() -> None:
    beside = LIVE._replace(id="A")
    scene = Scene(Memory("B", "", ("A", "B")))
    step = scene.look(LIVE, beside)
    assert did(step) == ("transition", "A", "complete")
    scene.answered(step, Refused.NOT_PERMITTED)
    for _ in range(10):
        step = scene.look(LIVE, beside, after=60)
        assert (step.act, step.trouble, step.stands_down) == (Act.LOOK, Trouble.NONE, False)
    step = scene.look(ENDED, beside._replace(life_cycle=LifeCycle.COMPLETE), after=60)
    assert did(step) == ("insert",), "what is needed is tried all the same"
    scene.insert()
    scene.answered(step, Refused.NOT_PERMITTED)
    assert scene.look(ENDED, after=60).stands_down, "of that viewers have nothing"


def test_a_rotation_that_is_not_permitted_does_not_stand_in_the_way_of_a_repair() -> None:
    scene = Scene(OURS._replace(live_since=WALL - 7200), rotate_every=3600.0)
    step = scene.look(LIVE)
    assert (did(step), step.rotation) == (("insert",), True)
    scene.planner.intend("[nd-1]", WALL + scene.now, rotation=True)
    scene.answered(step, Refused.NOT_PERMITTED)
    assert scene.look(LIVE, after=60).trouble is Trouble.NONE
    assert did(scene.look(ENDED, after=60)) == ("insert",)


# --- what is not known, and who else is there ------------------------------------------------------

MARKED = LIVE._replace(id="M", description="Harbour\n\n[nd-0123456789ab]", scheduled_start=WALL + 995)
LOST = Memory(lost=True)


def test_while_it_is_not_known_what_we_made_nothing_is_made() -> None:
    scene = Scene(LOST)
    for _ in range(100):
        step = scene.look(ENDED._replace(id="A"), after=60)
        assert (step.act, step.trouble, step.stands_down) == (Act.LOOK, Trouble.MEMORY_LOST, True)


def test_marks_on_our_stream_tell_what_we_made() -> None:
    scene = Scene(LOST)
    older = MARKED._replace(
        id="O", life_cycle=LifeCycle.COMPLETE, scheduled_start=WALL - 5000, description="Words\n\n[nd-older]"
    )
    another = MARKED._replace(id="X", stream="T")
    by_hand = LIVE._replace(id="H", life_cycle=LifeCycle.COMPLETE)
    step = scene.look(MARKED, older, another, by_hand)
    assert (step.act, step.trouble) == (Act.LOOK, Trouble.NONE)
    memory = scene.planner.memory
    assert (memory.current, memory.made, memory.lost) == ("M", ("M",), False)
    assert memory.made_so_far == 2
    ended = MARKED._replace(life_cycle=LifeCycle.COMPLETE)
    assert did(scene.look(ended, older, after=60)) == ("look",), "it counts as one of the last ten minutes"
    assert did(scene.look(ended, older, after=600)) == ("insert",)


@pytest.mark.parametrize("state", [LifeCycle.READY, LifeCycle.LIVE])
def test_what_somebody_made_with_the_settings_of_ours_is_not_ours(state: LifeCycle) -> None:
    """Studio copies a description, mark and all."""
    copied = MARKED._replace(id="C", life_cycle=state, scheduled_start=WALL + 90_000, actual_start=None)
    for ours in (MARKED, MARKED._replace(life_cycle=LifeCycle.COMPLETE)):
        scene = Scene(LOST)
        steps = [scene.look(copied, ours, after=60) for _ in range(10)]
        assert scene.planner.memory.made == ("M",)
        assert not any(step.broadcast == "C" for step in steps), "neither started, nor ended, nor deleted"


def test_nothing_that_is_known_by_its_mark_alone_is_tidied_away() -> None:
    scene = Scene(LOST)
    other = MARKED._replace(id="R", life_cycle=LifeCycle.READY, description="[nd-other]", scheduled_start=WALL - 9000)
    assert {scene.look(MARKED, other, after=60).act for _ in range(10)} == {Act.LOOK}


def test_taking_one_of_somebody_elses_makes_an_end_of_not_knowing() -> None:
    scene = Scene(LOST, adopt=True)
    assert did(scene.look(READY)) == ("take", "B")
    scene.planner.take("B", rotation=False)
    assert not scene.planner.memory.lost


@pytest.mark.parametrize("stream", ["S", None])
@pytest.mark.parametrize("state", [LifeCycle.CREATED, LifeCycle.READY, LifeCycle.LIVE_STARTING, LifeCycle.COMPLETE])
def test_what_another_neverdark_has_just_made_is_not_made_again(state: LifeCycle, stream: str | None) -> None:
    scene = Scene()
    theirs = MARKED._replace(life_cycle=state, stream=stream)
    step = scene.look(ENDED, theirs)
    assert (step.act, step.trouble, step.stands_down) == (Act.LOOK, Trouble.CONFLICT, False)
    assert did(scene.look(ENDED, theirs, after=660)) == ("insert",), "long ago"


@pytest.mark.parametrize(
    "theirs",
    [
        MARKED._replace(stream="T"),
        MARKED._replace(description="[nd-]"),
        MARKED._replace(scheduled_start=None),
        MARKED._replace(scheduled_start=WALL - 5000),
    ],
)
def test_what_has_nothing_to_do_with_our_stream_or_is_old_is_no_conflict(theirs: Broadcast) -> None:
    assert did(Scene().look(ENDED, theirs._replace(life_cycle=LifeCycle.READY))) == ("insert",)


def test_what_this_neverdark_made_for_another_stream_is_no_conflict() -> None:
    scene = Scene()
    own = MARKED._replace(life_cycle=LifeCycle.CREATED, stream=None)
    sight = Sight(sends=True, stream=ACTIVE, broadcasts=(ENDED, own), made=frozenset({"M"}))
    assert did(scene.planner.plan(sight, scene.now, WALL + scene.now)) == ("insert",)


@pytest.mark.parametrize("seen", [LIVE, ENDED, READY])
def test_with_the_login_of_another_channel_nothing_is_done(seen: Broadcast) -> None:
    scene = Scene(channel="UC-ours")
    for stream in (ACTIVE, INACTIVE, None):
        for _ in range(20):
            scene.now += 60
            sight = Sight(sends=True, stream=stream, broadcasts=(seen,), channel="UC-theirs")
            step = scene.planner.plan(sight, scene.now, WALL + scene.now)
            assert (step.act, step.trouble, step.stands_down) == (Act.LOOK, Trouble.WRONG_CHANNEL, False)


# --- another address -------------------------------------------------------------------------------


def remedies(scene: Scene, minutes: int) -> list[tuple[float, Act]]:
    """What is done about a stream that is not received, and when, in seconds."""
    began, found = scene.now, list[tuple[float, Act]]()
    for _ in range(minutes * 4):
        step = scene.look(LIVE, stream=INACTIVE, after=15)
        if step.act is Act.COMPARE_KEY:
            scene.planner.delivery.compared(matches=True)
        elif step.act is not Act.LOOK:
            found.append((scene.now - began, step.act))
    return found


def test_where_a_new_connection_does_not_help_another_address_is_tried_every_ten_minutes() -> None:
    scene = Scene()
    scene.planner.delivery.elsewhere = True
    found = remedies(scene, 35)
    assert [act for _, act in found] == [Act.RESTART_PUSHER, *[Act.OTHER_ADDRESS] * 4]
    pauses = [later - earlier for (earlier, _), (later, _) in pairwise(found)]
    assert pauses == [TAKES_UP, *[RESTART_EVERY] * 3]

    assert scene.look(LIVE).trouble is Trouble.NONE, "it is received there, and stays there"
    scene.now += 3600
    assert [act for _, act in remedies(scene, 5)] == [Act.RESTART_PUSHER, Act.OTHER_ADDRESS], "in another outage"


def test_where_there_is_no_other_address_the_pusher_is_restarted() -> None:
    assert {act for _, act in remedies(Scene(), 35)} == {Act.RESTART_PUSHER}


# --- what is waited for ----------------------------------------------------------------------------


def test_a_limit_that_keeps_a_new_broadcast_from_going_live_is_tried_again_soon_and_then_ever_later() -> None:
    scene = Scene()
    pauses, asked = list[float](), 0.0
    for _ in range(4000):
        step = scene.look(READY, after=5)
        if step.act is Act.TRANSITION:
            pauses += [scene.now - asked] if asked else []
            asked = scene.now
            scene.answered(step, Refused.LIMIT)
    assert pauses[:3] == [TAKES, 2 * TAKES, 4 * TAKES]
    assert max(pauses) == LATER


def test_that_the_next_broadcast_waits_for_its_turn_is_said_and_it_comes_right_then() -> None:
    scene = Scene(OURS._replace(inserts=(WALL + 1000 - 250,)))
    step = scene.look(ENDED)
    assert (step.act, step.trouble, step.new_in) == (Act.LOOK, Trouble.ENDED, INSERT_EVERY - 250)
    assert "a new broadcast in 5m50s (one in 10 min)" in described(step)
    assert did(scene.look(ENDED, after=340)) == ("look",)
    assert scene.look(ENDED).seconds == 10
    assert did(scene.look(ENDED, after=10)) == ("insert",)
