"""Names of runs: they tell when a run began, and sort by age."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from supervisor.machine.marks import run_id_of

LAST = datetime(2100, 1, 1, tzinfo=UTC).timestamp()


@given(st.floats(0, LAST), st.integers(1, 1_000_000))
def test_a_run_is_named_after_its_beginning(wall: float, number: int) -> None:
    stamp, _, last = run_id_of(wall, number).partition("-")
    assert last == str(number)
    told = datetime.strptime(stamp, "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC)
    assert 0 <= wall - told.timestamp() < 0.002


@given(st.floats(0, LAST), st.floats(0.002, 1e8))
def test_names_sort_by_age_over_midnight_too(wall: float, later: float) -> None:
    assert run_id_of(wall, 9) < run_id_of(wall + later, 1)
