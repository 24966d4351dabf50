"""An ingest that answers one pusher is there for all that wait for it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from supervisor.model.terms import ProcessKey, Role, State
from tests.unit.hand_machine import Scene, play

CONFIG = """\
defaults: {watchdog: {enabled: false}, restart: {initial_delay: 200s, max_delay: 300s}}
streams:
  one: {source: {url: "rtsp://a.example"}, destinations: {up: {url: "rtmp://ingest.example/live", key: "one-one-one"}}}
  two: {source: {url: "rtsp://b.example"}, destinations: {up: {url: "rtmp://ingest.example/live", key: "two-two-two"}}}
  far: {source: {url: "rtsp://c.example"}, destinations: {up: {url: "rtmp://another.example/live", key: "far-far-far"}}}
"""
REFUSED = b"[error] Cannot open connection tcp://ingest.example:1935\n[error] Connection refused\n"


def test_who_waits_tries_again_when_another_one_gets_through(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        await asyncio.sleep(3)
        slots = {name: scene.engine.streams.slot(ProcessKey(name, Role.PUSHER, "up")) for name in ("one", "two", "far")}
        for name in slots:
            child = scene.child(name, Role.PUSHER, "up")
            scene.machine.says(child, REFUSED)
            child.ends(1)
        await asyncio.sleep(1)
        states = {name: slot.status.state for name, slot in slots.items() if slot}
        assert set(states.values()) == {State.BACKOFF}, states
        scene.engine.request("restart", "one")
        await asyncio.sleep(3)
        states = {name: slot.status.state for name, slot in slots.items() if slot}
        assert states == {"one": State.RUNNING, "two": State.RUNNING, "far": State.BACKOFF}

    play(tmp_path, CONFIG, test)
