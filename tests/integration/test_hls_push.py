"""HLS that is pushed: segments and playlist reach a server over TLS, and what the server says is heard."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.conftest import Launch
from tests.integration.harness.hls_server import HlsServer
from tests.integration.harness.media import tracks
from tests.integration.harness.recipes import cam, card, secret
from tests.integration.harness.waiting import ON_AIR, SLACK, eventually
from tests.unit.certificates import Authority

PUSHER, ENCODER = ("cam", "pusher", "yt"), ("cam", "encoder", "")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("hls") / "ca")


@pytest.fixture
def server(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[HlsServer]:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.bundle))
    server = HlsServer(authority.good())
    yield server
    server.close()


def listed(playlist: str) -> list[str]:
    return [line for line in playlist.splitlines() if line.endswith(".ts")]


def value(playlist: str, tag: str) -> str:
    return next(line.partition(":")[2] for line in playlist.splitlines() if line.startswith(f"#{tag}:"))


def test_segments_arrive_whole_and_in_order_on_one_connection(
    server: HlsServer, neverdark: Launch, tmp_path: Path, ffmpeg: str
) -> None:
    key = secret("cid")
    running = neverdark({"cam": cam(server.url(), key, **card(rate=25, keyframe_interval="1s"))}, ffmpeg=ffmpeg)
    running.wait_on_air()
    eventually(lambda: len(server.lists) >= 3, 12 + SLACK, "three segments are listed")
    assert all(f"cid={key}&copy=0&file=" in path for path in server.asked)
    names, last = server.segments[:3], server.lists[2]
    assert listed(last) == names
    assert all(abs(float(line[8:-1]) - 2.0) < 0.1 for line in last.splitlines() if line.startswith("#EXTINF:"))
    assert int(value(last, "EXT-X-TARGETDURATION")) == 2
    whole = tmp_path / "whole.ts"
    whole.write_bytes(b"".join(server.files[name] for name in names))
    assert tracks(whole).keys() == {"video", "audio"}
    alone = tmp_path / "alone.ts"
    alone.write_bytes(server.files[names[1]])
    assert tracks(alone).keys() == {"video", "audio"}, "each can be read alone"
    assert server.connections == 1
    assert eventually(lambda: running.metric("uplink_acked_bytes_total", stream="cam", destination="yt"), SLACK, "acks")

    pid = running.pid(*PUSHER)
    before = int(value(server.lists[-1], "EXT-X-MEDIA-SEQUENCE"))
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: running.replaced(pid, *PUSHER), ON_AIR, "another one sends")
    eventually(lambda: "DISCONTINUITY\n" in server.lists[-1] and len(listed(server.lists[-1])) == 1, ON_AIR, "anew")
    assert int(value(server.lists[-1], "EXT-X-MEDIA-SEQUENCE")) > before
    assert running.restarts()[ENCODER] == {}


@pytest.mark.parametrize(
    ("answer", "cause", "says"),
    [(403, "ingest_refused", "is the key right"), (503, "ingest_closed", "trouble of its own")],
)
def test_a_server_that_takes_nothing_is_heard(
    server: HlsServer, neverdark: Launch, answer: int, cause: str, says: str
) -> None:
    server.answer = answer
    running = neverdark({"cam": cam(server.url(), secret("cid"))})
    eventually(lambda: running.exits(*PUSHER).get(cause), 20 + SLACK, "it is refused")
    (incident,) = running.get("/api/streams/cam/incidents").json()["incidents"]
    assert (incident["cause"], incident["segment"]) == (cause, "platform")
    assert says in str(incident)
    server.answer = 202
    eventually(lambda: server.lists, 30 + SLACK, "it goes on when it is taken again")


def test_a_server_that_hangs_is_found(server: HlsServer, neverdark: Launch) -> None:
    running = neverdark({"cam": cam(server.url(), secret("cid"))})
    eventually(lambda: server.lists, 12 + SLACK, "a segment is taken")
    server.answer = 0
    eventually(lambda: running.exits(*PUSHER), 25 + SLACK, "its end")
    server.answer = 202
    eventually(running.on_air, 30 + SLACK, "on air again")
    assert running.restarts()[ENCODER] == {}


def test_nobody_there_is_no_pusher_that_advances(server: HlsServer, neverdark: Launch) -> None:
    server.close()
    running = neverdark({"cam": cam(server.url(), secret("cid"))})
    eventually(lambda: running.exits(*PUSHER).get("ingest_unreachable"), 20 + SLACK, "it says why")
    assert running.frames(*PUSHER) == 0
