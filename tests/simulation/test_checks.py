"""The parts of the simulation that are numbers alone: histories, bounds, sizes, names."""

from __future__ import annotations

import re
from collections import deque
from pathlib import Path

import pytest

from supervisor.model.policies import Policies
from supervisor.model.terms import Cause, ExitCause, Segment, Trouble
from tests.simulation import mutants
from tests.simulation.bounds import LOOK, attempts_for, bound
from tests.simulation.expected import EXPECTED, causes, fails, is_planned, segments
from tests.simulation.fault import DATABASE, KINDS, LIVES, YOUTUBE, Fault
from tests.simulation.history import ALL_SHAPES, QUIET_AT_FIRST, QUIET_AT_LAST, Draw, history
from tests.simulation.ladders import Ladder
from tests.simulation.mutants import MUTANTS, Moved, Mutant, make
from tests.simulation.sizes import BOUNDED, Sizes

SITE = {"one": ["main", "backup"], "two": ["main"]}
LADDERS = {"two": Ladder(("two", "two.f1", "two.f2"), frozenset({2}), 0.0, 30.0, warm=False, content=True)}
HOUR = 3600.0


# --- histories -------------------------------------------------------------------------------------


def test_a_seed_is_always_the_same_history_and_another_one_is_not() -> None:
    assert history(7, SITE, HOUR, 30) == history(7, SITE, HOUR, 30)
    assert history(7, SITE, HOUR, 30) != history(8, SITE, HOUR, 30)


@pytest.mark.parametrize("seed", range(5))
def test_a_history_is_in_order_and_leaves_time_to_start_and_to_recover(seed: int) -> None:
    faults = history(seed, SITE, 4 * HOUR, 80)
    assert 70 <= len(faults) <= 90
    assert [fault.at for fault in faults] == sorted(fault.at for fault in faults)
    assert all(fault.at > QUIET_AT_FIRST - 25.0 for fault in faults)
    assert all(fault.at + fault.lasts <= 4 * HOUR - QUIET_AT_LAST + 1.0 for fault in faults)


def test_without_faults_nothing_happens_and_too_short_a_time_has_room_for_nothing() -> None:
    assert history(1, SITE, HOUR, 0) == []
    assert history(1, SITE, 300.0, 20) == []


def test_every_kind_and_every_shape_is_drawn() -> None:
    every = [fault for seed in range(4) for fault in history(seed, SITE, 72 * HOUR, 800, "", LADDERS, ["one"])]
    drawn = {fault.kind for fault in every}
    assert drawn == set(KINDS) - {"switch", "youtube_new"}, "these come by themselves"
    for shape in ALL_SHAPES:
        assert history(3, SITE, 8 * HOUR, 6, shape.__name__, LADDERS, ["one"]), shape.__name__


def test_what_happens_at_youtube_happens_to_streams_that_are_there() -> None:
    kinds = {fault.kind for fault in history(1, SITE, 72 * HOUR, 800, "", LADDERS)}
    assert not any(kind in YOUTUBE or kind == "neverdark_killed_in_call" for kind in kinds)
    there = [fault for fault in history(1, SITE, 72 * HOUR, 800, "", LADDERS, ["two"]) if fault.kind in YOUTUBE]
    assert {fault.stream for fault in there} == {"two"}


def test_without_fallbacks_nothing_is_drawn_that_is_about_them() -> None:
    kinds = {fault.kind for fault in history(1, SITE, 72 * HOUR, 800)}
    assert not any(kind.startswith(("rung_", "picture_", "slate_", "link_")) or kind == "show" for kind in kinds)


def test_what_happens_to_a_fallback_names_it() -> None:
    for fault in history(1, SITE, 72 * HOUR, 800, "", LADDERS):
        if fault.kind.startswith("rung_"):
            assert (fault.stream, fault.destination) == ("two", "fallback1")
        if fault.kind == "show":
            assert fault.destination in {"primary", "fallback1", "fallback2", "auto"}


def test_each_fault_names_what_it_concerns() -> None:
    for fault in history(2, SITE, 72 * HOUR, 500):
        assert fault.destination == "" or fault.destination in SITE[fault.stream]
        whole = fault.kind in {
            "line_down",
            "dns_down",
            "disk_full",
            "no_processes",
            "looks_fail",
            "late_loop",
            "clock_step",
            "reload_bad",
            "reload_same",
            *LIVES,
            *DATABASE,
        }
        assert (fault.stream == "") == whole, fault
        assert bool(fault.destination) == (
            fault.kind.startswith(("pusher_", "ingest_")) or fault.kind == "drill_uplink"
        )


def test_a_time_is_drawn_between_its_bounds_on_a_scale_of_factors() -> None:
    from random import Random  # noqa: PLC0415 - only here

    drawn = [Draw(Random(seed), SITE).between(1.0, 100.0) for seed in range(300)]
    assert all(1.0 <= seconds <= 100.0 for seconds in drawn)
    assert 110 < sum(seconds < 10.0 for seconds in drawn) < 190


# --- what a fault may lead to ----------------------------------------------------------------------


def test_every_kind_has_a_row_and_only_what_fails_has_a_segment() -> None:
    assert set(EXPECTED) == set(KINDS)
    for kind, row in EXPECTED.items():
        assert bool(row.segments) == bool(row.causes), kind
        assert fails(Fault(0.0, kind)) == bool(row.segments), kind
        assert not row.opens or row.segments, kind


def test_what_overlaps_explains_what_either_explains() -> None:
    both = [Fault(0.0, "encoder_killed", "one"), Fault(1.0, "ingest_drops", "one", "main")]
    named: set[Cause] = {ExitCause.KILLED, ExitCause.INGEST_CLOSED}
    assert segments(both) == {Segment.ENCODER, Segment.PLATFORM}
    assert causes(both) == named
    assert Trouble.STALL not in causes(both)


def test_a_command_is_one_process_for_all() -> None:
    killed = [Fault(0.0, "pusher_killed", "one", "main")]
    assert segments(killed) == {Segment.PUSHER}
    assert segments(killed, is_command=True) == {Segment.PUSHER, Segment.ENCODER}


def test_what_somebody_wants_is_planned() -> None:
    assert [is_planned(Fault(0.0, kind)) for kind in ("stop", "drill_source", "encoder_killed")] == [True, True, False]


# --- how soon --------------------------------------------------------------------------------------


def _bound(*faults: Fault) -> float:
    return bound(Policies(), faults)


def test_nothing_that_fails_leaves_no_time() -> None:
    assert _bound(Fault(0.0, "disk_full", lasts=500.0)) == 5.0


def test_a_kill_is_over_within_one_pause_and_two_starts() -> None:
    assert _bound(Fault(0.0, "encoder_killed", "one")) == pytest.approx(2 + 10 + 4 + 20)


def test_a_silent_process_takes_the_stall_time_longer() -> None:
    quick, silent = Fault(0.0, "encoder_killed", "one"), Fault(0.0, "encoder_mute", "one")
    assert _bound(silent) - _bound(quick) == pytest.approx(10.0)


def test_who_is_out_of_attempts_waits_for_the_cooldown_but_not_where_a_look_tells() -> None:
    silent = Fault(0.0, "source_silent", "one", lasts=900.0)
    gone = Fault(0.0, "ingest_down", "one", "main", 900.0)
    assert attempts_for(Policies().restart, [silent]) >= 10
    assert 300.0 < _bound(silent) < 400.0
    assert LOOK < _bound(gone) < 100.0


@pytest.mark.parametrize(("lasts", "spent"), [(0.0, 1), (0.4, 2), (5.0, 4), (90.0, 11)])
def test_a_fault_costs_one_attempt_and_one_for_each_pause_in_its_time(lasts: float, spent: int) -> None:
    assert attempts_for(Policies().restart, [Fault(0.0, "source_gone", "one", lasts=lasts)]) == spent


# --- sizes -----------------------------------------------------------------------------------------


def test_sizes_see_what_grows_and_not_what_is_bounded_by_itself() -> None:
    book = type("Book", (), {"__module__": "supervisor.judge.book"})()
    book.kept, book.bounded, book.inner = [1, 2], deque([1, 2, 3], maxlen=3), {"a": {"b", "c"}}
    assert Sizes().of(book) == {"Book.kept": 2, "Book.inner": 3}


def test_a_size_may_not_grow_but_where_it_says_so() -> None:
    sizes = Sizes()
    assert sizes.allowed("Engine.streams", 20, 20) == 22
    assert sizes.allowed("AllOpen._of", 0, 20) == 20


def test_what_may_grow_for_a_while_is_there() -> None:
    source = "\n".join(file.read_text(encoding="utf-8") for file in (mutants.ROOT / "supervisor").rglob("*.py"))
    for place in BOUNDED:
        owner, attribute = place.split(".")
        assert re.search(rf"^class {owner}\b", source, re.MULTILINE), place
        assert re.search(rf"\b{attribute}: ", source), place


# --- mutants ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_place_that_a_mutant_changes_is_there_and_the_copy_can_be_read(mutant: Mutant, tmp_path: Path) -> None:
    make(mutant, tmp_path)
    text = (tmp_path / "supervisor" / mutant.file).read_text(encoding="utf-8")
    assert mutant.new in text
    compile(text, mutant.file, "exec")


def test_there_are_enough_of_them_with_names_of_their_own() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 20


def test_a_place_that_has_moved_is_told(tmp_path: Path) -> None:
    mutant = Mutant("moved", "lifecycle/table.py", "what nobody wrote", "", ("quiet",))
    with pytest.raises(Moved, match="found 0 times"):
        make(mutant, tmp_path)


def test_a_mutant_is_found_by_the_check_that_must_find_it() -> None:
    mutant = next(mutant for mutant in MUTANTS if mutant.name == "a count that begins anew with each run")
    found = mutants.hunt(mutant)
    assert found.good, found


def test_a_mutant_that_is_none_survives() -> None:
    place = "_LINE_RECHECK = 300.0"
    changed = f"{place}  # so it is"
    harmless = Mutant("a comment", "lifecycle/failing.py", place, changed, ("quiet",), hours=0.3, seeds=1)
    found = mutants.hunt(harmless)
    assert not found.good
    assert found.check is None
