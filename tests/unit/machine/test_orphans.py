"""What an earlier neverdark left behind is ended, with its own children; what is not ours is not touched."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from supervisor.machine import orphans
from supervisor.machine.data_dir import DataDir
from supervisor.machine.marks import OWNER_VARIABLE, RUN_VARIABLE, send
from supervisor.machine.orphans import end_orphans

STRANGER = ["setpriv", "--reuid=10002", "--regid=10002", "--clear-groups"]
APART = ["unshare", "--mount"]  # a mount namespace of its own

Leave = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def leave() -> Iterator[Leave]:
    """Start a process that carries a mark; `under` is what the shell runs under."""
    left: list[subprocess.Popen[bytes]] = []

    def begin(
        mark: str, script: str = "exec sleep 300", *, session: bool = True, under: Sequence[str] = ()
    ) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [*under, "sh", "-c", script],
            env={"PATH": os.environ["PATH"], OWNER_VARIABLE: mark, RUN_VARIABLE: "20260101T000000Z-7"},
            start_new_session=session,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        left.append(process)
        return process

    yield begin
    for process in left:
        with contextlib.suppress(ProcessLookupError):  # a test that failed may have left the group without its leader
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.communicate()


def line(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    return process.stdout.readline()


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def until_gone(pid: int) -> None:
    deadline = time.monotonic() + 20
    while not gone(pid):
        assert time.monotonic() < deadline
        select.select([], [], [], 0.005)


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[DataDir]:
    data_dir = DataDir(tmp_path / "data")
    yield data_dir
    data_dir.close()


def ready(process: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
    assert line(process) == b"ready\n"
    return process


READY = "echo ready; read line"  # its stdin never ends; after an exec the kernel shows no environment for a moment


def test_it_is_found_by_its_mark_and_ended(data_dir: DataDir, leave: Leave) -> None:
    orphan = ready(leave(data_dir.mark, READY))
    assert (orphan.pid, "20260101T000000Z-7") in end_orphans(data_dir)
    assert orphan.wait(20) == -signal.SIGKILL
    assert end_orphans(data_dir) == []


def test_the_next_neverdark_finds_it(tmp_path: Path, leave: Leave) -> None:
    data_dir = DataDir(tmp_path)
    orphan = ready(leave(data_dir.mark, READY))
    data_dir.close()
    again = DataDir(data_dir.path)
    end_orphans(again)
    again.close()
    assert orphan.wait(20) == -signal.SIGKILL


def test_a_frozen_one_is_ended_too(data_dir: DataDir, leave: Leave) -> None:
    orphan = ready(leave(data_dir.mark, READY))
    orphan.send_signal(signal.SIGSTOP)
    end_orphans(data_dir)
    assert orphan.wait(20) == -signal.SIGKILL


def test_its_children_go_with_it_also_those_that_left_its_group_or_forgot_the_mark(
    data_dir: DataDir, leave: Leave
) -> None:
    script = "setsid sleep 300 & echo $!; env -i sleep 300 & echo $!; set -m; env -i sleep 300 & echo $!; wait"
    orphan = leave(data_dir.mark, script)
    children = [int(line(orphan)) for _ in range(3)]
    end_orphans(data_dir)
    for pid in (orphan.pid, *children):
        until_gone(pid)


def test_one_that_starts_more_and_more_without_a_mark_leaves_none(data_dir: DataDir, leave: Leave) -> None:
    """Killed one after the other they would be replaced by their leader; killed first, it could not name them."""
    orphan = leave(data_dir.mark, "echo ready; while :; do env -i sleep 300 & sleep 0.001; done")
    ready(orphan)
    end_orphans(data_dir)
    assert orphan.wait(20) == -signal.SIGKILL
    group = [path for path in Path("/proc").iterdir() if path.name.isdigit() and _group(path) == orphan.pid]
    assert group == []


def _group(path: Path) -> int | None:
    try:
        state, _, group = (path / "stat").read_text().rpartition(")")[2].split()[:3]
    except OSError:
        return None
    return None if state == "Z" else int(group)


def test_others_are_not_touched(data_dir: DataDir, leave: Leave) -> None:
    identity, device, inode = data_dir.mark.split(":")
    of_a_copy = f"{identity}:{device}:{int(inode, 16) + 1:x}"
    marks = [of_a_copy, f"{data_dir.mark}0", str(data_dir.path.parent), f"{data_dir.path}x", ""]
    others = [ready(leave(mark, READY)) for mark in marks]
    assert end_orphans(data_dir) == []
    assert [process.poll() for process in others] == [None] * len(others)


def test_what_an_older_version_left_is_found_by_the_path(data_dir: DataDir, leave: Leave) -> None:
    orphan = ready(leave(str(data_dir.path), READY))
    assert [pid for pid, _ in end_orphans(data_dir)] == [orphan.pid]
    assert orphan.wait(20) == -signal.SIGKILL


def test_the_same_path_among_other_mounts_is_another_neverdark(data_dir: DataDir, leave: Leave) -> None:
    other = ready(leave(str(data_dir.path), READY, under=APART))
    assert end_orphans(data_dir) == []
    assert other.poll() is None


@pytest.mark.parametrize("mark", ["new", "old"])
def test_what_another_user_marks_is_ignored(data_dir: DataDir, leave: Leave, mark: str) -> None:
    foreign = {"new": data_dir.mark, "old": str(data_dir.path)}[mark]
    stranger = ready(leave(foreign, READY, under=STRANGER))
    begun = time.monotonic()
    assert end_orphans(data_dir) == []
    assert time.monotonic() - begun < 5
    assert stranger.poll() is None


def test_a_group_that_is_led_by_somebody_else_is_not_killed(data_dir: DataDir, leave: Leave) -> None:
    """Such as the shell or the test from which a marked program was started by hand."""
    orphan = ready(leave(data_dir.mark, READY, session=False))
    assert os.getpgid(orphan.pid) == os.getpgid(0)
    end_orphans(data_dir)
    assert orphan.wait(20) == -signal.SIGKILL, "and we are still here"


def test_one_that_does_not_die_is_told(data_dir: DataDir, leave: Leave, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in an uninterruptible sleep: here the signal is lost."""
    orphan = ready(leave(data_dir.mark, READY))
    monkeypatch.setattr(signal, "pidfd_send_signal", lambda *_: None)
    monkeypatch.setattr(orphans, "_DEADLINE", 0.2)
    with pytest.raises(TimeoutError, match=f"processes of an earlier run do not end: {orphan.pid}$"):
        end_orphans(data_dir)


def test_a_pid_that_was_given_away_meanwhile_is_spared(leave: Leave) -> None:
    """Who is no longer meant when a descriptor names it gets no signal."""
    other = ready(leave("", READY))
    assert not send(other.pid, signal.SIGKILL, lambda: False)
    assert other.poll() is None
    other.kill()
    other.wait()
    assert not send(other.pid, signal.SIGKILL, lambda: True)


def test_a_look_leaves_no_descriptor_open(data_dir: DataDir, leave: Leave) -> None:
    ready(leave(data_dir.mark, READY))
    before = sorted(Path("/proc/self/fd").iterdir())
    assert end_orphans(data_dir)
    assert sorted(Path("/proc/self/fd").iterdir()) == before
