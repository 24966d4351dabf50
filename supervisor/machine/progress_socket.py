"""Where a process' progress reports arrive, and proof that it was the process that sent them. IO, Linux.

Reports come by UDP on the loopback, one a datagram: that can neither block nor end the sender, and the next neverdark
can open the same port again. But any user of the machine can send there. So whoever sends for the first time is looked
up: the kernel names the socket that has the sender's port (20 µs by netlink), and that socket must be among the
descriptors of the run's own processes. Whoever has passed is known by the port, which nobody else can have meanwhile.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from functools import lru_cache

from supervisor.machine.family import children_by_session, family_of
from supervisor.machine.udp import Holder, holder_of

_LOOPBACK = "127.0.0.1"
_DATAGRAM_BYTES = 4096
_MOST_AT_ONCE = 200  # datagrams: a flood of strangers must not hold up the loop
_MOST_KNOWN = 8  # senders of one run; a command may have several
_DISTRUST_SECONDS = 1.0  # a stranger that floods us is looked up once in so long


class ProgressSocket:
    """The reports of one process' place, through all of its runs."""

    def __init__(self, port: int = 0) -> None:
        """At a `port`, or at any. Raises OSError when somebody else has it."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        try:
            self._socket.bind((_LOOPBACK, port))
        except OSError:
            self._socket.close()
            raise
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
        for _ in range(_MOST_AT_ONCE):
            if not self._next():
                break
        self._pid, self._family = pid, family
        self._known.clear()
        self._strangers.clear()

    def read(self) -> bytes:
        """One report; empty for none. What strangers sent is passed over."""
        for _ in range(_MOST_AT_ONCE):
            if (received := self._next()) is None:
                break
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
        sender = holder_of(port, self._port)
        if sender is not None and self._is_ours(sender):
            if len(self._known) >= _MOST_KNOWN:  # those before it are gone, or will be looked up again
                self._known.clear()
            self._known.add(port)
            return True
        if len(self._strangers) >= _MOST_KNOWN:
            self._strangers.clear()
        self._strangers[port] = now + _DISTRUST_SECONDS
        return False

    def _is_ours(self, sender: Holder) -> bool:
        """Mostly it is the process itself; for the rest of its family, a thousand others of ours are looked at."""
        if sender.is_of(self._pid):
            return True
        ours = _children_in(int(time.monotonic())) if self._family else {}
        return self._family and any(map(sender.is_of, family_of(self._pid, ours)[1:]))


@lru_cache(maxsize=1)
def _children_in(second: int) -> Mapping[int, list[int]]:
    """Our own children by session, read once in a second: it takes a millisecond, and any stranger could ask for it."""
    del second
    return children_by_session()
