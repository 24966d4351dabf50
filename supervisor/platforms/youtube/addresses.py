"""Where else a stream may be sent to, if YouTube does not receive it where it is sent. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from supervisor.config.addresses import USUAL, is_address
from supervisor.config.urls import destination_scheme
from supervisor.model.destination_urls import publishes_to

# For an API that tells of none; never for an address that is not YouTube's own.
_USUAL: Final = ("rtmps://a.rtmps.youtube.com:443/live2", USUAL)
_YOUTUBE: Final = ".youtube.com"


def another(configured: str, told: Sequence[str]) -> str:
    """The best of those that YouTube tells for the stream: on another host, if there is one. Empty: there is none.

    All are without the key. What is sent encrypted is never sent in the clear.
    """
    if not configured:
        return ""
    host = urlsplit(configured).hostname or ""
    usual = _USUAL if host.endswith(_YOUTUBE) else ()
    secure = destination_scheme(configured) == "rtmps"
    here = publishes_to(configured, "key")
    found = [
        one
        for one in (told or usual)
        if is_address(one)
        and publishes_to(one, "key") not in {None, here}
        and not urlsplit(one).username
        and (destination_scheme(one) == "rtmps" or not secure)
    ]
    return min(found, key=lambda one: urlsplit(one).hostname == host, default="")
