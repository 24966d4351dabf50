"""Some histories in `make test`. `make simulate` runs longer ones; what they have found is in `FOUND`."""

from __future__ import annotations

import pytest

from tests.simulation.judge import Outcome, Setup, simulate
from tests.simulation.report import one, wrong_names

_QUIET = Setup(seed=1, streams=4, hours=0.5, faults=0)
_SOME = [Setup(seed, streams=3, hours=0.5, faults=14) for seed in (1, 2, 3)]
# Histories that have found something, and what.
FOUND: list[tuple[Setup, str]] = []


def _held(outcome: Outcome) -> bool:
    wrong = wrong_names([outcome])
    print(*one(outcome), *wrong, sep="\n")
    return not outcome.failures and not wrong


def test_a_world_without_faults_has_no_recovery_and_no_incident() -> None:
    outcome = simulate(_QUIET)
    assert _held(outcome)
    assert (outcome.incidents, outcome.recoveries) == (0, 0)
    assert outcome.virtual >= _QUIET.hours * 3600


@pytest.mark.parametrize("setup", _SOME, ids=str)
def test_what_must_hold_holds(setup: Setup) -> None:
    outcome = simulate(setup)
    assert _held(outcome)
    assert outcome.incidents > 0
    assert outcome.verdicts.faults.total() >= setup.faults // 2


@pytest.mark.parametrize("setup", [setup for setup, _ in FOUND], ids=[why for _, why in FOUND])
def test_what_was_found_once_holds_now(setup: Setup) -> None:
    assert _held(simulate(setup))


def test_the_same_seed_is_the_same_history_to_the_last_fact() -> None:
    setup = Setup(seed=5, streams=2, hours=0.4, faults=10)
    first, second = simulate(setup), simulate(setup)
    assert list(one(first)) == list(one(second))
    assert first.digest == second.digest
    assert first.digest != simulate(Setup(seed=6, streams=2, hours=0.4, faults=10)).digest
