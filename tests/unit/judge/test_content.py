"""Picture and sound over time: when something is found, when it is over, and when nobody can tell."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import pytest

from supervisor.judge.content import ContentWatch, Turn, evidence_of
from supervisor.model.content import Bounds, ContentPolicy, Defect, Level
from supervisor.model.terms import Trouble, Verdict

BOUNDS: Mapping[Defect, Bounds] = {
    Defect.BLACK: Bounds(10.0, 0.03),
    Defect.FROZEN: Bounds(30.0),
    Defect.SILENT: Bounds(15.0, -60.0),
    Defect.LOUD: Bounds(10.0, -6.0),
    Defect.STILL: Bounds(60.0, 0.001),
}
POLICY = ContentPolicy(BOUNDS, unhealthy_after=60.0, recover="fallback")
GOOD = {
    Level.LUMA: 0.4,
    Level.BRIGHT: 0.7,
    Level.DIFFERENCE: 0.02,
    Level.SOUND: -30.0,
    Level.PEAK: -20.0,
    Level.OWN_SOUND: 1.0,
}
NIGHT = GOOD | {Level.LUMA: 0.05, Level.BRIGHT: 0.06, Level.DIFFERENCE: 0.00002}
BLACK = GOOD | {Level.LUMA: 0.001, Level.BRIGHT: 0.03}
FROZEN = GOOD | {Level.DIFFERENCE: 0.0}
SILENT = GOOD | {Level.SOUND: -60.0}
LOUD = GOOD | {Level.SOUND: -6.0}
STILL = GOOD | {Level.DIFFERENCE: 0.001}
OURS = {level: value for level, value in SILENT.items() if level is not Level.OWN_SOUND}


class Viewer:
    """A watch that is given a sample of each level once a second, and looked at then."""

    def __init__(self, policy: ContentPolicy = POLICY, usual: float = 0.0) -> None:
        self.watch, self.now, self.usual = ContentWatch(policy), 1000.0, usual

    def see(self, sample: Mapping[Level, float], seconds: int, *, every: int = 1) -> list[tuple[float, Turn]]:
        """What turns, and when, counted from now on."""
        turns, began = [], self.now
        for second in range(seconds):
            if second % every == 0:
                for level, value in sample.items():
                    self.watch.take(level, value, self.now, self.usual)
            turns += [(self.now - began, turn) for turn in self.watch.look(self.now, self.usual)]
            self.now += 1.0
        return turns

    def verdict(self, defect: Defect) -> Verdict:
        return self.watch.state(self.now - 1.0, 0.0, self.usual).verdicts[defect]


@pytest.mark.parametrize(
    ("sample", "defect"),
    [
        (BLACK, Defect.BLACK),
        (FROZEN, Defect.FROZEN),
        (SILENT, Defect.SILENT),
        (LOUD, Defect.LOUD),
        (STILL, Defect.STILL),
    ],
)
def test_what_lasts_is_found_after_its_time_and_over_with_the_third_good_sample(
    sample: Mapping[Level, float], defect: Defect
) -> None:
    after = BOUNDS[defect].after
    viewer = Viewer()
    viewer.see(GOOD, 5)
    assert viewer.see(sample, int(after)) == []
    assert viewer.verdict(defect) is Verdict.HEALTHY
    (found,) = [each for each in viewer.see(sample, 5) if each[1].defect is defect]
    assert found == (0.0, Turn(defect, found=True, seconds=after))
    assert viewer.verdict(defect) is Verdict.DEGRADED
    viewer.see(sample, 56)
    assert viewer.verdict(defect) is Verdict.UNHEALTHY
    assert [(at, turn.seen) for at, turn in viewer.see(GOOD, 10) if turn.defect is defect] == [(2.0, True)]
    assert viewer.verdict(defect) is Verdict.HEALTHY
    assert viewer.watch.state(viewer.now, 0.0).counts[defect] == 1


@pytest.mark.parametrize("sample", [GOOD, NIGHT, OURS], ids=["day", "a noisy night", "no sound of its own"])
def test_what_is_as_it_should_be_is_never_found(sample: Mapping[Level, float]) -> None:
    assert Viewer().see(sample, 3600) == []


@pytest.mark.parametrize("sample", [BLACK, FROZEN, SILENT, LOUD])
def test_one_good_sample_in_time_and_it_begins_anew(sample: Mapping[Level, float]) -> None:
    viewer = Viewer()
    for _ in range(50):
        assert viewer.see(sample, 9) == []
        assert viewer.see(GOOD, 1) == []


def test_a_bad_sample_among_good_ones_goes_on() -> None:
    viewer = Viewer()
    viewer.see(BLACK, 12)
    assert viewer.see(GOOD, 2) + viewer.see(BLACK, 1) + viewer.see(GOOD, 2) == []
    assert viewer.see(GOOD, 1)


def test_what_never_moved_is_not_still() -> None:
    assert Viewer().see(STILL, 3600) == []


def test_without_samples_nothing_is_known_and_nothing_found() -> None:
    viewer = Viewer()
    assert viewer.verdict(Defect.BLACK) is Verdict.UNKNOWN
    viewer.see(BLACK, 9)
    assert viewer.see({}, 60) == [], "what was black when it was last seen"
    assert set(viewer.watch.state(viewer.now, 0.0).verdicts.values()) == {Verdict.UNKNOWN}
    assert viewer.watch.state(viewer.now, 0.0).luma is None
    assert viewer.see(BLACK, 10) == [], "and begins anew"
    assert viewer.see(BLACK, 1)


def test_samples_that_come_all_at_once_are_no_time() -> None:
    """The loop was late, or a clock jumped."""
    viewer = Viewer()
    for _ in range(1000):
        viewer.watch.take(Level.DIFFERENCE, 0.0, 1000.0)
    assert viewer.watch.look(1000.0) == []


def test_a_source_in_pieces_is_given_its_time() -> None:
    assert Viewer().see(BLACK, 60, every=8) == []
    found = Viewer(usual=12.0).see(BLACK, 60, every=8)
    assert [turn.defect for _, turn in found] == [Defect.BLACK]


def test_what_was_found_outlives_a_short_restart_and_not_a_long_silence() -> None:
    viewer = Viewer()
    assert len(viewer.see(BLACK, 12)) == 1
    assert viewer.see({}, 20) == []
    assert viewer.verdict(Defect.BLACK) is Verdict.UNKNOWN
    assert viewer.see(BLACK, 20) == [], "it is still so"
    assert viewer.verdict(Defect.BLACK) is Verdict.DEGRADED
    ((_, over),) = viewer.see({}, 60)
    assert (over.defect, over.found, over.seen) == (Defect.BLACK, False, False)


def test_a_stop_withdraws_what_was_found_and_forgets_the_rest() -> None:
    viewer = Viewer()
    viewer.see(BLACK, 12)
    ((defect, found, _, seen),) = viewer.watch.forget()
    assert (defect, found, seen) == (Defect.BLACK, False, False)
    assert viewer.watch.forget() == []
    assert viewer.see(BLACK, 10) == []
    assert viewer.see(BLACK, 1)
    assert viewer.watch.state(viewer.now, 0.0).counts[Defect.BLACK] == 2, "both times"


def test_other_bounds_hold_at_once_and_a_check_that_is_off_withdraws_what_it_found() -> None:
    viewer = Viewer()
    viewer.see(BLACK, 5)
    viewer.watch.follow(POLICY._replace(bounds={**BOUNDS, Defect.BLACK: Bounds(5.0, 0.03)}))
    assert viewer.see(BLACK, 1)
    (over,) = viewer.watch.follow(POLICY._replace(bounds={Defect.SILENT: BOUNDS[Defect.SILENT]}))
    assert (over.defect, over.found, over.seen) == (Defect.BLACK, False, False)
    assert viewer.see(BLACK | SILENT, 30) == [(15.0, Turn(Defect.SILENT, found=True, seconds=15.0))]


def test_what_is_shown_of_it() -> None:
    viewer = Viewer()
    viewer.see(BLACK, 13)
    state = viewer.watch.state(viewer.now, wall=5000.0)
    (found,) = state.findings
    assert found == (Defect.BLACK, 4987.0, Verdict.DEGRADED, "black for 13s")
    assert state.verdict is Verdict.DEGRADED
    assert (state.luma, state.difference, state.sound, state.peak) == (0.001, 0.02, -30.0, -20.0)


def test_darker_than_black_is_black() -> None:
    viewer = Viewer()
    viewer.see({Level.LUMA: -0.07}, 1)
    assert viewer.watch.state(viewer.now, 0.0).luma == 0.0


@pytest.mark.parametrize(("recover", "restart"), [("fallback", False), ("none", False), ("restart", True)])
def test_the_second_layer_is_told_the_worst_and_whether_a_restart_is_wished_for_it(recover: Any, restart: bool) -> None:  # noqa: FBT001
    viewer = Viewer(ContentPolicy(BOUNDS, 60.0, recover))
    viewer.see(SILENT, 60)
    viewer.see(SILENT | {Level.BRIGHT: 0.0}, 31)
    told = evidence_of(viewer.watch.state(viewer.now, 0.0), viewer.watch.policy)
    assert (told.verdict, told.cause, told.restart) == (Verdict.UNHEALTHY, Trouble.SILENT, restart)
    assert told.said == "silent for 1m30s"
    assert (viewer.watch.unfit_for(viewer.now) is not None) is (recover == "fallback")


def test_every_defect_has_a_cause_of_its_name() -> None:
    assert [defect.cause for defect in Defect] == [Trouble(defect.value) for defect in Defect]


def test_a_black_sky_with_lamps_is_no_black_picture() -> None:
    lamps = GOOD | {Level.LUMA: 0.034, Level.BRIGHT: 0.01}
    assert Viewer().see(lamps, 60) == []


# --- samples that come now and then ----------------------------------------------------------------


def sampled(viewer: Viewer, sample: Mapping[Level, float], seconds: int, every: float = 60.0) -> list[float]:
    """When a sample was asked for, counted from now on; each takes no time."""
    asked: list[float] = []
    began, latest = viewer.now, viewer.now - every
    for _ in range(seconds):
        hurry = viewer.watch.hurry()
        if viewer.now - latest >= (every if hurry is None else min(hurry, every)):
            latest = viewer.now
            asked.append(viewer.now - began)
            viewer.see(sample, 1)
        else:
            viewer.see({}, 1)
    return asked


def test_while_nothing_is_bad_there_is_no_hurry() -> None:
    viewer = Viewer(usual=90.0)
    assert sampled(viewer, GOOD, 200) == [0, 60, 120, 180]


@pytest.mark.parametrize(("bad", "defect"), [(BLACK, Defect.BLACK), (FROZEN, Defect.FROZEN), (SILENT, Defect.SILENT)])
def test_what_looks_bad_is_known_within_seconds_of_its_threshold_and_goes_on_at_the_owners_rate(
    bad: Mapping[Level, float], defect: Defect
) -> None:
    viewer, after = Viewer(POLICY._replace(bounds={defect: BOUNDS[defect]}), usual=90.0), BOUNDS[defect].after
    sampled(viewer, GOOD, 60)
    asked = sampled(viewer, bad, 300)
    assert asked[0] == 0
    named = next(at for at in asked if at >= after)
    assert named <= after + 1
    assert viewer.verdict(defect) is not Verdict.HEALTHY
    later = [at for at in asked if at > named]
    assert all(other - one >= 60 for one, other in itertools.pairwise(later)), "found is found"
    good = sampled(viewer, GOOD, 30, every=1.0)
    assert len(good) >= 3
    assert viewer.verdict(defect) is Verdict.HEALTHY


def test_a_threshold_of_many_minutes_takes_no_more_samples_than_the_owner_allows() -> None:
    viewer = Viewer(POLICY._replace(bounds={Defect.FROZEN: Bounds(600.0)}), usual=90.0)
    assert len(sampled(viewer, FROZEN, 600)) <= 11


# --- a run that is yet to show itself --------------------------------------------------------------


def test_who_shows_nothing_but_black_from_its_first_moment_is_doubtful_until_it_shows_something_else() -> None:
    viewer = Viewer()
    viewer.watch.begin_run()
    assert (viewer.watch.heard, viewer.watch.doubtful) == (False, False)
    viewer.see(BLACK, 3)
    assert (viewer.watch.heard, viewer.watch.doubtful) == (True, True)
    viewer.see(GOOD, 1)
    assert not viewer.watch.doubtful
    viewer.see(BLACK, 3)
    assert not viewer.watch.doubtful, "a moment of darkness"
    viewer.watch.begin_run()
    viewer.see(BLACK, 1)
    assert viewer.watch.doubtful
