"""Clients that would use up everything, against streams that must stay on air."""

from __future__ import annotations

import os
import resource
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.integration.conftest import Launch
from tests.integration.harness.recipes import cam
from tests.integration.harness.supervised import Neverdark
from tests.integration.harness.waiting import SLACK, eventually

_HALF = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-a: "
_MANY = 2000
_FILES = 300  # of which a few dozen belong to the streams


@pytest.fixture
def many_files() -> Iterator[None]:
    """As many descriptors for this test as the system gives."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def hold(running: Neverdark, stack: ExitStack, count: int) -> list[socket.socket]:
    """So many connections whose request never ends; whoever is thrown out stays out."""
    held = []
    for _ in range(count):
        one = stack.enter_context(socket.create_connection(("127.0.0.1", running.port), timeout=10))
        one.sendall(_HALF)
        held.append(one)
    return held


def lag(running: Neverdark) -> tuple[float, float]:
    """Seconds that the loop has been late in all, and in how many ticks."""
    return running.metric("event_loop_lag_seconds_sum"), running.metric("event_loop_lag_seconds_count")


@pytest.mark.usefixtures("many_files")
def test_half_open_connections_leave_room_for_processes_and_for_those_who_ask(
    unstarted: Launch, tmp_path: Path
) -> None:
    running = unstarted({f"s{number}": cam(str(tmp_path / f"{number}.ts")) for number in range(3)})
    running.wrapper = ["sh", "-c", f'ulimit -n {_FILES}; exec "$@"', "sh"]
    running.start()
    running.wait_on_air()
    late, ticks = lag(running)
    assert running.process
    descriptors = Path(f"/proc/{running.process.pid}/fd")
    with ExitStack() as stack:
        hold(running, stack, _MANY)
        for number in range(3):
            pid = running.pid(f"s{number}", "encoder")
            os.kill(pid, signal.SIGKILL)
            eventually(
                lambda number=number, pid=pid: running.replaced(pid, f"s{number}", "encoder"),  # type: ignore[misc]
                3 + SLACK,
                "a dead encoder is replaced",
            )
            for path in ("/healthz", "/metrics"):
                began = time.monotonic()
                assert running.get(path).ok
                assert time.monotonic() - began < 1 + SLACK
        running.wait_on_air()
        assert len(list(descriptors.iterdir())) < _FILES - 20
        late, ticks = lag(running)[0] - late, lag(running)[1] - ticks
        assert late / ticks < 0.25
        # Who has begun and goes on one byte at a time is gone after ten seconds, although there is room.
        eventually(lambda: len(list(descriptors.iterdir())) < 60, 10 + SLACK, "all of them are cut off")
    assert "Too many open files" not in running.log()
    assert running.log().count("too many connections") == 1
