"""The budget of attempts is not for life: sustained progress refills it, and slow retries never end."""

from __future__ import annotations

import os
import signal
from functools import partial

from tests.integration.conftest import Launch
from tests.integration.harness.recipes import Json
from tests.integration.harness.waiting import SLACK, eventually

COMMAND = ("cam", "command", "")
ENDLESS = ["ffmpeg", "-nostdin", "-loglevel", "error", "-progress", "{progress}", "-stats_period", "0.2"]
ENDLESS += ["-re", "-f", "lavfi", "-i", "testsrc2=size=160x90:rate=10", "-f", "null", "-"]
BUDGET: Json = {"initial_delay": "50ms", "attempts": 2, "cooldown": "1s"}


def test_crashes_between_sustained_progress_never_end_in_cooldown(neverdark: Launch) -> None:
    running = neverdark({"cam": {"command": ENDLESS, "restart": BUDGET | {"reset_after": "1s"}}})
    for crash in range(1, 6):
        eventually(lambda: running.one(*COMMAND)["state"] == "running", 5 + SLACK, "it runs")
        eventually(lambda: running.one(*COMMAND)["budget_remaining"] == 2, 3 + SLACK, "the budget is earned back")
        old = running.pid(*COMMAND)
        os.kill(old, signal.SIGKILL)
        eventually(partial(running.replaced, old, *COMMAND), 3 + SLACK, "restarted")
        assert running.restarts()[COMMAND] == {"exit": crash}
        assert running.metric("process_state", state="cooldown") == 0
        assert running.metric("restart_budget_remaining") >= 1


def test_a_start_alone_earns_nothing_and_slow_retries_go_on(neverdark: Launch) -> None:
    """The opposite fault: a breaker that every launch resets restarts for ever at full speed."""
    running = neverdark({"cam": {"command": ["false"], "restart": BUDGET | {"reset_after": "60s"}}})

    eventually(lambda: running.one(*COMMAND)["state"] == "cooldown", 5 + SLACK, "the budget is spent")
    assert running.one(*COMMAND)["budget_remaining"] == 0
    spent = running.restarts()[COMMAND]["exit"]
    assert spent >= 2, "two quick attempts came first"
    assert running.log().count("slow retries, for ever") >= 1

    eventually(lambda: running.restarts()[COMMAND]["exit"] >= spent + 2, 3 + SLACK, "slow retries go on")
    assert running.metric("restart_budget_remaining") == 0
