"""What a hostile review broke, and what must not break again. Changes at a bad moment: see test_changes.py."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.media import ffmpeg
from tests.integration.harness.recipes import cam, card, secret
from tests.integration.harness.supervised import Neverdark, carriers
from tests.integration.harness.waiting import SLACK, all_along, eventually, free_port

PUSHER, ENCODER = ("cam", "pusher", "yt"), ("cam", "encoder", "")
SEGMENT = 3  # s, of an HLS source
SWEEP = 2.0  # s between two looks for strays
CAUGHT = 1 << (signal.SIGTERM - 1)


def test_what_runs_on_is_known_by_any_spelling_of_the_data_dir(ingest: Ingest, unstarted: Launch) -> None:
    key = secret("main")
    running = unstarted({"cam": cam(ingest.url, key)}).start()
    running.wait_on_air()
    running.crash()
    left = set(carriers(running.data_dir))
    assert len(left) == 2
    old = ingest.publisher(key).client

    (running.folder / "link").symlink_to(running.data_dir, target_is_directory=True)
    running.config["data_dir"] = "./link"
    running.write_config()
    running.start()

    running.wait_on_air()
    assert set(carriers(running.data_dir)) == left, "they are taken over"
    assert ingest.publisher(key).client == old
    assert ingest.refused() == 0, "there were two publishers on one key"


def test_what_a_command_leaves_in_the_background_does_not_pile_up(neverdark: Launch) -> None:
    restart = {"initial_delay": "300ms", "max_delay": "300ms", "attempts": 1000}
    # It ends a moment later: what has not left its process group by then is ended with it.
    running = neverdark(
        {"mine": {"command": ["sh", "-c", "setsid sleep 424242 & sleep 0.3; exit 0"], "restart": restart}}
    )

    def sleepers() -> set[int]:
        return {pid for pid, line in carriers(running.data_dir).items() if line.startswith("sleep 424242")}

    for _ in range(3):
        old = eventually(sleepers, 3 + SLACK, "a sleeper in the background")
        eventually(lambda old=old: not old & sleepers(), SWEEP + SLACK, "it is ended soon")  # type: ignore[misc]

    assert running.stop() == 0
    assert not carriers(running.data_dir)


def test_a_stream_of_optional_destinations_is_on_air_with_one_dead(ingest: Ingest, neverdark: Launch) -> None:
    dead = {"url": f"rtmp://127.0.0.1:{free_port()}/live", "key": secret("dead"), "required": False}
    alive = {"url": ingest.url, "key": secret("alive"), "required": False}
    running = neverdark({"cam": card() | {"destinations": {"yt": alive, "dead": dead}}})

    running.wait_on_air()

    eventually(lambda: running.exits("cam", "pusher", "dead"), 3 + SLACK, "the dead one fails")
    assert running.on_air()
    assert running.get("/readyz").status_code == 200
    assert running.metric("stream_health", stream="cam", health="degraded") == 1


@pytest.mark.parametrize("seconds", [0.05, 0.3, 0.8])
def test_sigterm_in_the_first_moments_of_a_start(seconds: float, ingest: Ingest, unstarted: Launch) -> None:
    running = unstarted({"cam": cam(ingest.url, secret("main"))})
    process = running.launch()
    time.sleep(seconds)  # the moment itself is what is tested; there is nothing to wait for
    heard = listens(process.pid)

    process.terminate()

    # While Python itself is starting nobody listens and nothing runs yet: then the signal alone ends it.
    assert process.wait(5 + SLACK) in ({0} if heard else {0, -signal.SIGTERM})
    assert not carriers(running.data_dir)


def test_sigterm_is_heard_before_anything_slow_is_loaded(ingest: Ingest, unstarted: Launch) -> None:
    running = unstarted({"cam": cam(ingest.url, secret("main"))})
    process = running.launch()
    deaf: list[str] = []

    def awake() -> bool:
        slow = "pydantic_core" in Path(f"/proc/{process.pid}/maps").read_text()
        heard = listens(process.pid)
        deaf.extend(["loads, and does not listen"] if slow and not heard else [])
        return heard

    eventually(awake, 5 + SLACK, "it listens to signals")
    process.terminate()

    assert process.wait(5 + SLACK) == 0
    assert not deaf
    assert not carriers(running.data_dir)


def listens(pid: int) -> bool:
    """Whether a process handles SIGTERM."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return bool(int(next(line.split()[1] for line in lines if line.startswith("SigCgt:")), 16) & CAUGHT)


def test_neverdark_stopped_for_seconds_blames_nobody(ingest: Ingest, neverdark: Launch) -> None:
    key = secret("main")
    quick = {"stall": {"timeout": "2s"}, "uplink": {"timeout": "2s"}}
    running = neverdark({"cam": cam(ingest.url, key, **quick)})
    running.wait_on_air()
    pids = running.pids()

    running.send(signal.SIGSTOP)
    try:
        all_along(lambda: ingest.receives(key), 4, "the stream goes on without it")
    finally:
        running.send(signal.SIGCONT)

    all_along(lambda: running.on_air() and running.pids() == pids, 3, "a healthy stream is left alone")
    assert running.restarts() == {PUSHER: {}, ENCODER: {}}
    assert "off air" not in running.log()


def test_a_frozen_pusher_behind_a_bursty_encoder_is_replaced(ingest: Ingest, neverdark: Launch, tmp_path: Path) -> None:
    """A live HLS source comes a segment at a time: the encoder is silent between two, and the pusher has no excuse."""
    with playlist(tmp_path / "hls") as url:
        stream = cam(ingest.url, secret("main"), stall={"timeout": "5s"}, uplink={"timeout": "5m"})
        stream["source"] = {"url": url}
        running: Neverdark = neverdark({"cam": stream})
        running.wait_on_air()
        frozen, encoder = running.pid(*PUSHER), running.pid(*ENCODER)

        os.kill(frozen, signal.SIGSTOP)

        eventually(lambda: running.replaced(frozen, *PUSHER), 5 * SEGMENT + SLACK, "the frozen pusher is replaced")
        running.wait_on_air()
        assert running.restarts() == {PUSHER: {"stall": 1}, ENCODER: {}}
        assert running.pid(*ENCODER) == encoder


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


@contextmanager
def playlist(folder: Path) -> Iterator[str]:
    """A live HLS playlist over HTTP; gives its URL when the first segment is there."""
    folder.mkdir()
    file = folder / "live.m3u8"
    argv = "-re -f lavfi -i testsrc2=size=320x180:rate=10 -c:v libx264 -preset ultrafast -pix_fmt yuv420p"
    argv += f" -g {10 * SEGMENT} -f hls -hls_time {SEGMENT} -hls_list_size 6"
    with (
        ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server,
        ffmpeg(*argv.split(), str(file)),
    ):
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            eventually(file.exists, 2 * SEGMENT + SLACK, "the first segment")
            yield f"http://127.0.0.1:{server.server_port}/{file.name}"
        finally:
            server.shutdown()
            thread.join()
