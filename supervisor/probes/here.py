"""Which addresses are this machine's own."""

from __future__ import annotations

import socket
from functools import lru_cache
from ipaddress import ip_address

from supervisor.model.quantities import Address

_IPV6 = 6


@lru_cache(maxsize=4096)
def is_here(host: str) -> bool:
    """Whether an address is this machine's own: then it can be bound to."""
    if Address(host, 1).is_loopback:
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False  # a name: asking for it could take long
    family = socket.AF_INET6 if address.version == _IPV6 else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((host, 0))
    except OSError:  # not ours, or a kind of address that this kernel does not know
        return False
    return True
