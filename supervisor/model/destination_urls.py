"""What a destination's URL names, as FFmpeg is told it. Pure.

What is written is what is sent: a `#` is a character like any other, in SRT's stream ids (`#!::r=…`), in keys and in
names of files.
"""

from __future__ import annotations

import hmac
import re
from contextlib import suppress
from ipaddress import ip_address
from posixpath import normpath
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from supervisor.model.hls_urls import HLS_PORT, hls_url

# What a key begins with that is no key but the whole URL.
_WHOLE_URL = re.compile(r"(?:rtmp\w{0,8}|srt|https?)://", re.IGNORECASE)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,20}:")
RTMP_PORTS = {"rtmp": 1935, "rtmps": 443}  # where a URL names none
_USUAL_PORTS = {**RTMP_PORTS, "https": HLS_PORT}
_QUOTES = {'"': '"', "'": "'", "`": "`", "“": "”", "„": "“", "«": "»"}


class RtmpName(NamedTuple):
    """What an RTMP server is asked for: an application, and a stream in it; either may be empty."""

    application: str
    stream: str


def split(url: str) -> SplitResult:
    """The parts of `url`. Raises ValueError."""
    return urlsplit(url, allow_fragments=False)


def rtmp_name(url: str, key: str | None) -> RtmpName:
    """Application and stream of an RTMP destination. Raises ValueError.

    With a key the application is the path with its query, as OBS does it; FFmpeg left to itself would split at the
    first slash. Without one the last segment of the path, and the query, are the stream's name: of
    `rtmp://host/app/?streamname=x` the query alone. A slash at the end means nothing.
    """
    parts = split(url)
    query = f"?{parts.query}" if parts.query else ""
    if key is not None:
        return RtmpName(parts.path.strip("/") + query, key)
    path = parts.path.lstrip("/") if query else parts.path.strip("/")
    application, _, last = path.rpartition("/")
    return RtmpName(application.strip("/"), last + query)


def file_path(url: str) -> str:
    """The path in a destination that is a file: a bare one as it is written, of `file:` what its escapes stand for."""
    if url[:5].lower() != "file:":
        return url
    rest = url[5:]
    return unquote("/" + rest[2:].partition("/")[2] if rest.startswith("//") else rest)


def publishes_to(url: str, key: str | None) -> tuple[str, ...] | None:
    """Scheme, host, port and name: what no two destinations may share, however it is written. It holds the key.

    Case of scheme and host, a port that is the usual one, a slash at the end, and whether the key is a part of the URL
    make no difference. With SRT only the stream id does: what else stands behind the `?` tells how it is sent. Of a
    file, the name is its path. None where this cannot be known.
    """
    scheme = url.partition(":")[0].lower() if _SCHEME.match(url) else "file"
    if scheme == "file":
        return ("file", "", "", normpath(file_path(url)))
    try:
        parts = split(url)
        host, port = _host(parts.hostname or ""), parts.port or _USUAL_PORTS.get(scheme)
        name = "/".join(rtmp_name(url, key or None)) if scheme in RTMP_PORTS else _other_name(parts, key)
    except ValueError:
        return None
    return (scheme, host, str(port or ""), name) if host else None


def is_asked_for(asked: str, url: str, key: str | None) -> bool:
    """Whether somebody who asks for a URL means this destination: by its URL alone, or with the key in it.

    What stands before the key may be written in any way that `publishes_to` takes for the same. How long it takes does
    not tell how much of a key was right.
    """
    place = publishes_to(asked, None)
    if place is None:
        return False
    given = _bytes(place)
    right = [hmac.compare_digest(given, _bytes(known)) for known in _written(url, key)]
    return True in right


def _written(url: str, key: str | None) -> list[tuple[str, ...]]:
    """The places that stand for a destination: of its URL without a key, and of its URL and its key together."""
    place = publishes_to(url, key)
    if place is None:
        return []
    scheme, host, port, _ = place
    if scheme == "srt":
        return [place, (scheme, host, port, "")]
    if scheme not in RTMP_PORTS:
        return [place]
    application = rtmp_name(url, key or None).application
    found = [place, (scheme, host, port, application)] if application else [place]
    path, question, query = application.partition("?")
    if key and question:  # others put the query behind the key
        found.append((scheme, host, port, f"{path}/{key}?{query}"))
    return found


def _bytes(place: tuple[str, ...]) -> bytes:
    *where, name = place
    return "\0".join((*where, name.strip("/"))).encode("utf-8", "surrogatepass")


def _host(name: str) -> str:
    with suppress(ValueError):
        return str(ip_address(name))
    return name.lower().rstrip(".")


def _other_name(parts: SplitResult, key: str | None) -> str:
    """The stream's name anywhere but with RTMP: of SRT its stream id, which a key is only if the URL has none."""
    if parts.scheme.lower() in {"udp", "rist"}:  # what else stands there tells how it is sent
        return next((value for name, value in parse_qsl(parts.query) if name == "virt-dst-port"), "")
    if parts.scheme.lower() == "https":
        return hls_url(f"{parts.path}?{parts.query}", key)
    if parts.scheme.lower() != "srt":
        return "\0".join((parts.path.strip("/"), parts.query, key or ""))
    return next((value for name, value in parse_qsl(parts.query) if name == "streamid"), key or "")


def no_key(key: str) -> str | None:
    """What is wrong with something that cannot be a key, in words that do not repeat it; None if it may be one."""
    if _WHOLE_URL.match(key.strip()):
        return "expected the stream key alone, but this is a whole URL: what stands before the key goes to url"
    if len(key) > 1 and _QUOTES.get(key[0]) == key[-1]:
        return "expected the key without quotes around it: they would be sent as part of it"
    return None
