"""Our own line is down only if nothing at all out there can be heard, and something says so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.judge.our_line import doubted, judge_our_line, our_line_down, reference_beside
from supervisor.judge.probe_schedule import LatestProbe
from supervisor.model.terms import Reach

LOST = [reach for reach in Reach if not reach.line_is_up]
HEARD = [reach for reach in Reach if reach.line_is_up]

ROWS: dict[str, tuple[list[Reach], Reach | None, bool]] = {
    "nobody has looked": ([], None, False),
    "the reference host is away, and nobody needs an ingest": ([], Reach.TIMEOUT, False),
    "our machine knows no way": ([Reach.NO_ROUTE, Reach.NO_ROUTE], None, True),
    "a timeout alone: the ingest may be gone": ([Reach.TIMEOUT], None, False),
    "no address alone: likewise": ([Reach.UNRESOLVED], None, False),
    "one has no route, another a timeout": ([Reach.NO_ROUTE, Reach.TIMEOUT], None, False),
    "a timeout, and none to the reference host either": ([Reach.TIMEOUT], Reach.TIMEOUT, True),
    "no address for either": ([Reach.UNRESOLVED], Reach.UNRESOLVED, True),
    "a timeout, and the reference host answers": ([Reach.TIMEOUT], Reach.ANSWERS, False),
    "no route to the ingest, and the reference host answers": ([Reach.NO_ROUTE], Reach.ACCEPTS, False),
    "a timeout, and the reference host refuses": ([Reach.TIMEOUT], Reach.REFUSED, False),
    "one of two refuses, the reference host is away": ([Reach.TIMEOUT, Reach.REFUSED], Reach.TIMEOUT, False),
}


@pytest.mark.parametrize(("ingests", "reference", "down"), ROWS.values(), ids=ROWS)
def test_line(ingests: list[Reach], reference: Reach | None, down: bool) -> None:  # noqa: FBT001
    assert our_line_down(ingests, reference, something_flows=False) is down
    assert not our_line_down(ingests, reference, something_flows=True), "what is acknowledged has crossed the line"


@given(st.lists(st.sampled_from(Reach)), st.none() | st.sampled_from(Reach))
def test_one_answer_from_anywhere_proves_the_line(ingests: list[Reach], reference: Reach | None) -> None:
    if our_line_down(ingests, reference, something_flows=False):
        assert set(ingests) <= set(LOST)
        assert reference not in HEARD
    for heard in HEARD:
        assert not our_line_down([*ingests, heard], reference, something_flows=False)
        assert not our_line_down(ingests, heard, something_flows=False)


# --- with the moments of the probes ----------------------------------------------------------------------


def probe(began: float, reach: Reach, took: float = 1.0) -> LatestProbe:
    return LatestProbe(since=0.0, reach=reach, began=began, ended=began + took)


def judged(
    ingests: list[LatestProbe],
    reference: LatestProbe | None,
    *,
    has_reference: bool = True,
    down_since: float | None = None,
    flows: bool = False,
) -> bool | None:
    return judge_our_line(ingests, reference, has_reference=has_reference, down_since=down_since, something_flows=flows)


INGEST = probe(100.0, Reach.TIMEOUT)
BESIDE: dict[str, tuple[LatestProbe | None, Reach | None]] = {
    "nobody has looked": (None, None),
    "no answer yet": (LatestProbe(since=0.0), None),
    "it answered before the trouble": (probe(90.0, Reach.ACCEPTS), None),
    "it did not answer, before the trouble": (probe(90.0, Reach.TIMEOUT), None),
    "it answers in the same moment": (probe(100.5, Reach.ACCEPTS), Reach.ACCEPTS),
    "it does not answer in the same moment": (probe(100.5, Reach.TIMEOUT), Reach.TIMEOUT),
    "it answers by now: the line may be back": (probe(102.0, Reach.ACCEPTS), None),
    "it still does not answer": (probe(102.0, Reach.TIMEOUT), Reach.TIMEOUT),
}


@pytest.mark.parametrize(("reference", "says"), BESIDE.values(), ids=BESIDE)
def test_the_reference_host_says_something_of_the_same_moment_only(
    reference: LatestProbe | None, says: Reach | None
) -> None:
    assert reference_beside(reference, INGEST) is says
    expected = None if says is None else not says.line_is_up
    assert judged([INGEST], reference) is expected


def test_the_latest_that_was_not_reached_is_the_one_in_doubt() -> None:
    later = probe(200.0, Reach.NO_ROUTE)
    assert doubted([INGEST, later, probe(300.0, Reach.REFUSED), LatestProbe(since=0.0)]) is later
    assert doubted([probe(300.0, Reach.REFUSED)]) is None


def test_a_proof_that_it_is_up_comes_first() -> None:
    lost = probe(100.5, Reach.TIMEOUT)
    assert judged([INGEST], lost) is True
    assert judged([INGEST], lost, flows=True) is False
    assert judged([INGEST, probe(100.0, Reach.REFUSED)], lost) is False


def test_without_a_reference_host_only_our_own_machine_knows() -> None:
    assert judged([INGEST], None, has_reference=False) is False
    assert judged([probe(100.0, Reach.NO_ROUTE)], None, has_reference=False) is True
    assert judged([], None, has_reference=False, down_since=50.0) is False, "nobody is in need any more"


def test_it_is_back_when_the_reference_host_answers_again_although_nobody_is_in_need() -> None:
    """All streams were stopped meanwhile: there is no ingest to tell by."""
    assert judged([], probe(120.0, Reach.ACCEPTS), down_since=110.0) is False
    assert judged([], probe(109.0, Reach.ACCEPTS), down_since=110.0) is None, "that is from before"
    assert judged([], probe(120.0, Reach.TIMEOUT), down_since=110.0) is None
    assert judged([], None, down_since=110.0) is None
