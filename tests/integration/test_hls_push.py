"""HLS that is pushed: segments and playlist reach a server over TLS, and what the server says is heard."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.conftest import Launch
from tests.integration.harness.hls_server import HlsServer
from tests.integration.harness.media import tracks
from tests.integration.harness.recipes import cam, card, secret
from tests.integration.harness.waiting import ON_AIR, SLACK, eventually
from tests.unit.certificates import Authority
from tests.unit.uploader.test_segments import frames

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


def test_a_server_that_refuses_is_heard(server: HlsServer, neverdark: Launch) -> None:
    server.answer = 403
    running = neverdark({"cam": cam(server.url(), secret("cid"))})
    eventually(lambda: running.exits(*PUSHER).get("ingest_refused"), 20 + SLACK, "it is refused")
    (incident,) = running.get("/api/streams/cam/incidents").json()["incidents"]
    assert (incident["cause"], incident["segment"]) == ("ingest_refused", "platform")
    assert "is the key right" in str(incident)


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


# Writes a file to the pipe, as FFmpeg would, and how much of it has been taken so far to its output.
WRITER = """
import sys
data = open(sys.argv[1], "rb").read()
with open(4, "wb", buffering=0) as pipe:
    for at in range(0, len(data), 18800):
        pipe.write(data[at : at + 18800])
        print(at, flush=True)
"""


@contextmanager
def uploading(server: HlsServer, authority: Authority, media: Path, told: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The uploader alone, beside a program that has as much media as one likes."""
    program = Path(__file__).parents[2] / "supervisor" / "uploader" / "push.py"
    options = json.dumps({"url": server.url("made-up"), "ca_file": str(authority.bundle)})
    argv = [sys.executable, "-I", "-S", str(program), options, sys.executable, "-c", WRITER, str(media)]
    with (
        told.open("wb") as output,
        subprocess.Popen(
            [sys.executable, "-c", "import os, sys; os.dup2(0, 3); os.execv(sys.argv[1], sys.argv[1:])", *argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def child_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def test_what_is_not_confirmed_holds_up_who_makes_it_and_is_tried_again(
    server: HlsServer, authority: Authority, tmp_path: Path
) -> None:
    media, told = tmp_path / "media.ts", tmp_path / "told"
    media.write_bytes(frames(60, rate=100))
    server.answer = 503
    with uploading(server, authority, media, told) as process:
        eventually(lambda: len(server.asked) >= 3, SLACK, "it is tried again")
        taken = len(told.read_bytes())
        assert set(server.asked) == {server.asked[0]}, "no other one before this one is taken"
        assert told.read_bytes().count(b"\n") < 25, "two segments, of which one waits, and what is in the pipe"
        eventually(lambda: len(server.asked) >= 4, SLACK, "once more")
        assert len(told.read_bytes().replace(b"[upload]", b"")) - taken < 200
        server.answer = 200
        eventually(lambda: len(server.segments) >= 26, 2 * SLACK, "all of it is sent, but what is under way at the end")
        assert process.wait(SLACK) == 0
        sent = server.segments[: len(server.lists)]
        assert listed(server.lists[-1]) == sent[-5:], "none was left out"
        assert b"[fatal]" not in told.read_bytes()


def test_whichever_ends_takes_the_other_with_it(server: HlsServer, authority: Authority, tmp_path: Path) -> None:
    media, told = tmp_path / "media.ts", tmp_path / "told"
    media.write_bytes(frames(60, rate=100))
    server.answer = 0
    with uploading(server, authority, media, told) as process:
        eventually(lambda: server.asked, SLACK, "it uploads")
        os.kill(child_of(process.pid), signal.SIGKILL)
        assert process.wait(SLACK) != 0
    with uploading(server, authority, media, told) as process:
        eventually(lambda: len(server.asked) >= 2, SLACK, "it uploads")
        uploader = child_of(process.pid)
        server.answer = 200
        process.kill()
        process.wait(SLACK)
        ended = ("Z", "X")
        eventually(
            lambda: not (stat := Path(f"/proc/{uploader}/stat")).exists() or stat.read_text().split()[2] in ended,
            12 + SLACK,
            "the uploader ends",
        )
