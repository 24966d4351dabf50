"""How long a web server that refused wants to be left alone: the one thing about a refusal that FFmpeg does not tell.

FFmpeg 9 shows the header `Retry-After` among everything else it does (`-loglevel trace`), 5.1 not at all. So it is one
request of our own, and a hit more for who counts them. It is made after the first refusal of a row, and after later
ones only while it pays: a server that says 300 is then asked 4 times in seven minutes, and else 7 times instead of 6.
HEAD, because it opens no stream and takes nobody's place.
"""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from email.utils import parsedate_to_datetime

from pydantic import SecretStr

_SAY_SO = frozenset({429, 503})
_LONGEST = 3600.0  # whoever says more may mean it, or be wrong
_MOST_REDIRECTS = 5


def retry_after(url: SecretStr, timeout: float) -> float | None:
    """Ask a web server, blocking for about `timeout` seconds at most: for worker threads.

    Returns the seconds that it wants to be left alone, an hour at most; None when it does not refuse or does not say.
    """
    import requests  # noqa: PLC0415 - 0.1 s and 10 MB, for those who are refused

    logging.getLogger("urllib3").setLevel(logging.CRITICAL + 1)  # it writes whole URLs
    with suppress(Exception), requests.Session() as session:  # whatever is raised holds the URL
        session.trust_env = False  # a password from .netrc is none of FFmpeg's
        session.max_redirects = _MOST_REDIRECTS
        headers = {"User-Agent": "neverdark", "Accept-Encoding": "identity"}
        with session.head(
            url.get_secret_value(), timeout=timeout, headers=headers, allow_redirects=True, stream=True
        ) as answer:
            if answer.status_code in _SAY_SO:
                return seconds_of(answer.headers.get("Retry-After", ""), time.time())
    return None


def seconds_of(header: str, now: float) -> float | None:
    """Read the header: seconds, or a date against the wall clock `now`. None for what is neither, or is over."""
    header = header.strip()
    if header.isascii() and header.isdigit():
        seconds = float(header[:9])
    else:
        try:
            seconds = parsedate_to_datetime(header[:64]).timestamp() - now
        except (ValueError, TypeError, OverflowError, OSError):
            return None
    return min(seconds, _LONGEST) if seconds > 0 else None
