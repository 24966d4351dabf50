"""What a crash of the supervisor left behind, and nobody wants as it is, is ended before anything publishes."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.recipes import cam, secret
from tests.integration.harness.supervised import Neverdark, carriers
from tests.integration.harness.waiting import SLACK, eventually, free_port

ENCODER = ("cam", "encoder", "")
QUICK = {"initial_delay": 0, "attempts": 1000}


def assert_ended_first(running: Neverdark, orphans: set[int]) -> None:
    """The new start ended every orphan before it started anything."""
    events = [json.loads(line) for line in running.log().splitlines() if line.startswith("{")]
    last_start = max(number for number, event in enumerate(events) if event["event"] == "neverdark")
    before = {event["pid"] for event in events[:last_start] if "left behind" in event["event"]}
    after = [event for event in events[last_start:] if "left behind" in event["event"]]
    assert orphans <= before
    assert not [event for event in after if "nothing is left behind" not in event["event"]]


def test_orphans_are_ended_before_anything_publishes(ingest: Ingest, unstarted: Launch) -> None:
    keys = [secret("one"), secret("two")]
    running = unstarted({f"cam{number}": cam(ingest.url, key) for number, key in enumerate(keys)}).start()
    running.wait_on_air()

    running.crash()
    # The same keys, but of other streams.
    running.config["streams"] = {f"new-{name}": stream for name, stream in running.config["streams"].items()}
    running.write_config()

    orphans = set(carriers(running.data_dir))
    assert len(orphans) == 4, "FFmpeg goes on without its supervisor, and that is the trouble"
    eventually(lambda: set(keys) <= ingest.publishers().keys(), SLACK, "the orphans publish")
    old = {key: ingest.publisher(key).client for key in keys}

    running.start()

    assert not orphans & set(carriers(running.data_dir)), "no orphan is left when the API answers"
    assert_ended_first(running, orphans)
    running.wait_on_air()
    eventually(lambda: all(ingest.publisher(key).client != old[key] for key in keys), SLACK, "ours publish now")
    assert ingest.refused() == 0, "there were two publishers on one key"


@pytest.mark.parametrize("attempt", range(3))
def test_a_child_spawned_a_moment_before_is_found(attempt: int, ingest: Ingest, unstarted: Launch) -> None:
    """The encoder is killed and so, a millisecond later or two, is the supervisor that is replacing it."""
    running = unstarted({"cam": cam(ingest.url, secret("main"), restart=QUICK)}).start()
    running.wait_on_air()
    before, client = children(running), ingest.publisher(secret("main")).client

    os.kill(running.pid(*ENCODER), signal.SIGKILL)
    if attempt:  # … or as soon as the replacement can be seen
        eventually(lambda: children(running) - before, SLACK, "a replacement")
    running.crash()

    left = set(carriers(running.data_dir))
    running.start()
    running.wait_on_air()
    assert len(carriers(running.data_dir)) == 2
    assert left <= set(carriers(running.data_dir)), "all of it was taken over"
    assert ingest.publisher(secret("main")).client == client
    assert ingest.refused() == 0


def children(running: Neverdark) -> set[int]:
    assert running.process is not None
    pid = running.process.pid
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def test_a_second_neverdark_on_the_same_data_dir_is_refused(neverdark: Launch) -> None:
    running = neverdark({"cam": {"command": ["sleep", "1000"]}})
    running.wait_on_air()
    pids = running.pids()
    twin = running.folder / "twin.yml"
    twin.write_text(running.config_file.read_text().replace(str(running.port), str(free_port())))

    done = running.cli("run", "-c", str(twin))

    assert done.returncode == 1
    assert "another neverdark is running with data_dir" in done.stderr
    assert "Traceback" not in done.stderr
    assert running.on_air()
    assert running.pids() == pids
