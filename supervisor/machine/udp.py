"""Who has a UDP port of the loopback? IO, Linux."""

from __future__ import annotations

import errno
import os
import socket
from struct import Struct
from typing import NamedTuple

from supervisor.machine.proc import socket_inodes

_LOOPBACK = "127.0.0.1"
_ANSWER_BYTES = 4096
_ANYBODY = 9  # a port that nobody sends from

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


class Holder(NamedTuple):
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


def holder_of(port: int, peer: int = _ANYBODY) -> Holder | None:
    """The socket that has a UDP port of the loopback, and may be connected to `peer`; None if nobody has it. 20 µs."""
    try:
        return _ask_kernel(port, peer)
    except OSError as error:
        if error.errno == errno.ENOENT and _kernel_answers():
            return None
    return _read_table(port)  # a kernel without this question, or a container that may not ask it


def _ask_kernel(port: int, peer: int) -> Holder:
    """Raises OSError; ENOENT for no such socket."""
    loopback = socket.inet_aton(_LOOPBACK) + _PADDING
    request = (
        _WHAT.pack(socket.AF_INET, socket.IPPROTO_UDP, 0, 0, _ANY_STATE)
        + _PORTS.pack(peer, port)  # whoever would get what `peer` sends there
        + loopback * 2
        + _REST.pack(0, _NO_COOKIE, _NO_COOKIE)
    )
    header = _HEADER.pack(_HEADER.size + len(request), _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as netlink:
        netlink.settimeout(1.0)
        netlink.send(header + request)
        answer = netlink.recv(_ANSWER_BYTES)
    if _HEADER.unpack_from(answer)[1] == _NLMSG_ERROR:
        raise OSError(-_CODE.unpack_from(answer, _HEADER.size)[0], "sock_diag")
    return Holder(*_OWNER.unpack_from(answer, _OWNER_AT))


def _kernel_answers() -> bool:
    """Whether the question works here at all: a socket of our own must be found."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.bind((_LOOPBACK, 0))
        try:
            _ask_kernel(own.getsockname()[1], _ANYBODY)
        except OSError:
            return False
    return True


def peer_of(port: int) -> int | None:
    """The port that the socket at a UDP port of the loopback is connected to; None for none."""
    row = _row(port)
    return int(row[2].rpartition(":")[2], 16) or None if row else None


def _read_table(port: int) -> Holder | None:
    row = _row(port)
    return Holder(int(row[7]), int(row[9])) if row else None


def _row(port: int) -> list[str] | None:
    wanted = f":{port:04X}"
    try:
        with open("/proc/thread-self/net/udp", encoding="ascii") as table:  # noqa: PTH123 - no Path can be cheaper
            rows = [line.split() for line in table]
    except OSError:
        return None
    return next((row for row in rows[1:] if row[1].endswith(wanted)), None)
