"""The commands, as people and scripts use them: what they print and how they end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.recipes import cam, secret
from tests.integration.harness.supervised import STOP_SECONDS, environment
from tests.integration.harness.waiting import ON_AIR, SLACK, eventually, free_port

SLEEPER = {"mine": {"command": ["sleep", "1000"]}}
# One mistake a line, and where `check` must say it is.
THIRTEEN = """\
listen: nowhere
colour: blue
ports: 30000-20000
network: {{reference: example}}
defaults:
  restart: {{attempts: -1, jitter: 2}}
  stall: {{timeout: soon}}
streams:
  Harbour: {{command: ["true"]}}
  cam:
    source: {{url: "rtsp://viewer:{password}@10.0.0.5/stream1", lop: true}}
    video: {{codec: h265, size: big}}
    destinations:
      yt: {{url: "gopher://example/live", key: "{key}"}}
      file: {{url: "/tmp/a.ts", key_file: /nonexistent/key}}
"""
WHERE = (
    "listen",
    "colour",
    "ports",
    "network.reference",
    "defaults.restart.attempts",
    "defaults.restart.jitter",
    "defaults.stall.timeout",
    "streams.Harbour",
    "streams.cam.source.lop",
    "streams.cam.video.codec",
    "streams.cam.video.size",
    "streams.cam.destinations.yt.url",
    "streams.cam.destinations.file.key_file",
)


def test_check_names_all_of_thirteen_mistakes_and_so_does_run(unstarted: Launch) -> None:
    running = unstarted({})
    running.config_file.write_text(THIRTEEN.format(password=secret("camera"), key=secret("main")))
    for command in ("check", "run"):
        done = running.cli(command, "-c", str(running.config_file))
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
        missing = [path for path in WHERE if f": {path}:" not in done.stderr]
        assert not missing, done.stderr


def test_check_of_a_good_file_ends_with_0(ingest: Ingest, unstarted: Launch) -> None:
    running = unstarted({"cam": cam(ingest.url, secret("main"))})
    done = running.cli("check", "-c", str(running.config_file))
    assert done.returncode == 0, done.stderr
    assert "good (1 stream," in done.stdout
    assert not ingest.publishers(), "check starts nothing"


def test_a_file_that_is_not_there_and_wrong_usage_end_with_2(unstarted: Launch) -> None:
    running = unstarted({})
    for words in (("run", "-c", "/nonexistent.yml"), ("check", "-c", "/nonexistent.yml"), ("sing",), ()):
        done = running.cli(*words)
        assert done.returncode == 2, words
        assert done.stderr
        assert "Traceback" not in done.stderr


def test_status_start_stop_restart_and_logs(ingest: Ingest, neverdark: Launch) -> None:
    running = neverdark({"cam": cam(ingest.url, secret("main"))})
    running.wait_on_air()

    table = running.cli("status")  # finds neverdark.yml where it stands, and in it the address
    assert table.returncode == 0
    assert "ON AIR" in table.stdout
    shown = json.loads(running.cli("status", "--json", "--url", running.url).stdout)
    assert [stream["stream"] for stream in shown["streams"]] == ["cam"]
    assert shown["streams"][0]["on_air"]
    assert {process["role"]: process["pid"] for process in shown["streams"][0]["processes"]} == {
        "pusher": running.pid("cam", "pusher", "yt"),
        "encoder": running.pid("cam", "encoder"),
    }

    assert running.cli("stop", "cam").returncode == 0
    eventually(lambda: not ingest.publishers(), STOP_SECONDS + SLACK, "stopped")
    # The end of a run is the one line that every log has.
    logged = running.cli("logs", "cam", "--role", "pusher", "--destination", "yt")
    assert logged.returncode == 0
    assert "ended after" in logged.stdout

    assert running.cli("start", "cam").returncode == 0
    running.wait_on_air("cam")
    old = running.pid("cam", "encoder")
    assert running.cli("restart", "cam").returncode == 0
    eventually(lambda: running.pid("cam", "encoder") != old, 5 + SLACK, "restarted")


def test_commands_that_cannot_be_carried_out_end_with_1(neverdark: Launch) -> None:
    running = neverdark(SLEEPER)
    for words in (("stop", "nobody"), ("restart", "nobody"), ("logs", "nobody")):
        done = running.cli(*words)
        assert done.returncode == 1, words
        assert "there is no such stream" in done.stderr
    done = running.cli("status", "--url", f"http://127.0.0.1:{free_port()}")
    assert done.returncode == 1
    assert "no neverdark answers" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_is_a_clear_error_and_starts_nothing(neverdark: Launch) -> None:
    running = neverdark(SLEEPER)
    running.wait_on_air()
    twin = running.folder / "twin.yml"
    twin.write_text(running.config_file.read_text().replace("./data", "./other-data"))

    done = running.cli("run", "-c", str(twin))

    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{running.port}: Address already in use" in done.stderr
    assert "Traceback" not in done.stderr
    assert "started" not in done.stdout
    assert running.on_air()


def test_demo_brings_a_test_card_on_air(tmp_path: Path) -> None:
    """As a stranger sees it whose terminal is a pipe: a table every 5 s, and what to break and how."""
    with (tmp_path / "output").open("wb") as output:
        demo = subprocess.Popen(
            [sys.executable, "-m", "supervisor", "demo", "--seconds", "12"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment(TMPDIR=str(tmp_path), COLUMNS="200"),
            start_new_session=True,
        )
        try:
            assert demo.wait(12 + ON_AIR + STOP_SECONDS) == 0
        finally:
            if demo.poll() is None:
                os.killpg(demo.pid, signal.SIGKILL)
                demo.wait()
    shown = (tmp_path / "output").read_text()
    assert shown.count("ON AIR") >= 2, shown  # the test card, and the ingest that receives it
    assert "kill the encoder" in shown
    assert "kill -KILL" in shown
    assert not list(tmp_path.glob("neverdark-demo-*")), "it clears up after itself"
    left = [
        entry for entry in Path("/proc").iterdir() if entry.name.isdigit() and str(tmp_path) in _environment_of(entry)
    ]
    assert not left, "and leaves nothing behind"


def _environment_of(process: Path) -> str:
    try:
        return (process / "environ").read_bytes().decode(errors="replace")
    except OSError:
        return ""
