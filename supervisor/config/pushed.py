"""What a configuration says of the destinations that a pusher of ours sends to by RTMP. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from supervisor.config.fields import text
from supervisor.config.shape import Config, DestinationSection
from supervisor.config.urls import destination_scheme
from supervisor.model.destination_urls import RTMP_PORTS, rtmp_name


def pushed_to(config: Config, place: tuple[str, str]) -> DestinationSection | None:
    """The destination of a stream; None: there is no such, or something else sends to it, or in another way."""
    stream = config.streams.get(place[0])
    if stream is None or stream.command is not None:
        return None
    found = stream.destinations.get(place[1])
    return found if found and destination_scheme(text(found.url)) in RTMP_PORTS else None


def key_of(destination: DestinationSection) -> str:
    """The key, wherever it stands. What is behind a `?` is of the address."""
    key = text(destination.secret_key) or rtmp_name(text(destination.url), None).stream
    return key.partition("?")[0]


def address_of(destination: DestinationSection) -> str:
    """The URL without the key; empty where it names a user."""
    parts, key = urlsplit(text(destination.url)), text(destination.secret_key)
    if "@" in parts.netloc:
        return ""
    return f"{parts.scheme}://{parts.netloc}/{rtmp_name(text(destination.url), key or None).application}"


def keys_in_use(configs: Iterable[Config]) -> list[str]:
    """Of all destinations, also of those that a command sends to, or a stream that is off: each as often as it is."""
    streams = (stream for config in configs for stream in config.streams.values())
    destinations = (one for stream in streams for one in stream.destinations.values())
    return [key_of(one) for one in destinations if destination_scheme(text(one.url)) in RTMP_PORTS]
