"""`command` streams: any program, kept alive as one process group."""

from __future__ import annotations

import json
import os
import signal

from tests.integration.conftest import Launch
from tests.integration.harness.recipes import STUBBORN, cam
from tests.integration.harness.supervised import carriers, ignores_sigterm
from tests.integration.harness.waiting import SLACK, all_along, eventually

COMMAND = ("mine", "command", "")
# A shell that starts two more and waits, as the scripts do that owners have.
SHELL = ["sh", "-c", "sleep 1001 & sleep 1002 & wait"]


def test_an_untracked_command_is_on_air_while_it_runs_and_is_kept_alive(neverdark: Launch) -> None:
    running = neverdark({"mine": {"command": ["sleep", "1000"], "stall": {"startup": "1s", "timeout": "1s"}}})
    running.wait_on_air()
    process = running.one(*COMMAND)
    assert process["state"] == "running"
    assert process["progress"] is None
    # Who reports no progress cannot stall.
    all_along(lambda: running.restarts() == {COMMAND: {}}, 2, "nothing is restarted")

    os.kill(process["pid"], signal.SIGKILL)

    eventually(lambda: running.pid(*COMMAND) != process["pid"], 3 + SLACK, "another one runs")
    running.wait_on_air()
    assert running.restarts() == {COMMAND: {"exit": 1}}
    assert running.exits(*COMMAND) == {"killed": 1}


def test_what_nobody_has_verified_is_not_called_on_air(neverdark: Launch) -> None:
    sleep = ["sh", "-c", "exec sleep 1000"]
    place = {"yt": {"url": "rtmp://127.0.0.1:9/live", "key": "demo"}}
    running = neverdark(
        {
            "bare": {"command": sleep},
            "reports": {"command": [*sleep, "{progress}"]},
            "observed": {"command": sleep, "destinations": place},
            "split": cam("rtmp://127.0.0.1:9/live", "other"),
        }
    )
    running.wait_on_air("bare")
    verified = {stream["stream"]: stream["verified"] for stream in running.streams()}
    assert verified == {"bare": False, "reports": True, "observed": True, "split": True}
    assert running.get("/readyz").json()["streams"]["bare"]["verified"] is False
    table = running.cli("status").stdout
    (line,) = [line for line in table.splitlines() if line.startswith("bare")]
    assert "runs, unverified" in line
    assert "ON AIR" not in line
    listed = json.loads(running.cli("status", "--json").stdout)["streams"]
    assert {stream["stream"] for stream in listed if not stream["verified"]} == {"bare"}


def test_a_command_with_progress_is_watched_for_stalls(neverdark: Launch, ffmpeg: str) -> None:
    argv = [ffmpeg, "-nostdin", "-loglevel", "error", "-progress", "{progress}", "-re", "-f", "lavfi"]
    argv += ["-i", "testsrc2=size=160x90:rate=10", "-f", "null", "-"]
    running = neverdark({"mine": {"command": argv, "stall": {"startup": "20s", "timeout": "2s"}}})
    running.wait_on_air()
    eventually(lambda: running.frames(*COMMAND) > 10, 3 + SLACK, "frames are counted")
    old = running.pid(*COMMAND)

    os.kill(old, signal.SIGSTOP)

    eventually(lambda: running.pid(*COMMAND) != old, 2 + 3 + SLACK, "a frozen command is replaced")
    running.wait_on_air()
    assert running.restarts() == {COMMAND: {"stall": 1}}


def test_a_command_is_ended_with_everything_that_it_has_started(neverdark: Launch) -> None:
    running = neverdark({"mine": {"command": SHELL}})
    eventually(lambda: len(carriers(running.data_dir)) == 3, SLACK, "a shell and two more")
    first = set(carriers(running.data_dir))

    # Only the shell dies; what it leaves behind would go on publishing beside its successor.
    os.kill(running.pid(*COMMAND), signal.SIGKILL)
    eventually(
        lambda: len(carriers(running.data_dir)) == 3 and not first & carriers(running.data_dir).keys(),
        3 + SLACK,
        "all three are replaced",
    )

    assert running.post("/api/streams/mine/stop").status_code == 202
    eventually(lambda: not carriers(running.data_dir), 3 + SLACK, "a planned stop ends all three")


def test_what_ignores_sigterm_is_killed(neverdark: Launch) -> None:
    running = neverdark({"mine": {"command": STUBBORN, "stop": {"second_signal": "200ms", "kill": "1s"}}})
    running.wait_on_air()
    pid = running.pid(*COMMAND)
    eventually(lambda: ignores_sigterm(pid), 3 + SLACK, "it ignores SIGTERM by now")

    assert running.post("/api/streams/mine/stop").status_code == 202

    eventually(lambda: running.one(*COMMAND)["state"] == "stopped", 1 + SLACK, "killed")
    assert running.exits(*COMMAND) == {"stopped": 1}
    assert running.one(*COMMAND)["last_failure"] is None
