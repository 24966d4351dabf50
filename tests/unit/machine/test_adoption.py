"""What an earlier neverdark has started is found by what it carries, with real processes; nothing else is."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from supervisor.machine import adoption
from supervisor.machine.adoption import AdoptedChild, FoundRun, find_runs, take_socket
from supervisor.machine.data_dir import DataDir
from supervisor.machine.marks import OWNER_VARIABLE, RECORD_VARIABLE, RUN_VARIABLE
from supervisor.machine.orphans import end_orphans
from supervisor.machine.process import Child
from supervisor.model.runs import RecordWriter, RunRecord
from supervisor.model.terms import Exit, ProcessKey, Role

KEY = ProcessKey("cam", Role.PUSHER, "yt")
Leave = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[DataDir]:
    made = DataDir(tmp_path / "data")
    yield made
    made.close()


@pytest.fixture
def leave(data_dir: DataDir) -> Iterator[Leave]:
    """Start a shell that carries a record; it says when it has got so far."""
    left: list[subprocess.Popen[bytes]] = []

    def begin(
        script: str = "exec sleep 300",
        *,
        run_id: str = "one",
        mark: str | None = None,
        ago: float = 0.0,
        session: bool = True,
        record: str | None = None,
    ) -> subprocess.Popen[bytes]:
        known = RecordWriter().write(RunRecord(KEY, "settings", time.monotonic() - ago, time.time()))
        carried = {
            OWNER_VARIABLE: data_dir.mark if mark is None else mark,
            RUN_VARIABLE: run_id,
            RECORD_VARIABLE: known if record is None else record,
        }
        process = subprocess.Popen(
            ["sh", "-c", f"echo; {script}"],
            env={"PATH": os.environ["PATH"], **carried},
            start_new_session=session,
            stdout=subprocess.PIPE,
        )
        left.append(process)
        assert process.stdout
        process.stdout.readline()
        return process

    yield begin
    end_orphans(data_dir)
    for process in left:
        process.kill()
        process.wait()
        assert process.stdout
        process.stdout.close()


def found(data_dir: DataDir) -> list[FoundRun]:
    runs = find_runs(data_dir)
    for run in runs:
        run.child.close()
    return runs


def test_a_run_is_found_with_its_record(data_dir: DataDir, leave: Leave) -> None:
    process = leave()
    (run,) = found(data_dir)
    assert (run.child.pid, run.run_id, run.record.key) == (process.pid, "one", KEY)
    assert not run.stopped
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED)
    assert found(data_dir)[0].stopped


@pytest.mark.parametrize(
    "how",
    [
        {"mark": "another:1:2"},
        {"mark": ""},
        {"session": False},
        {"record": ""},
        {"record": "[2]"},
        {"run_id": ""},
        {"run_id": "../../x"},
        {"ago": 60.0},  # its record is older than it is: it has inherited it, or has another's pid
    ],
)
def test_what_is_not_surely_the_run_is_not_found(how: dict[str, object], data_dir: DataDir, leave: Leave) -> None:
    leave(**how)
    assert found(data_dir) == []


def test_a_zombie_is_no_run(data_dir: DataDir, leave: Leave) -> None:
    process = leave("exit 0")
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert found(data_dir) == []


def test_of_several_with_one_record_the_first_is_the_run(data_dir: DataDir, leave: Leave) -> None:
    """It has started one in a session of its own; and another of such whose parent is gone."""
    process = leave("setsid sleep 300 & sleep 0.05; (setsid sleep 300 &) & sleep 0.1; echo; wait")
    assert process.stdout
    process.stdout.readline()
    assert [run.child.pid for run in found(data_dir)] == [process.pid]


def test_two_runs_of_one_place_are_both_told(data_dir: DataDir, leave: Leave) -> None:
    first, second = leave(run_id="one"), leave(run_id="two")
    assert {run.child.pid for run in found(data_dir)} == {first.pid, second.pid}


def test_our_own_child_is_waited_for_as_such(data_dir: DataDir, leave: Leave) -> None:
    leave()
    (run,) = found(data_dir)
    assert type(run.child) is Child


# --- how it ends -------------------------------------------------------------------------------------

_ORPHANED = """
import os, sys
if os.fork():
    os._exit(0)
os.setsid()
os.write(1, b"%d\\n" % os.getpid())
os.execvp("sh", ["sh", "-c", sys.argv[1]])
"""


def orphan(script: str) -> AdoptedChild:
    """A process whose parent is gone, and that leads a session."""
    argv = [sys.executable, "-c", _ORPHANED, script]
    carried = {OWNER_VARIABLE: "test:1:2", RUN_VARIABLE: f"run-{os.getpid()}"}
    said = subprocess.run(argv, stdout=subprocess.PIPE, env=dict(os.environ) | carried, check=True, timeout=20).stdout
    pid = int(said.split()[0])
    return AdoptedChild(pid, os.pidfd_open(pid), *carried.values())


def ended(child: AdoptedChild) -> tuple[Exit, float]:
    assert select.select([child.pidfd], [], [], 20)[0]
    try:
        return child.reap()
    finally:
        child.close()


# What nobody told its adopter: on a kernel before 6.15, and with a quick first process, it is not known at all.
UNKNOWN = Exit(None, None)


def test_how_an_adopted_process_was_killed_is_known() -> None:
    child = orphan("exec >&-; exec sleep 300")
    child.signal_group(signal.SIGKILL)
    assert ended(child)[0] in {Exit(None, signal.SIGKILL), UNKNOWN}


def test_how_an_adopted_process_has_ended_is_known() -> None:
    child = orphan("exec >&-; sleep 0.3; exit 3")
    assert ended(child)[0] in {Exit(3, None), UNKNOWN}


def test_what_an_adopted_process_leaves_in_its_group_is_killed_and_no_more() -> None:
    child = orphan("exec >&-; sleep 300 & exec sleep 0.3")
    ended(child)
    until = time.monotonic() + 10
    while time.monotonic() < until and _members(child.pid):
        time.sleep(0.02)
    assert _members(child.pid) == []


@pytest.mark.parametrize("carries", [("", ""), ("test:1:2", ""), ("", "one")])
def test_who_carries_nothing_leaves_nothing_that_could_be_told_from_others(
    carries: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Processes without a mark are everybody else's: not one of them may be meant."""
    signalled: list[int] = []
    monkeypatch.setattr(adoption, "send", lambda pid, *_: signalled.append(pid))
    monkeypatch.setattr("supervisor.machine.adoption.os.killpg", lambda *_: None)
    monkeypatch.setattr(adoption, "carried_by", lambda _: carries)
    child = AdoptedChild(os.getpid(), os.pidfd_open(os.getpid()), *carries)
    child.reap()
    child.close()
    assert signalled == []


def test_a_number_that_is_somebody_elses_by_now_is_not_signalled(monkeypatch: pytest.MonkeyPatch) -> None:
    child = orphan("exec >&-; exit 0")
    ended_at = time.monotonic() + 10
    while time.monotonic() < ended_at and _alive(child):
        time.sleep(0.02)
    signalled: list[int] = []
    monkeypatch.setattr("supervisor.machine.adoption.signal.pidfd_send_signal", _gone)
    monkeypatch.setattr("supervisor.machine.adoption.os.killpg", lambda pid, _: signalled.append(pid))
    child.signal_group(signal.SIGTERM)
    child.close()
    assert signalled == []


def _gone(*_: object) -> None:
    raise ProcessLookupError


def _alive(child: AdoptedChild) -> bool:
    return not select.select([child.pidfd], [], [], 0)[0]


def _members(group: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, _, its = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
            except OSError:
                continue
            if int(its) == group and state not in "ZX":
                found.append(int(entry.name))
    return found


# --- its socket --------------------------------------------------------------------------------------


def test_a_socket_is_taken_from_who_has_it_and_from_nobody_else() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.bind(("127.0.0.1", 0))
        port = own.getsockname()[1]
        taken = take_socket(os.getpid(), own.fileno(), port)
        assert taken is not None
        with taken:
            assert taken.getsockname() == ("127.0.0.1", port)
            assert taken.fileno() != own.fileno()
            assert not os.get_inheritable(taken.fileno())
        assert take_socket(os.getpid(), own.fileno(), port + 1) is None
        assert take_socket(os.getpid(), 0, port) is None
        assert take_socket(1 << 22, 3, port) is None
