"""Destinations that take HLS by HTTP: a playlist and segments, each put to a URL of its own. Pure."""

from __future__ import annotations

from typing import Final

HLS_PORT: Final = 443
_SCHEME: Final = "https"
_KEY_GOES = "cid="  # YouTube's name for it


def is_hls(url: str) -> bool:
    """Whether playlist and segments are put there."""
    return url.partition("://")[0].lower() == _SCHEME


def hls_url(url: str, key: str | None) -> str:
    """The URL to which a file's name is added, with the key where it belongs: behind an empty `cid=`."""
    front, question, query = url.partition("?")
    if not key or not question:
        return url
    return front + "?" + "&".join(_KEY_GOES + key if one == _KEY_GOES else one for one in query.split("&"))


def wrong_hls(url: str, *, has_key: bool) -> str | None:
    """What is wrong with such a URL, in words that repeat nothing of it; None: nothing."""
    query = url.partition("?")[2]
    if not url.endswith(("/", "=")) or (query and not url.endswith("=")):
        return (
            "expected a URL to whose end a file's name can be added: one that ends with / or, as YouTube's, with file="
        )
    if has_key and _KEY_GOES not in query.split("&"):
        return "expected cid= in the URL's query with nothing behind it: that is where the key goes"
    if not has_key and _KEY_GOES in query.split("&"):
        return "expected a key or a key_file: nothing stands behind cid= in the URL"
    return None
