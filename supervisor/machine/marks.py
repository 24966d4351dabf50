"""Who carries our mark: every child has it in its environment, and so has what it starts. Linux.

A process of another user is never looked into: anybody may write anything into an environment, and the memory that
holds it can be made to keep a reader waiting for ever.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from functools import lru_cache

from supervisor.machine import proc

OWNER_VARIABLE = "_NEVERDARK_OWNER"  # the mark of the data_dir of the neverdark that started a process
RUN_VARIABLE = "_NEVERDARK_RUN"
RECORD_VARIABLE = "_NEVERDARK_RECORD"  # see `model.runs`; of an older version: none
_REMEMBERED = 100  # names: more than there can be starts in a millisecond


def run_id_of(wall: float, number: int) -> str:
    """The name of a place's run that begins at `wall` (Unix time). Names sort by age."""
    minute, rest = divmod(wall, 60.0)
    second, thousandth = divmod(int(rest * 1000), 1000)
    return f"{_minute(minute)}{second:02}.{thousandth:03}Z-{number}"


@lru_cache(maxsize=1)
def _minute(minute: float) -> str:
    """Of a minute since 1970. A respawn waits for this, and to ask for the calendar took a tenth of its time."""
    return time.strftime("%Y%m%dT%H%M", time.gmtime(minute * 60))


class RunNames:
    """Gives each run a name of its own: by it, what a dead run left behind is told from what lives."""

    def __init__(self) -> None:
        self._given: dict[str, None] = {}

    def name(self, wall: float, number: int) -> str:
        """As `run_id_of`, but some milliseconds later where another place's run has that name already."""
        while (name := run_id_of(wall, number)) in self._given:
            wall += 0.001
        self._given[name] = None
        if len(self._given) > _REMEMBERED:
            del self._given[next(iter(self._given))]
        return name


def is_of_our_user(pid: int) -> bool:
    """Whether a process runs as the user that we run as, and was started by that user; False when it is gone."""
    try:
        # Both: what another user starts from a file with the set-user-id bit has that user's environment.
        return proc.users(pid) == (os.getuid(), os.geteuid())
    except OSError:
        return False


def carried_by(pid: int) -> tuple[str, str] | None:
    """The owner's mark that a process carries, and its run; None if it carries none, and when it is gone."""
    try:
        variables = dict(each.partition(b"=")[::2] for each in proc.environ(pid))
    except OSError:
        return None  # gone, or not ours to see
    owner = variables.get(OWNER_VARIABLE.encode())
    run_id = variables.get(RUN_VARIABLE.encode(), b"")
    return None if owner is None else (os.fsdecode(owner), os.fsdecode(run_id))


def send(pid: int, number: signal.Signals, is_meant: Callable[[], bool]) -> bool:
    """Signal a process that is meant, and never another that got its pid; False if that was not possible.

    `is_meant` is asked while a descriptor already names the process: if that is gone by then, no signal is sent.
    """
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        if not is_meant():
            return False
        signal.pidfd_send_signal(descriptor, number)
    except OSError:  # gone, or of a user whom we may not signal
        return False
    finally:
        os.close(descriptor)
    return True
