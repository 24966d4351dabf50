"""Maintenance that is ordered: what breaks then is recorded and brought back, and nobody is told."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable

import pytest
import requests

from tests.integration.conftest import Launch
from tests.integration.harness.supervised import PATIENCE, Neverdark
from tests.integration.harness.waiting import SLACK, eventually

RUNS = {"command": ["sh", "-c", "exec sleep 1000"], "restart": {"initial_delay": "100ms"}}


def killed(running: Neverdark, name: str) -> None:
    """It is killed, and another one runs."""
    pid = running.pid(name, "command")
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: running.replaced(pid, name, "command"), 3 + SLACK, "another one runs")


def test_maintenance_by_command_and_by_api(neverdark: Launch) -> None:
    running = neverdark({"cam": RUNS, "other": RUNS})
    running.wait_on_air()
    assert running.cli("maintenance").stdout == "no maintenance, and none is planned\n"
    done = running.cli("maintenance", "cam", "--for", "1h", "--reason", "new lens")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("M1  cam until ")
    assert done.stdout.endswith(": new lens\n")
    assert running.metric("stream_maintenance", stream="cam") == 1
    assert running.metric("stream_maintenance", stream="other") == 0
    assert "in maintenance until " in running.cli("status").stdout

    for name in ("cam", "other"):
        killed(running, name)
    incidents = running.get("/api/incidents").json()["incidents"]
    assert {one["stream"]: one["excused"] for one in incidents} == {"cam": "maintenance", "other": None}
    assert running.restarts()["cam", "command", ""] == {"exit": 1}, "it recovers as usual"
    told = [labels for (name, labels), value in running.metrics().items() if name.endswith("incident_open") and value]
    assert [dict(labels)["stream"] for labels in told] == ["other"]

    unknown = running.cli("maintenance", "cma", "--for", "1h")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "no such stream: cma" in unknown.stderr
    wrong = running.cli("maintenance", "cam", "--for", "soon")
    assert (wrong.returncode, wrong.stdout) == (2, "")

    ended = running.cli("maintenance", "cam", "--end")
    assert (ended.returncode, ended.stdout) == (0, "M1  cam has ended: new lens\n")
    assert running.metric("stream_maintenance", stream="cam") == 0

    body = {"streams": "all", "until": "30m"}
    window = requests.post(f"{running.url}/api/maintenance", json=body, timeout=PATIENCE).json()
    listed = json.loads(running.cli("maintenance", "--json").stdout)["maintenance"]
    assert listed == [window]
    assert {one["maintenance"] for one in running.streams()} == {True}
    gone = requests.delete(f"{running.url}/api/maintenance/{window['id']}", timeout=PATIENCE)
    assert (gone.status_code, gone.json()["id"]) == (200, window["id"])
    assert {one["maintenance"] for one in running.streams()} == {False}


def test_a_stop_for_a_while_ends_by_itself_and_hours_on_air_are_shown(neverdark: Launch) -> None:
    never = {"on": "0 0 29 2 *", "off": "0 0 1 3 *", "timezone": "Europe/Berlin"}
    running = neverdark({"cam": RUNS, "leap-day": {**RUNS, "schedule": never}})
    running.wait_on_air("cam")
    off = running.stream("leap-day")
    assert (off["wanted"], off["desired"]["by"], off["desired"]["until"] is not None) == (False, "schedule", True)
    assert "off by schedule, on again at 2" in running.cli("status").stdout

    done = running.cli("stop", "cam", "--until", "5s", "--reason", "lunch")
    assert done.stdout.startswith("cam: stop accepted, until ")
    cam = running.stream("cam")
    assert (cam["wanted"], cam["desired"]["by"], cam["desired"]["why"]) == (False, "operator", "lunch")
    running.wait_on_air("cam", seconds=5 + 3 + SLACK)
    assert running.stream("cam")["desired"]["by"] == "enabled"

    refused = running.cli("stop", "cam", "--until", "next")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "this stream has no schedule" in refused.stderr
    assert running.cli("stop", "cam", "--until", "soon").returncode == 2
    assert running.stream("cam")["wanted"]
    assert running.get("/api/incidents").json() == {"incidents": []}


@pytest.mark.parametrize("end", [Neverdark.crash, Neverdark.stop])
def test_maintenance_that_was_ordered_outlives_neverdark(end: Callable[[Neverdark], object], unstarted: Launch) -> None:
    running = unstarted({"cam": RUNS, "other": RUNS}).start()
    running.wait_on_air()
    assert running.cli("maintenance", "cam", "--for", "1h", "--reason", "new lens").returncode == 0
    assert running.cli("maintenance", "other", "--for", "2s").returncode == 0
    listed = json.loads(running.cli("maintenance", "--json").stdout)["maintenance"]
    end(running)

    running.start().wait_on_air()
    eventually(lambda: running.metric("stream_maintenance", stream="other") == 0, 2 + SLACK, "this one is over")
    assert running.metric("stream_maintenance", stream="cam") == 1
    assert json.loads(running.cli("maintenance", "--json").stdout)["maintenance"] == listed[:1], "with its end"
    killed(running, "cam")
    assert {one["excused"] for one in running.get("/api/incidents").json()["incidents"]} == {"maintenance"}
    assert running.cli("maintenance", "cam", "--end").returncode == 0
    end(running)

    running.start().wait_on_air()
    assert running.metric("stream_maintenance", stream="cam") == 0
