"""Watchdogs that operators stop and start: by numbers at the second layer, and over a restart in a whole engine."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from supervisor.model import events
from supervisor.model.policies import Policies, WatchdogPolicy
from supervisor.model.remembered import DestinationName, Forgetful
from supervisor.model.snapshot import NotEnabled, WatchdogSnapshot
from supervisor.model.terms import Segment, Trouble, Verdict
from supervisor.watchdog.scheduler import CheckScheduler, Post
from supervisor.watchdog.switching import Switching
from tests.unit.hand_machine import Scene as Play
from tests.unit.hand_machine import play
from tests.unit.watchdog.fakes import in_quick_time
from tests.unit.watchdog.test_second_layer import TWITCH, YOUTUBE
from tests.unit.watchdog.test_second_layer import Scene as Layered


class Notebook(Forgetful):
    """Remembers which are stopped, and counts how often it was told."""

    def __init__(self) -> None:
        self.stopped: Mapping[DestinationName, float] = {}
        self.told = 0

    def stopped_watchdogs(self) -> Mapping[DestinationName, float]:
        return self.stopped

    def keep_stopped_watchdogs(self, stopped: Mapping[DestinationName, float]) -> None:
        self.stopped = stopped
        self.told += 1


class Scene(Layered):
    """A second layer over `cam`, with orders to it."""

    def __init__(self, *destinations: str, enabled: bool = True) -> None:
        super().__init__(*destinations, policies=Policies(watchdog=WatchdogPolicy(enabled=enabled)))
        self.notes = Notebook()
        self.switching = Switching(
            self.layer, self.streams, self.notes, self.clock, self.told.append, lambda: self.layer.follow({"cam"})
        )
        self.switching.begin()

    @property
    def switched(self) -> list[tuple[tuple[str, ...], bool, str]]:
        told = [one for one in self.told if isinstance(one, events.WatchdogsSwitched)]
        return [(one.destinations, one.running, one.why) for one in told]

    def order(self, verb: Any) -> None:
        assert self.switching.order(verb, YOUTUBE)

    async def fails(self, times: int) -> None:
        """So many checks in a row find that nothing flows, while the first layer believes that all is well."""
        for _ in range(times):
            await self.check()


# --- what it means -------------------------------------------------------------------------------------


@in_quick_time
async def test_a_stopped_watchdog_neither_looks_nor_acts_and_says_since_when() -> None:
    scene = Scene("youtube", "twitch")
    assert await scene.flows() is Verdict.HEALTHY
    assert scene.switching.order("stop", YOUTUBE)
    stopped_at = scene.clock.wall()
    assert scene.layer.scheduler.interval(YOUTUBE) is None
    assert scene.layer.scheduler.interval(TWITCH) is not None
    await scene.fails(5)
    assert scene.acted_on() == []
    view = scene.view
    assert (view.running, view.stopped_since, view.verdict, view.verdicts) == (False, stopped_at, Verdict.UNKNOWN, {})
    assert view.checks[Verdict.HEALTHY] == 1, "what is counted stays"
    assert scene.notes.stopped == {("cam", "youtube"): stopped_at}
    assert scene.switched == [(("cam:youtube",), False, "stop")]


@in_quick_time
async def test_the_same_again_is_no_news() -> None:
    scene = Scene()
    scene.switching.order("stop", YOUTUBE)
    first = scene.view.stopped_since
    await scene.passes(10)
    scene.switching.order("stop", YOUTUBE)
    assert (scene.view.stopped_since, scene.notes.told) == (first, 2)
    scene.switching.order("start", YOUTUBE)
    scene.switching.order("start", YOUTUBE)
    assert scene.switched == [(("cam:youtube",), False, "stop"), (("cam:youtube",), True, "start")]
    assert scene.notes.told == 3


@in_quick_time
async def test_a_complaint_of_one_that_is_stopped_is_withdrawn() -> None:
    scene = Scene()
    await scene.flows()
    scene.layer._keeper.complained(scene.pusher.key, Trouble.BITRATE_LOW, Segment.UPLINK, YOUTUBE)
    assert [one.closed for one in scene.incidents()] == [None]
    scene.switching.order("stop", YOUTUBE)
    for _ in range(240):
        await scene.passes(1, *scene.stream.processes)
        now, wall = scene.clock.now(), scene.clock.wall()
        scene.layer._keeper.look(lambda _: scene.clock.now(), now=now, wall=wall)
    assert all(one.closed for one in scene.incidents()), "nobody else would ever take it back"


@pytest.mark.parametrize("verb", ["start", "restart"])
def test_it_begins_its_counting_anew(verb: str) -> None:
    @in_quick_time
    async def test() -> None:
        scene = Scene()
        await scene.flows()
        await scene.fails(2)
        before = scene.view
        assert before.consecutive_failures == 2
        if verb == "start":
            scene.switching.order("stop", YOUTUBE)
        scene.order(verb)
        view = scene.view
        assert (view.consecutive_failures, view.last_healthy, view.last_check, view.recoveries) == (0, None, None, 0)
        assert view.checks == before.checks, "a counter never falls"
        assert view.stopped_since is None
        await scene.fails(2)
        assert scene.acted_on() == []
        await scene.fails(1)
        assert scene.acted_on() != []

    test()


@in_quick_time
async def test_a_check_under_way_when_it_is_stopped_or_restarted_decides_nothing() -> None:
    scene = Scene()
    await scene.flows()
    await scene.fails(2)
    for verb in ("restart", "stop"):
        scene.probes.meanwhile = partial(scene.order, verb)
        await scene.fails(1)
        assert (scene.view.consecutive_failures, scene.acted_on()) == (0, [])


@in_quick_time
async def test_what_the_configuration_does_not_enable_cannot_be_started() -> None:
    scene = Scene(enabled=False)
    for verb in ("start", "restart"):
        with pytest.raises(NotEnabled):
            scene.order(verb)
    assert scene.switching.order("stop", YOUTUBE), "it does not run: as it was asked for"
    assert (scene.switched, scene.notes.stopped) == ([], {})
    for post in (Post("cam", "nowhere"), Post("nobody", "youtube"), Post("cam", "")):
        assert not scene.switching.order("stop", post)


@in_quick_time
async def test_all_are_stopped_and_started_at_once() -> None:
    scene = Scene("youtube", "twitch")
    scene.switching.order("stop", TWITCH)
    earlier = scene.layer.stopped[TWITCH]
    await scene.passes(5)
    scene.switching.order_all(running=False)
    assert scene.layer.stopped == {TWITCH: earlier, YOUTUBE: earlier + 5}
    assert scene.layer.scheduler.late(1e9) is None, "nobody to look after is no dead scheduler"
    scene.switching.order_all(running=True)
    assert (scene.layer.stopped, scene.notes.stopped) == ({}, {})
    assert {scene.layer.scheduler.interval(post) for post in (YOUTUBE, TWITCH)} == {30.0}
    assert scene.switched[1:] == [(("cam:youtube",), False, "stop"), (("cam:twitch", "cam:youtube"), True, "reload")]


# --- over a restart ------------------------------------------------------------------------------------

DESTINATIONS = "\n".join(
    f"      {name}: {{url: 'rtmp://127.0.0.1:9/live', key: {name}}}" for name in ("youtube", "backup")
)
COMMAND = f"  a:\n    command: [program, on]\n    destinations:\n{DESTINATIONS}\n  bare: {{command: [program, bare]}}\n"


def config(watchdog: str = "enabled: true", command: str = COMMAND) -> str:
    return f"defaults: {{watchdog: {{{watchdog}}}}}\nstreams:\n{command}"


async def view(scene: Play, destination: str = "youtube") -> WatchdogSnapshot | None:
    snapshot = await scene.engine.snapshot()
    return next(one.watchdog for one in snapshot.streams[0].destinations if one.name == destination)


def switched(scene: Play) -> list[tuple[tuple[str, ...], bool, str]]:
    return [(one.destinations, one.running, one.why) for one in scene.facts(events.WatchdogsSwitched)]


@pytest.fixture
def untimed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is checked by itself: the scheduler's library reads the real clock, and these are played by hand."""
    monkeypatch.setattr(CheckScheduler, "start", lambda _: None)


@pytest.mark.usefixtures("untimed")
def test_a_stop_outlives_neverdark_and_a_start_too(tmp_path: Path) -> None:
    notes = Notebook()
    since: list[float] = []

    async def stop(scene: Play) -> None:
        assert scene.engine.order_watchdog("stop", "a", "youtube")
        known = await view(scene)
        assert known
        assert known.stopped_since
        since.append(known.stopped_since)
        assert scene.engine.late(1e9) is None

    async def stays(scene: Play) -> None:
        known = await view(scene)
        assert known
        assert (known.running, known.stopped_since) == (False, since[0])
        assert (await view(scene, "backup")).stopped_since is None  # type: ignore[union-attr]
        assert switched(scene) == [(("a:youtube",), False, "as before neverdark was started anew")]
        assert scene.engine.order_watchdog("start", "a", "youtube")

    async def runs(scene: Play) -> None:
        assert (await view(scene)).stopped_since is None  # type: ignore[union-attr]
        assert switched(scene) == []

    for number, life in enumerate((stop, stays, runs)):
        folder = tmp_path / str(number)
        folder.mkdir()
        play(folder, config(), life, memory=notes)


@pytest.mark.usefixtures("untimed")
@pytest.mark.parametrize("without", ["the watchdog", "the destination"])
def test_the_configuration_ends_a_stop_for_good(tmp_path: Path, without: str) -> None:
    notes = Notebook()
    other = COMMAND.replace("youtube", "twitch")
    text = config("enabled: false") if without == "the watchdog" else config(command=other)

    async def test(scene: Play) -> None:
        scene.engine.order_watchdog("stop", "a", "youtube")
        assert set(notes.stopped) == {("a", "youtube")}
        scene.write(text)
        await scene.engine.reload(allow_removal=True)
        assert notes.stopped == {}
        scene.write(config())
        await scene.engine.reload(allow_removal=True)
        known = await view(scene)
        assert known
        assert known.stopped_since is None

    play(tmp_path, config(), test, memory=notes)
    notes.stopped = {("a", "youtube"): 1.0, ("gone", "youtube"): 2.0}
    (tmp_path / "again").mkdir()

    async def again(scene: Play) -> None:
        assert notes.stopped == {}, "also where that was changed while nobody was there"
        assert switched(scene) == []

    play(tmp_path / "again", text, again, memory=notes)


@pytest.mark.usefixtures("untimed")
def test_a_stream_that_is_stopped_for_a_while_keeps_the_stop(tmp_path: Path) -> None:
    notes = Notebook()

    async def test(scene: Play) -> None:
        scene.engine.order_watchdog("stop", "a", "youtube")
        scene.engine.request("stop", "a")
        scene.engine.request("start", "a")
        scene.engine.switching.order_all(running=False)
        assert set(notes.stopped) == {("a", "youtube"), ("a", "backup")}, "a bare command's is nobody's to stop"
        known = await view(scene)
        assert known
        assert known.stopped_since
        assert scene.facts(events.InternalError) == []

    play(tmp_path, config(), test, memory=notes)
