"""What is done to other processes: a connection that hears nothing, or forgets; signals that cannot miss. Linux.

Most of it are faults on purpose, to prove recovery.

Nothing here outlives its victim: deafness ends with its socket, a signal with its process.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import select
import signal
import socket
import struct
from collections.abc import Iterator
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import NamedTuple, Self

from supervisor.machine import proc
from supervisor.machine.marks import RUN_VARIABLE
from supervisor.model.quantities import Address

_PIDFD_GETFD = 438  # the system call's number, the same on all of Linux' machines; Python has no name for it
# The kernel drops without a word what has come over more hops than 255 minus this: all but a neighbour's packets, of
# which those of usual systems begin at 64 or 128. A socket filter would do as well, but newer kernels (seen with 6.18)
# keep those of TCP sockets to root.
_IP_MINTTL, _IPV6_MINHOPCOUNT = 21, 73
_NO_HOPS_LEFT = 255
_CLOSE_WITH_RST = struct.pack("ii", 1, 0)  # struct linger: on, 0 seconds
_TCP_ESTABLISHED = 1
_TRAFFIC = struct.Struct("=QQ")  # of struct tcp_info: bytes acknowledged, bytes received
_TRAFFIC_AT = 120


class FaultFailed(Exception):  # noqa: N818 - the name says what happened
    """A fault that could not be caused; the text says what and why. Nothing is broken."""


class Victim(NamedTuple):
    """The connection that was blocked, and the process that holds it."""

    pid: int
    inode: int
    remote: Address


# --- a connection ------------------------------------------------------------------------------------


def block_connection(pid: int, inode: int | None = None, remote: Address | None = None) -> Victim:
    """Make one TCP connection of a child of ours, or of a process below it, deaf. Needs no root. Takes under 10 ms.

    Whatever comes in is dropped by the kernel: acknowledgements, so that what is sent waits as on a dead line, and
    data. What goes out goes out. It is the connection with `inode`; or the busiest one to `remote`, of which a host
    that is a name is not compared; or, with neither, the busiest one. It lasts as long as the connection.

    At its end the peer gets a reset at once: a server that waits for the rest of a dead publisher's data would refuse
    the next publisher for minutes, and that would be a drill of the server. Raises FaultFailed.
    """
    try:
        family = [pid, *proc.descendants(pid)]
        found = [candidate for member in family for candidate in _connections(member, inode, remote)]
    except FileNotFoundError:
        raise FaultFailed(f"there is no process {pid}") from None
    except OSError as error:
        raise FaultFailed(f"cannot look at the sockets of process {pid}: {error.strerror}{_advice(error)}") from None
    with contextlib.ExitStack() as handles:
        for candidate in found:
            handles.enter_context(candidate.handle)
        if not found:
            which = f" to {remote}" if remote else f" with inode {inode}" if inode is not None else ""
            raise FaultFailed(f"process {pid} has no open TCP connection{which}")
        chosen = max(found, key=lambda candidate: candidate.traffic)
        try:
            _deafen(chosen.handle)
        except OSError as error:
            raise FaultFailed(f"cannot block the connection to {chosen.victim.remote}: {error.strerror}") from None
        return chosen.victim


def forget_unsent(pid: int) -> None:
    """Have what a process' connections have not sent yet dropped with it, and its peers told at once.

    Else the kernel goes on sending it after the end: on a line that is too thin, before and beside what comes next,
    while the server still holds the dead publisher. Where another process' sockets are not to be had, nothing happens.
    """
    with contextlib.suppress(OSError):
        for candidate in _connections(pid, None, None):
            with candidate.handle:
                candidate.handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _CLOSE_WITH_RST)


def _deafen(handle: socket.socket) -> None:
    """Raises OSError."""
    if handle.family == socket.AF_INET6:
        handle.setsockopt(socket.IPPROTO_IPV6, _IPV6_MINHOPCOUNT, _NO_HOPS_LEFT)
    # Also of an IPv6 socket: it may be one that talks to an IPv4 address.
    handle.setsockopt(socket.IPPROTO_IP, _IP_MINTTL, _NO_HOPS_LEFT)
    handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _CLOSE_WITH_RST)


class _Candidate(NamedTuple):
    victim: Victim
    handle: socket.socket  # a second descriptor of the same socket
    traffic: int


def _connections(pid: int, inode: int | None, remote: Address | None) -> Iterator[_Candidate]:
    """The established TCP connections of a process. Raises OSError."""
    with _pidfd(pid) as pidfd:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            try:
                target = str(entry.readlink())
            except FileNotFoundError:
                continue  # closed meanwhile
            if not target.startswith("socket:[") or (inode is not None and target != f"socket:[{inode}]"):
                continue
            try:
                handle = socket.socket(fileno=_get_descriptor(pidfd, int(entry.name)))
            except OSError as error:
                if error.errno == errno.EBADF:
                    continue  # closed meanwhile
                raise
            candidate = _candidate(pid, handle)
            if candidate and (remote is None or _same(candidate.victim.remote, remote)):
                yield candidate
            else:
                handle.close()


def _candidate(pid: int, handle: socket.socket) -> _Candidate | None:
    if handle.family not in {socket.AF_INET, socket.AF_INET6} or handle.type != socket.SOCK_STREAM:
        return None
    try:
        host, port = handle.getpeername()[:2]
        info = handle.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    except OSError:
        return None  # not connected, or not TCP
    if info[0] != _TCP_ESTABLISHED:
        return None
    traffic = sum(_TRAFFIC.unpack_from(info, _TRAFFIC_AT)) if len(info) >= _TRAFFIC_AT + _TRAFFIC.size else 0
    return _Candidate(Victim(pid, os.fstat(handle.fileno()).st_ino, Address(host, port)), handle, traffic)


def _same(peer: Address, wanted: Address) -> bool:
    """Whether a peer is the one that is meant, as far as can be told without asking for a name."""
    if peer.port != wanted.port:
        return False
    try:
        address = ip_address(wanted.host)
    except ValueError:
        return True
    there = ip_address(peer.host.partition("%")[0])
    mapped = there.ipv4_mapped if isinstance(there, IPv6Address) else None
    return address in {there, mapped}


def _get_descriptor(pidfd: int, number: int) -> int:
    """Our own copy of another process' descriptor, close-on-exec. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor: int = libc.syscall(_PIDFD_GETFD, pidfd, number, 0)
    if descriptor < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return descriptor


def _advice(error: OSError) -> str:
    match error.errno:
        case errno.EPERM | errno.EACCES:
            return "; a container needs the capability SYS_PTRACE for this"
        case errno.ENOSYS:
            return "; it takes Linux 5.6 or newer"
    return ""


# --- processes ---------------------------------------------------------------------------------------


@contextlib.contextmanager
def _pidfd(pid: int) -> Iterator[int]:
    """A descriptor that names this process and never another. Raises FileNotFoundError, OSError."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)) from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)


class NotOurs(Exception):  # noqa: N818 - it names the state
    """The process is not the run that was meant, or cannot be looked at; the text says which."""


class Grip:
    """A hold on the processes of one run, so that a signal can never hit another that got a pid anew.

    To be closed, or used as a context.
    """

    def __init__(self, pid: int, run_id: str, *, whole: bool = False) -> None:
        """Take hold of process `pid`, and with `whole` of those below it, if it is of the run `run_id`.

        Raises ProcessLookupError when it is gone, and NotOurs.
        """
        self._held = contextlib.ExitStack()
        self._descriptors: list[int] = []
        try:
            self._take(pid, run_id)
            for below in proc.descendants(pid) if whole else ():
                with contextlib.suppress(ProcessLookupError, NotOurs):  # gone, or it has made itself independent
                    self._take(below, run_id)
        except BaseException:
            self._held.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _take(self, pid: int, run_id: str) -> None:
        try:
            descriptor = self._held.enter_context(_pidfd(pid))
            variables = proc.environ(pid)
        except FileNotFoundError:
            raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH)) from None
        except PermissionError:
            raise NotOurs(f"process {pid} belongs to another user") from None
        if f"{RUN_VARIABLE}={run_id}".encode() not in variables:
            if select.select([descriptor], [], [], 0)[0]:  # it has ended, and a zombie has no environment
                raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))
            raise NotOurs(f"process {pid} of this machine is not the run {run_id} of that neverdark")
        self._descriptors.append(descriptor)

    def send(self, number: signal.Signals) -> None:
        """Signal all that are left. Raises ProcessLookupError when the first one is gone."""
        gone = []
        for descriptor in self._descriptors:
            try:
                signal.pidfd_send_signal(descriptor, number)
            except ProcessLookupError:
                gone.append(descriptor)
        if self._descriptors[0] in gone:
            raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))

    def close(self) -> None:
        """Let go."""
        self._held.close()
