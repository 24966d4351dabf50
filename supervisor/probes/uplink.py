"""What the kernel knows about our sockets: acknowledged bytes, waiting bytes, who listens.

One netlink dump (`sock_diag`, the interface behind `ss`) shows every TCP socket of this network namespace; no
privilege is needed. /proc/PID/fd tells whose they are. Own code rather than a library:
docs/decisions/0003-uplink-evidence.md has the figures.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from struct import Struct
from typing import NamedTuple

from supervisor.judge.peers import Peer, TcpConnection, match
from supervisor.judge.uplink import TcpSample, TcpState
from supervisor.machine.family import children_by_session, family_of
from supervisor.machine.proc import socket_inodes
from supervisor.model.quantities import Address
from supervisor.model.terms import ProcessKey
from supervisor.probes.names import Names, literal

_NETLINK_SOCK_DIAG = 4
# The older of two request types, as `ss` uses it: it alone dumps IPv4 and IPv6 in one walk over the
# kernel's table, and that walk, not the answer, is what a dump costs on a machine with few connections.
_TCPDIAG_GETSOCK = 18
_NLM_F_REQUEST_DUMP = 0x1 | 0x300
_NLM_F_DUMP_INTR = 0x10
_NLMSG_ERROR = 2
_NLMSG_DONE = 3
_INET_DIAG_INFO = 2

_HEADER = Struct("=IHHII")  # struct nlmsghdr: length, type, flags, sequence, port
_REQUEST = Struct("=BBBB48xII")  # struct inet_diag_req: family, (prefixes), extensions, (socket id), states
_SOCKET = Struct("=16xBB66xI")  # nlmsghdr, then of struct inet_diag_msg: family, state, inode
_ERROR = Struct("=16xi")
_ATTRIBUTE = Struct("=HH")  # struct rtattr: length, type
_FAMILY = 16  # in a message: one byte
_LOCAL_PORT = slice(20, 22)  # in network order, as the next
_REMOTE_PORT = slice(22, 24)
_LOCAL_ADDRESS = slice(24, 40)
_REMOTE_ADDRESS = slice(40, 56)
_U32 = Struct("=I")
_U64 = Struct("=Q")
# struct tcp_info (linux/tcp.h) only ever grows at its end, so offsets hold on every kernel.
_UNACKED = 24
_RTT = 68  # microseconds
_TOTAL_RETRANS = 100
_BYTES_ACKED = 120  # since Linux 4.1
_NOTSENT_BYTES = 144  # since Linux 4.6
_SND_WND = 228  # since Linux 5.4

_CAN_SEND = (TcpState.ESTABLISHED, TcpState.CLOSE_WAIT)
_RECEIVE_BUFFER = 65536  # the kernel fills at most 32 KiB at a time
_ANSWER_TIMEOUT = 2.0  # seconds; the kernel answers at once or never
_TRIES = 3
_MAPPED_IPV4 = bytes(10) + b"\xff\xff"
_REREAD_AFTER = 10  # samples; finds a second connection beside one that is known
_WILDCARD = ""


class ProbeFailed(Exception):  # noqa: N818 - the name says what happened
    """The kernel did not tell; the message says what was asked and what went wrong."""


class Observation(NamedTuple):
    """Names a destination that a command's process is watched for."""

    process: ProcessKey
    destination: str


ConnectionKey = ProcessKey | Observation  # whose connection it is


class Watched(NamedTuple):
    """What to look at.

    Without a `peer`: the connections of one process. With a `peer`: the connections to it of a process and of
    everything that it has started.
    """

    key: ConnectionKey
    pid: int
    peer: Address | None = None


class Sockets(NamedTuple):
    """What `UplinkProbe` saw. What has no entry has no such socket right now.

    `listening` holds local addresses and ports that accept TCP connections; the host is empty for all
    addresses.
    """

    connections: dict[ConnectionKey, TcpSample]
    listening: frozenset[tuple[str, int]]


class UplinkProbe:
    """Samples the sockets of many processes at once. Blocks for about a millisecond: for a worker thread.

    The first look at a destination that has a name waits for its address, for half a second at most.
    Only one thread at a time may use an instance (it remembers whose sockets are whose).
    """

    def __init__(self) -> None:
        self._owners = _Owners()
        self._names = Names()
        self._matched: dict[ConnectionKey, int] = {}  # the inodes of the last observations
        self._children: dict[int, list[int]] | None = None

    def sample(self, watched: Sequence[Watched]) -> Sockets:
        """Look at all that is `watched`.

        Pids that do not exist have no sockets, that is all. Raises ProbeFailed, and nothing else, when the kernel
        refuses or its answer is unusable: then nothing is known, which is not the same as no connection.
        """
        try:
            table = _dump_tcp()
        except OSError as error:
            message = f"asking the kernel about sockets: {error}"
            raise ProbeFailed(message) from error
        self._owners.begin(one.pid for one in watched)
        connections: dict[ConnectionKey, TcpSample] = {}
        observed: dict[int, dict[ConnectionKey, Address]] = {}
        for one in watched:
            if one.peer:
                observed.setdefault(one.pid, {})[one.key] = one.peer
                continue
            held = self._owners.held(one.pid, table.connections)
            if held:
                samples = (_tcp_sample(inode, table.connections[inode]) for inode in held)
                connections[one.key] = max(samples, key=lambda sample: sample.importance)
        matched: dict[ConnectionKey, TcpSample] = {}
        self._children = None
        for pid, peers in observed.items():
            matched |= self._observe(pid, peers, table.connections)
        self._matched = {key: sample.inode for key, sample in matched.items()}
        return Sockets(connections | matched, frozenset(table.listening))

    def _observe(
        self, pid: int, addresses: Mapping[ConnectionKey, Address], table: Mapping[int, bytes]
    ) -> dict[ConnectionKey, TcpSample]:
        """The connection to each address that the process, or something it has started, has."""
        peers = {key: self._peer(address) for key, address in addresses.items()}
        held = self._owners.held(pid, table, read=self._sockets_of_family)
        found = match(peers, _connections(held, table), self._matched)
        if len(found) < len(peers):
            # Another connection of the family may be known, and the one that is missing be new.
            held = self._owners.held(pid, table, read=self._sockets_of_family, again=True)
            found = match(peers, _connections(held, table), self._matched)
        return found

    def _sockets_of_family(self, pid: int) -> frozenset[int]:
        if self._children is None:
            self._children = children_by_session()  # once a sample
        return frozenset().union(*map(socket_inodes, family_of(pid, self._children)))

    def _peer(self, address: Address) -> Peer:
        host = literal(address.host)
        hosts = frozenset({host}) if host else self._names.addresses(address.host)
        return Peer(address.port, hosts, certain=host is not None)


class _Owners:
    """Whose sockets are whose, remembered: reading ten processes' descriptors costs as much as a dump."""

    def __init__(self) -> None:
        # By pid: its (or its family's) sockets' inodes, and the round in which they were read.
        self._known: dict[int, tuple[frozenset[int], int]] = {}
        self._round = 0

    def begin(self, pids: Iterable[int]) -> None:
        """Begin a sample; what is not in `pids` is forgotten."""
        self._round += 1
        self._known = {pid: self._known[pid] for pid in pids if pid in self._known}

    def held(
        self,
        pid: int,
        sockets: Mapping[int, object],
        *,
        read: Callable[[int], frozenset[int]] | None = None,
        again: bool = False,
    ) -> set[int]:
        """Those of `sockets` (by inode) that the process holds.

        A socket's inode is gone from the kernel's tables once its process is, so a pid that now belongs to
        another process is noticed like any lost connection: nothing known is found, and the descriptors are
        read again, at most once in a sample. `again` is for who misses one although others are found.
        """
        inodes, read_in = self._known.get(pid, (frozenset(), -_REREAD_AFTER))
        found = inodes & sockets.keys()
        if read_in != self._round and (again or not found or self._round - read_in >= _REREAD_AFTER):
            inodes = (read or socket_inodes)(pid)
            self._known[pid] = inodes, self._round
            found = inodes & sockets.keys()
        return set(found)


def _connections(inodes: Iterable[int], table: Mapping[int, bytes]) -> Iterator[TcpConnection]:
    for inode in inodes:
        message = table[inode]
        host = _host(message[_FAMILY], message[_REMOTE_ADDRESS])
        yield TcpConnection(_tcp_sample(inode, message), host, int.from_bytes(message[_REMOTE_PORT], "big"))


# --- TCP, by netlink ---------------------------------------------------------------------------------


class _Table:
    """One dump: raw messages by inode (few of them will be looked into), and who listens."""

    def __init__(self) -> None:
        self.connections: dict[int, bytes] = {}
        self.listening: set[tuple[str, int]] = set()
        self.interrupted = False

    def take(self, datagram: bytes) -> bool:
        """Read one part of a dump; True when it was the last. Raises OSError with what the kernel reports."""
        start, end = 0, len(datagram)
        while start + _HEADER.size <= end:
            length, kind, flags, _, _ = _HEADER.unpack_from(datagram, start)
            if not _HEADER.size <= length <= end - start:
                raise OSError(errno.EBADMSG, "a netlink message is cut short")
            self.interrupted |= bool(flags & _NLM_F_DUMP_INTR)
            if kind in {_NLMSG_DONE, _NLMSG_ERROR}:
                _raise_for(datagram[start : start + length])
                return True
            if kind == _TCPDIAG_GETSOCK and length >= _SOCKET.size:
                self._add(datagram[start : start + length])
            start += (length + 3) & ~3
        return False

    def _add(self, message: bytes) -> None:
        family, state, inode = _SOCKET.unpack_from(message)
        if state == TcpState.LISTEN:
            port = int.from_bytes(message[_LOCAL_PORT], "big")
            self.listening.add((_host(family, message[_LOCAL_ADDRESS]), port))
        elif inode and state in _CAN_SEND:  # inode 0: no process holds it; it may also just have changed state
            self.connections[inode] = message


def _dump_tcp() -> _Table:
    """All TCP sockets that listen or can send. Raises OSError."""
    failure = OSError(errno.EAGAIN, "the socket table changed during every dump")
    for _ in range(_TRIES):
        try:
            table = _dump_tcp_once()
        except OSError as error:
            if error.errno != errno.ENOBUFS:  # our buffer overran: worth another try, like an interruption
                raise
            failure = error
        else:
            # An interrupted dump may lack a socket, and a missing one would read as a lost connection.
            if not table.interrupted:
                return table
    raise failure


def _dump_tcp_once() -> _Table:
    states = sum(1 << state for state in (*_CAN_SEND, TcpState.LISTEN))
    request = _REQUEST.pack(socket.AF_UNSPEC, 0, 0, 1 << (_INET_DIAG_INFO - 1), states, 0)
    header = _HEADER.pack(_HEADER.size + len(request), _TCPDIAG_GETSOCK, _NLM_F_REQUEST_DUMP, 1, 0)
    table = _Table()
    # A socket for each dump: it costs 10 µs, belongs to the namespace at hand, and an answer that was given
    # up on cannot be taken for the next one's.
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as netlink:
        netlink.settimeout(_ANSWER_TIMEOUT)
        netlink.send(header + request)
        while not table.take(netlink.recv(_RECEIVE_BUFFER)):
            pass
    return table


def _raise_for(message: bytes) -> None:
    """Raise the error that an ERROR or DONE message carries, if any (both: a negative errno, or 0)."""
    if len(message) >= _ERROR.size:
        (code,) = _ERROR.unpack_from(message)
        if code < 0:
            raise OSError(-code, f"sock_diag: {os.strerror(-code)}")


def _tcp_sample(inode: int, message: bytes) -> TcpSample:
    _, state, _ = _SOCKET.unpack_from(message)
    info = _attribute(message, _INET_DIAG_INFO)
    rtt = _field(info, _RTT, _U32)
    return TcpSample(
        inode=inode,
        acked_bytes=_field(info, _BYTES_ACKED, _U64),
        unsent_bytes=_field(info, _NOTSENT_BYTES, _U32),
        unacked_segments=_field(info, _UNACKED, _U32),
        rtt_seconds=rtt / 1e6 if rtt else None,  # 0: not measured yet
        retransmits=_field(info, _TOTAL_RETRANS, _U32),
        state=TcpState(state),
        window_bytes=_field(info, _SND_WND, _U32),
    )


def _attribute(message: bytes, wanted: int) -> bytes:
    """The payload of an attribute of a socket's message; empty if it is not there."""
    start = _SOCKET.size
    while start + _ATTRIBUTE.size <= len(message):
        length, kind = _ATTRIBUTE.unpack_from(message, start)
        if length < _ATTRIBUTE.size:
            break
        if kind == wanted:
            return message[start + _ATTRIBUTE.size : start + length]
        start += (length + 3) & ~3
    return b""


def _field(info: bytes, offset: int, kind: Struct) -> int | None:
    """A field of `tcp_info`; None when this kernel's is too short to have it."""
    if offset + kind.size > len(info):
        return None
    value: int = kind.unpack_from(info, offset)[0]
    return value


def _host(family: int, address: bytes) -> str:
    packed = address[:4] if family == socket.AF_INET else address
    if not any(packed):
        return _WILDCARD
    packed = packed.removeprefix(_MAPPED_IPV4)
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)  # noqa: PLR2004 - IPv4
