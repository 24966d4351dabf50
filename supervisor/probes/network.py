"""How far we get on the way to a server: its name, a TCP connection, and what an ingest answers to a handshake.

Every probe blocks, for at most its timeout: for worker threads. What the network does is never an exception.
"""

from __future__ import annotations

import errno
import os
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from itertools import zip_longest
from typing import NamedTuple, Self

from supervisor.model.quantities import Address
from supervisor.model.terms import Reach
from supervisor.probes.patience import Patience

# Lookups under way at once. Without a name server each hangs for 10 s and more (resolv.conf(5): timeout, attempts).
_lookups = Patience(at_once=16)

# Of several addresses the one that got furthest tells most.
_FURTHEST_FIRST = (
    Reach.ANSWERS,
    Reach.ACCEPTS,
    Reach.SILENT,
    Reach.CLOSED,
    Reach.REFUSED,
    Reach.TIMEOUT,
    Reach.NO_ROUTE,
)

# RTMP 1.0, section 5.2: C0 and S0 are one byte, the version; C1, S1, C2 and S2 are of one size.
_RTMP_VERSION = b"\x03"
_RTMP_PACKET = 1536  # bytes: 4 of time, 4 zeros, then random ones


def reach_host(address: Address, timeout: float) -> Reach:
    """Connect by TCP and hang up; takes at most `timeout` seconds.

    ACCEPTS, REFUSED (a reset included), TIMEOUT (also when a router says that the host is not there), NO_ROUTE (any
    other error) or UNRESOLVED.
    """
    return reach(address, timeout, lambda _: Reach.ACCEPTS)


def reach_ingest(address: Address, *, tls: bool, timeout: float) -> Reach:
    """Do the RTMP handshake, within TLS if `tls`, and hang up; takes at most `timeout` seconds.

    No command is ever sent, so nothing is published and no key is needed. ANSWERS when the handshake is done;
    SILENT when the connection stands and the rest does not come in time; CLOSED when the server hangs up or
    speaks something else, TLS that fails included; otherwise as `reach_host`.

    A server that serves one connection and then ends, as FFmpeg's `-listen 1`, takes this for that one.
    """
    return reach(address, timeout, partial(_shake_hands, host=address.host, tls=tls))


def reach(
    address: Address, timeout: float, talk: Callable[[Conversation], Reach], lookups: Patience | None = None
) -> Reach:
    """Connect to the first address of a name with which `talk` works; within `timeout` seconds.

    What `talk` raises is a result: TimeoutError is SILENT, a lost connection or failed TLS is CLOSED. If no
    address works, the result is that of the one that got furthest. `lookups` has the places for names that are asked
    for, so that those of one kind of server are not used up by another.
    """
    until = time.monotonic() + timeout
    try:
        places = _resolve(address, timeout, lookups or _lookups)
    except (OSError, UnicodeError):  # gaierror, TimeoutError; UnicodeError: this cannot be a name
        return Reach.UNRESOLVED
    return _best(_alternating(places), until, talk)


class Conversation:
    """A connection and the moment (monotonic) by which all must be said; ends with its block."""

    def __init__(self, connection: socket.socket, until: float) -> None:
        self._connection = connection
        self._until = until

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up in a way that no server complains about."""
        with self._connection as connection:
            if isinstance(connection, ssl.SSLSocket):
                connection.settimeout(0)  # say goodbye, but do not wait for the other side's
                with suppress(OSError, ValueError):  # ValueError: TLS was never agreed on
                    connection.unwrap()
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def secure(self, host: str) -> None:
        """Go on in TLS. Raises OSError, of which ssl.SSLError is one."""
        # No certificate is verified: the question is whether an ingest is there, and no secret is sent. Who
        # may see the key is for FFmpeg to decide (5.1 trusts anybody, 9.0 verifies), and its refusal comes with
        # its own words; a certificate that expired must not look like a dead server.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self._connection = context.wrap_socket(
            self._connection, server_hostname=host.removesuffix("."), do_handshake_on_connect=False
        )
        self._connection.settimeout(self._left())
        self._connection.do_handshake()

    def send(self, data: bytes) -> None:
        """Raises OSError."""
        self._connection.settimeout(self._left())
        self._connection.sendall(data)

    def receive(self, count: int) -> bytes:
        """Exactly so many bytes. Raises OSError, ConnectionError if there are fewer."""
        received = bytearray()
        while len(received) < count:
            self._connection.settimeout(self._left())
            piece = self._connection.recv(count - len(received))
            if not piece:
                raise ConnectionResetError("the server hung up")
            received += piece
        return bytes(received)

    def _left(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:  # a socket would take 0 for "do not wait at all"
            raise TimeoutError
        return left


class _Place(NamedTuple):
    """An address of a name, as the socket functions want it."""

    family: socket.AddressFamily
    sockaddr: tuple[object, ...]


def _resolve(address: Address, timeout: float, lookups: Patience) -> list[_Place]:
    """All addresses of a name, the system's preference first. Raises OSError, UnicodeError."""
    ask = partial(socket.getaddrinfo, address.host, address.port, type=socket.SOCK_STREAM)
    try:
        found = ask(flags=socket.AI_NUMERICHOST)  # asks nobody: must not wait for lookups that hang
    except socket.gaierror:
        found = lookups.call(ask, timeout)
    return [_Place(family, sockaddr) for family, _, _, _, sockaddr in found]


def _alternating(places: list[_Place]) -> list[_Place]:
    """IPv4 and IPv6 in turn, for what is broken is mostly all of one of them."""
    first = [place for place in places if place.family == places[0].family]
    others = [place for place in places if place.family != places[0].family]
    return [place for pair in zip_longest(first, others) for place in pair if place]


def _best(places: list[_Place], until: float, talk: Callable[[Conversation], Reach]) -> Reach:
    """The first address that works, or how far the others got; done by `until`."""
    found = [Reach.NO_ROUTE]
    for tried, place in enumerate(places, start=1):
        # Half of the time for each but the last: an address that swallows packets must not cost the others'.
        now = time.monotonic()
        share = until - now if tried == len(places) else (until - now) / 2
        found.append(_try(place, now + share, talk))
        if found[-1].works:
            break
    return min(found, key=_FURTHEST_FIRST.index)


def _try(place: _Place, until: float, talk: Callable[[Conversation], Reach]) -> Reach:
    connection = _connect(place, until)
    if isinstance(connection, Reach):
        return connection
    try:
        with Conversation(connection, until) as conversation:
            return talk(conversation)
    except (ConnectionError, ssl.SSLError):
        return Reach.CLOSED
    except OSError as error:  # TimeoutError, or the way was lost meanwhile; ENOTCONN: a reset that TLS came upon
        return Reach.CLOSED if error.errno == errno.ENOTCONN else Reach.SILENT


def _connect(place: _Place, until: float) -> socket.socket | Reach:
    """A connection, or what came of the attempt."""
    with ExitStack() as on_failure:
        try:
            connection = on_failure.enter_context(socket.socket(place.family, socket.SOCK_STREAM))
            connection.settimeout(max(0.001, until - time.monotonic()))
            connection.connect(place.sockaddr)
        except TimeoutError:
            return Reach.TIMEOUT
        except ConnectionError:
            return Reach.REFUSED
        except OSError as error:
            # A host that is switched off on our own network: that says nothing of the way to the others.
            return Reach.TIMEOUT if error.errno in {errno.EHOSTUNREACH, errno.EHOSTDOWN} else Reach.NO_ROUTE
        on_failure.pop_all()
        return connection


def _shake_hands(conversation: Conversation, *, host: str, tls: bool) -> Reach:
    """The client's side of the handshake. Raises OSError."""
    if tls:
        conversation.secure(host)
    # The four zeros name no version of a player: nginx-rtmp would look for a digest otherwise.
    conversation.send(_RTMP_VERSION + bytes(8) + os.urandom(_RTMP_PACKET - 8))
    if conversation.receive(1) != _RTMP_VERSION:
        return Reach.CLOSED
    conversation.send(conversation.receive(_RTMP_PACKET))  # C2 is an echo of S1
    conversation.receive(_RTMP_PACKET)
    return Reach.ANSWERS
