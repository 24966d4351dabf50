"""A destination that its platform does not receive is sent to another address, and back; with its own key, always."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from supervisor.model import events
from supervisor.model.quantities import Address
from supervisor.model.terms import ProcessKey, RestartReason, Role
from supervisor.platforms.interface import Deed, Order
from tests.unit.hand_machine import HandChild, Scene, play

KEY = "abcd-efgh"
OWN, OTHER = "rtmp://a.example/live2", "rtmps://b.example:443/live2?backup=1"
PLACE = ("cam", "yt")
CONFIG = f"""
defaults: {{watchdog: {{enabled: false}}}}
streams:
  cam:
    source: {{url: "rtsp://camera.example/live"}}
    destinations:
      yt: {{url: "{OWN}", key: {KEY}}}
  mine:
    command: [program, on]
    destinations:
      yt: {{url: "{OWN}", key: ijkl}}
"""
THERE = Order(PLACE, Deed.OTHER_ADDRESS, "stream_inactive", OTHER)


def pusher(scene: Scene) -> HandChild:
    return scene.child("cam", Role.PUSHER, "yt")


def receives(scene: Scene, *, taken: bool) -> None:
    """What the kernel says of its connection from now on."""
    scene.engine._watches.elsewhere._receives = lambda _: taken


def obey(scene: Scene, order: Order) -> None:
    scene.engine._watches._obey(order)


def told(scene: Scene) -> list[str]:
    return [fact.what for fact in scene.facts(events.PlatformAsked)]


def test_all_that_belongs_to_an_address_goes_with_it_and_comes_back_with_it(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        await asyncio.sleep(3)  # media flows, and nothing is at work on it
        receives(scene, taken=True)
        stream = scene.engine.streams["cam"]
        encoder, slot = scene.child("cam", Role.ENCODER), stream.slots[ProcessKey("cam", Role.PUSHER, "yt")]
        before = stream.spec
        obey(scene, THERE)
        await asyncio.sleep(1)
        argv = pusher(scene).argv
        assert "rtmps://b.example:443/live2?backup=1" in argv
        assert KEY in argv
        assert "-tls_verify" in argv
        assert (slot.spec.ingest, slot.spec.tls) == (Address("b.example", 443), True)
        way = stream.ingest("yt")
        assert way is not None
        assert (way.address, way.tls) == (Address("b.example", 443), True)
        assert scene.engine._catalogue["cam"].spec == stream.spec
        assert scene.child("cam", Role.ENCODER) is encoder
        assert told(scene) == ["sent to rtmps://b.example:443/live2/*** from now on"]
        (attempt,) = scene.facts(events.RecoveryAttempted)
        assert attempt.destination == "yt"

        obey(scene, THERE)
        await asyncio.sleep(1)
        assert stream.spec == before
        assert OWN in pusher(scene).argv
        assert "-tls_verify" not in pusher(scene).argv
        assert told(scene)[1] == f"sent to {OWN}/*** from now on"
        assert KEY not in str(scene.facts(events.PlatformAsked))
        assert slot.restarts[RestartReason.CONFIG] == 2

    play(tmp_path, CONFIG, test)


def test_it_goes_back_by_itself_where_the_other_address_takes_nothing_and_stays_where_it_does(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        await asyncio.sleep(3)  # media flows, and nothing is at work on it
        receives(scene, taken=True)
        obey(scene, THERE)
        await asyncio.sleep(600)
        assert scene.engine.streams["cam"].ingest("yt").address.host == "b.example"  # type: ignore[union-attr]
        receives(scene, taken=False)
        await asyncio.sleep(50)
        assert len(told(scene)) == 1
        await asyncio.sleep(20)
        assert scene.engine.streams["cam"].ingest("yt").address.host == "a.example"  # type: ignore[union-attr]
        assert told(scene)[1:] == [f"sent to {OWN}/*** from now on"]

    play(tmp_path, CONFIG, test)


@pytest.mark.parametrize(("own", "host"), [(OWN, "b.example"), ("rtmp://c.example/live2", "c.example")])
def test_a_reload_leaves_it_there_as_long_as_its_own_address_is_the_same(tmp_path: Path, own: str, host: str) -> None:
    async def test(scene: Scene) -> None:
        await asyncio.sleep(3)  # media flows, and nothing is at work on it
        receives(scene, taken=True)
        obey(scene, THERE)
        await asyncio.sleep(1)
        scene.write(
            CONFIG.replace(OWN, own).replace(
                'camera.example/live"}', 'camera.example/live"}\n    video: {bitrate: 900k}'
            )
        )
        assert isinstance(await scene.engine.reload(), events.ConfigReloaded)
        await asyncio.sleep(2)
        assert scene.engine.streams["cam"].ingest("yt").address.host == host  # type: ignore[union-attr]
        assert len(told(scene)) == 1

    play(tmp_path, CONFIG, test)


def test_what_no_pusher_of_ours_sends_stays_where_it_is(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        await asyncio.sleep(3)  # media flows, and nothing is at work on it
        elsewhere = scene.engine._watches.elsewhere
        assert not elsewhere.move(("mine", "yt"), OTHER)
        assert not elsewhere.move(("gone", "yt"), OTHER)
        assert not elsewhere.move(("cam", "gone"), OTHER)
        assert told(scene) == []

    play(tmp_path, CONFIG, test)


def test_a_new_connection_to_the_same_address_is_as_ever(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        await asyncio.sleep(3)  # media flows, and nothing is at work on it
        pid = pusher(scene).pid
        obey(scene, THERE._replace(deed=Deed.RESTART_PUSHER, address=""))
        await asyncio.sleep(1)
        assert pusher(scene).pid != pid
        assert OWN in pusher(scene).argv
        assert told(scene) == []

    play(tmp_path, CONFIG, test)
