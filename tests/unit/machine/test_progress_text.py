"""Progress as somebody else's FFmpeg leaves it in a file, or a server tells it: the latest whole report counts."""

from __future__ import annotations

import http.server
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from supervisor.ffmpeg.progress import parse_report
from supervisor.machine.progress_text import NoProgress, ProgressFile, ProgressUrl, latest
from supervisor.machine.webhook import call

FIRST = b"frame=10\nout_time_us=1000000\nprogress=continue\n"
SECOND = b"frame=20\nout_time_us=2000000\nprogress=continue\n"


@pytest.mark.parametrize(
    ("text", "report"),
    [
        (b"", b""),
        (FIRST, FIRST),
        (FIRST + SECOND, SECOND),
        (FIRST + b"frame=20\nout_time_us=20", FIRST),
        (FIRST + b"frame=20\nout_time_us=2000000\nprogress=cont", FIRST),
        (b"frame=20\nout_time_us=20", b""),
        (b"ime_us=1\nprogress=continue\n" + SECOND, SECOND),
        (FIRST + b"frame=21\nprogress=end\n", b"frame=21\nprogress=end\n"),
    ],
)
def test_the_latest_whole_report_counts(text: bytes, report: bytes) -> None:
    assert latest(text) == report


def test_a_file_is_read_when_it_has_changed(tmp_path: Path) -> None:
    file = tmp_path / "progress.txt"
    progress = ProgressFile(str(file), 0.0)
    with pytest.raises(NoProgress, match="No such file"):
        progress.read()
    file.write_bytes(FIRST)
    assert parse_report(progress.read()).frames == 10
    assert progress.read() == b"", "nothing has come since"
    file.write_bytes(FIRST * 10_000 + SECOND)
    assert parse_report(progress.read()).frames == 20
    file.write_bytes(b"")  # another FFmpeg has opened it
    assert progress.read() == b""
    file.write_bytes(FIRST)
    assert progress.read() == FIRST


def test_what_was_written_before_the_program_began_is_of_another_one(tmp_path: Path) -> None:
    file = tmp_path / "progress.txt"
    file.write_bytes(FIRST)
    os.utime(file, (1000.0, 1000.0))
    progress = ProgressFile(str(file), 2000.0)
    assert progress.read() == b""
    file.write_bytes(SECOND)
    assert progress.read() == SECOND


@pytest.mark.timeout(20)
def test_what_is_no_plain_file_holds_nobody_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", tmp_path, Path("/dev/zero")):
        with pytest.raises(NoProgress, match="no plain file"):
            ProgressFile(str(path), 0.0).read()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    status = 200
    body = SECOND
    drips = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.said: list[bytes] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/x?token=secret-token-of-a-webhook"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, format: str, *words: object) -> None: ...  # noqa: A002 - its name there

    def do_GET(self) -> None:
        self.send_response(self.server.status)
        self.send_header("Location", self.server.url)
        self.end_headers()
        while self.server.drips:
            self.wfile.write(b"x=1\n")
            self.wfile.flush()
            time.sleep(0.05)
        self.wfile.write(self.server.body)

    def do_POST(self) -> None:
        self.server.said.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.body = b""
        self.do_GET()


@pytest.fixture
def server() -> Iterator[_Server]:
    with _Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.drips = False
        server.shutdown()
        thread.join()


def test_a_url_is_read_for_its_latest_report(server: _Server) -> None:
    assert ProgressUrl(server.url).read() == SECOND
    server.body = b"frame=7\n"
    assert ProgressUrl(server.url).read() == b"frame=7\n", "one who tells nothing but its counts"


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_url_that_tells_nothing_says_so_without_its_secret(server: _Server, status: int) -> None:
    server.status = status
    with pytest.raises(NoProgress, match=f"status {status}") as error:
        ProgressUrl(server.url).read()
    assert "secret" not in str(error.value)


@pytest.mark.timeout(30)
def test_a_url_whose_answer_never_ends_is_given_up(server: _Server) -> None:
    server.drips = True
    with pytest.raises(NoProgress):
        ProgressUrl(server.url).read()


def test_a_webhook_is_told_once(server: _Server) -> None:
    assert call(server.url, {"name": "show"}, 5.0) is None
    assert server.said == [b'{"name": "show"}']


@pytest.mark.parametrize(("status", "times"), [(302, 1), (404, 1), (500, 3)])
def test_a_webhook_that_refuses_is_asked_again_only_if_that_may_help(
    server: _Server, status: int, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("supervisor.machine.webhook._PAUSE", 0.01)
    server.status = status
    assert call(server.url, {}, 20.0) == f"the webhook answers with status {status}"
    assert len(server.said) == times


@pytest.mark.timeout(20)
def test_a_webhook_that_is_not_there_is_told_of_without_its_secret() -> None:
    said = call("http://127.0.0.1:1/x?token=secret-token-of-a-webhook", {}, 2.0)
    assert said == "the webhook does not answer: ConnectionError"
