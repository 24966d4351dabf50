"""Processor time and memory, from real processes: they never fall."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from exporter.collector import Collector
from exporter.usage import UsageMeter
from supervisor.model.snapshot import ProcessSnapshot
from supervisor.model.terms import ProcessKey, Role
from tests.unit.exporter.snapshots import process, snapshot, stream
from tests.unit.exporter.test_collector import values

KEY = ProcessKey("a", Role.COMMAND)
BUSY = "while True: pass"


@contextmanager
def child(code: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-S", "-c", code]) as started:
        try:
            yield started
        finally:
            started.kill()


def running(pid: int | None, run_id: str, ended_runs: float = 0.0) -> ProcessSnapshot:
    return process(KEY, pid=pid, run_id=run_id, cpu_seconds=ended_runs)


def test_live_time_is_added_to_that_of_ended_runs() -> None:
    meter = UsageMeter(KEY)
    with child(BUSY) as busy:
        deadline = time.monotonic() + 20
        while (usage := meter.read(running(busy.pid, "r1", 100.0))).cpu_seconds < 100.05:
            assert time.monotonic() < deadline
    assert usage.memory_bytes > 1_000_000


def test_time_never_falls_over_exits_restarts_and_strangers() -> None:
    collector = Collector("1", "2")
    told = []

    def scrape(pid: int | None, run_id: str, ended_runs: float) -> None:
        shown = snapshot(stream("a", running(pid, run_id, ended_runs)))
        (value,) = values(shown, "process_cpu_seconds_total", collector)
        told.append(value)

    with child(BUSY) as busy:
        deadline = time.monotonic() + 20
        while not told or told[-1] < 0.05:
            assert time.monotonic() < deadline
            scrape(busy.pid, "r1", 0.0)
    scrape(busy.pid, "r1", 0.0)  # it vanished after the snapshot was taken
    scrape(os.getpid(), "r1", 0.0)  # its pid belongs to another process by now
    scrape(None, "r1", 0.0)  # its end is known, its time is not
    scrape(None, "r1", told[-1])  # its end is accounted for
    with child("import time; time.sleep(60)") as next_run:
        scrape(next_run.pid, "r2", told[-1])
    scrape(None, "r2", 0.01)  # a sum that forgot something must not show
    assert told == sorted(told)
    assert told[-1] < 20  # the stranger's time was not taken for ours


def test_what_is_gone_uses_no_memory() -> None:
    meter = UsageMeter(KEY)
    with child("") as short:
        short.wait()
    assert meter.read(running(short.pid, "r1")).memory_bytes == 0
    assert meter.read(running(None, "r1")).memory_bytes == 0
