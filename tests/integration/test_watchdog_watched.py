"""A watchdog that no longer looks is noticed, is told as not running, and is made to look again.

What stops it here is what would stop it in real life: its scheduler goes by the wall clock, and somebody sets that.
"""

from __future__ import annotations

from pathlib import Path

from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.recipes import Json, cam, secret
from tests.integration.harness.supervised import Neverdark
from tests.integration.harness.waiting import SLACK, all_along, eventually

# Short, so that the status is down for a while: from two intervals to 1.5 intervals and a second after the last run.
# Then the job is scheduled anew, at the next of the engine's seconds, and runs at once.
INTERVAL = 0.5
REARMED = 1.5 * INTERVAL + 1 + 1
HOUR = 3600
# libfaketime 0.9.10 takes the deadline that Python's sleep gives to the kernel for one of the wall clock.
SLEEP = "import select, time; time.sleep = lambda seconds: select.select([], [], [], seconds) and None\n"


class WallClock:
    """The wall clock of one neverdark and its FFmpegs. Their monotonic clocks go on, as a kernel's do."""

    def __init__(self, running: Neverdark) -> None:
        library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
        self._file = running.folder / "clock"
        self.set(0)
        python = running.folder / "python"
        python.mkdir()
        (python / "sitecustomize.py").write_text(SLEEP)
        running.environment |= {
            "PYTHONPATH": f"{python}:{running.environment['PYTHONPATH']}",
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, offset: int) -> None:
        """So many seconds from the real time."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{offset:+d}")
        new.replace(self._file)


def test_the_watchdog_outlives_a_wall_clock_that_is_set(ingest: Ingest, unstarted: Launch) -> None:
    watchdog: Json = {"interval": INTERVAL, "failures": 3, "cooldown": "3s"}
    key = secret("main")
    running = unstarted({"cam": cam(ingest.url, key, watchdog=watchdog)})
    clock = WallClock(running)
    running.start().wait_on_air()

    def status() -> Json:
        watched: Json = running.get("/api/watchdog/status").json()["watchdogs"]["cam:yt"]
        return watched

    def checks() -> float:
        return running.metric("watchdog_checks_total", verdict="healthy")

    def undisturbed() -> bool:
        return running.on_air() and running.get("/healthz").json()["status"] == "ok"

    eventually(lambda: status()["running"], 3 * INTERVAL + SLACK, "it runs")
    pids, client = running.pids(), ingest.publisher(key).client

    clock.set(-HOUR)  # its scheduler would rest for an hour
    eventually(lambda: running.metric("clock_steps_total") == 1, 1 + SLACK, "noticed")
    known = checks()
    eventually(lambda: not status()["running"], 2 * INTERVAL + SLACK, "the status tells that the job does not run")
    eventually(lambda: status()["running"], REARMED + SLACK, "and it is made to run")
    eventually(lambda: checks() >= known + 2, 2 * INTERVAL + SLACK, "again and again")
    assert running.metric("scheduler_rearmed_total") >= 1
    back = running.metric("watchdog_last_check_timestamp_seconds")

    clock.set(0)  # an hour ahead
    eventually(lambda: running.metric("clock_steps_total") == 2, 1 + SLACK, "noticed, too")
    known = checks()
    eventually(lambda: checks() >= known + 3, 3 * INTERVAL + SLACK, "the job runs on")
    assert running.metric("watchdog_last_check_timestamp_seconds") - back > HOUR - 60
    all_along(undisturbed, 2, "on air, and live")

    assert status()["recovery_count"] == 0
    assert running.get("/api/incidents").json()["incidents"] == []
    assert not any(running.restarts().values())
    assert running.pids() == pids
    assert ingest.publisher(key).client == client
    log = running.log()
    assert log.count("the wall clock was set") == 2
    rearmed = running.metric("scheduler_rearmed_total")
    assert log.count("a check of the watchdog did not run, scheduling it anew") == rearmed
    assert "is off air" not in log
