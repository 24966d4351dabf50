"""Readers for the quantities of a configuration: durations, bit rates, sizes, addresses.

Each takes what YAML gives and returns base units, or raises `ValueError` that says what was expected.
"""

from __future__ import annotations

import math
import re
from ipaddress import ip_address
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator

_DURATION_UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BITRATE_UNITS = {"": 1, "k": 1000, "m": 1_000_000, "g": 1_000_000_000}
_BYTE_UNITS = {
    "": 1,
    "kb": 1000,
    "mb": 1000**2,
    "gb": 1000**3,
    "kib": 1024,
    "mib": 1024**2,
    "gib": 1024**3,
}
_NUMBER_UNIT = re.compile(r"\s*(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)\s*([A-Za-z]*)\s*", re.ASCII)
_NUMBER = re.compile(r"\s*[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?\s*", re.ASCII)
_WHOLE_NUMBER = re.compile(r"\s*[+-]?\d{1,18}\s*", re.ASCII)
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
MAX_PORT = 65535
_MIN_UNPRIVILEGED = 1024
_MAX_DURATION = 365 * 86400.0
_MAX_BITRATE = 1e9
_MAX_BYTES = 2.0**63


class Size(NamedTuple):
    """A picture's size in pixels."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


class Address(NamedTuple):
    """A host and a TCP port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """True when nothing but this machine can connect."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False


class PortRange(NamedTuple):
    """UDP ports, both ends included."""

    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"


DEFAULT_LISTEN = Address("127.0.0.1", 9833)
DEFAULT_PORTS = PortRange(20000, 29999)


def _scaled(value: Any, units: dict[str, Any], most: float, expected: str) -> float:
    """`value` in base units, from 0 to `most`. Raises ValueError with the text `expected`."""
    match = None if isinstance(value, bool) else _NUMBER_UNIT.fullmatch(str(value))
    if match is None or match.group(2).lower() not in units:
        raise ValueError(expected)
    scaled = float(match.group(1)) * float(units[match.group(2).lower()])
    if scaled > most:  # also the infinity that a number of 400 digits becomes
        raise ValueError(expected)
    return scaled


def parse_number(value: Any) -> float:
    """A plain number; not `true`, which Python takes for 1, and neither infinity nor NaN."""
    expected = "expected a number"
    if isinstance(value, bool) or _NUMBER.fullmatch(str(value)) is None:
        raise ValueError(expected)
    number = float(str(value))
    if not math.isfinite(number):
        raise ValueError(expected)
    return number


def parse_count(value: Any) -> int:
    """A whole number, of at most 18 digits."""
    expected = "expected a whole number"
    if isinstance(value, bool) or _WHOLE_NUMBER.fullmatch(str(value)) is None:
        raise ValueError(expected)
    return int(str(value))


def parse_duration(value: Any) -> float:
    """Seconds from `500ms`, `30s`, `2m`, `1h`, `1d`, or a bare number; a year at most."""
    expected = "expected a duration such as 500ms, 30s, 2m or 1h (a bare number = seconds), at most 365d"
    return _scaled(value, _DURATION_UNITS, _MAX_DURATION, expected)


def parse_bitrate(value: Any) -> int:
    """Bits a second from `4500k`, `6M`, or a bare number; more than 0, and what FFmpeg's 32 bits can count."""
    expected = "expected a bit rate such as 4500k or 6M (a bare number = bits a second), more than 0, at most 1G"
    bits = round(_scaled(value, _BITRATE_UNITS, _MAX_BITRATE, expected))
    if bits < 1:
        raise ValueError(expected)
    return bits


def parse_bytes(value: Any) -> int:
    """Bytes from `512MiB`, `2GiB`, `2GB`, or a bare number; more than 0."""
    expected = "expected a size such as 512MiB or 2GiB (a bare number = bytes), more than 0"
    size = round(_scaled(value, _BYTE_UNITS, _MAX_BYTES, expected))
    if size < 1:
        raise ValueError(expected)
    return size


def parse_picture_size(value: Any) -> Size:
    """Width and height from `1920x1080`; both even, because 4:2:0 pictures are."""
    expected = "expected a picture size such as 1920x1080, both numbers even and from 16 to 16384"
    if isinstance(value, Size):
        return value
    match = re.fullmatch(r"\s*([0-9]{1,5})\s*[xX]\s*([0-9]{1,5})\s*", str(value))
    if match is None:
        raise ValueError(expected)
    size = Size(int(match.group(1)), int(match.group(2)))
    if any(side % 2 or not 16 <= side <= 16384 for side in size):  # noqa: PLR2004 - the bounds stand in the message
        raise ValueError(expected)
    return size


def parse_address(value: Any) -> Address:
    """Host and port from `127.0.0.1:9833`, `localhost:9833`, `[::1]:9833`."""
    expected = f"expected an address such as {DEFAULT_LISTEN} (host:port, port from 1 to {MAX_PORT})"
    if isinstance(value, Address):
        return value
    match = re.fullmatch(r"\s*(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+)):([0-9]{1,5})\s*", str(value))
    if match is None or not 1 <= int(match.group(3)) <= MAX_PORT:
        raise ValueError(expected)
    host = match.group(1) or match.group(2)
    if not _is_host(host):
        raise ValueError(expected)
    return Address(host, int(match.group(3)))


def _is_host(host: str) -> bool:
    """An IP address, or a name: what ends with a number can only be an address."""
    try:
        ip_address(host)
    except ValueError:
        labels = host.removesuffix(".").split(".")
        return all(map(_LABEL.fullmatch, labels)) and not labels[-1].isdigit()
    return True


def parse_port_range(value: Any) -> PortRange:
    """First and last port from `20000-29999`."""
    bounds = f"from {_MIN_UNPRIVILEGED} to {MAX_PORT}"
    expected = f"expected a range of ports such as {DEFAULT_PORTS}, {bounds}, the first not above the last"
    if isinstance(value, PortRange):
        return value
    match = re.fullmatch(r"\s*([0-9]{1,5})\s*-\s*([0-9]{1,5})\s*", str(value))
    if match is None:
        raise ValueError(expected)
    ports = PortRange(int(match.group(1)), int(match.group(2)))
    if not _MIN_UNPRIVILEGED <= ports.first <= ports.last <= MAX_PORT:
        raise ValueError(expected)
    return ports


def show_duration(seconds: float) -> str:
    """`90` as `1m30s`: for people, not for machines."""
    if round(seconds * 1000) < 1000:  # noqa: PLR2004 - milliseconds
        return f"{round(seconds * 1000)}ms"
    whole = round(seconds)
    parts = [(whole // 86400, "d"), (whole // 3600 % 24, "h"), (whole // 60 % 60, "m"), (whole % 60, "s")]
    shown = [f"{count}{unit}" for count, unit in parts if count]
    return "".join(shown[:2])


Number = Annotated[float, BeforeValidator(parse_number)]
Count = Annotated[int, BeforeValidator(parse_count)]
Duration = Annotated[float, BeforeValidator(parse_duration)]
BitRate = Annotated[int, BeforeValidator(parse_bitrate)]
ByteSize = Annotated[int, BeforeValidator(parse_bytes)]
PictureSize = Annotated[Size, BeforeValidator(parse_picture_size)]
Listen = Annotated[Address, BeforeValidator(parse_address)]
Ports = Annotated[PortRange, BeforeValidator(parse_port_range)]
