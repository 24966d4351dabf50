"""What an earlier neverdark left behind is ended, with its own children; what is not ours is not touched."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from supervisor.orphans import DataDirInUse, end_orphans, lock
from supervisor.process import OWNER_VARIABLE, RUN_VARIABLE

Leave = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def leave() -> Iterator[Leave]:
    """Start a process that carries the mark of a data_dir."""
    left: list[subprocess.Popen[bytes]] = []

    def begin(owner: Path, script: str = "exec sleep 300", *, session: bool = True) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            ["sh", "-c", script],
            env={"PATH": os.environ["PATH"], OWNER_VARIABLE: str(owner), RUN_VARIABLE: "20260101T000000Z-7"},
            start_new_session=session,
            stdout=subprocess.PIPE,
        )
        left.append(process)
        return process

    yield begin
    for process in left:
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


def test_it_is_found_by_its_mark_and_ended(tmp_path: Path, leave: Leave) -> None:
    orphan = leave(tmp_path, "echo ready; exec sleep 300")
    assert line(orphan) == b"ready\n"
    assert (orphan.pid, "20260101T000000Z-7") in end_orphans(tmp_path)
    assert orphan.wait(20) == -signal.SIGKILL
    assert end_orphans(tmp_path) == []


def test_a_frozen_one_is_ended_too(tmp_path: Path, leave: Leave) -> None:
    orphan = leave(tmp_path, "echo ready; exec sleep 300")
    line(orphan)
    orphan.send_signal(signal.SIGSTOP)
    end_orphans(tmp_path)
    assert orphan.wait(20) == -signal.SIGKILL


def test_its_children_go_with_it_also_those_that_left_its_group_or_forgot_the_mark(
    tmp_path: Path, leave: Leave
) -> None:
    script = "setsid sleep 300 & echo $!; env -i sleep 300 & echo $!; wait"
    orphan = leave(tmp_path, script)
    children = [int(line(orphan)), int(line(orphan))]
    end_orphans(tmp_path)
    for pid in (orphan.pid, *children):
        until_gone(pid)


def test_others_are_not_touched(tmp_path: Path, leave: Leave) -> None:
    others = [leave(tmp_path / "other"), leave(tmp_path.with_name(tmp_path.name + "x")), leave(tmp_path.parent)]
    assert end_orphans(tmp_path) == []
    assert [process.poll() for process in others] == [None, None, None]


def test_a_group_that_is_led_by_somebody_else_is_not_killed(tmp_path: Path, leave: Leave) -> None:
    """Such as the shell or the test from which a marked program was started by hand."""
    orphan = leave(tmp_path, "echo ready; exec sleep 300", session=False)
    line(orphan)
    assert os.getpgid(orphan.pid) == os.getpgid(0)
    end_orphans(tmp_path)
    assert orphan.wait(20) == -signal.SIGKILL, "and we are still here"


def test_a_data_dir_has_one_owner(tmp_path: Path) -> None:
    data_dir = tmp_path / "new" / "data"
    held = lock(data_dir)
    assert data_dir.stat().st_mode & 0o007 == 0
    with pytest.raises(DataDirInUse, match=str(data_dir)):
        lock(data_dir)
    os.close(held)
    os.close(lock(data_dir))


def test_a_lock_is_not_inherited(tmp_path: Path) -> None:
    """A child that outlives us must not keep the next neverdark out."""
    held = lock(tmp_path)
    child = subprocess.Popen(["sleep", "300"], close_fds=False)
    try:
        os.close(held)
        again = lock(tmp_path)
        assert child.poll() is None, "the child lived while the lock was taken again"
        os.close(again)
    finally:
        child.kill()
        child.wait()


def test_a_data_dir_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OSError, match="Not a directory"):
            lock(path)
