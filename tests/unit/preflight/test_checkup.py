"""What only `check` looks for: FFmpeg's word, names, cameras and our own port, within bounded time."""

from __future__ import annotations

import json
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from supervisor.config.file import load
from supervisor.machine.ffmpeg_binary import Binary
from supervisor.preflight import checkup as checkup_module
from supervisor.preflight.checkup import Findings, checkup

FFMPEG = Binary(shutil.which("ffmpeg") or "ffmpeg", (5, 1), frozenset(), frozenset())
SECRET = "S3CR3T"
Address = tuple[object, ...]


def checked(folder: Path, streams: str, top: str = "") -> Findings:
    """What is found; the port that neverdark listens on is free unless `top` says another."""
    file = folder / "neverdark.yml"
    file.write_text(f"{top or f'listen: 127.0.0.1:{free_port()}'}\nstreams:\n{streams}")
    found = checkup(load(file).config, FFMPEG)
    assert SECRET not in str(found)
    return found


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        return int(server.getsockname()[1])


def fed(name: str, source: str, destination: str = "x.flv") -> str:
    return f"  {name}: {{source: {{{source}}}, destinations: {{d: {{url: '{destination}', key: {SECRET}}}}}}}\n"


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Names that no name server knows, and how it says so; asked for any other, it knows it."""
    unknown: dict[str, int] = {}
    real = socket.getaddrinfo

    def ask(host: str, *words: object, **named: object) -> object:
        if host in unknown:
            raise socket.gaierror(unknown[host], "no")
        return real("127.0.0.1" if host.endswith((".com", ".example")) else host, *words, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", ask)
    return unknown


def test_a_name_that_nobody_knows_is_a_warning(tmp_path: Path, resolver: dict[str, int]) -> None:
    resolver |= {
        "a.rtmp.youtub.com": socket.EAI_NONAME,
        "ingest.example": socket.EAI_NONAME,
        "later.example": socket.EAI_AGAIN,
    }
    streams = fed("a", "url: 'udp://239.0.0.1:1'", "rtmp://a.rtmp.youtub.com/live2")
    streams += fed("b", "url: 'srt://later.example:1'", f"rtmp://u:{SECRET}@ingest.example/live")
    streams += fed("c", "url: x.mp4", "rtmp://a.rtmp.youtube.com/live2")
    found = checked(tmp_path, streams)
    assert list(map(str, found.warnings)) == [
        "streams.a.destinations.d.url: a.rtmp.youtub.com: no such host is known; did you mean a.rtmp.youtube.com?",
        "streams.b.destinations.d.url: ingest.example: no such host is known; is it spelt right?",
        "streams.b.source.url: no answer; is there a name server?",
    ]
    assert not found.problems, "a name may be known later"


def test_names_are_asked_for_once_and_not_for_streams_that_are_off(tmp_path: Path, resolver: dict[str, int]) -> None:
    resolver["ingest.example"] = socket.EAI_NONAME
    off = fed("a", "url: x", "rtmp://ingest.example/a").replace("{source", "{enabled: no, source", 1)
    found = checked(tmp_path, off + "".join(fed(f"s{n}", "url: x", f"rtmp://ingest.example/{n}") for n in range(9)))
    assert [warning.about for warning in found.warnings] == ["streams.s0.destinations.d.url"]


def test_thirty_streams_without_a_name_server_take_no_longer_than_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    over, real = threading.Event(), socket.getaddrinfo

    def hang(host: str, *words: object, **named: object) -> object:
        if host.endswith(".example"):
            over.wait(60)
        return real(host, *words, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    streams = [fed(f"s{n}", f"url: 'rtsp://cam{n}.example/x'", f"rtmp://h{n}.example/x") for n in range(30)]
    began = time.monotonic()
    try:
        found = checked(tmp_path, "".join(streams))
    finally:
        over.set()
    assert time.monotonic() - began < 10
    assert "no answer; is there a name server?" in str(found.warnings[-1])
    assert " and " in found.warnings[-1].about
    assert not found.problems


def test_a_camera_is_connected_to_and_nothing_else_is(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as camera, socket.create_server(("127.0.0.1", 0)) as ingest:
        ingest.setblocking(False)
        here, gone = camera.getsockname()[1], free_port()
        streams = fed(
            "a", f"url: 'http://u:{SECRET}@127.0.0.1:{here}/x'", f"rtmp://127.0.0.1:{ingest.getsockname()[1]}/l"
        )
        found = checked(tmp_path, streams + fed("b", f"url: 'rtsp://u:{SECRET}@127.0.0.1:{gone}/x'"))
        assert [*map(str, found.warnings)] == [f"streams.b.source.url: 127.0.0.1:{gone}: nobody listens there now"]
        camera.accept()[0].close()
        with pytest.raises(BlockingIOError):
            ingest.accept()


def test_what_ffmpeg_does_not_know_is_a_mistake(tmp_path: Path) -> None:
    streams = fed("a", "url: 'udp://127.0.0.1:1', options: [-nonsense, '1']", "a.flv")
    streams += fed("b", "url: 'udp://127.0.0.1:2', options: [-nonsense, '1']", "b.flv")
    streams += fed("c", "url: testsrcc2, format: lavfi", "c.flv")
    found = checked(tmp_path, streams + fed("d", "url: testsrc2, format: lavfi", "d.flv"))
    assert list(map(str, found.problems)) == [
        "streams.a.source.options[0]: FFmpeg has no such option",
        "streams.c.source.url: FFmpeg has no filter of that name; did you mean testsrc2?",
    ]
    assert not found.warnings


def test_an_ffmpeg_that_does_not_answer_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(checkup_module, "_TRIAL_PATIENCE", 1.0)
    monkeypatch.setattr(checkup_module, "refused_graph", lambda *_: over.wait(60) and None)
    try:
        found = checked(tmp_path, fed("a", "url: testsrc2, format: lavfi"))
    finally:
        over.set()
    assert [*map(str, found.warnings)] == ["streams.a.source.url: FFmpeg has not answered"]


# --- our own port ----------------------------------------------------------------------------------


class Neverdark(BaseHTTPRequestHandler):
    """One that keeps the streams a and b."""

    def do_GET(self) -> None:
        body = json.dumps({"streams": [{"stream": "a"}, {"stream": "b"}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        """Nobody wants to know."""


@pytest.fixture
def neverdark() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Neverdark) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_our_own_neverdark_may_have_the_port(tmp_path: Path, neverdark: int) -> None:
    top = f"listen: 127.0.0.1:{neverdark}"
    assert checked(tmp_path, "  b: {command: [sleep, 1]}", top).warnings == []
    (found,) = checked(tmp_path, "  c: {command: [sleep, 1]}", top).warnings
    assert str(found) == f"listen: 127.0.0.1:{neverdark}: another neverdark has this port, of other streams"


def test_a_port_that_cannot_be_had(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        (found,) = checked(tmp_path, "  c: {command: [sleep, 1]}", f"listen: 127.0.0.1:{port}").warnings
    assert str(found) == f"listen: 127.0.0.1:{port}: another program has this port"
    top = "listen: 192.0.2.1:9833\napi_token: long-enough"
    (found,) = checked(tmp_path, "  c: {command: [sleep, 1]}", top).warnings
    assert str(found) == "listen: 192.0.2.1:9833: neverdark cannot listen there: Cannot assign requested address"


@pytest.mark.parametrize(
    ("video", "place", "words"),
    [
        ("filters: 'hue=s=0,hqdn3d'", None, ""),
        ("filters: hqdnd3", "filters", "did you mean hqdn3d?"),
        ("filters: 'crop=5000:5000'", "filters", "FFmpeg cannot do this"),
        ("overlay: [{text: 'a:b'}, {file: nowhere.txt}]", None, ""),
        ("overlay: [{text: a, color: redd}]", "overlay[0]", "FFmpeg cannot do this"),
    ],
)
def test_filters_and_overlays_are_tried(video: str, place: str | None, words: str, tmp_path: Path) -> None:
    stream = f"  a: {{source: {{url: x.mp4}}, video: {{{video}}}, destinations: {{d: {{url: x.flv}}}}}}\n"
    found = [str(problem) for problem in checked(tmp_path, stream).problems]
    assert len(found) == (place is not None), found
    assert all(one.startswith(f"streams.a.video.{place}: ") and words in one for one in found), found


def test_a_port_that_a_publisher_shall_call_is_looked_at(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        taken = other.getsockname()[1]
        streams = fed("a", f"listen: rtmp, port: {taken}") + fed("b", f"listen: srt, port: {taken}", "y.flv")
        streams += fed(
            "c", f"listen: rtmp, port: {taken}, address: 192.0.2.1, key: {SECRET}xx, insecure: true", "z.flv"
        )
        found = checked(tmp_path, streams)
    assert list(map(str, found.warnings)) == [
        f"streams.a.source.port: 127.0.0.1:{taken}: another program has this port",
        f"streams.c.source.port: 192.0.2.1:{taken}: it cannot be listened there: Cannot assign requested address",
    ]
    assert not found.problems
