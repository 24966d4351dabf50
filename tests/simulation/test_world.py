"""The simulated machine and probes stand in for every method of the real ones, and a seed is one history."""

from __future__ import annotations

import inspect

import pytest

from supervisor.machine.gather import Gather
from supervisor.machine.kept_pictures import KeptPictures
from supervisor.machine.machine import Machine
from supervisor.machine.media_links import MediaLink
from supervisor.machine.parameter_tap import ParameterTap
from supervisor.machine.process import Child, Outlet
from supervisor.machine.progress_socket import ProgressSocket
from supervisor.machine.recording import Recording
from supervisor.machine.runlog import RunLog
from supervisor.model import events
from supervisor.model.terms import Exit, ExitCause, Role, Segment
from supervisor.probes.probes import Probes
from tests.simulation import wires
from tests.simulation.fault import KINDS, YOUTUBE, Fault
from tests.simulation.ladders import Plan
from tests.simulation.loop import BEGINNING
from tests.simulation.machine import SimulatedMachine
from tests.simulation.probes import SimulatedProbes
from tests.simulation.world import World, run

MINUTE = 60.0
_FALLBACKS = {
    kind for kind in KINDS if kind.startswith("rung_") or kind in {"show", "slate_gone", "link_distant", "no_keyframe"}
}
_AT_YOUTUBE = {*YOUTUBE, "neverdark_killed_in_call"}
_ELSEWHERE = {*_FALLBACKS, *_AT_YOUTUBE}
_WITH_DETAIL = {"clock_step", "hours", "stop_until", "start_until"}


@pytest.mark.parametrize(
    ("real", "simulated"),
    [
        (Machine, SimulatedMachine),
        (Probes, SimulatedProbes),
        (Child, wires.SimulatedChild),
        (Gather, wires.SimulatedGather),
        (KeptPictures, wires.SimulatedPictures),
        (MediaLink, wires.SimulatedLink),
        (Outlet, wires.SimulatedOutlet),
        (ParameterTap, wires.SimulatedTap),
        (ProgressSocket, wires.SimulatedProgress),
        (Recording, wires.SimulatedRecording),
        (RunLog, wires.SimulatedLog),
    ],
)
def test_nothing_real_is_left(real: type, simulated: type) -> None:
    public = {name for name, _ in inspect.getmembers(real) if not name.startswith("_")}
    assert {name for name in public - vars(simulated).keys() if callable(getattr(real, name))} == set()


def history(seed: int, faults: list[Fault], seconds: float = 10 * MINUTE, streams: int = 1) -> World:
    world = World(seed, streams)
    run(world, faults, seconds)
    world.close()
    return world


def told(world: World, kind: type) -> list[object]:
    return [fact for _, fact in world.facts if isinstance(fact, kind)]


def test_without_faults_all_are_on_air_and_nothing_is_told_of_them() -> None:
    world = history(1, [], streams=3)
    started = told(world, events.ProcessStarted)
    assert len(started) == len({fact.key for fact in started if isinstance(fact, events.ProcessStarted)})
    on_air = [fact.on_air for fact in told(world, events.StreamOnAir) if isinstance(fact, events.StreamOnAir)]
    assert on_air == [True] * 3 + [False] * 3  # at the start and at the end
    assert told(world, events.IncidentOpened) == []
    assert world.alive() == world.open_descriptors() == []
    assert world.table.rivals == []


def test_every_kind_of_fault_can_be_carried_out() -> None:
    streams = {"stream-01": "main"}
    faults = [
        Fault(
            60.0 + 180.0 * number, kind, *next(iter(streams.items())), lasts=20.0, detail=10.0 * (kind in _WITH_DETAIL)
        )
        for number, kind in enumerate(kind for kind in KINDS if kind not in {"stop", "start", "switch", *_ELSEWHERE})
    ]
    faults += [
        Fault(60.0 + 180.0 * len(faults), "stop", "stream-01"),
        Fault(90.0 + 180.0 * len(faults), "start", "stream-01"),
    ]
    world = history(3, faults, 180.0 * len(faults) + 600.0)
    came = [one.fault.kind for one in world.faults if one.fault.kind != "switch"]
    assert came == [fault.kind for fault in faults]
    assert all(one.ended is not None for one in world.faults)
    assert world.alive() == world.open_descriptors() == []
    assert world.table.rivals == []
    assert told(world, events.InternalError) == []


def test_what_happens_to_a_fallback_can_be_carried_out() -> None:
    world = World(3, 1, fallbacks=Plan(("camera", "slate"), warm=True, content=True))
    faults = [
        Fault(60.0 + 120.0 * number, kind, "stream-01", "fallback1", lasts=20.0)
        for number, kind in enumerate(sorted(_FALLBACKS))
    ]
    run(world, faults, 120.0 * len(faults) + 400.0)
    world.close()
    assert [one.fault for one in world.faults] == faults
    assert all(one.ended is not None for one in world.faults)
    assert world.alive() == world.open_descriptors() == []
    assert told(world, events.InternalError) == []


def test_what_happens_at_youtube_can_be_carried_out() -> None:
    world = World(3, 1, youtube=True)
    by_themselves, for_a_day, first = "youtube_new", "youtube_quota", "youtube_ended"
    kinds = sorted(_AT_YOUTUBE - {by_themselves, for_a_day, first}, key=lambda kind: (kind == "youtube_deleted", kind))
    faults = [Fault(200.0 + 150.0 * number, kind, "stream-01", lasts=20.0) for number, kind in enumerate(kinds)]
    faults.append(Fault(250.0, "youtube_ended", "stream-01"))  # a repair, in which neverdark can be killed
    run(world, faults, 150.0 * len(kinds) + 900.0)
    assert {one.fault.kind for one in world.faults} == {by_themselves, first, *kinds}
    assert all(one.ended is not None for one in world.faults)
    assert world.alive() == world.open_descriptors() == []
    assert told(world, events.InternalError) == []
    world.close()


def test_a_kill_is_replaced_and_named() -> None:
    world = history(3, [Fault(100.0, "encoder_killed", "stream-01")])
    (opened,) = told(world, events.IncidentOpened)
    assert isinstance(opened, events.IncidentOpened)
    assert (opened.incident.cause, opened.incident.segment) == (ExitCause.KILLED, Segment.ENCODER)


def test_what_was_left_behind_is_ended_before_anything_starts() -> None:
    worlds = [history(seed, [], MINUTE) for seed in range(1, 9)]
    ended = [told(world, events.OrphanEnded) for world in worlds]
    assert any(ended)
    assert not all(ended)
    for world in worlds:
        kinds = [type(fact) for _, fact in world.facts]
        if events.OrphanEnded in kinds:
            assert kinds.index(events.OrphanEnded) < kinds.index(events.ProcessStarted)


def test_an_encoder_whose_source_has_ended_is_found_out_also_when_it_goes_on() -> None:
    versions = set()
    for seed in (3, 8):
        world = history(seed, [Fault(100.0, "source_ended", "stream-01")], 5 * MINUTE)
        versions.add(world.version)
        (opened,) = told(world, events.IncidentOpened)
        assert isinstance(opened, events.IncidentOpened)
        assert (opened.incident.cause, opened.incident.segment) == (ExitCause.SOURCE_ENDED, Segment.SOURCE)
    assert versions == {"5.1", "9.0"}


def test_the_same_seed_gives_the_same_facts() -> None:
    faults = [Fault(100.0, "line_down", lasts=30.0), Fault(200.0, "pusher_killed", "stream-02", "main")]
    assert history(5, faults, streams=3).facts == history(5, faults, streams=3).facts


def test_the_world_goes_on_while_the_loop_stands_still() -> None:
    world = World(3, 1)
    seen: list[tuple[float, int]] = []

    def look(world: World) -> None:
        seen.append((world.now, len(world.wires.reports[next(iter(world.wires.reports))].waiting)))

    run(world, [Fault(100.0, "late_loop", lasts=8.0)], 120.0, look)
    world.close()
    assert max(waiting for now, waiting in seen if 100.0 < now < 108.0) >= 3
    assert told(world, events.ProcessSilent) == []


def test_a_kill_while_it_is_stopped_ends_it() -> None:
    world = World(3, 1)
    ended: list[Exit | None] = []

    def kill() -> None:
        encoder = world.table.at("stream-01", Role.ENCODER)
        assert encoder is not None
        encoder.signal(19)
        encoder.signal(15)
        encoder.signal(15)
        world.agenda.later(5.0, lambda: ended.append(encoder.ended))
        world.agenda.later(6.0, lambda: encoder.signal(9))
        world.agenda.later(7.0, lambda: ended.append(encoder.ended))

    world.agenda.at(BEGINNING + 60.0, kill)
    run(world, [], 120.0)
    world.close()
    assert ended == [None, Exit(None, 9)]
