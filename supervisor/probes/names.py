"""Addresses of host names, for who cannot wait: a resolver without network takes tens of seconds to say so. IO."""

from __future__ import annotations

import socket
import threading
import time
from ipaddress import IPv6Address, ip_address

_KEEP = 60.0  # seconds until a name is looked up again, found or not
_PATIENCE = 0.5  # seconds that the first answer is worth waiting for


def literal(host: str) -> str | None:
    """An IP address as the kernel's tables are shown; None for a name."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


class _Name:
    def __init__(self) -> None:
        self.addresses: frozenset[str] = frozenset()
        self.due = 0.0  # monotonic
        self.lookup: threading.Thread | None = None


class Names:
    """Remembers what names resolve to, and looks them up again in threads of its own. For one calling thread."""

    def __init__(self) -> None:
        self._known: dict[str, _Name] = {}
        self._hurry_until = 0.0  # monotonic; who waited in vain once does not wait for the next name

    def addresses(self, host: str) -> frozenset[str]:
        """The addresses that `host` is known to have had; empty while none are.

        Only the first call for a name waits for the answer, and not for long. Addresses are not forgotten: a CDN
        answers with a few of many, other ones each time, and a connection that was opened days ago went to one of
        the first.
        """
        name = self._known.setdefault(host, _Name())
        now = time.monotonic()
        if now >= name.due and (name.lookup is None or not name.lookup.is_alive()):
            first = name.lookup is None
            # A daemon: neverdark must be able to end while a resolver does not answer.
            name.lookup = threading.Thread(target=_look_up, args=(host, name), name="resolver", daemon=True)
            name.lookup.start()
            name.due = now + _KEEP
            if first and now >= self._hurry_until:
                name.lookup.join(_PATIENCE)
                if name.lookup.is_alive():
                    self._hurry_until = now + _KEEP
        return name.addresses


def _look_up(host: str, name: _Name) -> None:
    try:
        answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # UnicodeError: what cannot be a name
        return
    name.addresses |= {address for *_, (known, *_) in answers if (address := literal(str(known)))}
