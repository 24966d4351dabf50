"""The end: everything gone within 5 s, whatever state it is in, and exit code 0."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.recipes import STUBBORN, cam, secret
from tests.integration.harness.supervised import STOP_SECONDS, carriers, ignores_sigterm
from tests.integration.harness.valve import Valve
from tests.integration.harness.waiting import SLACK, eventually

PUSHER, ENCODER = ("cam", "pusher", "yt"), ("cam", "encoder", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_everything_in_order(number: signal.Signals, ingest: Ingest, neverdark: Launch) -> None:
    key = secret("main")
    running = neverdark({"cam": cam(ingest.url, key)})
    running.wait_on_air()

    assert running.stop(number) == 0

    assert not carriers(running.data_dir)
    eventually(lambda: not ingest.publishers(), SLACK, "nothing is published")
    assert "neverdark ended, nothing is left behind" in running.log()
    assert '"cause": "killed"' not in running.log(), "all obeyed a polite signal"


def test_frozen_processes_and_a_blocked_line_do_not_hold_up_the_end(
    ingest: Ingest, valve: Valve, neverdark: Launch
) -> None:
    patient = {"stall": {"timeout": "5m"}, "uplink": {"timeout": "5m"}}
    streams = {"cam": cam(ingest.url, secret("one"), **patient), "blocked": cam(valve.url, secret("two"), **patient)}
    running = neverdark(streams)
    running.wait_on_air()
    os.kill(running.pid(*PUSHER), signal.SIGSTOP)
    os.kill(running.pid(*ENCODER), signal.SIGSTOP)
    valve.freeze()

    began = time.monotonic()
    assert running.stop() == 0
    assert time.monotonic() - began < STOP_SECONDS + SLACK
    assert not carriers(running.data_dir)


def test_a_second_sigterm_is_not_polite_any_more(neverdark: Launch) -> None:
    running = neverdark({"mine": {"command": STUBBORN, "stop": {"second_signal": "5m", "kill": "10m"}}})
    running.wait_on_air()
    eventually(lambda: ignores_sigterm(running.pid("mine", "command")), 3 + SLACK, "it ignores SIGTERM by now")

    running.send(signal.SIGTERM)
    eventually(lambda: "planned stop" in running.log(), SLACK, "the first one is heard")
    running.send(signal.SIGTERM)

    assert running.wait(STOP_SECONDS + SLACK) == 0
    assert not carriers(running.data_dir)


def test_a_signal_during_the_start_ends_it_too(ingest: Ingest, unstarted: Launch) -> None:
    running = unstarted({"cam": cam(ingest.url, secret("main"))})
    running.launch()
    eventually(lambda: carriers(running.data_dir), 10 + SLACK, "the first process is there")
    assert running.stop() == 0
    assert not carriers(running.data_dir)


def test_who_closes_all_standard_streams_has_a_neverdark_all_the_same(ingest: Ingest, unstarted: Launch) -> None:
    running = unstarted({"cam": cam(ingest.url, secret("main"))})
    running.wrapper = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"]
    running.start().wait_on_air()
    assert running.process is not None
    for number in range(3):  # and no socket or lock of ours, to which words would go
        assert str(Path(f"/proc/{running.process.pid}/fd/{number}").readlink()) == "/dev/null"
    assert running.stop() == 0
