"""Destinations that are pushed to without RTMP: what their URLs may say, and whether anybody confirms. Pure."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Final
from urllib.parse import parse_qsl

from supervisor.model.destination_urls import RTMP_PORTS, split
from supervisor.model.hls_urls import HLS_PORT

# What a URL may say of how media is sent; the rest reaches into this machine, or is a slip of the hand.
_UDP: Final = frozenset(
    {"bitrate", "broadcast", "buffer_size", "burst_bits", "dscp", "localaddr", "localport", "pkt_size", "reuse", "ttl"}
)
_RIST: Final = frozenset(
    {
        *(
            "aes-type",
            "bandwidth",
            "buffer",
            "cname",
            "compression",
            "congestion-control",
            "min-retries",
            "max-retries",
        ),
        *(
            "miface",
            "password",
            "profile",
            "reorder-buffer",
            "rtt-max",
            "rtt-min",
            "secret",
            "stream-id",
            "timing-mode",
        ),
        *("username", "virt-dst-port", "weight"),
    }
)
PARAMETERS: Final = {"udp": _UDP, "rist": _RIST}
# Where one connects to by TCP, and at which port where a URL names none.
TCP_PORTS: Final = {**RTMP_PORTS, "rtsp": 554, "https": HLS_PORT}
# One packet of these is 188 bytes; so many fit into what every line carries.
PACKET_SIZE: Final = 1316
_IS_NAME: Final = re.compile(r"[a-z_-]{1,30}").fullmatch
_VALUE: Final = re.compile(r"[\w.:@+,-]{0,128}")


def wrong_parameter(url: str) -> str | None:
    """What is wrong with what stands behind the `?`, in words that repeat no value; None: nothing."""
    parts = split(url)
    known = PARAMETERS.get(parts.scheme.lower())
    if known is None:
        return None
    names = set()
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name not in known:
            shown = f", not {name}" if _IS_NAME(name) else ""
            return f"expected only parameters such as {', '.join(sorted(known))}{shown}"
        if name in names:
            return f"expected {name} once"
        if not _VALUE.fullmatch(value):
            return f"expected a plain value of {name}"
        names.add(name)
    return None


def sends_unconfirmed(url: str) -> bool:
    """Whether nothing tells that what is sent arrives: of UDP never, of RIST FFmpeg does not say."""
    return split(url).scheme.lower() in PARAMETERS


def goes_far(url: str) -> bool:
    """Whether it is multicast that says nothing of how many routers it may pass: FFmpeg lets it pass 16."""
    parts = split(url)
    try:
        multicast = ip_address(parts.hostname or "").is_multicast
    except ValueError:
        return False
    return parts.scheme.lower() == "udp" and multicast and "ttl" not in dict(parse_qsl(parts.query))


def is_listener(url: str) -> bool:
    """Whether an SRT destination waits to be called."""
    return url.partition(":")[0].lower() == "srt" and "mode=listener" in url.partition("?")[2].split("&")


def whole_packets(url: str) -> str:
    """A UDP URL with the size of its datagrams, if it names none: FFmpeg's own cuts packets in two."""
    query = split(url).query
    if "pkt_size" in dict(parse_qsl(query)):
        return url
    return f"{url}{'&' if query else '' if url.endswith('?') else '?'}pkt_size={PACKET_SIZE}"
