"""The fake as a program."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.integration.harness.waiting import STARTED, free_port

LINES = "send\nstate\nend nobody\nmove\nwrong\n\npage 429\nfaults\n"


def test_it_says_how_to_point_neverdark_at_it_and_does_what_is_typed() -> None:
    port = free_port()
    argv = [sys.executable, "-m", "tests.youtube", "--port", str(port)]
    done = subprocess.run(
        argv, input=LINES, capture_output=True, text=True, timeout=STARTED, check=True, cwd=Path(__file__).parents[3]
    )
    assert f"api_url: http://127.0.0.1:{port}\n" in done.stdout
    assert "units used: 0" in done.stdout
    assert [line.removeprefix("> ") for line in done.stdout.splitlines() if "not done" in line] == [
        "not done: ApiError: liveBroadcastNotFound",
        "not done: IndexError: list index out of range",
        "not done: KeyError: 'wrong'",
    ]
    assert done.stderr == ""
