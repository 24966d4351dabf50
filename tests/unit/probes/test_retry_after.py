"""What a web server says of how long it wants to be left alone, and what is asked of it."""

from __future__ import annotations

import socket
from email.utils import formatdate

import pytest
from pydantic import SecretStr

from supervisor.config.shape import Source
from supervisor.ffmpeg.sources import question_url
from supervisor.probes.retry_after import retry_after, seconds_of
from tests.unit.small_server import nobody, serving

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("300", 300.0),
        (" 1 ", 1.0),
        ("86400", 3600.0),
        ("9" * 5000, 3600.0),
        (formatdate(NOW + 90, usegmt=True), 90.0),
        (formatdate(NOW - 90, usegmt=True), None),
        ("0", None),
        ("-5", None),
        ("1.5", None),
        ("٣٠", None),
        ("soon", None),
        ("", None),
        ("Fri, 31 Dec 99999 23:59:59 GMT", None),
        ("\x00" * 200, None),
    ],
)
def test_what_the_header_says(header: str, seconds: float | None) -> None:
    assert seconds_of(header, NOW) == seconds


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        ("429 Too Many Requests\r\nRetry-After: 300", 300.0),
        ("503 Service Unavailable\r\nRetry-After: 20", 20.0),
        ("429 Too Many Requests", None),
        ("200 OK\r\nRetry-After: 300", None),
        ("401 Unauthorized\r\nRetry-After: 300", None),
        ("302 Found\r\nLocation: /again", None),
        ("rubbish", None),
    ],
)
def test_one_question_that_opens_no_stream(answer: str, seconds: float | None) -> None:
    asked: list[bytes] = []

    def talk(client: socket.socket) -> None:
        asked.append(client.recv(4096))
        client.sendall(f"HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())

    with serving(talk) as server:
        assert retry_after(SecretStr(f"http://{server.host}:{server.port}/live.ts?token=x"), 5.0) == seconds
    assert all(request.startswith(b"HEAD ") for request in asked)
    assert len(asked) == (6 if answer.startswith("302") else 1)


def test_nothing_of_the_url_is_written_anywhere(capfd: pytest.CaptureFixture[str]) -> None:
    """A line that is no header makes the library warn, with the whole URL."""
    broken = b"HTTP/1.1 429 No\r\nRetry-After: 7\r\n\x00 no header\r\nContent-Length: 0\r\n\r\n"

    def talk(client: socket.socket) -> None:
        client.recv(4096)
        client.sendall(broken)

    with serving(talk) as server:
        retry_after(SecretStr(f"http://user:ZBait-p@{server.host}:{server.port}/?token=ZBait-t"), 5.0)
    retry_after(SecretStr("http://user:ZBait-p@[bad/?token=ZBait-t"), 5.0)
    assert "ZBait" not in "".join(capfd.readouterr())


def test_nobody_there_is_no_answer() -> None:
    server = nobody()
    assert retry_after(SecretStr(f"http://{server.host}:{server.port}/"), 5.0) is None
    assert retry_after(SecretStr("http://[::1/"), 5.0) is None


@pytest.mark.parametrize(
    ("url", "options", "asked"),
    [
        ("http://tv.example/live.ts", (), True),
        ("https://tv.example/live.m3u8", ("-user_agent", "VLC"), True),
        ("http://tv.example/live.ts", ("-headers", "Authorization: Bearer x"), False),
        ("http://tv.example/live.ts", ("-cookies", "x=y"), False),
        ("http://tv.example/live.ts", ("-http_proxy", "http://proxy.example"), False),
        ("rtsp://cam.example/1", (), False),
        ("clip.ts", (), False),
    ],
)
def test_who_is_asked(url: str, options: tuple[str, ...], asked: bool) -> None:  # noqa: FBT001
    source = Source(url=SecretStr(url), options=[SecretStr(option) for option in options])
    assert (question_url(source) is not None) == asked
