"""Our own line is down only if nothing at all out there can be heard, and something says so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.judge.line import line_down
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
    assert line_down(ingests, reference, something_flows=False) is down
    assert not line_down(ingests, reference, something_flows=True), "what is acknowledged has crossed the line"


@given(st.lists(st.sampled_from(Reach)), st.none() | st.sampled_from(Reach))
def test_one_answer_from_anywhere_proves_the_line(ingests: list[Reach], reference: Reach | None) -> None:
    if line_down(ingests, reference, something_flows=False):
        assert set(ingests) <= set(LOST)
        assert reference not in HEARD
    for heard in HEARD:
        assert not line_down([*ingests, heard], reference, something_flows=False)
        assert not line_down(ingests, heard, something_flows=False)
