"""One HTTP exchange: bounded in time and size, whatever the server does. IO; blocks."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import requests
from urllib3.exceptions import HTTPError, NewConnectionError

from supervisor import __version__

CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 15.0  # for the first byte, and between two
WHOLE_SECONDS: Final = 30.0
MOST_BYTES: Final = 4_000_000  # 50 broadcasts with their descriptions are 400 kB
_PIECE: Final = 65_536


class NoAnswer(Exception):  # noqa: N818 - it names the state
    """There is no whole answer. `sent`: the request may have reached the server all the same."""

    def __init__(self, *, sent: bool) -> None:
        super().__init__("no answer")
        self.sent = sent


class Answer(NamedTuple):
    """What a server said; its text stays out of what is printed, for it may hold tokens."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"Answer({self.status}, {len(self.body)} bytes)"


def new_session() -> requests.Session:
    """A session that brings nothing of this machine's along: no passwords from .netrc."""
    logging.getLogger("urllib3").setLevel(logging.CRITICAL + 1)  # it writes whole URLs
    session = requests.Session()
    session.trust_env = False
    session.headers["User-Agent"] = f"neverdark/{__version__}"
    return session


def exchange(
    session: requests.Session,
    method: str,
    url: str,
    *,
    most: int = MOST_BYTES,
    cut: bool = False,
    clock: Callable[[], float] = time.monotonic,
    **more: Any,
) -> Answer:
    """Ask, and read the answer. Raises `NoAnswer`. No redirect is followed: what is sent is for this server alone.

    Of a body that is longer than `most` bytes the beginning is taken if it may be `cut`.
    """
    until = clock() + WHOLE_SECONDS
    try:
        with session.request(
            method, url, timeout=(CONNECT_SECONDS, READ_SECONDS), allow_redirects=False, stream=True, **more
        ) as answer:
            body = bytearray()
            for piece in _pieces(answer.raw):
                body += piece
                if len(body) > most:
                    if cut:
                        break
                    raise NoAnswer(sent=True)
                if clock() > until:
                    raise NoAnswer(sent=True)
            return Answer(answer.status_code, dict(answer.headers), bytes(body[:most]))
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        raise NoAnswer(sent=not _never_left(error)) from None  # its text may hold what was sent


def _pieces(raw: Any) -> Iterator[bytes]:
    """What has come, as it comes: a server that sends a byte every ten seconds must not outlast the deadline."""
    if hasattr(raw, "read1"):
        while piece := raw.read1(_PIECE, decode_content=True):
            yield piece
    else:  # urllib3 before 2.2
        yield from raw.stream(1024, decode_content=True)


def _never_left(error: Exception) -> bool:
    """Whether there was no connection at all, so that the request cannot have been taken."""
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(getattr(cause, "reason", None), NewConnectionError)
