"""What is removed of a recording, when it waits, and what it lacks."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from supervisor.judge.recordings import (
    MOST_LISTED,
    gaps_between_runs,
    index,
    left_behind,
    must_wait,
    read_gaps,
    recorded,
    too_much,
)
from supervisor.model.recordings import Gap, Kept, Segment

NOW = 1_795_787_100.0
KEPT = Kept(Path("/srv/rec"), "cam.tape", ".mkv", 600.0, None, None, 0.05)


def segments(*sizes: int, until: float = NOW, run: str = "a") -> list[Segment]:
    """The latest segments of 600 s each."""
    first = until - 600 * len(sizes)
    return [Segment(f"{run}{at}", first + 600 * at, first + 600 * (at + 1), size, run) for at, size in enumerate(sizes)]


def names(found: list[Segment]) -> list[str]:
    return [one.file for one in found]


def test_nothing_is_removed_unless_that_is_wished() -> None:
    assert too_much(KEPT, segments(*[10**12] * 50), NOW) == []


def test_the_oldest_go_until_the_rest_may_stay() -> None:
    kept = replace(KEPT, size=25)
    assert names(too_much(kept, segments(10, 10, 10, 10), NOW)) == ["a0", "a1"]
    assert names(too_much(kept, segments(10, 10, 5), NOW)) == []


def test_the_newest_stays_whatever_its_size() -> None:
    assert names(too_much(replace(KEPT, size=1), segments(10, 99), NOW)) == ["a0"]
    assert too_much(replace(KEPT, size=1, age=1.0), segments(99), NOW + 10**6) == []


def test_what_is_still_written_stays_though_its_name_is_old() -> None:
    """A clock that was put back names new segments before old ones."""
    old, new = segments(10, 10)
    written = Segment("b0", NOW - 9000, NOW, 10, "b")
    assert names(too_much(replace(KEPT, size=1), [written, old, new], NOW)) == ["a0"]


def test_what_is_too_old_goes_little_by_little() -> None:
    """A clock that is a year ahead for an hour must not empty the folder."""
    kept, many = replace(KEPT, age=3600.0), segments(*[10] * 100)
    assert names(too_much(kept, many, NOW)) == ["a0", "a1"]
    assert names(too_much(kept, many[95:], NOW)) == []
    assert names(too_much(kept, many[95:], NOW + 10**8)) == ["a95", "a96"]


def test_age_and_size_together_remove_nothing_twice() -> None:
    kept = replace(KEPT, age=2000.0, size=30)
    assert names(too_much(kept, segments(*[10] * 6), NOW)) == ["a0", "a1", "a2"]


def test_empty_files_go_when_nobody_writes_to_them_any_more() -> None:
    fresh, old = Segment("x", NOW - 30, NOW - 30, 0, "x"), Segment("y", NOW - 2000, NOW - 1300, 0, "y")
    assert left_behind([fresh, old], NOW, 600.0) == [old]


def test_it_waits_below_the_floor_and_goes_on_well_above_it() -> None:
    assert must_wait(KEPT, 0.051, waits=False) is None
    assert must_wait(KEPT, 0.049, waits=False)
    assert must_wait(KEPT, 0.051, waits=True), "or it would begin and end with every file of others"
    assert must_wait(KEPT, 0.061, waits=True) is None
    assert must_wait(replace(KEPT, free=0.0), 0.0, waits=False) is None


def test_what_lies_between_two_runs_is_a_gap() -> None:
    before, after = segments(1, 1, until=NOW - 30.4), segments(1, 1, until=NOW + 1200, run="b")
    assert gaps_between_runs([*before, *after]) == [Gap(NOW - 31, NOW)]
    assert gaps_between_runs(segments(1, 1, 1)) == []


def test_the_index_tells_all_by_time_and_its_gaps_can_be_read_again() -> None:
    late = Gap(NOW - 900, NOW - 880)
    before, after = segments(7, 8), segments(9, until=NOW + 630, run="b")
    written = index([*before, *after], [late, Gap(5.0, 9.0)])
    lines = [json.loads(line) for line in written.splitlines()]
    assert [line.get("segment", line.get("gap")) for line in lines] == ["a0", 20.0, "a1", 30.0, "b0"]
    assert lines[0] == {"segment": "a0", "begin": "2026-11-27T13:25:00Z", "end": "2026-11-27T13:35:00Z", "bytes": 7}
    assert read_gaps(written) == [late, Gap(NOW, NOW + 30)]
    assert index([*before, *after], read_gaps(written)) == written, "nothing comes twice"


def test_an_index_has_a_bound() -> None:
    assert len(index(segments(*[1] * (MOST_LISTED + 7)), []).splitlines()) == MOST_LISTED


@pytest.mark.parametrize("text", ["{", "[]", "3", '{"gap": 1}', '{"gap": 1, "begin": 3, "end": "x"}', "\x00"])
def test_what_is_no_line_of_an_index_is_passed_over(text: str) -> None:
    assert read_gaps(text) == []


def test_who_asks_gets_the_newest_and_what_they_lack() -> None:
    first, second = segments(10, 20, 30, until=NOW - 660), segments(40, run="b")
    noted = index(first, [Gap(NOW - 5000, NOW - 4990), Gap(NOW - 800, NOW - 795)])
    found = recorded("tape", KEPT, [*first, *second], noted, 2)
    assert (found.total, found.size) == (4, 100)
    assert found.segments == (first[-1], *second)
    assert found.gaps == (Gap(NOW - 800, NOW - 795), Gap(NOW - 660, NOW - 600))
