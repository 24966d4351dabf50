"""A stream that has fallbacks: whose the incident is, and that it lasts as long as viewers see one of them."""

from __future__ import annotations

from collections.abc import Collection

from supervisor.judge.entries import Complaint, Failed, Feeding
from supervisor.judge.incidents import Book
from supervisor.model.incidents import Incident
from supervisor.model.subjects import Subject
from supervisor.model.terms import ExitCause, ProcessKey, Role, Segment, Trouble

OWN, FIRST, SLATE = (ProcessKey("cam", Role.ENCODER, rung=rung) for rung in range(3))


def book() -> Book:
    made = Book()
    made.tally.know("cam", is_command=False)
    return made


def fail(of: Book, key: ProcessKey, at: float, *, covered: bool = False) -> None:
    of.fail(Failed(key, ExitCause.SOURCE_UNREACHABLE, Segment.SOURCE, 0.5, covered=covered), now=at, wall=at)


def look(of: Book, advancing: Collection[ProcessKey], feeding: int, first: float, last: float) -> None:
    for second in range(int(last - first) + 1):
        now = first + second
        of.look(
            lambda key, now=now: now if key in advancing else None,  # type: ignore[misc]
            lambda _: False,
            lambda _: False,
            lambda _: Feeding(feeding),
            now=now,
            wall=now,
        )


def open_now(of: Book, at: float) -> list[Incident]:
    return [one for one in of.incidents("cam", at) if one.closed is None]


def test_a_process_is_named_with_its_rung() -> None:
    assert Subject.of(SLATE).key == SLATE
    assert str(Subject.of(SLATE)) == "cam/fallback2"


def test_a_fallback_that_fails_does_not_take_over_what_is_told_of_the_source() -> None:
    of = book()
    fail(of, OWN, 10.0)
    fail(of, SLATE, 10.3)
    look(of, {FIRST, SLATE}, 1, 11.0, 20.0)
    of.planned([SLATE], now=20.0, wall=20.0)  # it is not needed any more
    look(of, {FIRST}, 1, 21.0, 200.0)
    assert open_now(of, 200.0), "the source is still gone"
    look(of, {OWN}, 0, 201.0, 240.0)
    assert not open_now(of, 240.0)


def test_who_has_failed_after_a_fallback_is_the_root_when_that_one_is_not_needed_any_more() -> None:
    of = book()
    fail(of, FIRST, 10.0, covered=True)
    fail(of, OWN, 10.4)
    of.planned([FIRST], now=20.0, wall=20.0)
    look(of, {SLATE}, 2, 21.0, 100.0)
    assert open_now(of, 100.0)


def test_what_was_wrong_with_the_picture_is_told_while_viewers_see_something_else() -> None:
    of = book()
    of.complain(Complaint(Subject("cam"), Trouble.BLACK, Segment.SOURCE), "black", now=10.0, wall=10.0)
    of.praise(Subject("cam"), "black")
    look(of, {OWN, FIRST}, 1, 20.0, 90.0)
    assert open_now(of, 90.0)
    look(of, {OWN}, 0, 91.0, 120.0)
    assert open_now(of, 120.0)
    look(of, {OWN}, 0, 121.0, 130.0)
    assert not open_now(of, 130.0)
