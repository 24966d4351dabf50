"""What a destination's URL names, as FFmpeg is told it. Pure.

What is written is what is sent: a `#` is a character like any other, in SRT's stream ids (`#!::r=…`), in keys and in
names of files.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

# What a key begins with that is no key but the whole URL.
_WHOLE_URL = re.compile(r"(?:rtmp\w{0,8}|srt|https?)://", re.IGNORECASE)
RTMP_PORTS = {"rtmp": 1935, "rtmps": 443}  # where a URL names none
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


def no_key(key: str) -> str | None:
    """What is wrong with something that cannot be a key, in words that do not repeat it; None if it may be one."""
    if _WHOLE_URL.match(key.strip()):
        return "expected the stream key alone, but this is a whole URL: what stands before the key goes to url"
    if len(key) > 1 and _QUOTES.get(key[0]) == key[-1]:
        return "expected the key without quotes around it: they would be sent as part of it"
    return None
