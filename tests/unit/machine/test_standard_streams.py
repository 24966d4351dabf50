"""Whoever starts neverdark may have closed its standard streams, or stopped to read them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.harness.supervised import environment

GOOD = """
streams:
  cam:
    source: {url: "testsrc2=size=320x180:rate=10", format: lavfi, realtime: true}
    video: {codec: libx264, bitrate: 300k}
    destinations: {yt: {url: "rtmp://127.0.0.1:9/live", key: k}}
"""
HOW = {
    "stdout closed": (">&-", 0),
    "stderr closed": ("2>&-", 0),
    "all closed": ("<&- >&- 2>&-", 0),
    "both full": (">/dev/full 2>&1", 1),
}


def shell(folder: Path, line: str, *command: str, unbuffered: str = "") -> subprocess.CompletedProcess[str]:
    """A line in which "$@" is neverdark with this command."""
    program = [sys.executable, "-m", "supervisor", *command]
    return subprocess.run(
        ["bash", "-c", line, "bash", *program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment() | {"PYTHONUNBUFFERED": unbuffered},
        cwd=folder,
    )


@pytest.mark.parametrize("how", HOW)
def test_a_command_ends_with_an_exit_code_and_no_traceback(how: str, tmp_path: Path) -> None:
    (tmp_path / "neverdark.yml").write_text(GOOD)
    words, good = HOW[how]
    for command, expected in (
        (("check",), good),
        (("status", "--url", "http://127.0.0.1:9"), 1),
        (("check", "-c", "nowhere.yml"), 2),
    ):
        done = shell(tmp_path, f'"$@" {words}', *command)
        assert done.returncode == expected, (command, done.stderr)
        assert "Traceback" not in done.stderr
        assert "Exception ignored" not in done.stderr


def test_so_it_does_where_each_word_is_written_at_once(tmp_path: Path) -> None:
    (tmp_path / "neverdark.yml").write_text(GOOD)
    done = shell(tmp_path, '"$@" >/dev/full', "check", unbuffered="1")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_a_reader_that_went_away_is_no_mistake_of_ours(tmp_path: Path) -> None:
    (tmp_path / "neverdark.yml").write_text(GOOD)
    done = shell(tmp_path, '{ sleep 0.2; "$@"; echo "${PIPESTATUS[0]}" >&2; } | true', "check")
    assert done.stderr.splitlines()[-1] == "1"
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_what_is_opened_later_does_not_take_their_numbers(tmp_path: Path) -> None:
    script = (
        "import os, sys\n"
        "from supervisor.machine.standard_streams import open_closed_ones\n"
        "open_closed_ones()\n"
        "print('lost'); print('lost', file=sys.stderr); assert sys.stdin.read() == ''\n"
        "opened = os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY)\n"
        "places = [os.readlink(f'/proc/self/fd/{n}') for n in range(3)]\n"
        "os.write(opened, ' '.join([str(opened > 2), *places]).encode())\n"
    )
    for words, closed in (("<&- >&- 2>&-", {0, 1, 2}), (">&-", {1}), ("<&- 2>&-", {0, 2})):
        file = tmp_path / "said"
        done = subprocess.run(
            ["bash", "-c", f'"$@" {words}', "bash", sys.executable, "-c", script, file],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=environment(),
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        above, *places = file.read_text().split()
        assert above == "True"
        assert {number for number in range(3) if places[number] == "/dev/null"} == closed | {0}
        file.unlink()
