"""Some histories in `make test`. `make simulate` runs longer ones."""

from __future__ import annotations

import pytest

from supervisor.model import events
from tests.simulation.fault import Fault
from tests.simulation.history import OUT_THERE
from tests.simulation.judge import Outcome, Setup, simulate, watch
from tests.simulation.report import one, wrong_names
from tests.simulation.world import World

_OUT_THERE = ",".join(shape.__name__ for shape in OUT_THERE)
_QUIET = Setup(seed=1, streams=4, hours=0.5, faults=0)
# Seeds, and why these; what finds something later gets a row here.
_SEEDS: tuple[tuple[Setup, str], ...] = (
    (
        Setup(1, streams=3, hours=0.5, faults=14, shapes=_OUT_THERE),
        "a camera that comes and goes, a drill, a late loop",
    ),
    (Setup(2, streams=3, hours=0.5, faults=14, shapes=_OUT_THERE), "a burst, and an operator in the middle of it"),
    (
        Setup(3, streams=3, hours=0.5, faults=14, shapes=_OUT_THERE),
        "one ingest and one power strip for several, and a line that is down",
    ),
    (Setup(8, streams=4, hours=0.5, faults=8, shapes="one_line"), "the line alone, again and again"),
    (
        Setup(3, streams=3, hours=0.5, faults=14, shapes="no_room,blind"),
        "no process can be started, the kernel is mute",
    ),
    # neverdark itself, and what it remembers.
    (
        Setup(6, streams=3, hours=0.5, faults=20, shapes="away,crash"),
        "killed, left, upgraded and stopped in the middle",
    ),
    (Setup(2, streams=2, hours=0.5, faults=12, shapes="database,word"), "a database in trouble, and words to be kept"),
    (Setup(4, streams=3, hours=1, faults=16, shapes="hours,maintenance"), "an autumn night, and maintenance"),
    # Fallbacks.
    (
        Setup(22, streams=2, hours=0.4, faults=10, shapes="camera_lost,all_dead,bad_picture,slate_lost"),
        "cameras, second cameras and slates that fail",
    ),
    (
        Setup(24, streams=2, hours=0.4, faults=10, shapes="away_on_fallback,refused_switch,shown"),
        "switches by order, refused ones, and neverdark away in the middle",
    ),
    # What longer ones have found.
    (
        Setup(46, streams=2, hours=1, faults=40, shapes="flapping", until=1500),
        "an ingest away for seconds, no attempt left",
    ),
    (
        Setup(56, streams=6, hours=6, faults=150, shapes=_OUT_THERE, until=9240),
        "a line that came back while an ingest was asked",
    ),
)


def _held(outcome: Outcome) -> bool:
    wrong = wrong_names([outcome])
    print(*one(outcome), *wrong, sep="\n")
    return not outcome.failures and not wrong


def test_a_world_without_faults_has_no_recovery_and_no_incident() -> None:
    outcome = simulate(_QUIET)
    assert _held(outcome)
    assert (outcome.incidents, outcome.recoveries) == (0, 0)
    assert outcome.virtual >= _QUIET.hours * 3600


@pytest.mark.parametrize("setup", [setup for setup, _ in _SEEDS], ids=[why for _, why in _SEEDS])
def test_what_must_hold_holds(setup: Setup) -> None:
    outcome = simulate(setup)
    assert _held(outcome)
    assert outcome.incidents > 0
    share = 1.0 if setup.until is None else setup.until / (setup.hours * 3600)
    assert outcome.verdicts.faults.total() >= setup.faults * share / 2


def test_what_is_sent_into_the_void_is_no_proof_that_the_line_is_up() -> None:
    """As in seed 405 of six streams, six hours and 150 faults: a source came back while the line was down."""
    world = World(5, streams=2)
    faults = [
        Fault(100.0, "source_gone", "stream-02", lasts=200.0),
        Fault(160.0, "line_down", lasts=260.0),
    ]
    outcome = watch(world, faults, 600.0, Setup(5, streams=2, hours=1 / 6, faults=len(faults)))
    world.close()
    assert _held(outcome)
    turns = [fact.down for _, fact in world.facts if isinstance(fact, events.LineChanged)]
    assert turns == [True, False]


def test_the_same_seed_is_the_same_history_to_the_last_fact() -> None:
    setup = Setup(seed=5, streams=2, hours=0.4, faults=10)
    first, second = simulate(setup), simulate(setup)
    assert list(one(first)) == list(one(second))
    assert first.digest == second.digest
    assert first.digest != simulate(Setup(seed=6, streams=2, hours=0.4, faults=10)).digest
