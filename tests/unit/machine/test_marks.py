"""Names of runs: they tell when a run began, and sort by age."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from supervisor.machine.marks import RunNames, run_id_of

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


def test_two_places_that_start_at_one_moment_have_runs_of_two_names() -> None:
    names, wall = RunNames(), datetime(2026, 11, 27, tzinfo=UTC).timestamp()
    given = [names.name(wall, 1) for _ in range(50)]
    assert len(set(given)) == 50
    assert given[0] == run_id_of(wall, 1), "the first is as it is without others"
    assert given[-1] == "20261127T000000.049Z-1"


def test_names_are_not_remembered_for_ever() -> None:
    names = RunNames()
    for second in range(5000):
        names.name(float(second), 1)
    assert names.name(0.0, 1) == run_id_of(0.0, 1)
