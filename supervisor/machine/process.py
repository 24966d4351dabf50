"""One child process and the two wires to it: its output and its progress. IO, and no decisions.

Both wires belong to a process' place, not to its run, and neither can block or end the child:

* output goes to a FIFO that the child holds open for reading and writing, non-blocking. A full FIFO loses
  text, a dead reader is no broken pipe, and a restarted supervisor can open it again by its name;
* progress comes by UDP on the loopback, one report a datagram (`progress_socket`).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import signal
import stat
import termios
from collections.abc import Mapping
from dataclasses import dataclass

from supervisor.machine.data_dir import Folder
from supervisor.model.terms import Exit

_PIPE_BYTES = 256 * 1024
_NO_INPUT = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
_NO_BYTES = bytes(4)  # of FIONREAD, a C int
# Python ignores these two; a child must not inherit that.
_DEFAULT_SIGNALS = (signal.SIGPIPE, signal.SIGXFSZ)


class Outlet:
    """The reading end of a process' output."""

    def __init__(self, folder: Folder, name: str) -> None:
        """Open the FIFO `name` in `folder`, or, where no FIFO can be made (disk full), a pipe without a name.

        Either way the descriptor is open for both directions, so that it never sees an end of file.
        """
        self.named = True
        try:
            with folder.opened() as directory:
                self.fd = _fifo(directory, name)
        except OSError:
            self.named = False
            reading, writing = os.pipe2(os.O_CLOEXEC)
            self.fd = os.open(f"/proc/self/fd/{reading}", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            os.close(reading)
            os.close(writing)
        with contextlib.suppress(OSError):  # the kernel's limit for this user may be reached
            fcntl.fcntl(self.fd, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)

    def is_empty(self) -> bool:
        """Nothing is there now: for who expects so, and has no time for an exception."""
        return fcntl.ioctl(self.fd, termios.FIONREAD, _NO_BYTES) == _NO_BYTES

    def read(self, most: int = _PIPE_BYTES) -> bytes:
        """What is there now, up to `most` bytes, or the FIFO's size; empty for nothing."""
        try:
            return os.read(self.fd, most)
        except (BlockingIOError, OSError):
            return b""

    def close(self) -> None:
        """Close; the FIFO's name stays for the next neverdark."""
        os.close(self.fd)


def _fifo(directory: int, name: str) -> int:
    """The FIFO of that name, for both directions; what else has the name is removed. Raises OSError."""
    with contextlib.suppress(FileNotFoundError):
        # A plain file is readable for ever, so that the loop would spin; another FIFO may have another reader.
        if not _is_ours_alone(os.stat(name, dir_fd=directory, follow_symlinks=False)):
            os.unlink(name, dir_fd=directory)
    with contextlib.suppress(FileExistsError):
        os.mkfifo(name, 0o600, dir_fd=directory)
    return os.open(name, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=directory)


def _is_ours_alone(status: os.stat_result) -> bool:
    return stat.S_ISFIFO(status.st_mode) and status.st_uid == os.geteuid() and not stat.S_IMODE(status.st_mode) & 0o077


@dataclass(slots=True)
class Child:
    """A run that is alive, or a zombie that nobody has reaped yet."""

    pid: int
    pidfd: int

    def signal_group(self, number: signal.Signals) -> None:
        """Signal the process and everything it started. A leader that has exited still holds the group's name."""
        try:  # noqa: SIM105 - every exit comes by here, and `suppress` costs three calls
            os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):
            pass

    def reap(self) -> tuple[Exit, float]:
        """After the pidfd became readable: how it ended and its CPU seconds. `close` is still to be called.

        What it left behind in its group is killed first: a shell that died must not leave its FFmpeg publishing.
        """
        self.signal_group(signal.SIGKILL)
        try:
            _, status, usage = os.wait4(self.pid, 0)
        except ChildProcessError:  # somebody else has reaped it: gone is all that is known
            return Exit(None, None), 0.0
        return exit_of(status), usage.ru_utime + usage.ru_stime

    def close(self) -> None:
        """Let go of the pidfd."""
        os.close(self.pidfd)


def exit_of(status: int) -> Exit:
    """What a wait status tells."""
    code = os.waitstatus_to_exitcode(status)
    return Exit(code, None) if code >= 0 else Exit(None, -code)


def spawn(
    argv: list[str],
    environment: Mapping[str, str],
    output_fd: int,
    inherited: Mapping[int, int] | None = None,
    file_limits: tuple[int, int] | None = None,
) -> Child:
    """Start `argv` as the leader of a session of its own, with output to `output_fd` and no input.

    `inherited` are further descriptors: what the child knows each as, and ours. `file_limits` are its soft and hard
    limit of open files (default: ours). It has them some microseconds after its start: posix_spawn knows no limits,
    and 2 µs here cost less than lowering our own for a moment.

    posix_spawn rather than Popen: it costs less, and the respawn is what viewers wait for. Descriptors of ours
    are close-on-exec, so nothing leaks. Raises OSError when the program cannot be started.
    """
    wires = [_NO_INPUT, (os.POSIX_SPAWN_DUP2, output_fd, 1), (os.POSIX_SPAWN_DUP2, output_fd, 2)]
    if inherited:
        wires += [(os.POSIX_SPAWN_DUP2, ours, theirs) for theirs, ours in inherited.items()]
    pid = os.posix_spawnp(
        argv[0],
        argv,
        environment,
        file_actions=wires,
        setsid=True,
        setsigmask=(),
        setsigdef=_DEFAULT_SIGNALS,
    )
    if file_limits:
        with contextlib.suppress(OSError):  # its file gives it the rights of another user
            resource.prlimit(pid, resource.RLIMIT_NOFILE, file_limits)
    try:
        child = Child(pid, os.pidfd_open(pid))
    except OSError:
        os.killpg(pid, signal.SIGKILL)  # out of descriptors: a process that we cannot watch must not run
        os.waitpid(pid, 0)
        raise
    os.sched_yield()  # as its parent we wake where it runs: all that we do now, it would wait for
    return child


def raise_file_limit() -> tuple[int, int]:
    """Lift the soft limit of open files to the hard one: clients of the API must not use up what processes need.

    Returns both limits as they were: that is what children are to have. There are programs that close every
    descriptor that they could have, which takes minutes where the hard limit is a billion.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(OSError, ValueError):  # some systems have a lower limit still
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return soft, hard
