"""Where a process' progress reports arrive, and proof that it was the process that sent them. IO, Linux.

Reports come by UDP on the loopback, one a datagram: that can neither block nor end the sender, and the next neverdark
can open the same port again. But any user of the machine can send there. So whoever sends for the first time is looked
up: the kernel names the socket that has the sender's port (20 µs by netlink), and that socket must be among the
descriptors of the run's own processes. Whoever has passed is known by the port, which nobody else can have meanwhile.
"""

from __future__ import annotations

import errno
import os
import socket
import time
from struct import Struct
from typing import NamedTuple

from supervisor.probes.family import family_of
from supervisor.probes.uplink import socket_inodes

_LOOPBACK = "127.0.0.1"
_DATAGRAM_BYTES = 4096
_MOST_KNOWN = 8  # senders of one run; a command may have several
_DISTRUST_SECONDS = 1.0  # a stranger that floods us is looked up once in so long

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_NLM_F_REQUEST = 1
_NLMSG_ERROR = 2
_ANY_STATE = 0xFFFFFFFF
_NO_COOKIE = 0xFFFFFFFF
_HEADER = Struct("=IHHII")  # struct nlmsghdr: length, type, flags, sequence, port
_WHAT = Struct("=BBBBI")  # struct inet_diag_req_v2: family, protocol, extensions, padding, states
_PORTS = Struct("!HH")  # struct inet_diag_sockid: ports, addresses, interface, cookie
_REST = Struct("=III")
_OWNER = Struct("=II")  # the last fields of struct inet_diag_msg: user and inode
_OWNER_AT = _HEADER.size + 64
_CODE = Struct("=i")
_PADDING = bytes(12)  # an IPv4 address stands in the space of an IPv6 one


class ProgressSocket:
    """The reports of one process' place, through all of its runs."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        self._socket.bind((_LOOPBACK, 0))
        self._port = int(self._socket.getsockname()[1])
        self.fd = self._socket.fileno()
        self.url = f"udp://{_LOOPBACK}:{self._port}"
        self._receive = self._socket.recvfrom  # the hot path: 1,000 calls a second
        self._pid = 0
        self._family = False
        self._known: set[int] = set()
        self._strangers: dict[int, float] = {}  # by port: until when nobody is asked again
        self.refused = 0  # datagrams of strangers

    def begin_run(self, pid: int, *, family: bool) -> None:
        """From now on, believe process `pid` alone; with `family` also what it starts."""
        while self._next():
            pass
        self._pid, self._family = pid, family
        self._known.clear()
        self._strangers.clear()

    def read(self) -> bytes:
        """One report; empty for none. What strangers sent is passed over."""
        while received := self._next():
            data, port = received
            if port in self._known or self._introduce(port):
                return data
            self.refused += 1
        return b""

    def close(self) -> None:
        """Close the port."""
        self._socket.close()

    def _next(self) -> tuple[bytes, int] | None:
        try:
            data, (_, port) = self._receive(_DATAGRAM_BYTES)
        except OSError:
            return None
        return data, port

    def _introduce(self, port: int) -> bool:
        """Whether a sender that is not known is the run's own."""
        now = time.monotonic()
        if self._strangers.get(port, 0.0) > now:
            return False
        sender = _sender(port, self._port)
        pids = family_of(self._pid) if self._family else [self._pid]
        if sender is not None and any(sender.is_of(pid) for pid in pids):
            if len(self._known) >= _MOST_KNOWN:  # those before it are gone, or will be looked up again
                self._known.clear()
            self._known.add(port)
            return True
        if len(self._strangers) >= _MOST_KNOWN:
            self._strangers.clear()
        self._strangers[port] = now + _DISTRUST_SECONDS
        return False


class _Sender(NamedTuple):
    """A UDP socket: the user who made it, and its number."""

    uid: int
    inode: int

    def is_of(self, pid: int) -> bool:
        """Whether a process holds it; of one whose descriptors are not ours to see (sudo), whether the user fits."""
        if self.inode in socket_inodes(pid):
            return True
        try:
            hidden = not os.access(f"/proc/{pid}/fd", os.R_OK | os.X_OK)
            return hidden and os.stat(f"/proc/{pid}").st_uid == self.uid  # noqa: PTH116 - a Path adds nothing
        except OSError:
            return False


def _sender(port: int, ours: int) -> _Sender | None:
    """The UDP socket on the loopback that sent from `port` to our port; None if it is gone."""
    try:
        return _ask_kernel(port, ours)
    except OSError as error:
        if error.errno == errno.ENOENT and _kernel_answers():
            return None
    return _read_table(port)  # a kernel without this question, or a container that may not ask it


def _ask_kernel(port: int, ours: int) -> _Sender:
    """Raises OSError; ENOENT for no such socket."""
    loopback = socket.inet_aton(_LOOPBACK) + _PADDING
    request = (
        _WHAT.pack(socket.AF_INET, socket.IPPROTO_UDP, 0, 0, _ANY_STATE)
        + _PORTS.pack(ours, port)  # whoever would get a packet from us to that port
        + loopback * 2
        + _REST.pack(0, _NO_COOKIE, _NO_COOKIE)
    )
    header = _HEADER.pack(_HEADER.size + len(request), _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as netlink:
        netlink.settimeout(1.0)
        netlink.send(header + request)
        answer = netlink.recv(_DATAGRAM_BYTES)
    if _HEADER.unpack_from(answer)[1] == _NLMSG_ERROR:
        raise OSError(-_CODE.unpack_from(answer, _HEADER.size)[0], "sock_diag")
    return _Sender(*_OWNER.unpack_from(answer, _OWNER_AT))


def _kernel_answers() -> bool:
    """Whether the question works here at all: a socket of our own must be found."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.bind((_LOOPBACK, 0))
        try:
            _ask_kernel(own.getsockname()[1], 9)
        except OSError:
            return False
    return True


def _read_table(port: int) -> _Sender | None:
    wanted = f":{port:04X}"
    try:
        with open("/proc/thread-self/net/udp", encoding="ascii") as table:  # noqa: PTH123 - no Path can be cheaper
            rows = [line.split() for line in table]
    except OSError:
        return None
    return next((_Sender(int(row[7]), int(row[9])) for row in rows[1:] if row[1].endswith(wanted)), None)
