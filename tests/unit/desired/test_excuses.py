"""What was announced counts from its beginning to its end, and is not kept for ever."""

from __future__ import annotations

import pytest

from supervisor.desired.excuses import MAINTENANCE, Excuse, Excuses, Kind
from supervisor.model.subjects import Subject

CAM, OTHER = Subject("cam"), Subject("other")


def excuse(kind: Kind, since: float, until: float | None, subject: Subject = CAM) -> Excuse:
    return Excuse(kind, subject, since, until, "operator", "new lens")


@pytest.mark.parametrize(("at", "active"), [(99.9, False), (100.0, True), (159.9, True), (160.0, False)])
def test_it_counts_from_its_beginning_to_its_end(at: float, *, active: bool) -> None:
    known = Excuses()
    drill = excuse(Kind.DRILL, 100.0, 160.0)
    known.open(drill)
    assert known.active(CAM, at) == ((drill,) if active else ())
    assert known.covers(CAM, {Kind.DRILL}, at) is active
    assert not known.covers(CAM, {Kind.MAINTENANCE}, at), "of another kind"
    assert not known.covers(OTHER, {Kind.DRILL}, at), "of another stream"


def test_without_an_end_it_counts_until_somebody_ends_it() -> None:
    known = Excuses()
    known.open(excuse(Kind.MAINTENANCE, 100.0, None))
    assert known.covers(CAM, {Kind.MAINTENANCE}, 1e9)
    known.end(CAM, Kind.MAINTENANCE)
    assert known.active(CAM, 1e9) == ()
    known.end(CAM, Kind.MAINTENANCE)  # twice, or of who is not known, does no harm
    known.end(OTHER, Kind.MAINTENANCE)


def test_several_kinds_count_beside_each_other_and_end_by_themselves() -> None:
    known = Excuses()
    known.open(excuse(Kind.DRILL, 100.0, 160.0))
    known.open(excuse(Kind.MAINTENANCE, 110.0, 120.0))
    assert {one.kind for one in known.active(CAM, 115.0)} == {Kind.DRILL, Kind.MAINTENANCE}
    known.end(CAM, Kind.DRILL)
    assert [one.kind for one in known.active(CAM, 115.0)] == [Kind.MAINTENANCE]


def test_the_next_of_a_kind_takes_the_place_of_the_one_before() -> None:
    known = Excuses()
    known.open(excuse(Kind.DRILL, 100.0, 160.0))
    known.open(excuse(Kind.DRILL, 130.0, 140.0))
    assert not known.covers(CAM, {Kind.DRILL}, 145.0)


def test_maintenance_is_a_drill_or_maintenance_and_neither_a_stop_nor_a_reload() -> None:
    for kind in Kind:
        known = Excuses()
        known.open(excuse(kind, 0.0, None))
        assert known.covers(CAM, MAINTENANCE, 1.0) is (kind in {Kind.DRILL, Kind.MAINTENANCE}), kind


def test_a_year_of_announcements_leaves_no_more_than_one_of_each_kind() -> None:
    known = Excuses()
    for number in range(10_000):
        for kind in Kind:
            known.open(excuse(kind, number, number + 0.5))
    assert len(known._of) == 1
    assert len(known._of[CAM]) <= len(Kind)
    known.forget(CAM)
    assert not known._of
