"""A new neverdark takes over what an earlier one has left running: nobody who watches can tell."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.recipes import cam, secret
from tests.integration.harness.supervised import Neverdark, carriers
from tests.integration.harness.waiting import SLACK, eventually

ENCODER, PUSHER = ("cam", "encoder", ""), ("cam", "pusher", "yt")
# Of what runs on. Everything else is of a neverdark's own life.
COUNTED_ON = (
    "progress_frames_total",
    "progress_dropped_frames_total",
    "progress_duplicated_frames_total",
    "progress_bytes_total",
    "progress_media_seconds_total",
    "process_restarts_total",
    "process_exits_total",
    "process_cpu_seconds_total",
    "uplink_acked_bytes_total",
    "uplink_retransmits_total",
    "uplink_connections_total",
    "media_dropped_datagrams_total",
)
QUICK = {"initial_delay": 0, "attempts": 1000}


def on_air(running: Neverdark, ingest: Ingest, key: str) -> str:
    """nginx' number of the connection that publishes, once media comes."""
    running.wait_on_air()
    eventually(lambda: ingest.receives(key), SLACK, "published")
    return ingest.publisher(key).client


def leave(running: Neverdark) -> None:
    began = time.monotonic()
    assert running.stop(signal.SIGUSR2) == 0
    assert time.monotonic() - began < 1 + SLACK
    assert "its processes run on" in running.log()


def crash(running: Neverdark) -> None:
    running.crash()


def upgrade(running: Neverdark) -> None:
    assert running.process is not None
    done = running.cli("upgrade", "-c", str(running.config_file))
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"process {running.process.pid} runs the installed program now\n"


@pytest.mark.parametrize("go", [leave, crash, upgrade])
def test_what_runs_on_is_taken_over(go: object, ingest: Ingest, unstarted: Launch, ffmpeg: str) -> None:
    key = secret("main")
    running = unstarted({"cam": cam(ingest.url, key, restart=QUICK)}, ffmpeg=ffmpeg).start()
    client = on_air(running, ingest, key)
    os.kill(running.pid(*ENCODER), signal.SIGKILL)  # so that there is something to count on from
    eventually(lambda: running.restarts()[ENCODER] == {"exit": 1}, 3 + SLACK, "replaced")
    running.wait_on_air()
    pids, before = running.pids(), running.counters(*COUNTED_ON)
    assert any(before.values())

    go(running)  # type: ignore[operator]
    assert set(carriers(running.data_dir)) == set(pids.values())
    if go is not upgrade:
        running.start()

    eventually(lambda: running.get("/metrics").ok, 3 + SLACK, "it knows what it has taken over")
    after = running.counters(*COUNTED_ON)
    assert {sample: (old, after[sample]) for sample, old in before.items() if after[sample] < old} == {}
    running.wait_on_air()
    assert running.pids() == pids
    assert running.restarts()[ENCODER] == {"exit": 1}
    assert ingest.publisher(key).client == client
    assert running.log().count("taken over from an earlier neverdark") == 2
    assert "left behind" not in running.log()

    # And it is as good as one's own: a killed encoder is replaced, the pusher's connection stands, and media flows.
    os.kill(running.pid(*ENCODER), signal.SIGKILL)
    eventually(lambda: running.replaced(pids[ENCODER] or 0, *ENCODER), 3 + SLACK, "replaced")
    running.wait_on_air()
    seen = ingest.publisher(key).bytes_in
    eventually(lambda: ingest.publisher(key).bytes_in > seen, 3 + SLACK, "media flows")
    assert ingest.publisher(key).client == client
    assert running.exits(*ENCODER) == {"killed": 2}
    assert ingest.refused() == 0
