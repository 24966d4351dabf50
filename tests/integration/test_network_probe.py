"""The network probe against servers that were not written for it."""

from __future__ import annotations

import signal
import subprocess

import psutil
import requests

from supervisor.ffmpeg.sources import ServerPlace
from supervisor.model.quantities import Address
from supervisor.model.terms import Reach
from supervisor.probes.network import reach_host, reach_ingest
from supervisor.probes.source import reach_source
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.media import publishing
from tests.integration.harness.rtsp import RtspCamera
from tests.integration.harness.waiting import SLACK, eventually, free_port

ANSWERED = 20.0
NOT_ANSWERED = 0.5


def visitors(ingest: Ingest) -> int:
    """How many connections nginx holds on its RTMP port, in whatever state."""
    assert ingest._process
    held = psutil.Process(ingest._process.pid).net_connections("tcp")
    return sum(bool(link.raddr) and link.laddr.port == ingest.port for link in held)


def test_nginx_rtmp_answers_and_is_left_as_it_was(ingest: Ingest) -> None:
    address = Address("127.0.0.1", ingest.port)
    with publishing(f"{ingest.url}/key"):
        eventually(lambda: ingest.receives("key"), 10 + SLACK, "somebody publishes")
        before = ingest.publishers()["key"].client
        for _ in range(20):
            assert reach_ingest(address, tls=False, timeout=ANSWERED) is Reach.ANSWERS
        assert reach_host(address, ANSWERED) is Reach.ACCEPTS
        eventually(lambda: visitors(ingest) == 1, 5 + SLACK, "only the publisher's connection is left")
        assert {key: found.client for key, found in ingest.publishers().items()} == {"key": before}
        assert requests.get(f"http://127.0.0.1:{ingest._http}/stat", timeout=5).text.count("<client>") == 1


def test_nginx_rtmp_that_is_stopped_is_silent_until_it_goes_on(ingest: Ingest) -> None:
    address = Address("127.0.0.1", ingest.port)
    assert ingest._process
    ingest._process.send_signal(signal.SIGSTOP)
    try:
        assert reach_ingest(address, tls=False, timeout=NOT_ANSWERED) is Reach.SILENT
        assert reach_host(address, ANSWERED) is Reach.ACCEPTS, "its kernel still lets us in"
    finally:
        ingest._process.send_signal(signal.SIGCONT)
    assert reach_ingest(address, tls=False, timeout=ANSWERED) is Reach.ANSWERS
    eventually(lambda: visitors(ingest) == 0, 5 + SLACK, "those that were given up on are gone, too")


def test_nginx_rtmp_that_has_gone_refuses(ingest: Ingest) -> None:
    ingest.stop()
    assert reach_ingest(Address("127.0.0.1", ingest.port), tls=False, timeout=ANSWERED) is Reach.REFUSED


def test_a_listening_ffmpeg_answers(ffmpeg: str) -> None:
    port = free_port()
    argv = [ffmpeg, "-nostdin", "-loglevel", "error", "-listen", "1", "-i", f"rtmp://127.0.0.1:{port}/live/key"]
    seen = set()

    def answers() -> bool:
        seen.add(reach := reach_ingest(Address("127.0.0.1", port), tls=False, timeout=ANSWERED))
        return reach is Reach.ANSWERS

    with subprocess.Popen([*argv, "-f", "null", "-"], stdin=subprocess.DEVNULL) as listening:
        try:
            eventually(answers, 10 + SLACK, "FFmpeg listens")
        finally:
            listening.kill()
    assert seen <= {Reach.REFUSED, Reach.ANSWERS}


def test_a_camera_answers_whoever_asks() -> None:
    with RtspCamera("user", "password") as camera:
        address = Address("127.0.0.1", int(camera.url.rpartition(":")[2].partition("/")[0]))
        assert reach_source(ServerPlace(address, rtsp=True), ANSWERED) is Reach.ANSWERS
        camera.refuse()
        assert reach_source(ServerPlace(address, rtsp=True), ANSWERED) is Reach.REFUSED
