"""neverdark's own end and return, what it remembers, hours on air: each alone; `test_simulation` has all."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TypeVar

import pytest

from supervisor.model import events
from tests.simulation.fault import DATABASE, LIVES, Fault, Kind
from tests.simulation.hours import NIGHTS, Hours
from tests.simulation.judge import Outcome, Setup, simulate, watch
from tests.simulation.report import one, wrong_names
from tests.simulation.world import World

T = TypeVar("T")
MINUTE = 60.0
_ALONE = LIVES - {"neverdark_killed_in_call"}  # that one needs a YouTube
STREAM = "stream-01"


def seen(world: World, faults: list[Fault], seconds: float) -> Outcome:
    """The history with all checks, which must hold."""
    outcome = watch(world, faults, seconds, Setup(world.seed, len(world.site), seconds / 3600.0, len(faults)))
    world.close()
    wrong = wrong_names([outcome])
    assert not outcome.failures, "\n".join([*one(outcome), *wrong])
    return outcome


def told(world: World, kind: type[T]) -> list[tuple[float, T]]:
    return [(at, fact) for at, fact in world.facts if isinstance(fact, kind)]


# --- its end and its return ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(_ALONE - {"neverdark_stopped", "neverdark_killed_at_spawn"}))
def test_what_runs_goes_on_without_neverdark_and_is_taken_over(kind: Kind) -> None:
    world = World(3, streams=2)
    seen(world, [Fault(100.0, kind, lasts=30.0)], 5 * MINUTE)
    started = {fact.pid for _, fact in told(world, events.ProcessStarted)}
    adopted = [fact.pid for at, fact in told(world, events.ProcessAdopted)]
    assert sorted(adopted) == sorted(started), "each once, and nothing else was ever started"
    assert told(world, events.IncidentOpened) == []


def test_killed_between_a_spawn_and_its_note_it_starts_no_second_publisher() -> None:
    world = World(3, streams=1)
    seen(
        world,
        [Fault(100.0, "neverdark_killed_at_spawn", lasts=20.0), Fault(101.0, "pusher_killed", STREAM, "main")],
        300,
    )
    (died,) = [one.began for one in world.faults if one.fault.kind == "pusher_killed"]
    assert [at for at, _ in told(world, events.ProcessAdopted)], "the one whose start it had no time to note"
    assert all(at < died for at, fact in told(world, events.ProcessStarted) if fact.key.destination == "main")
    assert world.table.rivals == []


def test_after_a_stop_in_order_all_begins_anew() -> None:
    world = World(3, streams=1)
    seen(world, [Fault(100.0, "neverdark_stopped", lasts=20.0)], 5 * MINUTE)
    assert told(world, events.ProcessAdopted) == []
    assert told(world, events.IncidentOpened) == []


def test_what_broke_while_nobody_was_there_is_mended_by_the_next_one() -> None:
    world = World(3, streams=1)
    faults = [Fault(100.0, "neverdark_killed", lasts=60.0), Fault(120.0, "encoder_killed", STREAM)]
    seen(world, faults, 5 * MINUTE)
    adopted = [fact.key.name for _, fact in told(world, events.ProcessAdopted)]
    assert adopted
    assert "encoder" not in adopted


def test_what_was_stopped_by_a_signal_is_not_taken_over() -> None:
    world = World(3, streams=1)
    faults = [Fault(98.0, "encoder_stopped", STREAM), Fault(100.0, "neverdark_killed", lasts=5.0)]
    seen(world, faults, 5 * MINUTE)
    assert "encoder" not in [fact.key.name for _, fact in told(world, events.ProcessAdopted)]


# --- what shall be ---------------------------------------------------------------------------------


def test_a_stopped_stream_stays_stopped_whatever_becomes_of_neverdark() -> None:
    world = World(3, streams=1)
    faults = [Fault(100.0, "stop", STREAM)]
    faults += [Fault(150.0 + 100.0 * number, kind, lasts=10.0) for number, kind in enumerate(sorted(_ALONE))]
    seen(world, faults, 800.0)
    assert [at for at, fact in told(world, events.StreamWanted) if fact.wanted] == [pytest.approx(0.0, abs=0.1)]
    recalled = [fact for _, fact in told(world, events.OrdersRecalled) if fact.stopped == (STREAM,)]
    assert len(recalled) == len(_ALONE) - 1


def test_a_word_that_ends_while_neverdark_is_away_is_over_when_it_is_back() -> None:
    """An order that held until the next switch was given the switch after that one."""
    world = World(1, streams=1)  # that does not begin before a summer-time night
    faults = [
        Fault(100.0, "hours", STREAM, lasts=3600.0, detail=6.0),
        Fault(160.0, "restart", STREAM),
        Fault(400.0, "neverdark_killed", lasts=60.0),
    ]
    seen(world, faults, 600.0)
    (switched,) = [one.began for one in world.faults if one.fault.kind == "switch"]
    assert 400.0 < switched < 460.0
    assert max(at for at, fact in told(world, events.StreamWanted) if fact.wanted) < 400.0


def test_hours_on_air_switch_once_in_each_summer_time_night() -> None:
    """The clock goes from 2:00 to 3:00, or shows 2:00 to 3:00 twice, at 1:00 UTC."""
    spring, autumn = NIGHTS
    assert [datetime.fromtimestamp(night, UTC).isoformat() for night in NIGHTS] == [
        "2027-03-28T01:00:00+00:00",
        "2027-10-31T01:00:00+00:00",
    ]
    hours = Hours(on=2 * 60 + 30, off=4 * 60)
    assert [hours.wanted(spring + minutes * MINUTE) for minutes in (-1, 0, 59, 60)] == [False, True, True, False]
    assert hours.next(spring - MINUTE) == spring
    assert [hours.wanted(autumn + minutes * MINUTE) for minutes in (-31, -30, 0, 30, 119, 120)] == [
        *(False, True, True, True, True),
        False,
    ]
    assert hours.next(autumn - 31 * MINUTE) == autumn - 30 * MINUTE
    assert Hours(on=60, off=120).tree == {"on": "0 1 * * *", "off": "0 2 * * *", "timezone": "Europe/Berlin"}


# --- what is remembered ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(DATABASE))
def test_a_database_in_trouble_touches_no_stream_and_what_happened_is_in_it_afterwards(kind: Kind) -> None:
    world = World(3, streams=1)
    faults = [Fault(100.0, kind, lasts=120.0), Fault(110.0, "encoder_killed", STREAM)]
    outcome = seen(world, faults, 6 * MINUTE)
    assert outcome.incidents == 1
    store = world.lives.latest.store
    assert store is not None
    assert (store.state.queue, store.state.dropped) == (0, 0)
    # Slowness is no failure.
    assert len(told(world, events.StoreTrouble)) == len(told(world, events.StoreRecovered)) == (kind != "database_slow")


def test_lives_and_a_database_in_trouble_are_the_same_history_each_time() -> None:
    setup = Setup(seed=5, streams=2, hours=0.4, faults=12, shapes="away,crash,database,word,hours,maintenance")
    first, second = simulate(setup), simulate(setup)
    assert first.digest == second.digest
    assert list(one(first)) == list(one(second))
