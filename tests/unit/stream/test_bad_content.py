"""What nobody should see: it is left for a fallback that can be seen, and not returned to before it is good."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from supervisor.model import events
from supervisor.model.terms import ProcessKey, Role, Verdict
from tests.unit.hand_machine import Scene, play
from tests.unit.stream.test_on_fallback import ends_at_once, feeding, open_now

CONFIG = """
defaults: {watchdog: {enabled: false}, restart: {initial_delay: 1s, max_delay: 5s}}
streams:
  cam:
    source: {url: "rtsp://camera.example/live"}
    video: {size: 1280x720, fps: 25}
    content: true
    fallback: [{source: {url: "rtsp://other.example/live"}}, {slate: true}]
    fallback_policy: {return_after: 5s}
    destinations:
      youtube: {url: "rtmp://ingest.example/live", key: "abcd-efgh"}
"""
OWN, OTHER = ProcessKey("cam", Role.ENCODER), ProcessKey("cam", Role.ENCODER, rung=1)
SLATE = 2


def sample(luma: int, difference: float) -> list[bytes]:
    of_picture = {"signalstats.YAVG": luma, "signalstats.YHIGH": luma, "signalstats.YDIF": difference}
    return [f"lavfi.{key}={value}\n".encode() for key, value in of_picture.items()]


GOOD, BLACK, FROZEN = sample(120, 0.5), sample(16, 0.01), sample(120, 0)


class Cameras:
    """What each encoder that lives tells of its picture, once a second."""

    def __init__(self, scene: Scene) -> None:
        self.shows = {OWN: GOOD, OTHER: GOOD}
        self._scene = scene

    async def tell_for_ever(self) -> None:
        while True:
            for key, told in self.shows.items():
                slot: Any = self._scene.engine.streams.slot(key)
                if slot and slot.alive and slot.content and slot.content._socket:
                    slot.content._socket.reports.extend(told)
            await asyncio.sleep(1)


@asynccontextmanager
async def cameras(scene: Scene) -> AsyncIterator[Cameras]:
    found = Cameras(scene)
    telling = asyncio.create_task(found.tell_for_ever())
    await asyncio.sleep(20)
    assert feeding(scene) == 0
    yield found
    telling.cancel()


async def seen(scene: Scene, seconds: int) -> set[int]:
    """Which sources viewers are given in this time."""
    found = set()
    for _ in range(seconds):
        await asyncio.sleep(1)
        found.add(feeding(scene))
    return found


def test_a_second_camera_that_is_black_is_not_preferred_to_the_slate(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        async with cameras(scene) as given:
            given.shows[OTHER] = BLACK
            gone = asyncio.create_task(ends_at_once(scene, OWN, 120))
            await asyncio.sleep(5)
            assert await seen(scene, 60) == {SLATE}
            (shown,) = (await scene.engine.snapshot()).streams
            assert [one.content for one in shown.sources] == [Verdict.UNKNOWN, Verdict.DEGRADED, None]
            given.shows[OTHER] = GOOD
            await asyncio.sleep(15)
            assert feeding(scene) == 1
            assert all(one.cause != "black" for one in open_now(scene)[0].findings), "no viewer has seen it"
            await gone

    play(tmp_path, CONFIG, test)


def test_a_second_camera_that_turns_black_while_viewers_see_it_is_left_and_told(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        async with cameras(scene) as given:
            gone = asyncio.create_task(ends_at_once(scene, OWN, 120))
            await asyncio.sleep(20)
            assert feeding(scene) == 1
            given.shows[OTHER] = BLACK
            await asyncio.sleep(15)
            assert feeding(scene) == SLATE
            assert "fallback1: black for 10s" in [one.said for one in open_now(scene)[0].findings]
            await gone

    play(tmp_path, CONFIG, test)


def test_a_source_that_comes_back_black_or_frozen_is_not_returned_to_until_it_shows_something(tmp_path: Path) -> None:
    for bad in (BLACK, FROZEN):

        async def test(scene: Scene, bad: list[bytes] = bad) -> None:
            async with cameras(scene) as given:
                given.shows[OTHER] = BLACK
                await ends_at_once(scene, OWN, 30)
                given.shows[OWN] = bad
                assert await seen(scene, 300) == {SLATE}
                given.shows[OWN] = GOOD
                await asyncio.sleep(60)
                assert feeding(scene) == 0

        play(tmp_path, CONFIG, test)


def test_a_camera_that_freezes_is_left_and_one_that_moves_again_is_returned_to(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        async with cameras(scene) as given:
            given.shows[OWN] = FROZEN
            await asyncio.sleep(29)
            assert feeding(scene) == 0
            await asyncio.sleep(15)
            assert feeding(scene) == 1
            given.shows[OWN] = GOOD
            await asyncio.sleep(15)
            assert feeding(scene) == 0

    play(tmp_path, CONFIG, test)


def test_a_dark_night_is_one_switch_one_incident_and_no_restart(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        async with cameras(scene) as given:
            given.shows[OWN] = BLACK
            await asyncio.sleep(30)
            assert await seen(scene, 3600) == {1}
            given.shows[OWN] = GOOD
            await asyncio.sleep(90)
            assert feeding(scene) == 0
            assert not open_now(scene)

    scene = play(tmp_path, CONFIG, test)
    assert len(scene.facts(events.IncidentOpened)) == 1
    assert [one.key for one in scene.facts(events.ProcessStarted) if one.key == OWN] == [OWN]
