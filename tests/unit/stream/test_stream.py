"""One stream: in which order its processes start and stop, who is left alone, and when it is on air."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from supervisor.model import events
from supervisor.model.terms import Health, ProcessKey, Role, State
from tests.unit.hand_machine import HandChild, Scene, play

YOUTUBE = 'youtube: {url: "rtmp://ingest.example/live", key: "abcd-efgh"}'
TWITCH = 'twitch: {url: "rtmp://other.example/app", key: "ijkl-mnop", required: false}'


def config(*destinations: str, top: str = "watchdog: {enabled: false}") -> str:
    lines = [f"defaults: {{{top}}}", "streams:", "  cam:", '    source: {url: "rtsp://camera.example/live"}']
    return "\n".join([*lines, "    destinations:", *(f"      {one}" for one in destinations), ""])


def roles(children: list[HandChild]) -> list[str]:
    """Who they are, by where they send."""
    names = {"rtmp://ingest.example": "youtube", "rtmp://other.example": "twitch"}
    return [next((name for url, name in names.items() if url in " ".join(one.argv)), "encoder") for one in children]


def encoder(scene: Scene) -> HandChild:
    return scene.child("cam", Role.ENCODER)


def pusher(scene: Scene, name: str = "youtube") -> HandChild:
    return scene.child("cam", Role.PUSHER, name)


def on_air(scene: Scene) -> list[bool]:
    return [fact.on_air for fact in scene.facts(events.StreamOnAir)]


def test_pushers_start_before_the_encoder_speaks(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        assert roles(scene.machine.spawned) == ["youtube", "twitch", "encoder"]
        scene.engine.request("stop", "cam")
        await asyncio.sleep(5)
        scene.engine.request("start", "cam")
        assert roles(scene.machine.spawned[3:]) == ["youtube", "twitch", "encoder"]

    play(tmp_path, config(YOUTUBE, TWITCH), test)


def test_it_ends_with_the_pushers_while_media_flows_and_then_the_encoder(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        last, first, slow = encoder(scene), pusher(scene), pusher(scene, "twitch")
        slow.obeys = False
        scene.engine.request("stop", "cam")
        await asyncio.sleep(0.1)
        assert (first.signals, slow.signals, last.signals) == ([signal.SIGTERM], [signal.SIGTERM], [])
        slow.ends(0)
        await asyncio.sleep(0.1)
        assert last.signals == [signal.SIGTERM]
        assert not scene.engine.streams["cam"].wanted
        assert scene.engine.streams["cam"].gone
        assert [fact.planned for fact in scene.facts(events.ProcessExited)] == [True] * 3

    play(tmp_path, config(YOUTUBE, TWITCH), test)


def test_a_pusher_that_had_to_be_killed_has_used_up_the_time_for_politeness(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        last, first = encoder(scene), pusher(scene)
        last.obeys = first.obeys = False
        kill = scene.engine.streams["cam"].policies("youtube").stop.kill
        began = scene.loop.time()
        scene.engine.request("stop", "cam")
        await asyncio.sleep(kill + 1)
        assert first.signals[-1] == signal.SIGKILL
        assert last.signals == [signal.SIGTERM, signal.SIGKILL]
        assert scene.engine.streams["cam"].gone
        assert scene.loop.time() - began <= kill + 1

    play(tmp_path, config(YOUTUBE), test)


def test_who_failed_while_it_waited_for_its_turn_is_not_brought_back(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        pusher(scene).obeys = False
        scene.engine.request("stop", "cam")
        encoder(scene).ends(1)
        await asyncio.sleep(0.1)
        pusher(scene).ends(0)
        await asyncio.sleep(30)
        assert scene.engine.streams["cam"].gone
        assert len(scene.machine.spawned) == 2

    play(tmp_path, config(YOUTUBE, top="watchdog: {enabled: false}, restart: {initial_delay: 5s}"), test)


def test_a_restart_replaces_the_pushers_first_and_then_the_encoder(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        await asyncio.sleep(5)
        scene.engine.request("restart", "cam")
        assert encoder(scene).signals == []
        await asyncio.sleep(5)
        assert roles(scene.machine.spawned[3:]) == ["youtube", "twitch", "encoder"]
        assert scene.facts(events.IncidentOpened) == []

    play(tmp_path, config(YOUTUBE, TWITCH), test)


def test_a_destination_that_goes_takes_its_pusher_along_and_nobody_else(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        await asyncio.sleep(5)
        stays, goes = pusher(scene), pusher(scene, "twitch")
        scene.write(config(YOUTUBE))
        await scene.engine.reload()
        await asyncio.sleep(3)
        assert goes.signals == [signal.SIGTERM]
        assert pusher(scene) is stays
        assert list(scene.engine.streams["cam"].slots) == [
            ProcessKey("cam", Role.PUSHER, "youtube"),
            ProcessKey("cam", Role.ENCODER),
        ]
        assert [fact.key.destination for fact in scene.facts(events.ProcessRemoved)] == ["twitch"]
        assert list(scene.machine.links.links) == [("cam", "youtube")], "and its port is given back"

    play(tmp_path, config(YOUTUBE, TWITCH), test)


def test_it_is_on_air_while_every_required_destination_advances(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        await asyncio.sleep(3)
        assert on_air(scene) == [True]
        scene.frozen.add(pusher(scene, "twitch").pid)
        await asyncio.sleep(5)
        assert on_air(scene) == [True], "twitch is not required"
        scene.frozen.add(pusher(scene).pid)
        await asyncio.sleep(5)
        assert on_air(scene) == [True, False]
        told = scene.facts(events.StreamOnAir)[-1]
        assert (told.reason, told.planned) == ("pusher-youtube: no progress for 4s", False)

    play(tmp_path, config(YOUTUBE, TWITCH), test)


def test_where_none_is_required_any_will_do(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        await asyncio.sleep(3)
        scene.frozen.add(pusher(scene).pid)
        await asyncio.sleep(5)
        assert on_air(scene) == [True]
        scene.frozen.add(pusher(scene, "twitch").pid)
        await asyncio.sleep(5)
        assert on_air(scene) == [True, False]

    play(tmp_path, config(YOUTUBE[:-1] + ", required: false}", TWITCH), test)


def test_primary_and_backup_count_as_one_beside_the_others(tmp_path: Path) -> None:
    backup = 'backup: {url: "rtmp://backup.example/app", key: "ijkl-mnop", role: backup}'
    other = TWITCH.replace(", required: false", "")

    async def test(scene: Scene) -> None:
        await asyncio.sleep(3)
        first, second, third = (pusher(scene, name).pid for name in ("youtube", "backup", "twitch"))
        scene.frozen.add(first)
        await asyncio.sleep(5)
        assert on_air(scene) == [True]
        shown = (await scene.engine.snapshot()).streams[0]
        assert (shown.on_air, shown.health) == (True, Health.DEGRADED)
        assert [(one.role, one.required, one.on_air) for one in shown.destinations] == [
            ("primary", False, False),
            ("backup", False, True),
            (None, True, True),
        ]

        scene.frozen.add(second)
        await asyncio.sleep(5)
        assert on_air(scene) == [True, False]
        assert scene.facts(events.StreamOnAir)[-1].reason == "pusher-backup: no progress for 4s", "it was the last one"
        off_air = (await scene.engine.snapshot()).streams[0].off_air_since
        assert scene.machine.wall() - off_air < 6, "not since the primary is gone"

        scene.frozen.remove(first)
        await asyncio.sleep(3)
        assert on_air(scene) == [True, False, True]
        scene.frozen.add(third)
        await asyncio.sleep(5)
        assert scene.facts(events.StreamOnAir)[-1].reason == "pusher-twitch: no progress for 4s"

    play(tmp_path, config(YOUTUBE[:-1] + ", role: primary}", backup, other), test)


def test_an_encoder_is_to_blame_for_pushers_that_have_nothing_to_send(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        await asyncio.sleep(3)
        scene.frozen |= {one.pid for one in scene.alive()}
        await asyncio.sleep(5)
        assert scene.facts(events.StreamOnAir)[-1].reason == "encoder: no progress for 4s"

    play(tmp_path, config(YOUTUBE), test)


def test_what_failed_before_an_order_is_told_before_it(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        await asyncio.sleep(5)
        pusher(scene).ends(1)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        scene.engine.request("stop", "cam")
        kinds = [type(fact).__name__ for fact in scene.facts(events.ProcessExited | events.StreamWanted)][1:]
        assert kinds[:2] == ["ProcessExited", "StreamWanted"]
        assert scene.engine.streams["cam"].slots[ProcessKey("cam", Role.ENCODER)].status.state is not State.STOPPED

    play(tmp_path, config(YOUTUBE), test)
