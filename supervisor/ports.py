"""Loopback UDP ports between encoders and pushers. IO: a port is tried before it is given away."""

from __future__ import annotations

import socket
import zlib

from supervisor.quantities import PortRange


class NoFreePort(OSError):  # noqa: N818 - it names the state, as the standard library's BlockingIOError does
    """Every port of the range is taken."""


class MediaPorts:
    """Gives each (stream, destination) a port of its own, and keeps it for as long as it works."""

    def __init__(self, ports: PortRange, seed: str) -> None:
        """`seed` spreads several neverdarks of one machine over the range."""
        self._ports = ports
        self._count = ports.last - ports.first + 1
        self._next = zlib.crc32(seed.encode()) % self._count
        self._given: dict[tuple[str, str], int] = {}

    def get(self, stream: str, destination: str) -> int:
        """The port of a destination. Raises `NoFreePort`."""
        key = (stream, destination)
        if key not in self._given:
            self._given[key] = self._find()
        return self._given[key]

    def replace(self, stream: str, destination: str) -> int:
        """Another port, because the present one turned out to be taken."""
        port = self._find()
        self._given[stream, destination] = port
        return port

    def keep_only(self, keys: set[tuple[str, str]]) -> None:
        """Take back the ports of destinations that are gone."""
        self._given = {key: port for key, port in self._given.items() if key in keys}

    def _find(self) -> int:
        used = set(self._given.values())
        for _ in range(self._count):
            port = self._ports.first + self._next
            self._next = (self._next + 1) % self._count
            if port not in used and _is_free(port):
                return port
        raise NoFreePort(f"no UDP port of {self._ports} is free on 127.0.0.1 (ports)")


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
