"""However much a process writes, and however slowly it is read, its output neither stops nor ends it."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from tests.integration.conftest import Launch
from tests.integration.harness.supervised import Neverdark
from tests.integration.harness.waiting import SLACK, all_along, eventually

COMMAND = ("talker", "command", "")
# Writes a megabyte to stderr, then says in a file how many it has written; for ever. As a C program does it:
# what does not fit into a pipe that must not block is lost, and the program goes on.
TALKER = """
import os, pathlib, sys, time
line = b"x" * 199 + b"\\n"
done = 0
while True:
    for _ in range(5000):
        try:
            os.write(2, line)
        except BlockingIOError:
            pass
    done += 1
    pathlib.Path(sys.argv[1]).write_text(str(done))
    time.sleep(float(sys.argv[2]))
"""
MOST_LOG_BYTES = 5_000_000


def megabytes(count: Path) -> int:
    return int(count.read_text() or 0) if count.exists() else 0


def log_bytes(running: Neverdark) -> int:
    return sum(path.stat().st_size for path in running.log_files())


def test_ten_megabytes_of_output_neither_freeze_nor_end_a_command(neverdark: Launch, tmp_path: Path) -> None:
    count = tmp_path / "count"
    running = neverdark({"talker": {"command": [sys.executable, "-c", TALKER, str(count), "0.01"]}})
    running.wait_on_air()
    pid = running.pid(*COMMAND)

    eventually(lambda: megabytes(count) >= 10, 20 + SLACK, "10 MB written")

    assert running.pid(*COMMAND) == pid
    assert running.restarts() == {COMMAND: {}}
    assert running.get("/healthz").status_code == 200
    assert 0 < log_bytes(running) <= MOST_LOG_BYTES
    assert "skipped" in running.cli("logs", "talker", "-c", "neverdark.yml").stdout


def test_a_supervisor_that_does_not_read_cannot_stop_its_child(neverdark: Launch, tmp_path: Path) -> None:
    count = tmp_path / "count"
    running = neverdark({"talker": {"command": [sys.executable, "-c", TALKER, str(count), "0.1"]}})
    running.wait_on_air()

    running.send(signal.SIGSTOP)
    try:
        before = megabytes(count)
        eventually(lambda: megabytes(count) >= before + 10, 10 + SLACK, "the child writes on")
    finally:
        running.send(signal.SIGCONT)

    eventually(lambda: running.get("/healthz").ok, SLACK, "the supervisor is back")
    assert running.restarts() == {COMMAND: {}}


def test_ffmpeg_at_its_most_talkative_goes_on(neverdark: Launch, ffmpeg: str) -> None:
    argv = [ffmpeg, "-nostdin", "-loglevel", "trace", "-progress", "{progress}", "-stats_period", "0.5"]
    argv += ["-re", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25", "-debug_ts", "-f", "null", "-"]
    running = neverdark({"talker": {"command": argv, "stall": {"timeout": "2s"}}})
    running.wait_on_air()
    frames = running.frames(*COMMAND)

    eventually(lambda: running.frames(*COMMAND) > frames + 75, 3 + SLACK, "frames go on")

    # And a supervisor that was away for longer than a stall may last blames nobody for what it did not see.
    running.send(signal.SIGSTOP)
    try:
        eventually_later(running, 3)
    finally:
        running.send(signal.SIGCONT)
    all_along(lambda: running.restarts() == {COMMAND: {}}, 1.5, "nothing is restarted")
    running.wait_on_air()
    assert log_bytes(running) <= MOST_LOG_BYTES


def eventually_later(running: Neverdark, seconds: float) -> None:
    """The stopped supervisor gets no processor time for so long: its own clock is the wall."""
    assert running.process is not None
    stat = Path(f"/proc/{running.process.pid}/stat")
    all_along(lambda: stat.read_text().rpartition(")")[2].split()[0] in "TRSD", seconds, "the supervisor exists")
    assert stat.read_text().rpartition(")")[2].split()[0] == "T"
