"""Some histories of worlds with a YouTube, and mistakes that they find. `make simulate` runs longer ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import pytest

from supervisor.platforms.youtube.account import Account
from supervisor.platforms.youtube.desk import Desk
from supervisor.platforms.youtube.model import Broadcast
from supervisor.platforms.youtube.planner import Planner
from supervisor.platforms.youtube.steps import Act, Step
from tests.simulation.aside import Aside
from tests.simulation.channel_checks import OF_YOUTUBE
from tests.simulation.fault import Fault
from tests.simulation.judge import Setup, simulate, watch
from tests.simulation.loop import BEGINNING, Agenda, VirtualLoop
from tests.simulation.report import one, wrong_names
from tests.simulation.scene import Scene
from tests.simulation.world import World, run


@pytest.mark.parametrize(
    "setup",
    [
        pytest.param(Setup(1, 2, 0.5, 6, "studio,lost_answers"), id="people and lost answers"),
        pytest.param(Setup(2, 2, 0.5, 6, "ended_beside,dies_in_call"), id="our own trouble, and a kill in a call"),
        pytest.param(Setup(3, 2, 0.5, 5, "no_access,ingest_complains"), id="no consent, and an ingest that complains"),
    ],
)
def test_what_must_hold_holds(setup: Setup) -> None:
    outcome = simulate(setup)
    wrong = wrong_names([outcome])
    print(*one(outcome), *wrong, sep="\n")
    assert not outcome.failures
    assert not wrong
    assert outcome.incidents > 0


def test_a_seed_is_one_history() -> None:
    setup = Setup(7, 1, 0.25, 4, "studio,lost_answers")
    assert simulate(setup).digest == simulate(setup).digest


def test_viewers_have_a_broadcast_that_is_made_once_and_costs_what_is_counted() -> None:
    world = World(3, 2, youtube=True)
    channel = world.youtube
    assert channel
    run(world, [], 600.0)
    assert all(channel.is_live(spot) for spot in channel.spots.values())
    assert len(channel.fake.studio.made()) == len(channel.spots)
    assert sum(channel.units.values()) == channel.ledger.day.used == channel.fake.quota.used
    world.close()


def _keeps_nothing(self: Account, desk: Desk, step: Step) -> bool:
    desk.planner.intend(self._marker(), self._wall(), rotation=step.rotation)
    return True


@pytest.mark.parametrize(
    ("place", "mistake", "expected", "setup"),
    [
        pytest.param(
            (Account, "_intends"), _keeps_nothing, "no intent", Setup(1, 2, 0.2, 0, youtube=True), id="no trace"
        ),
        pytest.param(
            (Desk, "plan"), lambda *_: 1 / 0, "internal error", Setup(1, 2, 0.2, 0, youtube=True), id="raises"
        ),
    ],
)
def test_a_mistake_is_found(
    monkeypatch: pytest.MonkeyPatch,
    place: tuple[object, str],
    mistake: Callable[..., object],
    expected: str,
    setup: Setup,
) -> None:
    monkeypatch.setattr(*place, mistake)
    outcome = simulate(setup)
    assert any(expected in failure.text for failure in outcome.failures), outcome.failures


def test_a_foreign_broadcast_that_is_touched_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def tidies(self: Planner, known: Mapping[str, Broadcast], now: float, wall: float) -> Step:
        del wall
        others = self._others(known)
        return self._ask(Act.DELETE, others[0], None, now) if others else Step(Act.LOOK, seconds=self.policy.poll)

    monkeypatch.setattr(Planner, "_beside", tidies)
    world = World(3, 1, youtube=True)
    outcome = watch(world, [Fault(300.0, "youtube_foreign", "stream-01", lasts=1500.0)], 1500.0, Setup(3, 1, 0.5, 1))
    world.close()
    assert any("foreign touched" in failure.text for failure in outcome.failures), outcome.failures


def test_work_aside_and_the_world_take_turns() -> None:
    agenda = Agenda()
    loop, aside, said = VirtualLoop(agenda), Aside(), list[str]()

    def work() -> str:
        said.append(f"work begins at {agenda.now - BEGINNING:.0f}")
        aside.pass_(5.0)
        said.append(f"work ends at {agenda.now - BEGINNING:.0f}")
        return "done"

    async def both() -> str:
        task = asyncio.ensure_future(aside.run(work))
        await asyncio.sleep(2.0)
        said.append("meanwhile")
        assert aside.busy
        return await task

    assert loop.run_until_complete(both()) == "done"
    assert said == ["work begins at 0", "meanwhile", "work ends at 5"]
    assert not aside.busy
    loop.close()


def test_work_of_who_has_died_does_nothing_more() -> None:
    agenda = Agenda()
    loop, aside, said = VirtualLoop(agenda), Aside(), list[str]()

    def work() -> None:
        aside.pass_(5.0)
        said.append("it goes on")

    async def dies() -> None:
        task = asyncio.ensure_future(aside.run(work))
        await asyncio.sleep(2.0)
        task.cancel()
        await asyncio.sleep(10.0)

    loop.run_until_complete(dies())
    assert said == []
    loop.close()


def test_the_checks_are_named() -> None:
    world = World(3, 2, youtube=True)
    names = {check(Scene(world)).name for check in OF_YOUTUBE}
    assert names == {"calls", "live_in_time", "pids_stay", "platform_told", "ledger_true"}
    world.close()
