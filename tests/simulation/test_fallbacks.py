"""What a stream with fallbacks does in one kind of trouble after the other; all checks look on."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from supervisor.judge.fallback import FallbackLadder
from supervisor.model import events
from supervisor.model.fallback import SwitchReason
from supervisor.model.terms import RestartReason
from tests.simulation.fault import Fault
from tests.simulation.judge import Outcome, Setup, watch
from tests.simulation.ladders import Plan
from tests.simulation.report import one, wrong_names
from tests.simulation.world import World

CAM = "stream-01"
SLATE = Plan(("slate",))
BOTH = Plan(("camera", "slate"))
SECOND = Plan(("camera",))
FAILED, RETURNED, ORDERED = SwitchReason.FAILED, SwitchReason.RETURNED, SwitchReason.ORDERED


def held(plan: Plan, faults: Sequence[Fault], seconds: float) -> World:
    """Nothing is found by any check."""
    world = World(3, streams=1, fallbacks=plan)
    outcome: Outcome = watch(world, faults, seconds, Setup(3, streams=1, hours=seconds / 3600, faults=len(faults)))
    world.close()
    wrong = wrong_names([outcome])
    print(*one(outcome), *wrong, sep="\n")
    assert not outcome.failures
    assert not wrong
    return world


def switches(world: World) -> list[tuple[int, SwitchReason]]:
    return [(fact.after, fact.reason) for _, fact in world.facts if isinstance(fact, events.FeedSwitched)]


def times(world: World, to: int) -> list[float]:
    return [at for at, fact in world.facts if isinstance(fact, events.FeedSwitched) and fact.after == to]


def closed(world: World) -> list[float]:
    return [at for at, fact in world.facts if isinstance(fact, events.IncidentClosed)]


def test_a_slate_is_shown_while_the_camera_is_gone() -> None:
    world = held(SLATE, [Fault(100.0, "source_refused", CAM, lasts=60.0)], 700.0)
    assert switches(world) == [(1, FAILED), (0, RETURNED)]
    assert times(world, 1)[0] < 106.0


def test_a_second_camera_that_has_failed_once_is_tried_again_the_next_time() -> None:
    faults = [
        Fault(100.0, "source_refused", CAM, lasts=120.0),
        Fault(100.0, "rung_refused", CAM, "fallback1", lasts=300.0),
        Fault(800.0, "source_gone", CAM, lasts=100.0),
    ]
    world = held(SECOND, faults, 1500.0)
    assert [at for at in times(world, 1) if 800.0 < at < 820.0], "it is well by then"


def test_an_order_counts_while_the_encoder_is_being_replaced() -> None:
    faults = [
        Fault(100.0, "no_keyframe", CAM, lasts=4.0),
        Fault(100.5, "restart", CAM),
        Fault(101.0, "show", CAM, "fallback1", lasts=60.0),
    ]
    world = held(SLATE, faults, 600.0)
    assert switches(world) == [(1, ORDERED), (0, RETURNED)]
    started = [fact.reason for _, fact in world.facts if isinstance(fact, events.ProcessStarted) and not fact.key.rung]
    assert RestartReason.OPERATOR in started


def test_what_was_ordered_and_dies_is_not_shown_until_it_is_back() -> None:
    faults = [
        Fault(100.0, "show", CAM, "fallback1"),
        Fault(160.0, "rung_refused", CAM, "fallback1", lasts=60.0),
    ]
    world = held(BOTH, faults, 700.0)
    assert switches(world) == [(1, ORDERED), (0, FAILED), (1, ORDERED)]


def test_a_black_picture_is_told_until_viewers_see_the_camera_again() -> None:
    plan = SLATE._replace(content=True, return_after="60s")
    world = held(plan, [Fault(100.0, "picture_black", CAM, lasts=60.0)], 700.0)
    assert switches(world) == [(1, FAILED), (0, RETURNED)]
    assert closed(world)[0] > times(world, 0)[0] > 220.0


def test_a_second_camera_that_flaps_does_not_make_the_picture_flap() -> None:
    faults = [Fault(100.0, "source_refused", CAM, lasts=1000.0)]
    faults += [Fault(110.0 + 40.0 * number, "rung_gone", CAM, "fallback1", 10.0) for number in range(20)]
    world = held(BOTH, faults, 2000.0)
    assert len([to for to, reason in switches(world) if (to, reason) == (1, RETURNED)]) < 8


def test_neverdark_may_leave_in_the_middle_of_a_switch() -> None:
    faults = [Fault(100.0, "show", CAM, "fallback1"), Fault(100.3, "neverdark_left", lasts=3.0)]
    held(SLATE, faults, 400.0)


def test_links_that_cannot_go_over_are_switched_at_once() -> None:
    faults = [Fault(100.0, "link_distant", CAM, lasts=200.0), Fault(150.0, "show", CAM, "fallback1", lasts=60.0)]
    world = held(SLATE, faults, 600.0)
    assert switches(world) == [(1, ORDERED), (0, RETURNED)]


def test_a_slate_whose_file_is_gone_is_drawn() -> None:
    faults = [Fault(100.0, "slate_gone", CAM, lasts=300.0), Fault(150.0, "source_refused", CAM, lasts=60.0)]
    world = held(SLATE, faults, 900.0)
    assert switches(world)[0] == (1, FAILED)


def test_a_fallback_is_taken_over_by_the_next_neverdark() -> None:
    faults = [Fault(100.0, "source_refused", CAM, lasts=120.0), Fault(150.0, "neverdark_killed", lasts=2.0)]
    world = held(BOTH, faults, 1000.0)
    assert [fact.key.rung for _, fact in world.facts if isinstance(fact, events.ProcessAdopted)].count(1) == 1


def test_an_order_that_is_not_followed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FallbackLadder, "_can_show", lambda *_: False)
    world = World(3, streams=1, fallbacks=SLATE)
    outcome = watch(world, [Fault(100.0, "show", CAM, "fallback1")], 400.0, Setup(3, streams=1, hours=0.1, faults=1))
    world.close()
    assert outcome.failures[0].check == "order_kept"
