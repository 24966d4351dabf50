"""Primary and backup: two ingests of one place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from supervisor.config.file import load
from supervisor.config.problems import ConfigError
from supervisor.config.shape import Config
from supervisor.desired.plan import StreamSpec, plan
from supervisor.machine.ffmpeg_binary import Binary

A = {"url": "rtmp://a.example/live2", "key": "made-up-key"}
B = {"url": "rtmp://b.example/live2?backup=1", "key": "made-up-key"}


def at(stream_id: str) -> dict[str, Any]:
    return {"youtube": {"account": "main", "stream_id": stream_id}}


FIRST, SECOND = A | {"role": "primary"}, B | {"role": "backup"}


def read(folder: Path, stream: Any = None, **destinations: Any) -> Config:
    (folder / "secret").write_text("GOCSPX-made-up-secret")
    (folder / "secret").chmod(0o600)
    account = {"client_id": "1-tv.apps", "client_secret_file": "secret", "token_file": "token"}
    tree = {
        "youtube": {"accounts": {"main": account}},
        "streams": {"cam": {"destinations": destinations} | (stream or {"source": {"url": "x.mp4"}})},
    }
    file = folder / "neverdark.yml"
    file.write_text(json.dumps(tree))
    return load(file).config


def spec(config: Config) -> StreamSpec:
    binary = Binary("/usr/bin/ffmpeg", (7, 1), frozenset({"libx264"}), frozenset({"rtmp", "file"}))
    return plan(config, binary, lambda *_: 20_001, ca_file=None, variables=frozenset())["cam"]


@pytest.mark.parametrize(
    ("destinations", "says"),
    [
        ({"b": SECOND}, "b.role: 'backup': expected another destination of this stream with role: primary"),
        ({"a": A, "b": SECOND}, "b.role: 'backup': expected another destination of this stream with role: primary"),
        ({"a": FIRST, "b": B | {"role": "primary"}}, "b.role: 'primary': expected backup: a is the primary already"),
        ({"a": FIRST, "b": B | {"role": "spare"}}, "b.role: 'spare': expected one of primary, backup"),
        (
            {"a": FIRST | at("one"), "b": SECOND | at("two")},
            "b.youtube.stream_id: 'two': expected the one of a: primary and backup are two ways to one stream",
        ),
        ({"a": {"recording": {"directory": "rec"}, "role": "primary"}}, "a.role: cannot be had with recording"),
    ],
)
def test_what_is_refused(tmp_path: Path, destinations: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read(tmp_path, **destinations)
    (line,) = str(raised.value).splitlines()
    assert f"streams.cam.destinations.{says}" in line


def test_a_command_has_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"a\.role: cannot be had with command: one process sends to all of them"):
        read(tmp_path, {"command": ["x"]}, a=FIRST)


@pytest.mark.parametrize(
    ("first", "second", "required"),
    [({}, {}, True), ({"required": False}, {}, False), ({}, {"required": False}, True)],
)
def test_a_pair_is_required_as_its_primary_is(tmp_path: Path, first: Any, second: Any, *, required: bool) -> None:
    found = spec(read(tmp_path, b=SECOND | second, a=FIRST | first, c={"url": "x.ts"}))
    assert found.pair == {"a", "b"}
    assert {one.name: one.required for one in found.destinations} == {"a": required, "b": required, "c": True}


def test_a_primary_alone_is_one_destination(tmp_path: Path) -> None:
    found = spec(read(tmp_path, a=FIRST))
    assert (found.pair, found.destinations[0].role) == (frozenset(), "primary")
