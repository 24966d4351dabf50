"""The engine: after each order, the streams are what they shall be, and whoever only looks changes nothing."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from supervisor.desired.excuses import Excuse, Kind
from supervisor.model import events
from supervisor.model.facts import Fact
from supervisor.model.maintenance import MaintenanceOrder
from supervisor.model.snapshot import Refused, StreamSnapshot
from supervisor.model.subjects import Subject
from supervisor.model.terms import Role
from supervisor.model.until import parse_until
from supervisor.stream.stream import Stream
from tests.unit.hand_machine import Scene, play

ONE = "defaults: {watchdog: {enabled: false}}\nstreams:\n"


def stream(name: str, *more: str, word: str = "on") -> str:
    return "".join([f"  {name}:\n    command: [program, {word}]\n", *(f"    {line}\n" for line in more)])


def config(*streams: str) -> str:
    return ONE + "".join(streams)


def wanted(scene: Scene) -> dict[str, bool]:
    return {name: one.wanted for name, one in scene.engine.streams.items()}


def why(scene: Scene) -> list[tuple[str, bool, str]]:
    return [(fact.stream, fact.wanted, fact.why) for fact in scene.facts(events.StreamWanted)]


async def shown(scene: Scene, name: str) -> StreamSnapshot:
    snapshot = await scene.engine.snapshot()
    return next(one for one in snapshot.streams if one.name == name)


def test_hours_on_air_that_would_end_most_streams_are_not_taken_without_a_word(tmp_path: Path) -> None:
    """A slip in `defaults` would else take everything off the air."""
    on, off = ('schedule: {on: "0 0 * * *", off: "59 23 31 12 *", timezone: UTC}' for _ in range(2))
    off = off.replace('on: "0 0 * * *"', 'on: "58 23 31 12 *"')

    async def test(scene: Scene) -> None:
        assert wanted(scene) == {"a": True, "b": True, "c": False}
        scene.write(config(stream("a", off), stream("b", off), stream("c", off)))
        outcome = await scene.engine.reload()
        assert isinstance(outcome, events.ConfigRejected)
        assert "2 of the 2 streams that are wanted now (a, b)" in outcome.problems[0]
        assert wanted(scene) == {"a": True, "b": True, "c": False}
        scene.engine.request("start", "a")  # who wants it on whatever the schedule says, need not be asked
        assert isinstance(await scene.engine.reload(), events.ConfigReloaded)
        assert wanted(scene) == {"a": True, "b": False, "c": False}
        scene.write(config(stream("a", off), stream("b", off), stream("c", off, word="other")))
        assert isinstance(await scene.engine.reload(), events.ConfigReloaded), "the same hours end nothing"
        assert isinstance(await reload(scene, stream("a", on), stream("b", on), stream("c", on)), events.ConfigReloaded)
        assert wanted(scene)["b"]

    play(tmp_path, config(stream("a"), stream("b"), stream("c", "enabled: false")), test)


async def reload(scene: Scene, *streams: str) -> object:
    scene.write(config(*streams))
    return await scene.engine.reload(allow_removal=True)


def test_what_is_enabled_runs_from_the_start_to_the_end(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        assert wanted(scene) == {"a": True, "b": False}
        assert why(scene) == [("a", True, "start")]
        assert (await shown(scene, "a")).origin == "file"
        await asyncio.sleep(3)
        assert [(fact.stream, fact.on_air) for fact in scene.facts(events.StreamOnAir)] == [("a", True)]

    scene = play(tmp_path, config(stream("a"), stream("b", "enabled: false")), test)
    assert why(scene)[-1] == ("a", False, "shutdown")
    assert scene.alive() == []
    assert scene.facts(events.InternalError) == []


def test_an_operators_stop_holds_until_a_start_or_a_restart(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        engine = scene.engine
        assert engine.request("stop", "a")
        assert not scene.engine.streams["a"].wanted
        await asyncio.sleep(2)
        assert scene.alive() == []
        await reload(scene, stream("a", word="other"))
        assert not scene.alive(), "nor does another configuration start it, that is as enabled as before"
        assert engine.request("start", "a")
        assert scene.child("a", Role.COMMAND).argv == ["program", "other"]
        engine.request("stop", "a")
        await asyncio.sleep(2)
        engine.request("restart", "a")
        assert why(scene)[1:] == [("a", verb, "operator") for verb in (False, True, False, True)]
        assert not engine.request("start", "unknown")

    play(tmp_path, config(stream("a")), test)


def test_an_order_that_changes_nothing_touches_nothing(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        await asyncio.sleep(2)
        before, told = scene.alive(), list(scene.told)
        scene.engine.request("start", "a")
        scene.engine.request("stop", "b")
        await asyncio.sleep(2)
        told += [fact for fact in scene.told if isinstance(getattr(fact, "what", fact), events.StreamOrdered)]
        assert (scene.alive(), scene.told) == (before, told)

    play(tmp_path, config(stream("a"), stream("b", "enabled: false")), test)


def test_a_restart_replaces_what_runs_and_is_told_as_nothing_else(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        first = scene.child("a", Role.COMMAND)
        scene.engine.request("restart", "a")
        await asyncio.sleep(2)
        assert scene.child("a", Role.COMMAND) is not first
        assert why(scene) == [("a", True, "start")]

    play(tmp_path, config(stream("a")), test)


@pytest.mark.parametrize("operator", [None, "start", "stop"])
def test_a_reload_that_switches_enabled_overrules_an_operator(tmp_path: Path, operator: str | None) -> None:
    async def test(scene: Scene) -> None:
        if operator:
            scene.engine.request(operator, "a")
        await reload(scene, stream("a", "enabled: false"))
        await asyncio.sleep(2)
        assert (wanted(scene), scene.alive()) == ({"a": False}, [])
        if operator:
            scene.engine.request(operator, "a")
        await reload(scene, stream("a"))
        await asyncio.sleep(2)
        assert wanted(scene) == {"a": True}
        assert len(scene.alive()) == 1

    play(tmp_path, config(stream("a")), test)


def test_a_reload_adds_changes_and_removes_and_leaves_the_rest_alone(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        same = scene.child("same", Role.COMMAND)
        told = await reload(scene, stream("new"), stream("same"), stream("changed", word="other"))
        assert isinstance(told, events.ConfigReloaded)
        assert (told.added, told.removed, told.changed) == (("new",), ("gone",), ("changed",))
        await asyncio.sleep(3)
        assert list(scene.engine.streams) == ["new", "same", "changed"], "as they stand in the file"
        assert scene.child("same", Role.COMMAND) is same
        assert scene.child("changed", Role.COMMAND).argv == ["program", "other"]
        assert why(scene)[3:] == [("gone", False, "config"), ("new", True, "config")]
        order = [type(fact).__name__ for fact in scene.facts(events.ConfigReloaded | events.StreamWanted)][3:]
        assert order == ["StreamWanted", "ConfigReloaded", "StreamWanted"], "what is new starts after it is told"
        assert scene.engine.incidents("gone") is None
        assert scene.facts(events.IncidentOpened) == []

    play(tmp_path, config(stream("same"), stream("changed"), stream("gone")), test)


def test_who_comes_back_while_it_is_still_on_its_way_out_runs_again(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        leaving = scene.child("a", Role.COMMAND)
        leaving.obeys = False
        await reload(scene, stream("b"))
        assert wanted(scene) == {"a": False, "b": True}
        told = await reload(scene, stream("a"), stream("b"))
        assert isinstance(told, events.ConfigReloaded)
        assert told.added == ("a",)
        assert scene.child("a", Role.COMMAND) is leaving
        leaving.ends(0)
        await asyncio.sleep(2)
        assert scene.child("a", Role.COMMAND) is not leaving
        assert wanted(scene) == {"a": True, "b": True}

    play(tmp_path, config(stream("a"), stream("b")), test)


def test_a_file_that_is_refused_changes_nothing_and_is_told_once(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        before = scene.alive()
        scene.write("streams: 3\n")
        outcome = await scene.engine.reload()
        assert isinstance(outcome, events.ConfigRejected)
        await asyncio.sleep(30)  # it is tried again now and then
        assert len(scene.facts(events.ConfigRejected)) == 1
        snapshot = await scene.engine.snapshot()
        assert snapshot.config.problems == outcome.problems
        assert scene.alive() == before
        await reload(scene, stream("a"))
        assert (await scene.engine.snapshot()).config.problems == ()

    play(tmp_path, config(stream("a")), test)


def test_a_file_that_would_end_most_streams_is_not_taken_without_a_word(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        scene.write(config(stream("other")))
        outcome = await scene.engine.reload()
        assert isinstance(outcome, events.ConfigRejected)
        assert "--allow-removal" in outcome.problems[0]
        assert wanted(scene) == {"a": True}

    play(tmp_path, config(stream("a")), test)


def test_a_stop_while_the_streams_are_being_started_holds(tmp_path: Path) -> None:
    """The start went through its list without asking again."""
    names = [f"s{number}" for number in range(20)]

    async def test(scene: Scene) -> None:
        await asyncio.sleep(1)
        assert wanted(scene) == {name: name != "s19" for name in names}

    def early(scene: Scene, fact: object) -> None:
        if isinstance(getattr(fact, "what", fact), events.StreamWanted) and len(why(scene)) == 1:
            scene.engine.request("stop", "s19")

    play(tmp_path, config(*map(stream, names)), test, listener=early)


def test_at_the_end_everything_stops_whatever_an_operator_said(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        scene.engine.request("start", "b")
        scene.engine.stop()
        assert not scene.engine.request("restart", "a")
        scene.write(config(stream("a"), stream("late")))
        assert isinstance(await scene.engine.reload(allow_removal=True), events.ConfigRejected)

    scene = play(tmp_path, config(stream("a"), stream("b", "enabled: false")), test)
    assert why(scene)[-2:] == [("a", False, "shutdown"), ("b", False, "shutdown")]


def test_a_second_stop_does_not_wait_for_who_is_polite(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        child, began = scene.child("a", Role.COMMAND), scene.loop.time()
        child.obeys = False
        scene.engine.stop()
        await asyncio.sleep(0.1)
        assert scene.alive() == [child]
        scene.engine.stop()
        await asyncio.sleep(0.1)
        assert scene.alive() == []
        assert scene.loop.time() - began < 1

    play(tmp_path, config(stream("a")), test)


# --- excuses ---------------------------------------------------------------------------------------


def test_what_is_announced_counts_and_what_fails_then_is_a_drill(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        engine = scene.engine
        assert not engine.drill("unknown", 60, None, None)
        await asyncio.sleep(5)
        assert engine.drill("a", 60, None, None)
        assert (await shown(scene, "a")).maintenance
        assert not (await shown(scene, "b")).maintenance
        with pytest.raises(Refused, match="another drill"):
            engine.drill("a", 60, None, None)
        with pytest.raises(Refused, match="switched off"):
            engine.drill("b", 60, None, None)
        scene.child("a", Role.COMMAND).ends(1)
        await asyncio.sleep(10)
        assert [fact.incident.drill for fact in scene.facts(events.IncidentOpened)] == [True]
        assert sum((await shown(scene, "a")).off_air_seconds.values()) == 0
        assert engine.drill("a", 0, None, None), "0 seconds end it"
        assert not (await shown(scene, "a")).maintenance
        assert engine.drill("a", 30, None, None)
        await asyncio.sleep(30.1)
        assert not (await shown(scene, "a")).maintenance, "it ends by itself"
        assert [fact.seconds for fact in scene.facts(events.DrillAnnounced)] == [60, 0, 30]

    play(tmp_path, config(stream("a"), stream("b", "drills: false")), test)


def test_maintenance_is_excused_time_for_whoever_opens_it(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        await asyncio.sleep(5)
        now = scene.loop.time()
        scene.engine.excuses.open(Excuse(Kind.MAINTENANCE, Subject("a"), now, now + 60, "operator", "new lens"))
        scene.machine.broken = True
        scene.child("a", Role.COMMAND).ends(1)
        await asyncio.sleep(50)
        one = await shown(scene, "a")
        assert (one.on_air, one.maintenance) == (False, True)
        assert sum(one.off_air_seconds.values()) == 0
        await asyncio.sleep(30)
        one = await shown(scene, "a")
        assert not one.maintenance
        assert 15 < sum(one.off_air_seconds.values()) < 25, "from then on it counts"

    play(tmp_path, config(stream("a")), test)


# --- hours on air ----------------------------------------------------------------------------------

# The clock begins at 22:30 UTC.
EVENING = 'schedule: {on: "0 6 * * *", off: "32 22 * * *"}'
NIGHT = 'schedule: {on: "32 22 * * *", off: "0 6 * * *"}'
HOUR = 3600.0


def clock(scene: Scene, seconds: float) -> None:
    """Somebody sets the clock, by so much."""
    before = scene.machine.wall
    scene.machine.wall = lambda: before() + seconds


async def desired(scene: Scene, name: str) -> tuple[bool, str, str]:
    one = await shown(scene, name)
    until = datetime.fromtimestamp(one.desired.until, UTC) if one.desired.until else None
    return one.wanted, one.desired.by, f"{until:%H:%M}" if until else ""


def test_a_schedule_switches_streams_and_that_is_no_failure(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        assert [await desired(scene, name) for name in ("day", "night", "other")] == [
            (True, "schedule", "22:32"),
            (False, "schedule", "22:32"),
            (True, "enabled", ""),
        ]
        await asyncio.sleep(115)
        assert wanted(scene) == {"day": True, "night": False, "other": True}
        await asyncio.sleep(10)
        assert wanted(scene) == {"day": False, "night": True, "other": True}
        await asyncio.sleep(60)
        assert [await desired(scene, name) for name in ("day", "night")] == [
            (False, "schedule", "06:00"),
            (True, "schedule", "06:00"),
        ]
        assert why(scene)[2:] == [("day", False, "schedule"), ("night", True, "schedule")]
        day = await shown(scene, "day")
        assert day.wanted_seconds == pytest.approx(120, abs=3), "then nobody wanted it"
        assert sum(day.off_air_seconds.values()) < 3
        assert scene.facts(events.IncidentOpened) == []

    play(tmp_path, config(stream("day", EVENING), stream("night", NIGHT), stream("other")), test)


def test_a_clock_that_is_set_is_followed_at_the_next_second(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        clock(scene, HOUR)
        await asyncio.sleep(1.6)
        assert wanted(scene) == {"day": False, "night": True}
        clock(scene, -HOUR)
        await asyncio.sleep(1.6)
        assert wanted(scene) == {"day": True, "night": False}
        clock(scene, -20 * HOUR)
        await asyncio.sleep(1.6)
        assert wanted(scene) == {"day": False, "night": True}

    play(tmp_path, config(stream("day", EVENING), stream("night", NIGHT)), test)


def test_an_order_holds_until_the_next_switch_and_then_the_schedule_counts(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        engine = scene.engine
        engine.request("stop", "day", None, "lunch")
        engine.request("start", "night", parse_until("10m"))
        assert (await shown(scene, "day")).desired[1:3] == ("operator", "lunch")
        assert [await desired(scene, name) for name in ("day", "night")] == [
            (False, "operator", "22:32"),
            (True, "operator", "22:40"),
        ]
        await asyncio.sleep(125)
        assert [await desired(scene, name) for name in ("day", "night")] == [
            (False, "schedule", "06:00"),
            (True, "operator", "22:40"),
        ]
        await asyncio.sleep(600)
        assert await desired(scene, "night") == (True, "schedule", "06:00")
        assert [fact.stream for fact in scene.facts(events.OrderLapsed)] == ["day", "night"]
        assert why(scene)[2:] == [("day", False, "lunch"), ("night", True, "operator")], "nothing was touched twice"
        with pytest.raises(Refused, match="no schedule"):
            engine.request("stop", "other", parse_until("next"))
        assert wanted(scene)["other"]

    play(tmp_path, config(stream("day", EVENING), stream("night", NIGHT), stream("other")), test)


def test_an_order_for_a_while_is_over_when_it_is_however_the_clock_is_set(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        scene.engine.request("stop", "a", parse_until("60s"))
        clock(scene, -5 * HOUR)
        await asyncio.sleep(50)
        assert wanted(scene) == {"a": False}
        await asyncio.sleep(15)
        assert wanted(scene) == {"a": True}

    play(tmp_path, config(stream("a")), test)


def test_another_schedule_counts_from_the_reload_on(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        child = scene.child("a", Role.COMMAND)
        await reload(scene, stream("a", EVENING), stream("b"))
        assert scene.child("a", Role.COMMAND) is child, "its hours are no reason to replace what runs"
        await reload(scene, stream("a", NIGHT), stream("b"))
        await asyncio.sleep(3)
        assert wanted(scene) == {"a": False, "b": True}
        await reload(scene, stream("a"), stream("b"))
        assert wanted(scene) == {"a": True, "b": True}
        assert scene.facts(events.IncidentOpened) == []

    play(tmp_path, config(stream("a"), stream("b")), test)


def test_a_switch_of_many_streams_leaves_the_loop_free(tmp_path: Path) -> None:
    names = [f"s{number}" for number in range(40)]
    between: list[int] = []

    async def test(scene: Scene) -> None:
        await asyncio.sleep(125)
        assert all(wanted(scene).values())
        assert between == list(range(1, 41)), "whoever waits has a turn between any two"

    def at_each(scene: Scene, fact: Fact) -> None:
        if isinstance(fact.what, events.StreamWanted) and fact.what.wanted:
            scene.loop.call_soon(lambda: between.append(sum(wanted(scene).values())))

    play(tmp_path, config(*(stream(name, NIGHT) for name in names)), test, listener=at_each)


# --- maintenance -----------------------------------------------------------------------------------


def lens(*streams: str, text: str = "60s") -> MaintenanceOrder:
    return MaintenanceOrder(streams or None, None, parse_until(text), "new lens")


def test_what_fails_under_maintenance_is_recorded_and_recovered_and_does_not_count(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        engine = scene.engine
        await asyncio.sleep(5)
        window = engine.maintaining.order(lens("a"))
        one = await shown(scene, "a")
        assert (one.maintenance, one.maintenance_window) == (True, window)
        assert not (await shown(scene, "b")).maintenance
        for name in ("a", "b"):
            scene.child(name, Role.COMMAND).ends(1)
        await asyncio.sleep(45)
        assert {one.stream: (one.excused, one.closed is not None) for one in engine.incidents(None) or ()} == {
            "a": ("maintenance", True),
            "b": (None, True),
        }
        counted = {name: sum((await shown(scene, name)).incidents.values()) for name in ("a", "b")}
        assert counted == {"a": 0, "b": 1}
        assert len(scene.alive()) == 2
        await asyncio.sleep(20)
        assert not (await shown(scene, "a")).maintenance
        kinds = events.MaintenanceOrdered | events.MaintenanceBegun | events.MaintenanceOver
        assert [type(fact).__name__ for fact in scene.facts(kinds)] == [
            "MaintenanceOrdered",
            "MaintenanceBegun",
            "MaintenanceOver",
        ]

    play(tmp_path, config(stream("a"), stream("b")), test)


def test_what_outlasts_the_window_counts_from_then_on(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        await asyncio.sleep(5)
        scene.engine.maintaining.order(lens())
        scene.machine.broken = True
        scene.child("a", Role.COMMAND).ends(1)
        await asyncio.sleep(50)
        assert sum((await shown(scene, "a")).incident_open.values()) == 0
        await asyncio.sleep(15)
        (incident,) = scene.engine.incidents("a") or ()
        assert (incident.excused, incident.closed) == (None, None)
        one = await shown(scene, "a")
        assert sum(one.incident_open.values()) == 1
        assert 0 < sum(one.off_air_seconds.values()) < 10

    play(tmp_path, config(stream("a")), test)


def test_an_incident_that_was_open_before_stays_what_it_is(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        await asyncio.sleep(5)
        scene.machine.broken = True
        scene.child("a", Role.COMMAND).ends(1)
        await asyncio.sleep(10)
        before = sum((await shown(scene, "a")).off_air_seconds.values())
        scene.engine.maintaining.order(lens("a"))
        await asyncio.sleep(30)
        one = await shown(scene, "a")
        assert one.maintenance
        assert sum(one.off_air_seconds.values()) == pytest.approx(before, abs=1.5), "but it is no time off air"
        assert [incident.excused for incident in scene.engine.incidents("a") or ()] == [None]
        assert sum(one.incident_open.values()) == 1

    play(tmp_path, config(stream("a")), test)


def test_overlapping_windows_end_with_the_last_and_can_be_ended_early(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        maintaining = scene.engine.maintaining
        short, long = maintaining.order(lens("a", text="20s")), maintaining.order(lens(text="1h"))
        await asyncio.sleep(30)
        assert (await shown(scene, "a")).maintenance_window == long
        assert maintaining.end(long.id) == long
        assert not (await shown(scene, "a")).maintenance, "at once"
        assert maintaining.end(long.id) is None
        assert maintaining.end(short.id) is None

    play(tmp_path, config(stream("a"), stream("b")), test)


def test_windows_of_the_configuration_and_streams_that_come_and_go(tmp_path: Path) -> None:
    window = "maintenance: [{from: 2023-11-14T22:31, duration: 5m}]\n"

    async def test(scene: Scene) -> None:
        maintaining = scene.engine.maintaining
        assert not (await shown(scene, "a")).maintenance
        await asyncio.sleep(60)
        (listed,) = maintaining.windows.all
        assert (await shown(scene, "a")).maintenance_window == listed
        with pytest.raises(Refused, match="stands in the configuration"):
            maintaining.end(listed.id)
        scene.write(window + config(stream("b")))
        await scene.engine.reload(allow_removal=True)
        await asyncio.sleep(5)
        assert (await shown(scene, "b")).maintenance, "who is new is in it, too"
        await reload(scene, stream("a"), stream("b"))
        assert not (await shown(scene, "b")).maintenance, "the file has none any more"
        assert not (await shown(scene, "a")).maintenance
        assert scene.facts(events.InternalError) == []

    play(tmp_path, window + config(stream("a")), test)


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (lens("a", "c", "d"), "no such stream: c, d"),
        (lens("a", text="2023-11-14T22:00Z"), "still to come"),
        (lens("a", text="31d"), "within 30d"),
        (MaintenanceOrder(["a"], parse_until("2h"), parse_until("2023-11-14T23:00Z"), None), "after the beginning"),
    ],
)
def test_maintenance_that_cannot_be_is_refused(tmp_path: Path, order: MaintenanceOrder, said: str) -> None:
    async def test(scene: Scene) -> None:
        with pytest.raises(Refused, match=said):
            scene.engine.maintaining.order(order)
        assert scene.engine.maintaining.windows.all == ()

    play(tmp_path, config(stream("a")), test)


# --- reading changes nothing -----------------------------------------------------------------------

MANY = """\
defaults: {watchdog: {enabled: false}, stall: {timeout: 600s}}
streams:
  cam:
    source: {url: "rtsp://camera.example/live"}
    destinations:
      youtube: {url: "rtmp://ingest.example/live", key: "abcd-efgh"}
      twitch: {url: "rtmp://other.example/app", key: "ijkl-mnop", required: false}
  own: {command: [program, on]}
"""


def _state(one: Stream) -> Iterator[tuple[str, object]]:
    """All that a stream and its processes remember, but for the objects that it consists of."""
    things: Mapping[str, object] = {"stream": one, "air": one.air, "time": one.air.time}
    for key, slot in one.slots.items():
        things = {**things, str(key): slot, f"{key} meter": slot.meter, f"{key} status": slot.status}
    for name, thing in things.items():
        slots = getattr(thing, "__slots__", ())
        for word, value in {
            **getattr(thing, "__dict__", {}),
            **{each: getattr(thing, each, None) for each in slots},
        }.items():
            yield f"{name}.{word}", repr(value)


def test_a_snapshot_tells_nothing_and_changes_nothing_and_is_right_at_its_moment(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        await asyncio.sleep(20.25)
        scene.frozen |= {child.pid for child in scene.alive()}
        seen = []
        for _ in range(30):
            await asyncio.sleep(0.25)
            told = len(scene.told)
            before = {name: dict(_state(one)) for name, one in scene.engine.streams.items()}
            snapshot = await scene.engine.snapshot()
            assert {name: dict(_state(one)) for name, one in scene.engine.streams.items()} == before
            assert len(scene.told) == told, scene.told[told:]
            cam = snapshot.streams[0]
            assert cam.wanted_seconds == pytest.approx(cam.on_air_seconds + sum(cam.off_air_seconds.values()))
            seen.append(cam)
        last = scene.engine.streams["cam"].pushers[0].meter.last_advance
        assert last is not None
        dark = next(number for number, cam in enumerate(seen) if not cam.on_air)
        at = seen[dark].since - 1_700_000_000.0
        assert 3.0 < at - last <= 3.25, "at the first look after 3 s without media, and not a second later"
        assert seen[dark].reason == "encoder: no progress for 3s"
        assert seen[dark].off_air_since == pytest.approx(1_700_000_000.0 + last)
        assert seen[dark - 1].reason is None
        for name in ("wanted_seconds", "on_air_seconds"):
            sums = [getattr(cam, name) for cam in seen]
            assert sums == sorted(sums), f"{name} never falls"
        assert all(
            later >= earlier
            for before, after in pairwise(seen)
            for earlier, later in zip(before.off_air_seconds.values(), after.off_air_seconds.values(), strict=True)
        )
        assert seen[-1].wanted_seconds - seen[0].wanted_seconds == pytest.approx(7.25, abs=1.0)

    play(tmp_path, MANY, test)


def test_a_stream_that_is_removed_while_a_snapshot_is_taken_is_not_in_it(tmp_path: Path) -> None:
    names = [f"s{number}" for number in range(60)]

    async def test(scene: Scene) -> None:
        snapshot = asyncio.create_task(scene.engine.snapshot())
        await asyncio.sleep(0)
        specs = {name: entry.spec for name, entry in scene.engine._catalogue.items() if name != "s59"}
        scene.engine._reload.follow(specs, "config")
        assert not snapshot.done(), "an exit must not wait for sixty streams"
        assert [one.name for one in (await snapshot).streams] == names[:-1]

    play(tmp_path, config(*map(stream, names)), test)


# --- a reload for which there is no room --------------------------------------------------------------


def _no_room(scene: Scene, name: str, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """The machine makes no more of these, as long as the list is not empty."""
    real, full = getattr(scene.machine, name), [True]

    def make(*args: object) -> object:
        if full:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return real(*args)

    monkeypatch.setattr(scene.machine, name, make)
    return full


def test_a_reload_that_cannot_be_carried_out_is_done_as_a_whole_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(scene: Scene) -> None:
        full = _no_room(scene, "outlet", monkeypatch)
        scene.write(config(stream("keep"), stream("new")))
        with pytest.raises(asyncio.CancelledError):
            await scene.engine.reload(allow_removal=True)
        assert wanted(scene) == {"keep": True, "old": True}, "nothing is half done"
        assert scene.engine.loaded.config.streams.keys() == {"keep", "old"}
        full.clear()
        await scene.engine.reload(allow_removal=True)
        await asyncio.sleep(5)
        assert wanted(scene) == {"keep": True, "new": True}

    scene = play(tmp_path, config(stream("keep"), stream("old")), act)
    (told,) = scene.facts(events.ConfigReloaded)
    assert (told.added, told.removed) == (("new",), ("old",))
    assert len(scene.facts(events.InternalError)) == 1


def test_a_changed_stream_gets_the_destination_that_could_not_be_made_at_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_destinations(*names: str) -> str:
        ingests = "".join(f"      {name}: {{url: rtmp://127.0.0.1/live, key: key-of-{name}}}\n" for name in names)
        return f"{ONE}  one:\n    source: {{url: 'rtsp://camera.example/1'}}\n    destinations:\n{ingests}"

    async def act(scene: Scene) -> None:
        full = _no_room(scene, "progress_socket", monkeypatch)
        scene.write(with_destinations("main", "backup"))
        with pytest.raises(asyncio.CancelledError):
            await scene.engine.reload()
        assert [slot.key.destination for slot in scene.engine.streams["one"].pushers] == ["main"]
        full.clear()
        await scene.engine.reload()
        await asyncio.sleep(5)
        pushers = scene.engine.streams["one"].pushers
        assert [(slot.key.destination, slot.alive) for slot in pushers] == [("main", True), ("backup", True)]

    scene = play(tmp_path, with_destinations("main"), act)
    (told,) = scene.facts(events.ConfigReloaded)
    assert told.changed == ("one",)
