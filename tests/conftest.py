"""What holds for every test."""

from __future__ import annotations

import os
import sys

import pytest
from hypothesis import settings

# Some hundred neverdarks are started, and each worker reads all tests: without bytecode, each would compile all of it
# again. A container's environment often forbids to write any.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# How long one example takes depends on who else uses the machine.
settings.register_profile("neverdark", deadline=None)
settings.load_profile("neverdark")


def _skips(config: pytest.Config) -> int:
    # The workers of xdist have no terminal: the one process that has one sees all reports.
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    return len(terminal.stats.get("skipped", [])) if terminal else 0


def _strict() -> bool:
    return os.environ.get("CI", "").lower() not in {"", "0", "false"}


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI everything can be installed, so a skipped test is a test that nobody knows to fail."""
    if _strict() and _skips(session.config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if _strict() and (count := _skips(config)):
        terminalreporter.write_line(f"{count} skipped: with CI set, that is a failure", red=True)
