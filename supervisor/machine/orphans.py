"""Ends what an earlier neverdark left behind, before anything publishes. IO.

Every child carries the mark of its owner's data_dir in its environment. The lock on the data_dir says that the owner
is dead: whoever still carries the mark may be publishing on our keys.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Container
from functools import partial
from pathlib import Path
from typing import NamedTuple

from supervisor.machine import proc
from supervisor.machine.data_dir import DataDir
from supervisor.machine.marks import carried_by, is_of_our_user, send

_DEADLINE = 10.0
_PAUSE = 0.02
_PATIENCE = 5.0  # with what does not stop, or does not let go of what it leads


class _Ours(NamedTuple):
    data_dir: DataDir
    spared: Container[str]


class _Process(NamedTuple):
    pid: int
    state: bytes
    group: int
    session: int


def end_orphans(data_dir: DataDir, spared: Container[str] = ()) -> list[tuple[int, str]]:
    """Kill every process of our user that carries our mark, and what it leads; returns the pids and run ids.

    But for those of the runs that are `spared`: they are to be taken over.
    Looks again until a look finds nobody: a child spawned a moment before its owner's death is found too.
    Raises TimeoutError, naming the pids, when one does not die: then nothing may be started.
    """
    ended: dict[int, str] = {}
    begun = time.monotonic()
    ours = _Ours(data_dir, spared)
    while found := _look(ours):
        ended |= {orphan.pid: run_id for orphan, run_id, _ in found}
        waited = time.monotonic() - begun
        if waited > _DEADLINE:
            left = sorted({each.pid for orphan, _, led in found for each in (orphan, *led)})
            raise TimeoutError(f"processes of an earlier run do not end: {', '.join(map(str, left))}")
        for orphan, _, led in found:
            _end(ours, orphan, led, patient=waited < _PATIENCE)
        time.sleep(_PAUSE)
    return sorted(ended.items())


def _look(ours: _Ours) -> list[tuple[_Process, str, list[_Process]]]:
    """Who carries our mark, of which run it is, and who, marked or not, is in the group or session that it leads."""
    pids = [pid for pid in proc.everybody() if pid != os.getpid()]
    runs = {pid: run for pid in pids if (run := _run(ours, pid)) is not None}
    if not runs:
        return []  # as after most starts, and then a look costs half of it
    everybody = [process for pid in pids if (process := _process(pid))]
    led: dict[int, list[_Process]] = {pid: [] for pid in runs}
    for process in everybody:
        for leader in {process.group, process.session} & led.keys() - {process.pid}:
            led[leader].append(process)
    return [(orphan, runs[orphan.pid], led[orphan.pid]) for orphan in everybody if orphan.pid in runs]


def _end(ours: _Ours, orphan: _Process, led: list[_Process], *, patient: bool) -> None:
    """Kill what a process leads, and then itself.

    Its number is also that of its group and its session, so both are surely its own for as long as it is there. So it
    is stopped first: it can neither go nor start more; and it goes when a look has found it stopped and alone.
    """
    is_meant = partial(_is_marked, ours, orphan.pid)
    if orphan.pid not in {orphan.group, orphan.session}:
        send(orphan.pid, signal.SIGKILL, is_meant)
        return
    if orphan.state not in proc.STOPPED and patient:
        send(orphan.pid, signal.SIGSTOP, is_meant)
        return
    killed = [send(each.pid, signal.SIGKILL, partial(_is_led, ours, orphan.pid, each.pid)) for each in led]
    if not any(killed) or not patient:
        send(orphan.pid, signal.SIGKILL, is_meant)


def _run(ours: _Ours, pid: int) -> str | None:
    """The run of an earlier neverdark of this data_dir, and of our user, that a process belongs to."""
    if not is_of_our_user(pid) or (carried := carried_by(pid)) is None:
        return None
    owner, run_id = carried
    if run_id in ours.spared:
        return None
    # Versions before this one marked by the path, and that names the same directory only where the mounts are the same.
    if owner in ours.data_dir.marks or (owner == str(ours.data_dir.path) and _same_mounts(pid)):
        return run_id
    return None


def _same_mounts(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/ns/mnt").readlink() == Path("/proc/self/ns/mnt").readlink()
    return False


def _is_marked(ours: _Ours, pid: int) -> bool:
    return _run(ours, pid) is not None


def _is_led(ours: _Ours, leader: int, pid: int) -> bool:
    process = _process(pid)
    return process is not None and _leads(leader, process) and _is_marked(ours, leader)


def _leads(leader: int, process: _Process) -> bool:
    return leader in {process.group, process.session} and process.pid != leader


def _process(pid: int) -> _Process | None:
    """A process that lives."""
    try:
        stat = proc.read_stat(pid)
    except OSError:
        return None
    return None if stat is None or stat.state in proc.DEAD else _Process(pid, stat.state, stat.group, stat.session)
