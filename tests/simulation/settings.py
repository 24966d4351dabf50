"""Writes the configuration of a world, by its seed."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any, NamedTuple

import yaml

from supervisor.machine.ffmpeg_binary import Binary

_SOURCES = ("rtsp", "rtmp", "http")
_FEW = 12  # streams
_TWICE, _COMMANDS = 0.25, 0.15  # shares of the streams: with two destinations; bare commands
REFERENCE = "reference.example"


class Settings(NamedTuple):
    """What is configured, and how what it names is to be simulated."""

    tree: dict[str, Any]
    sources: Mapping[str, str]  # by stream: the protocol
    near: frozenset[str]  # STREAM/DESTINATION of ingests on this machine


def binary(version: str) -> Binary:
    """An FFmpeg that nobody runs."""
    major, minor = version.split(".")
    return Binary("/usr/bin/ffmpeg", (int(major), int(minor)), frozenset({"libx264", "aac"}), frozenset(), frozenset())


def draw(chance: Random, streams: int) -> Settings:
    """Streams with one or two destinations each, some of them a command."""
    found: dict[str, Any] = {}
    sources: dict[str, str] = {}
    near: set[str] = set()
    for number in range(1, streams + 1):
        name = f"stream-{number:02}"
        count = 2 if chance.random() < _TWICE else 1
        on_this_machine = chance.random() < 0.1
        destinations: dict[str, Any] = {}
        for place in ("main", "backup")[:count]:
            host = "127.0.0.1" if on_this_machine else f"{place}.{name}.example"
            port = 20000 + 10 * number + len(destinations) if on_this_machine else 1935
            destinations[place] = {"url": f"rtmp://{host}:{port}/live", "key": f"key-{name}-{place}"}
            if place == "backup":
                destinations[place]["required"] = chance.random() < 0.5
            if on_this_machine:
                near.add(f"{name}/{place}")
        if chance.random() < _COMMANDS:
            only = {"main": destinations["main"]}
            url = f"{only['main']['url']}/{only['main']['key']}"
            found[name] = {"command": ["/opt/feed", "-progress", "{progress}", url], "destinations": only}
            sources[name] = "none"
            continue
        sources[name] = chance.choice(_SOURCES)
        found[name] = {
            "source": {"url": f"{sources[name]}://camera.{name}.example/{name}"},
            "video": {"size": "1280x720", "fps": 25, "bitrate": "2500k"},
            "audio": {"source": chance.choice(("auto", "silence"))},
            "destinations": destinations,
        }
    tree: dict[str, Any] = {"network": {"reference": f"{REFERENCE}:443"}, "streams": found}
    if streams > _FEW:
        # What is looked at all the time costs most of a simulation: in a large one, as seldom as makes sense.
        tree["defaults"] = {"uplink": {"interval": "2.5s"}, "watchdog": {"interval": "60s"}}
    return Settings(tree, sources, frozenset(near))


def text(tree: Mapping[str, Any]) -> str:
    """As it stands in the file; no anchors, which neverdark refuses."""
    return yaml.dump(tree, Dumper=_Plain, sort_keys=False)


class _Plain(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True
