"""A new neverdark takes over what an earlier one has left running: nobody who watches can tell."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from itertools import pairwise
from pathlib import Path

import pytest

from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.media import ffmpeg as ffmpeg_of_the_test
from tests.integration.harness.recipes import cam, secret
from tests.integration.harness.supervised import Neverdark, carriers
from tests.integration.harness.waiting import SLACK, eventually

ENCODER, PUSHER = ("cam", "encoder", ""), ("cam", "pusher", "yt")
# Of what runs on, and of its stream. Everything else is of a neverdark's own life.
COUNTED_ON = (
    "stream_wanted_seconds_total",
    "stream_on_air_seconds_total",
    "stream_off_air_seconds_total",
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
    running.send(signal.SIGUSR2)
    assert running.stop(signal.SIGUSR2) == 0, "twice is once"
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
    first = time.monotonic() - running.metric("stream_wanted_seconds_total")
    os.kill(running.pid(*ENCODER), signal.SIGKILL)  # so that there is something to count on from
    eventually(lambda: running.restarts()[ENCODER] == {"exit": 1}, 3 + SLACK, "replaced")
    running.wait_on_air()
    pids, before = running.pids(), running.counters(*COUNTED_ON)
    unknown_before = running.metric("stream_off_air_seconds_total", stream="cam", segment="neverdark")
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
    unknown = running.metric("stream_off_air_seconds_total", stream="cam", segment="neverdark")
    assert unknown <= unknown_before + 0.01, "media flowed, and that is known"
    on_air_and_off = running.metric("stream_on_air_seconds_total"), running.metric("stream_off_air_seconds_total")
    wanted = running.metric("stream_wanted_seconds_total")
    assert wanted == pytest.approx(sum(on_air_and_off), abs=1.5), "an account came between the looks, at most"
    assert wanted == pytest.approx(time.monotonic() - first, abs=1.5 + SLACK)
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


def test_what_was_changed_meanwhile_is_replaced_and_nothing_else(ingest: Ingest, unstarted: Launch) -> None:
    keys = {name: secret(name) for name in ("same", "key", "source", "gone", "off", "patience")}
    running = unstarted({name: cam(ingest.url, key) for name, key in keys.items()}).start()
    running.wait_on_air()
    before = running.pids()
    running.crash()

    streams = running.config["streams"]
    streams["key"]["destinations"]["yt"]["key"] = secret("other")
    streams["source"]["video"]["bitrate"] = "200k"
    streams["off"]["enabled"] = False
    streams["patience"]["stall"] = {"timeout": "20s"}
    del streams["gone"]
    running.write_config()
    running.start().wait_on_air("same", "key", "source", "patience")

    after = running.pids()
    assert {name for name in before if after.get(name) != before[name]} == {
        ("key", "pusher", "yt"),
        ("source", "encoder", ""),
        *((name, role, at) for name in ("gone", "off") for role, at in (("encoder", ""), ("pusher", "yt"))),
    }
    assert set(carriers(running.data_dir)) == {pid for pid in after.values() if pid}
    assert all(running.restarts()[name] == {} for name in after)
    eventually(
        lambda: ingest.publishers().keys() == {keys["same"], secret("other"), keys["source"], keys["patience"]},
        SLACK,
        "published",
    )
    assert ingest.refused() == 0


def test_of_two_that_claim_one_place_none_is_believed(ingest: Ingest, unstarted: Launch) -> None:
    key = secret("main")
    running = unstarted({"cam": cam(ingest.url, key)}).start()
    client = on_air(running, ingest, key)
    pids = running.pids()
    running.crash()
    twin = dict(each.partition("=")[::2] for each in environment_of(pids[PUSHER] or 0))
    record = json.loads(twin["_NEVERDARK_RECORD"])
    record[3][0] = time.monotonic()
    twin |= {"_NEVERDARK_RUN": "another", "_NEVERDARK_RECORD": json.dumps(record)}
    with subprocess.Popen(["sleep", "1000"], env=twin, start_new_session=True) as second:
        running.start()
        assert second.wait(SLACK) == -signal.SIGKILL
        running.wait_on_air()
    assert running.pid(*ENCODER) == pids[ENCODER]
    assert running.pid(*PUSHER) != pids[PUSHER]
    eventually(lambda: ingest.publisher(key).client != client, SLACK, "another connection")
    assert ingest.refused() == 0


def environment_of(pid: int) -> list[str]:
    return [each for each in Path(f"/proc/{pid}/environ").read_text().split("\0") if each]


def test_a_program_of_the_owners_is_taken_over_with_all_it_has_started(unstarted: Launch) -> None:
    """It reports from a process that it has started, and leaves one behind in another session."""
    script = "setsid sleep 1000 & sleep 1000 & while sleep 0.3; do echo up; done"
    running = unstarted({"mine": {"command": ["sh", "-c", script], "restart": QUICK}}).start()
    running.wait_on_air()
    eventually(lambda: len(carriers(running.data_dir)) >= 4, SLACK, "all of it is there")
    pid, before = running.pid("mine", "command"), set(carriers(running.data_dir))
    running.crash()
    running.start().wait_on_air()
    assert running.pid("mine", "command") == pid
    assert len(before & set(carriers(running.data_dir))) >= 3

    os.kill(pid, signal.SIGKILL)
    eventually(lambda: running.replaced(pid, "mine", "command"), 3 + SLACK, "replaced")
    eventually(lambda: not before & set(carriers(running.data_dir)), 3 + SLACK, "what it had started is gone")


def test_with_another_value_of_a_variable_that_it_names_a_program_is_another_one(unstarted: Launch) -> None:
    running = unstarted({"mine": {"command": ["sh", "-c", "exec sleep $NAP"]}})
    running.environment |= {"NAP": "1000", "SITE": "harbour"}
    running.start().wait_on_air()
    pid = running.pid("mine", "command")
    running.crash()
    running.environment["SITE"] = "lighthouse"
    running.start().wait_on_air()
    assert running.pid("mine", "command") == pid
    running.crash()
    running.environment["NAP"] = "2000"
    running.start().wait_on_air()
    assert running.pid("mine", "command") != pid
    assert len(carriers(running.data_dir)) == 1


def test_shutdown_leave_is_what_sigterm_does_and_sigint_stops_all_the_same(ingest: Ingest, unstarted: Launch) -> None:
    key = secret("main")
    running = unstarted({"cam": cam(ingest.url, key)}, shutdown="leave").start()
    client = on_air(running, ingest, key)
    assert running.stop() == 0
    assert len(carriers(running.data_dir)) == 2
    running.start().wait_on_air()
    assert ingest.publisher(key).client == client
    assert running.stop(signal.SIGINT) == 0
    assert not carriers(running.data_dir)


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_any_moment_it_comes_back_to_one_publisher(seed: int, ingest: Ingest, unstarted: Launch) -> None:
    """Also while it replaces an encoder, and while it starts."""
    chance, key = random.Random(seed), secret("main")  # noqa: S311 - no secret
    running = unstarted({"cam": cam(ingest.url, key, restart=QUICK)}).start()
    client = on_air(running, ingest, key)
    for _ in range(3):
        if chance.random() < 0.7:
            os.kill(running.pid(*ENCODER), signal.SIGKILL)
        time.sleep(chance.random() * 0.01)
        running.crash()
        running.launch()
        if chance.random() < 0.5:
            time.sleep(chance.random())
            running.crash()
            running.launch()
        running.wait_on_air()
    assert ingest.publisher(key).client == client
    assert ingest.refused() == 0
    assert len(carriers(running.data_dir)) == 2


def test_who_watches_misses_no_frame(ingest: Ingest, unstarted: Launch, tmp_path: Path) -> None:
    """Recorded at the ingest's other side, while one neverdark leaves, one is killed and one is upgraded."""
    key, recording = secret("main"), tmp_path / "seen.mkv"
    running = unstarted({"cam": cam(ingest.url, key)}).start()
    on_air(running, ingest, key)
    with ffmpeg_of_the_test("-i", f"{ingest.url}/{key}", "-c", "copy", str(recording)) as viewer:
        eventually(lambda: recording.exists() and recording.stat().st_size > 0, 10 + SLACK, "somebody watches")
        for go in (leave, crash, upgrade):
            go(running)
            if go is not upgrade:
                running.start()
            running.wait_on_air()
        seen = ingest.publisher(key).timestamp
        eventually(lambda: ingest.publisher(key).timestamp > seen + 1000, 5 + SLACK, "a second more")
        viewer.send_signal(signal.SIGINT)
        viewer.wait(10)
    times = frame_times(recording)
    assert len(times) > 30
    assert max(after - before for before, after in pairwise(times)) < 0.15, "ten frames a second"


def frame_times(recording: Path) -> list[float]:
    argv = [
        "ffprobe",
        "-loglevel",
        "error",
        "-select_streams",
        "v",
        "-show_entries",
        "packet=pts_time",
        "-of",
        "csv=p=0",
    ]
    said = subprocess.run([*argv, str(recording)], capture_output=True, text=True, timeout=30, check=True).stdout
    return sorted(float(line.strip(",")) for line in said.split() if line.strip(","))
