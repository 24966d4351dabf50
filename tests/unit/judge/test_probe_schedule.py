"""When to probe, by numbers: at once, often, seldom, not at all, and until when an answer counts."""

from __future__ import annotations

import pytest

from supervisor.judge.probe_schedule import LatestProbe, reference_is_due, target_is_due
from supervisor.model.terms import Reach

NOW = 1000.0


def probed(ended: float, *, since: float = 0.0, reach: Reach = Reach.TIMEOUT, asked: float = NOW) -> LatestProbe:
    """A probe that took a second and ended so many seconds ago; it is asked for since `since` seconds ago."""
    return LatestProbe(since=NOW - since, reach=reach, began=NOW - ended - 1, ended=NOW - ended, asked=asked)


def due(target: LatestProbe, *, urgent: bool = False, down: bool = False, reference: LatestProbe | None = None) -> bool:
    return target_is_due(target, NOW, urgent=urgent, line_is_down=down, reference=reference)


@pytest.mark.parametrize(("waited", "urgent", "expected"), [(2.9, False, False), (3.0, False, True), (0.0, True, True)])
def test_the_first_probe_waits_a_moment_unless_it_is_urgent(waited: float, *, urgent: bool, expected: bool) -> None:
    assert due(LatestProbe(since=NOW - waited), urgent=urgent) is expected


@pytest.mark.parametrize(
    ("since", "ended", "expected"), [(59, 4.9, False), (59, 5, True), (60, 5, False), (60, 29.9, False), (60, 30, True)]
)
def test_what_is_gone_for_long_is_probed_seldom(since: float, ended: float, *, expected: bool) -> None:
    assert due(probed(ended, since=since)) is expected
    assert due(probed(ended, since=since), urgent=True) is expected, "an urgent one that was answered is not urgent"


def test_while_our_line_is_down_it_is_probed_often_and_at_once_when_the_reference_host_answers() -> None:
    target = probed(2.0, since=600.0)
    assert not due(target, down=True)
    assert due(probed(5.0, since=600.0), down=True)
    assert due(target, down=True, reference=probed(0.5, reach=Reach.ACCEPTS)), "begun after the target's had ended"
    assert not due(target, down=True, reference=probed(1.5, reach=Reach.ACCEPTS)), "it may be from before"
    assert not due(target, down=True, reference=probed(0.5, reach=Reach.TIMEOUT))
    assert not due(target, down=True, reference=LatestProbe(since=NOW))
    assert not due(target, reference=probed(0.5, reach=Reach.ACCEPTS)), "the line is up: no reason to hurry"


@pytest.mark.parametrize(
    ("ended", "calm", "expected"), [(29.9, True, False), (30, True, True), (4.9, False, False), (5, False, True)]
)
def test_the_reference_host_is_probed_more_often_in_trouble(ended: float, *, calm: bool, expected: bool) -> None:
    reference = probed(ended, reach=Reach.ACCEPTS)
    assert reference_is_due(reference, NOW, calm=calm, doubted=None) is expected


def test_the_reference_host_is_probed_at_once_when_it_is_new_or_its_answer_is_older_than_the_doubt() -> None:
    assert reference_is_due(LatestProbe(since=NOW), NOW, calm=True, doubted=None)
    reference = probed(3.0, reach=Reach.ACCEPTS)
    assert reference_is_due(reference, NOW, calm=True, doubted=probed(1.0))
    assert not reference_is_due(reference, NOW, calm=True, doubted=probed(2.5))


def test_an_answer_is_told_for_a_minute() -> None:
    assert probed(59.9).fresh_reach(NOW) is Reach.TIMEOUT
    assert probed(60.0).fresh_reach(NOW) is None
    assert LatestProbe(since=NOW).fresh_reach(NOW) is None


def test_what_works_or_what_nobody_asks_for_is_forgotten_but_not_in_the_middle_of_a_probe() -> None:
    probe = probed(1.0)
    assert not probe.is_forgotten(NOW, works=False)
    assert probe.is_forgotten(NOW, works=True)
    probe.asked = NOW - 15
    assert not probe.is_forgotten(NOW, works=False)
    probe.asked -= 0.1
    assert probe.is_forgotten(NOW, works=False)
    probe.busy = True
    assert not probe.is_forgotten(NOW, works=True)
