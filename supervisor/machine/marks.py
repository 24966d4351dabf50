"""Who carries our mark: every child has it in its environment, and so has what it starts. Linux.

A process of another user is never looked into: anybody may write anything into an environment, and the memory that
holds it can be made to keep a reader waiting for ever.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from io import FileIO

OWNER_VARIABLE = "_NEVERDARK_OWNER"  # the mark of the data_dir of the neverdark that started a process
RUN_VARIABLE = "_NEVERDARK_RUN"


def is_of_our_user(pid: int) -> bool:
    """Whether a process runs as the user that we run as, and was started by that user; False when it is gone."""
    try:
        status = _read(f"/proc/{pid}/status")
    except OSError:
        return False
    real, effective = status.partition(b"\nUid:")[2].split(maxsplit=2)[:2]
    # Both: what another user starts from a file with the set-user-id bit has that user's environment.
    return (int(real), int(effective)) == (os.getuid(), os.geteuid())


def carried_by(pid: int) -> tuple[str, str] | None:
    """The owner's mark that a process carries, and its run; None if it carries none, and when it is gone."""
    try:
        variables = _read(f"/proc/{pid}/environ")
    except OSError:
        return None  # gone, or not ours to see
    if OWNER_VARIABLE.encode() not in variables:
        return None
    found = dict(each.split("=", 1) for each in os.fsdecode(variables).split("\0") if "=" in each)
    owner = found.get(OWNER_VARIABLE)
    return None if owner is None else (owner, found.get(RUN_VARIABLE, ""))


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


def _read(path: str) -> bytes:
    """A file of /proc. A machine may have a thousand processes, and a start waits for this: so no `Path`."""
    with FileIO(path) as file:
        return file.readall()
