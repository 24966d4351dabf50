"""Histories of a login at YouTube, and mistakes in its plan that they find."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from supervisor.platforms.youtube import pauses, planner
from supervisor.platforms.youtube.account import Account
from supervisor.platforms.youtube.desk import Desk
from supervisor.platforms.youtube.planner import Planner
from supervisor.platforms.youtube.steps import Act, Sight, Step, Trouble
from tests.simulation.youtube_checks import WrongError
from tests.simulation.youtube_history import History


@pytest.mark.parametrize("seed", [3, 358, 2003, 2017])
def test_a_history_keeps_all_that_must_hold(tmp_path: Path, seed: int) -> None:
    history = History(seed, tmp_path, 5.0)
    history.run()
    assert len(history.fake.record.all()) > 100


def test_a_seed_is_one_history(tmp_path: Path) -> None:
    told = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        history = History(7, tmp_path / name, 1.0)
        history.run()
        told.append(history.said)
    assert told[0] == told[1]


Plan = Callable[[Planner, Sight, float, float], Step]
_PLAN: Plan = Planner.plan
_BESIDE = Planner._beside


def _forgets(self: Planner, sight: Sight, now: float, wall: float) -> Step:
    self.memory = self.memory._replace(intent=None)
    return _PLAN(self, sight, now, wall)


def _believes(self: Planner, sight: Sight, now: float, wall: float) -> Step:
    return _PLAN(self, sight._replace(sends=True), now, wall)


def _keeps_nothing(self: Account, desk: Desk, step: Step) -> bool:
    desk.planner.intend(self._marker(), self._wall(), rotation=step.rotation)
    return True


def _ends_first(self: Planner, _: Any, now: float, wall: float) -> Step:
    if self.memory.following:
        return Step(Act.TRANSITION, broadcast=self.memory.current, to="complete")
    return self._insert(now, wall, Trouble.NONE, rotation=True)


def _leaves(self: Planner, known: Any, now: float, wall: float) -> Step:
    step = _BESIDE(self, known, now, wall)
    return step if step.rotation or not step.act.writes else Step(Act.LOOK, seconds=self.policy.poll)


@pytest.mark.parametrize(
    ("place", "mistake", "expected", "lived"),  # lived: seed, hours, faults in an hour
    [
        pytest.param((Planner, "plan"), _forgets, "second insert", (8, 4.0, 12.0), id="the intent is forgotten"),
        pytest.param(
            (Account, "_intends"), _keeps_nothing, "second insert", (5, 4.0, 12.0), id="the intent is not kept"
        ),
        pytest.param((planner, "LISTED"), 1.0, "second insert", (5, 4.0, 12.0), id="lists are believed at once"),
        pytest.param((Planner, "_others"), lambda *_: [], "second insert", (2, 4.0, 12.0), id="nobody else counts"),
        pytest.param(
            (planner, "INSERT_EVERY"), 60.0, "inserts in ten minutes", (11, 4.0, 12.0), id="inserts come soon"
        ),
        pytest.param(
            (Planner, "plan"), _believes, "writes without encoder", (2, 4.0, 12.0), id="the encoder does not count"
        ),
        pytest.param((Planner, "_follow"), _ends_first, "gap", (36, 4.0, 12.0), id="a rotation ends the old one first"),
        pytest.param((pauses, "_LONGEST_PAUSE"), 15.0, "thrift", (11, 4.0, 12.0), id="no pause grows"),
        pytest.param((Planner, "_beside"), _leaves, "left beside", (2, 6.0, 1.0), id="what is beside is left"),
    ],
)
def test_a_mistake_in_the_plan_is_found(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: tuple[object, str],
    mistake: object,
    expected: str,
    lived: tuple[int, float, float],
) -> None:
    seed, hours, faults = lived
    monkeypatch.setattr(*place, mistake)
    with pytest.raises(WrongError, match=expected):
        History(seed, tmp_path, hours, faults=faults).run()
