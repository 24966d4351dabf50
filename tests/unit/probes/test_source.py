"""Where a source can be looked at, and what is seen there."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from pydantic import SecretStr

from supervisor.config.shape import Source
from supervisor.ffmpeg.sources import PathPlace, ServerPlace, SourcePlace, source_place
from supervisor.model.quantities import Address
from supervisor.model.terms import Reach
from supervisor.probes.source import reach_source
from tests.unit.small_server import Talk, black_hole, listen_only, nobody, serving

ANSWERED = 20.0
NOT_ANSWERED = 0.2


def place(url: str, *options: str, format: str | None = None) -> SourcePlace | None:  # noqa: A002 - as the key is called
    return source_place(Source(url=SecretStr(url), format=format, options=tuple(map(SecretStr, options))))


def server(host: str, port: int, *, rtsp: bool = False) -> ServerPlace:
    return ServerPlace(Address(host, port), rtsp=rtsp)


# --- where -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("rtsp://cam.example/stream1", server("cam.example", 554, rtsp=True)),
        ("rtsp://user:ZBait7@cam.example:8554/s?token=ZBait7", server("cam.example", 8554, rtsp=True)),
        ("RTSP://CAM.example/", server("cam.example", 554, rtsp=True)),
        ("rtsp://[fd00::7]:8554/", server("fd00::7", 8554, rtsp=True)),
        ("rtsps://cam.example/", server("cam.example", 322)),
        ("rtmp://cam.example/live/ZBait7", server("cam.example", 1935)),
        ("rtmps://cam.example/live", server("cam.example", 443)),
        ("http://cam.example/mjpeg", server("cam.example", 80)),
        ("https://user:p%40ss@cam.example:8443/index.m3u8", server("cam.example", 8443)),
        ("https://cam.example/", server("cam.example", 443)),
        ("/videos/loop.mp4", PathPlace("/videos/loop.mp4")),
        ("/videos/a #1?.mp4", PathPlace("/videos/a #1?.mp4")),
        ("/videos/12:30.mp4", PathPlace("/videos/12:30.mp4")),
        ("file:/videos/a%20b.mp4", None),  # to FFmpeg no space, and perhaps a pattern of many pictures
        ("file:/videos/loop.mp4", PathPlace("/videos/loop.mp4")),
        ("file:///videos/loop.mp4", PathPlace("///videos/loop.mp4")),
        ("file:loop.mp4", PathPlace("loop.mp4")),
        ("/dev/video0", PathPlace("/dev/video0")),
        ("file:/dev/video0", PathPlace("/dev/video0")),
        ("udp://239.0.0.1:5000", None),
        ("srt://cam.example:9000", None),
        ("rtp://239.0.0.1:5000", None),
        ("rist://cam.example:5000", None),
        ("tcp://cam.example:9000", None),  # who connects takes the picture
        ("tls://cam.example:9000", None),
        ("unix:///run/cam.sock", None),
        ("rtmpt://cam.example/live", None),
        ("concat:a.ts|b.ts", None),
        ("pipe:0", None),
        ("-", None),
        ("/videos/%03d.png", None),
        ("/videos/*.png", None),
    ],
)
def test_a_source_of_this_url_can_be_looked_at(url: str, expected: SourcePlace | None) -> None:
    assert place(url) == expected
    assert "ZBait7" not in repr(place(url))


@pytest.mark.parametrize(
    ("format_", "url", "expected"),
    [
        ("lavfi", "testsrc2=size=320x180", None),
        ("lavfi", "movie=/videos/loop.mp4", None),
        ("v4l2", "/dev/video0", PathPlace("/dev/video0")),
        ("alsa", "hw:0", None),
        ("pulse", "default", None),
        ("x11grab", ":0.0", None),
        ("mpegts", "/videos/loop.ts", PathPlace("/videos/loop.ts")),
        ("mpegts", "loop.ts", PathPlace("loop.ts")),
        ("mpegts", "http://cam.example/ts", server("cam.example", 80)),
        ("mpegts", "http://[cam.example/ts", None),
        ("mpegts", "http://cam.example:99999/ts", None),
        ("mpegts", "http:///ts", None),
        ("rtsp", "rtsp://cam.example/", server("cam.example", 554, rtsp=True)),
    ],
)
def test_a_source_of_this_format_can_be_looked_at(format_: str, url: str, expected: SourcePlace | None) -> None:
    assert place(url, format=format_) == expected


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("rtmp://0.0.0.0/live", ["-listen", "1"]),
        ("rtmp://0.0.0.0/live", ["-timeout", "30"]),  # the same to FFmpeg
        ("rtmp://0.0.0.0/live?listen=1", []),
        ("http://0.0.0.0:8080", ["-listen", "1"]),
        ("rtsp://0.0.0.0:8554/", ["-rtsp_flags", "listen"]),
        ("http://cam.example/", ["-http_proxy", "http://proxy.example:3128"]),
    ],
)
def test_a_source_that_ffmpeg_does_not_connect_to_is_left_alone(url: str, options: list[str]) -> None:
    """It waits there for the source to come, and would take us for it; or it goes by a proxy."""
    assert place(url, *options) is None


def test_rtsp_in_http_is_not_asked_in_rtsp() -> None:
    assert place("rtsp://cam.example:80/", "-rtsp_transport", "http") == server("cam.example", 80)


def test_a_timeout_is_no_listening_but_for_rtmp() -> None:
    assert place("rtsp://cam.example/", "-timeout", "5000000") == server("cam.example", 554, rtsp=True)


# --- paths -------------------------------------------------------------------------------------------


def look(path: Path) -> Reach:
    return reach_source(PathPlace(str(path)), ANSWERED)


def test_a_file_is_there_when_it_may_be_read_and_is_not_empty(tmp_path: Path) -> None:
    file = tmp_path / "loop.mp4"
    assert look(file) is Reach.REFUSED, "missing"
    file.touch()
    assert look(file) is Reach.REFUSED, "empty"
    file.write_bytes(b"picture")
    assert look(file) is Reach.ACCEPTS
    assert look(tmp_path) is Reach.REFUSED, "a directory"
    assert look(file / "below") is Reach.REFUSED
    assert reach_source(PathPlace("a\0b"), ANSWERED) is Reach.REFUSED


def test_a_file_that_may_not_be_read_is_as_good_as_missing(tmp_path: Path) -> None:
    file = tmp_path / "loop.mp4"
    file.write_bytes(b"picture")
    file.chmod(0)
    try:
        file.open().close()
    except PermissionError:
        expected = Reach.REFUSED
    else:
        expected = Reach.ACCEPTS  # root may read everything
    assert look(file) is expected


def test_a_device_is_there_though_it_has_no_size() -> None:
    assert look(Path("/dev/zero")) is Reach.ACCEPTS
    assert look(Path("/dev/video-of-nobody")) is Reach.REFUSED


def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    """Opening it would hang until somebody writes, and closing it would end that writer."""
    pipe = tmp_path / "cam"
    os.mkfifo(pipe)
    assert look(pipe) is Reach.ACCEPTS


# --- servers -----------------------------------------------------------------------------------------


def test_a_server_is_connected_to_and_told_nothing() -> None:
    heard = []
    with serving(lambda client: heard.append(listen_only(client))) as address:
        assert reach_source(ServerPlace(address), ANSWERED) is Reach.ACCEPTS
    assert heard == [b""]
    assert reach_source(ServerPlace(nobody()), ANSWERED) is Reach.REFUSED
    with black_hole() as hole:
        assert reach_source(ServerPlace(hole), NOT_ANSWERED) is Reach.TIMEOUT


class Camera:
    """Answers the first request with these bytes, and remembers what came."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = answers
        self.request = b""
        self.more = b"not seen to its end"

    def __call__(self, client: socket.socket) -> None:
        while not self.request.endswith(b"\r\n\r\n"):
            self.request += client.recv(4096)
        for answer in self.answers:
            client.sendall(answer)
        self.more = listen_only(client)


@pytest.mark.parametrize(
    "answers",
    [
        [b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nPublic: OPTIONS, DESCRIBE\r\n\r\n"],
        [b"RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\n\r\n"],
        [b"RT", b"SP/1.0 400 Bad Request\r\n\r\n"],  # nothing after what is read: nobody might be there any more
        [b"RTSP/1.0 200 OK\r\nCSeq:"],  # the rest does not matter
    ],
)
def test_a_camera_that_answers(answers: list[bytes]) -> None:
    camera = Camera(*answers)
    with serving(camera) as address:
        assert reach_source(ServerPlace(address, rtsp=True), ANSWERED) is Reach.ANSWERS
    assert camera.request.startswith(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n")
    assert camera.more == b"", "one question and no more, and an end that is no reset"


def hangs_up(client: socket.socket) -> None:
    client.recv(4096)


@pytest.mark.parametrize(
    ("camera", "expected"),
    [
        (listen_only, Reach.SILENT),
        (Camera(b"RTS"), Reach.SILENT),
        (Camera(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Reach.CLOSED),
        (hangs_up, Reach.CLOSED),
    ],
    ids=["silent", "stops early", "http", "hangs up"],
)
def test_a_camera_that_does_not(camera: Talk, expected: Reach) -> None:
    waits = expected is not Reach.CLOSED
    with serving(camera) as address:
        found = reach_source(ServerPlace(address, rtsp=True), NOT_ANSWERED if waits else ANSWERED)
    assert found is expected
