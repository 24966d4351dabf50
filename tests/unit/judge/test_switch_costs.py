"""What switches have cost is counted; what is not known of one is left out, and not counted as nothing."""

from __future__ import annotations

from supervisor.judge.switch_costs import SwitchTally
from supervisor.model import events
from supervisor.model.facts import Fact, subject_of
from supervisor.model.fallback import Obstacle, ReplacementReason, SwitchWay
from supervisor.model.snapshot import SWITCH_BUCKETS, SwitchCosts

MADE, BROKEN = SwitchWay.MADE_BEFORE_BREAK, SwitchWay.BROKEN_FIRST


def counted(*measured: events.Payload) -> SwitchCosts:
    tally = SwitchTally()
    for number, what in enumerate(measured, 1):
        tally(Fact(0.0, number, subject_of(what), what))
    return tally.shown(kernel=False, alone=0)


def test_each_way_has_its_own() -> None:
    costs = counted(
        events.SwitchMeasured("cam", 1, BROKEN, None, 0.2, 0.3, 9),
        events.SwitchMeasured("cam", 0, MADE, None, 3.2, 0.0, 0),
        events.SwitchMeasured("cam", 0, MADE, ReplacementReason.RELOAD, 2.5, 0.0, 0),
    )
    assert costs.durations[BROKEN].sum == 0.2
    assert costs.durations[BROKEN].counts[SWITCH_BUCKETS.index(0.25)] == 1
    assert (sum(costs.durations[MADE].counts), sum(costs.missing[MADE].counts)) == (2, 2)
    assert costs.frames_lost == {MADE: 0, BROKEN: 9}
    assert costs.replacements[ReplacementReason.RELOAD, MADE] == 1
    assert sum(costs.replacements.values()) == 1, "another source is no replacement"


def test_what_is_not_known_is_not_counted_as_nothing() -> None:
    costs = counted(events.SwitchMeasured("cam", 0, BROKEN, ReplacementReason.RESTART, 2.0))
    assert sum(costs.durations[BROKEN].counts) == 1
    assert sum(costs.missing[BROKEN].counts) == 0


def test_all_there_can_be_is_there_from_the_start() -> None:
    costs = counted(events.SlateTrouble("cam", "no room"))
    assert set(costs.durations) == set(costs.missing) == set(costs.frames_lost) == set(SwitchWay)
    assert set(costs.replacements.values()) == {0}
    assert SwitchTally().shown(kernel=True, alone=2).obstacles == {Obstacle.KERNEL: 1, Obstacle.READER_ALONE: 2}
