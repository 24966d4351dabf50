"""A stream that shows its slate: it is on air, and what is wrong with its source is told until it is over."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from supervisor.model import events
from supervisor.model.fallback import SwitchWay
from supervisor.model.incidents import Incident
from supervisor.model.terms import ProcessKey, Role, Segment
from tests.unit.hand_machine import Scene, play

CONFIG = """
defaults: {watchdog: {enabled: false}, restart: {initial_delay: 1s, max_delay: 5s}}
streams:
  cam:
    source: {url: "rtsp://camera.example/live"}
    video: {size: 1280x720, fps: 25}
    fallback: [{slate: true}]
    fallback_policy: {return_after: 90s}
    destinations:
      youtube: {url: "rtmp://ingest.example/live", key: "abcd-efgh"}
"""
OWN, SLATE = ProcessKey("cam", Role.ENCODER), ProcessKey("cam", Role.ENCODER, rung=1)
GONE = b"Error opening input: No route to host\nError opening input file rtsp://camera.example/live.\n"


def open_now(scene: Scene) -> list[Incident]:
    return [one for one in scene.engine.incidents("cam") or () if one.closed is None]


def feeding(scene: Scene) -> int:
    ladder = scene.engine.streams["cam"].ladder
    assert ladder is not None
    return ladder.feeding


async def ends_at_once(scene: Scene, key: ProcessKey, seconds: float) -> None:
    """Whoever is started at this place ends: its source is gone."""
    end = scene.loop.time() + seconds
    while scene.loop.time() < end:
        slot = scene.engine.streams.slot(key)
        assert slot is not None
        child: Any = slot.child
        if child and child.pid not in scene.frozen:
            scene.frozen.add(child.pid)
            scene.machine.says(child, GONE)
            child.ends(1)
        await asyncio.sleep(0.2)


def test_the_incident_stays_open_while_viewers_see_the_slate_and_nothing_is_dark_for_it(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        await asyncio.sleep(20)
        for _ in range(10):
            await ends_at_once(scene, OWN, 60)
            (shown,) = (await scene.engine.snapshot()).streams
            assert (shown.on_air, shown.on_primary, shown.source) == (True, False, "fallback1")
            (incident,) = open_now(scene)
            assert (incident.segment, incident.role) == (Segment.SOURCE, Role.ENCODER)
            assert incident.seconds_dark < 5
        back = scene.loop.time()
        while feeding(scene):  # the camera is back, and has to be good for long enough
            assert open_now(scene)
            await asyncio.sleep(1)
        assert scene.loop.time() - back > 60
        await asyncio.sleep(25)
        assert open_now(scene), "until media has advanced for long enough"
        await asyncio.sleep(10)
        assert not open_now(scene)

    scene = play(tmp_path, CONFIG, test)
    assert len(scene.facts(events.IncidentOpened)) == 1
    assert len(scene.facts(events.IncidentClosed)) == 1


def test_what_was_wrong_with_a_slate_is_over_when_it_is_not_needed_any_more(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        await asyncio.sleep(20)
        await ends_at_once(scene, OWN, 10)
        pusher = scene.child("cam", Role.PUSHER, "youtube").pid
        scene.frozen.add(pusher)
        both = asyncio.gather(ends_at_once(scene, OWN, 20), ends_at_once(scene, SLATE, 20))
        await asyncio.sleep(15)
        assert not scene.engine.streams["cam"].on_air
        dark = sum(one.seconds_dark for one in open_now(scene))
        assert 8 < dark < 20, "each second of it once"
        await both
        scene.frozen.discard(pusher)
        await asyncio.sleep(200)
        assert feeding(scene) == 0
        assert not open_now(scene)

    play(tmp_path, CONFIG, test)


def test_until_the_slate_is_seen_and_while_it_does_not_arrive_it_is_dark(tmp_path: Path) -> None:
    late = CONFIG.replace("return_after: 90s", "after: 20s, return_after: 20s")

    async def test(scene: Scene) -> None:
        await asyncio.sleep(20)
        pusher = scene.child("cam", Role.PUSHER, "youtube").pid
        scene.frozen.add(pusher)
        await ends_at_once(scene, OWN, 18)
        assert 16 < open_now(scene)[0].seconds_dark < 19
        scene.frozen.discard(pusher)
        while not feeding(scene):
            await ends_at_once(scene, OWN, 1)
        await ends_at_once(scene, OWN, 2)
        seen = open_now(scene)[0].seconds_dark
        assert seen > 19
        await ends_at_once(scene, OWN, 60)
        assert open_now(scene)[0].seconds_dark == seen
        refused = asyncio.create_task(ends_at_once(scene, ProcessKey("cam", Role.PUSHER, "youtube"), 20))
        await ends_at_once(scene, OWN, 20)
        await refused
        assert sum(one.seconds_dark for one in open_now(scene)) > seen + 10
        await asyncio.sleep(600)
        assert feeding(scene) == 0
        assert not open_now(scene)

    play(tmp_path, late, test)


def test_a_source_in_pieces_that_is_known_to_be_gone_is_left_at_once(tmp_path: Path) -> None:
    """Silence between its pieces is usual; a refused connection is not."""

    async def test(scene: Scene) -> None:
        await asyncio.sleep(20)
        await ends_at_once(scene, OWN, 5)
        assert feeding(scene) == 1

    play(tmp_path, CONFIG.replace("rtsp://camera.example/live", "http://camera.example/live"), test)


def test_an_order_keeps_no_incident_open(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        await asyncio.sleep(20)
        await ends_at_once(scene, OWN, 10)
        assert open_now(scene)
        assert scene.engine.switch("cam", "fallback1", None)
        await asyncio.sleep(60)
        assert feeding(scene) == 1
        assert not open_now(scene)

    play(tmp_path, CONFIG, test)


def test_a_stream_that_was_stopped_on_its_slate_begins_with_its_own_source(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        await asyncio.sleep(20)
        await ends_at_once(scene, OWN, 10)
        assert feeding(scene) == 1
        scene.engine.request("stop", "cam")
        await asyncio.sleep(10)
        assert scene.engine.streams["cam"].gone
        scene.engine.request("start", "cam")
        await asyncio.sleep(10)
        assert feeding(scene) == 0
        assert scene.engine.streams["cam"].on_air
        slate = scene.engine.streams.slot(SLATE)
        assert slate
        assert not slate.alive

    play(tmp_path, CONFIG, test)


def test_a_restart_while_viewers_see_the_slate_leaves_the_connections(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        await asyncio.sleep(20)
        await ends_at_once(scene, OWN, 10)
        pusher = scene.child("cam", Role.PUSHER, "youtube")
        scene.engine.request("restart", "cam")
        await asyncio.sleep(5)
        assert scene.child("cam", Role.PUSHER, "youtube") is pusher
        assert pusher.signals == []
        assert scene.engine.streams["cam"].on_air

    play(tmp_path, CONFIG, test)


def test_a_fallback_that_is_no_longer_configured_gives_way_to_the_source(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        await asyncio.sleep(20)
        await ends_at_once(scene, OWN, 10)
        scene.write(
            CONFIG.replace("    fallback: [{slate: true}]\n", "").replace(
                "    fallback_policy: {return_after: 90s}\n", ""
            )
        )
        await asyncio.sleep(5)  # the source is back, and the slate still on
        assert feeding(scene) == 1
        await scene.engine.reload()
        await asyncio.sleep(5)
        stream = scene.engine.streams["cam"]
        assert stream.ladder is None
        assert SLATE not in stream.slots
        assert stream.on_air
        own, (pusher,) = stream.encoder, stream.pushers
        assert own
        assert own.feeds
        assert pusher.feeder is own
        assert own.feeds.on_feed

    play(tmp_path, CONFIG, test)


def test_time_on_the_slate_is_told_apart_and_what_is_ordered_wakes_nobody(tmp_path: Path) -> None:
    paged = CONFIG.replace("return_after: 90s", "return_after: 90s, page_after: 10m")

    async def test(scene: Scene) -> None:
        await asyncio.sleep(20)
        (before,) = (await scene.engine.snapshot()).streams
        assert (before.on_fallback_seconds, before.unordered_fallback, before.fallback_page_after) == (0.0, 0.0, 600.0)
        await ends_at_once(scene, OWN, 60)
        (shown,) = (await scene.engine.snapshot()).streams
        assert 50 < shown.on_fallback_seconds <= 60
        assert shown.on_air_seconds > shown.on_fallback_seconds + 15
        assert 50 < shown.unordered_fallback <= 60
        scene.engine.switch("cam", "fallback1", None)
        await asyncio.sleep(5)
        (shown,) = (await scene.engine.snapshot()).streams
        assert shown.unordered_fallback == 0.0
        assert shown.on_fallback_seconds > 55
        assert scene.engine.streams["cam"].air.time.booked()["on_fallback"] == shown.on_fallback_seconds

    scene = play(tmp_path, paged, test)
    (cost,) = scene.facts(events.SwitchMeasured)
    assert (cost.rung, cost.way, cost.replaces) == (1, SwitchWay.BROKEN_FIRST, None)
    assert (cost.missing, cost.frames) == (None, None), "nobody here knows when the last media came"
