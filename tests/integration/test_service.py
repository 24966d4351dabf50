"""As a service: what systemd is told, and what a stop that failed leaves."""

from __future__ import annotations

import contextlib
import signal
import socket
from pathlib import Path

from tests.integration.conftest import Launch
from tests.integration.harness.recipes import STUBBORN
from tests.integration.harness.supervised import carriers, ignores_sigterm
from tests.integration.harness.waiting import SLACK, STARTED, eventually


def test_systemd_is_told_how_it_goes(unstarted: Launch, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(0)
        running = unstarted({"mine": {"command": ["sleep", "1000"]}})
        running.environment |= {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "4000000"}
        said: list[str] = []

        def hear() -> list[str]:
            with contextlib.suppress(BlockingIOError):
                while True:
                    said.append(manager.recv(4096).decode())
            return said

        running.start()
        eventually(lambda: "READY=1" in hear(), STARTED, "it is ready")
        running.wait_on_air()
        hear()
        beats = said.count("WATCHDOG=1")
        eventually(lambda: hear().count("WATCHDOG=1") >= beats + 2, 3 + SLACK, "its loop ticks")
        assert said[0] == "READY=1"
        assert said.count("READY=1") == 1

        said.clear()
        running.send(signal.SIGHUP)
        eventually(lambda: "READY=1" in hear(), 3 + SLACK, "it has reloaded")
        told = [words for words in said if words != "WATCHDOG=1"]
        assert [words.split("\n")[0] for words in told] == ["RELOADING=1", "READY=1"]
        assert "MONOTONIC_USEC=" in told[0]

        said.clear()
        assert running.stop() == 0
        assert hear()[-1] == "STOPPING=1"
        assert "NOTIFY_SOCKET" not in running.log()


def test_what_a_neverdark_that_was_killed_has_left_can_be_ended(neverdark: Launch) -> None:
    running = neverdark({"mine": {"command": STUBBORN}})
    running.wait_on_air()
    pid = running.pid("mine", "command")
    eventually(lambda: ignores_sigterm(pid), 3 + SLACK, "it ignores SIGTERM by now")
    refused = running.cli("end-leftovers")
    assert (refused.returncode, "another neverdark is running" in refused.stderr) == (1, True)
    assert running.pid("mine", "command") == pid
    running.crash()
    assert pid in carriers(running.data_dir)
    # As a unit's ExecStopPost: only where systemd had to kill it at a stop.
    for result, left in (("success", True), ("watchdog", True), ("timeout", False)):
        running.environment["SERVICE_RESULT"] = result
        assert running.cli("end-leftovers", "--after-service-stop").returncode == 0
        assert (pid in carriers(running.data_dir)) is left
