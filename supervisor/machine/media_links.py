"""The loopback UDP links between encoders and pushers. IO.

neverdark holds the receiving socket of each link itself, and a pusher inherits it: so the port cannot be taken by
somebody else while a pusher is replaced, nothing that came meanwhile is lost, and what the kernel counts can be asked
without a search. The socket is bound to the loopback address alone and connected to the port that the encoder of this
moment sends from: of anybody else's datagrams the kernel delivers none.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import socket
import time
import zlib
from collections.abc import Iterable, Sequence
from struct import Struct

from supervisor.ffmpeg.destinations import MEDIA_DESCRIPTOR
from supervisor.machine import udp
from supervisor.machine.adoption import take_socket
from supervisor.model.quantities import PortRange

_LOOPBACK = "127.0.0.1"
_NOBODY = (_LOOPBACK, 9)  # the discard port, which only root could send from
_BUFFER_BYTES = 4 << 20
_SO_RCVBUFFORCE = 33  # beyond net.core.rmem_max, for who may
_SO_MEMINFO = 55  # since Linux 4.12
_MEMINFO = Struct("=9I")
_DROPS = 8
_SIOCGSTAMP = 0x8906  # when the datagram came that was read last; the first question makes the kernel note it
_STAMP = Struct("@ll")  # seconds and microseconds, wall clock
_FIONREAD = 0x541B
_COUNT = Struct("@i")
# FFmpeg reads it as a pipe: without a time limit one that waits for media would not hear a polite signal.
_READ_TIMEOUT = Struct("@ll").pack(0, 100_000)


class NoFreePort(OSError):  # noqa: N818 - it names the state, as the standard library's BlockingIOError does
    """Every port of the range is taken."""


class MediaLink:
    """The receiving end of a link. Delivers while somebody sends and somebody reads."""

    def __init__(self, port: int, taken: socket.socket | None = None) -> None:
        """Take a port, or have the socket that was `taken` from its reader. Raises OSError: somebody else has it."""
        self.port = port
        self._socket = taken or socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        try:
            if taken is None:
                self._socket.bind((_LOOPBACK, port))
        except OSError:
            self._socket.close()
            raise
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER_BYTES)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _READ_TIMEOUT)
        self.fd = self._socket.fileno()
        self.sender: int | None = None  # the port that the encoder of this moment sends from
        self._is_read = False
        if taken is None:
            self._connect()
        self._stamp()

    @property
    def fixed(self) -> int | None:
        """The only port that media can come from, where that is not for us to choose."""
        return None

    @property
    def peer(self) -> int | None:
        """The port that media is taken from in this moment, also by a socket that was taken from its reader."""
        with contextlib.suppress(OSError):
            port = int(self._socket.getpeername()[1])
            return None if port == _NOBODY[1] else port
        return None

    def go_on(self, port: int | None) -> None:
        """Somebody reads, and takes media from this port as it was, without a moment of another; None: nobody sends."""
        self.sender, self._is_read = port, True
        if port is None:
            self._connect()

    def send_from(self, port: int | None) -> None:
        """Take media from this port of the loopback and from no other; None: nobody sends."""
        self.sender = port
        self._connect()

    def read(self, *, by_somebody: bool) -> None:
        """What nobody reads must not gather here: it would be old by the time that somebody does."""
        self._is_read = by_somebody
        self._connect()

    def _connect(self) -> None:
        self._socket.connect((_LOOPBACK, self.sender) if self.sender and self._is_read else _NOBODY)

    def beside(self, sender: int) -> socket.socket:
        """One more socket at this port: the kernel gives it what comes from `sender`, and the link keeps its own.

        Two sockets share a port only if both allow it when the second one comes: for that moment, and no longer, they
        do. Raises OSError.
        """
        second = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        try:
            for one in (self._socket, second):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            second.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
            second.bind((_LOOPBACK, self.port))
            second.connect((_LOOPBACK, sender))
        except OSError:
            second.close()
            raise
        finally:
            for one in (self._socket, second):
                with contextlib.suppress(OSError):
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        return second

    @property
    def goes_over(self) -> bool:
        """It can go over to another sender while one sends."""
        return True

    def go_over(self, first: Sequence[bytes], sender: int) -> None:
        """Take media from `sender` and no other, after what it has sent already: `first`. It is silent meanwhile."""
        if self._is_read:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as deputy:
                deputy.bind((_LOOPBACK, 0))
                self._socket.connect(deputy.getsockname())
                for datagram in first:
                    deputy.sendto(datagram, (_LOOPBACK, self.port))
        self.send_from(sender)

    def empty(self) -> None:
        """Throw away what is waiting: who starts late must not begin in the past."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self._socket.recv(1, socket.MSG_DONTWAIT)

    @property
    def quiet_for(self) -> float | None:
        """Seconds since the datagram came that its reader has taken last.

        None: that is not known, or more is waiting, or nobody reads.
        """
        if not self._is_read or (stamp := self._stamp()) is None:
            return None
        try:
            (waiting,) = _COUNT.unpack(fcntl.ioctl(self.fd, _FIONREAD, bytes(_COUNT.size)))
        except OSError:
            return None
        age = max(0.0, time.time() - stamp)
        return None if waiting else age

    def _stamp(self) -> float | None:
        try:
            seconds, micros = _STAMP.unpack(fcntl.ioctl(self.fd, _SIOCGSTAMP, bytes(_STAMP.size)))
        except OSError:  # nothing was read since it was first asked, or this kernel does not tell
            return None
        return int(seconds) + int(micros) / 1e6

    @property
    def drops(self) -> int:
        """Datagrams that the kernel has dropped here, because nobody read them in time; never falls."""
        try:
            counts: tuple[int, ...] = _MEMINFO.unpack(self._socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 36))
        except OSError:  # a kernel that does not tell
            return 0
        return counts[_DROPS]

    def close(self) -> None:
        """Give the port back."""
        self._socket.close()


class DistantLink(MediaLink):
    """A link whose socket its reader alone has: a rule of the system (Yama) lets nobody but a parent take it.

    Its reader takes media from one port for good: while no encoder has that one, we hold it. When the reader is gone,
    the link becomes one like any other.
    """

    def __init__(self, port: int, fixed: int) -> None:
        self.port, self.fd, self.sender = port, -1, None
        self._fixed: int | None = fixed
        self._holding: socket.socket | None = None
        self._is_ours = False

    @property
    def fixed(self) -> int | None:
        """See `MediaLink`; None also when somebody else has that port: then the reader starves, and is replaced."""
        return None if self._is_ours else self._fixed

    @property
    def peer(self) -> int | None:
        """As in `MediaLink`."""
        return super().peer if self._is_ours else self._fixed

    def go_on(self, port: int | None) -> None:
        """As in `MediaLink`."""
        self._fixed = self._fixed if port in {None, self._fixed} else None
        self.send_from(port)

    def send_from(self, port: int | None) -> None:
        """As in `MediaLink`, as far as that is possible."""
        self.sender = port
        if self._is_ours:
            super().send_from(port)
        elif port is None:
            self._hold()
        else:
            self._let_go()

    def read(self, *, by_somebody: bool) -> None:
        """As in `MediaLink`; a new reader finds the socket ours. Raises OSError if somebody else has the port."""
        if by_somebody and not self._is_ours:
            sender = self.sender
            self._let_go()
            super().__init__(self.port)
            self._is_ours, self.sender = True, sender
        if self._is_ours:
            super().read(by_somebody=by_somebody)

    def beside(self, sender: int) -> socket.socket:
        """As in `MediaLink`, since it is ours."""
        if not self._is_ours:
            raise OSError(errno.EPERM, "its reader alone has this socket, and lets nobody choose whose media it takes")
        return super().beside(sender)

    def empty(self) -> None:
        """As in `MediaLink`."""
        if self._is_ours:
            super().empty()

    @property
    def goes_over(self) -> bool:
        """As in `MediaLink`, since it is ours."""
        return self._is_ours

    @property
    def quiet_for(self) -> float | None:
        """As in `MediaLink`, since it is ours."""
        return super().quiet_for if self._is_ours else None

    @property
    def drops(self) -> int:
        """As in `MediaLink`, since it is ours."""
        return super().drops if self._is_ours else 0

    def close(self) -> None:
        """As in `MediaLink`."""
        self._let_go()
        if self._is_ours:
            super().close()

    def _hold(self) -> None:
        if self._holding is None and self._fixed:
            self._holding = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            try:
                self._holding.bind((_LOOPBACK, self._fixed))
            except OSError:
                self._let_go()
                self._fixed = None

    def _let_go(self) -> None:
        if self._holding:
            self._holding.close()
            self._holding = None


class MediaLinks:
    """A link for each (stream, destination), kept for as long as the destination is."""

    def __init__(self, ports: PortRange, seed: str) -> None:
        """`seed` spreads several neverdarks of one machine over the range."""
        self._ports = ports
        self._count = ports.last - ports.first + 1
        self._next = zlib.crc32(seed.encode()) % self._count
        self._links: dict[tuple[str, str], MediaLink] = {}
        self._lent: set[int] = set()  # to runs, which may not have bound them yet

    def get(self, stream: str, destination: str) -> MediaLink:
        """The link to a destination's pusher. Raises `NoFreePort`."""
        key = (stream, destination)
        if key not in self._links:
            self._links[key] = self._open()
        return self._links[key]

    def port(self, stream: str, destination: str) -> int:
        """The port of a link. Raises `NoFreePort`."""
        return self.get(stream, destination).port

    def find(self, stream: str, destination: str, port: int, reader: int | None) -> bool:
        """Open a link that an earlier neverdark had: at its port, as the socket of the pusher `reader` if one lives.

        False if that is not possible, or no longer as configured: the link will be another one.
        """
        key = (stream, destination)
        if key in self._links or not self._ports.first <= port <= self._ports.last:
            return False
        taken = take_socket(reader, MEDIA_DESCRIPTOR, port) if reader else None
        try:
            self._links[key] = _distant(port, reader) if reader and taken is None else MediaLink(port, taken)
        except OSError:
            return False
        return True

    @property
    def stuck(self) -> int:
        """How many cannot go over to another sender while one sends."""
        return sum(not link.goes_over for link in self._links.values())

    def lend(self, ports: Iterable[int]) -> None:
        """Ports that a run of an earlier neverdark sends from, until `take_back`."""
        self._lent.update(ports)

    def sending_port(self) -> int:
        """A port for a run of an encoder to send from, until `take_back`: free, and known to nobody before.

        From the range, because programs that do not care which port they get have another one; where the range is used
        up, one of those.
        """
        for _ in range(self._count):
            port = self._advance()
            if port not in self._lent and _is_free(port):
                self._lent.add(port)
                return port
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((_LOOPBACK, 0))
            return int(probe.getsockname()[1])

    def take_back(self, ports: Iterable[int]) -> None:
        """Ports of a run that is over."""
        self._lent.difference_update(ports)

    def keep_only(self, keys: set[tuple[str, str]]) -> None:
        """Give up the links of destinations that are gone."""
        for key in self._links.keys() - keys:
            self._links.pop(key).close()

    def _open(self) -> MediaLink:
        for _ in range(self._count):
            with contextlib.suppress(OSError):
                return MediaLink(self._advance())
        raise NoFreePort(f"no UDP port of {self._ports} is free on {_LOOPBACK} (ports)")

    def _advance(self) -> int:
        port = self._ports.first + self._next
        self._next = (self._next + 1) % self._count
        return port


def _distant(port: int, reader: int) -> DistantLink:
    """The link of a reader that alone has its socket. Raises OSError if that is not so."""
    peer = udp.peer_of(port)
    holder = udp.holder_of(port, peer) if peer else None
    if not peer or peer == _NOBODY[1] or holder is None or not holder.is_of(reader):
        raise OSError(errno.ENOTCONN, "its reader takes media from nobody")
    return DistantLink(port, peer)


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((_LOOPBACK, port))
        except OSError:
            return False
    return True
