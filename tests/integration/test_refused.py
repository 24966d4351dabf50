"""A source that refuses: cameras lock out who keeps asking, and a limit is not to be tried out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.recipes import cam, secret
from tests.integration.harness.rtsp import RtspCamera
from tests.integration.harness.supervised import Neverdark
from tests.integration.harness.waiting import SLACK, eventually

EAGER = {"initial_delay": 0, "max_delay": "200ms", "attempts": 100, "cooldown": "1s"}
EAGER_WATCHDOG = {"interval": "500ms", "failures": 1, "cooldown": "1s"}


@contextmanager
def limited(seconds: int) -> Iterator[tuple[str, list[str]]]:
    """A web server with too many requests; also the methods of those that it got."""
    methods: list[str] = []

    class Refuse(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            methods.append(self.command)
            self.send_response(429)
            self.send_header("Retry-After", str(seconds))
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_HEAD = do_GET  # noqa: N815 - the library's name

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Refuse)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/live.ts?token={secret('token')}", methods
    finally:
        server.shutdown()
        server.server_close()


def wait(running: Neverdark, name: str) -> float:
    """Seconds from the failure to the next attempt; raises LookupError while none is planned."""
    encoder = running.one(name, "encoder")
    if encoder["retry_at"] is None:
        raise LookupError(name)
    due, failed = encoder["retry_at"], encoder["last_failure"]["at"]
    return (datetime.fromisoformat(due) - datetime.fromisoformat(failed)).total_seconds()


def test_who_refuses_is_left_alone_by_both_layers_and_their_probes_until_somebody_acts(
    ingest: Ingest, neverdark: Launch
) -> None:
    """Ten attempts in the first minute, forty in seven: a camera locked us out for half an hour each time."""
    policies = {"restart": EAGER, "watchdog": EAGER_WATCHDOG}
    with RtspCamera("viewer", secret("right")) as camera, limited(300) as (url, methods):
        wrong = camera.url.replace(secret("right"), secret("wrong"))
        streams: dict[str, object] = {
            "cam": cam(ingest.url, secret("cam"), source={"url": wrong}, **policies),
            "tv": cam(ingest.url, secret("tv"), source={"url": url}, **policies),
        }
        running = neverdark(streams)
        eventually(lambda: wait(running, "tv") > 200, 10 + SLACK, "the server has said how long")
        assert 299 <= wait(running, "tv") <= 320
        assert methods == ["GET", "HEAD"]
        assert running.one("tv", "encoder")["backoff_seconds"] > 299

        eventually(lambda: running.exits("cam", "encoder").get("source_refused", 0) >= 2, 12 + SLACK, "and again")
        assert camera.connections == 2, "two attempts in ten seconds, and not one look"
        assert 15 <= wait(running, "cam") <= 20
        seen = {"stream": "cam", "check": "source", "verdict": "unhealthy"}
        assert running.metric("watchdog_verdict", **seen) == 1
        for name in streams:
            assert (
                running.metric("recovery_attempts_total", stream=name, layer="watchdog", action="restart_encoder") == 0
            )

        running.post("/api/streams/cam/restart")
        eventually(lambda: camera.connections == 3, SLACK, "an operator is believed at once")
        eventually(lambda: 8 <= wait(running, "cam") <= 10, SLACK, "and it begins anew")
