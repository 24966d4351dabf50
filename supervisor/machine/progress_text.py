"""Progress of a program that neverdark has not started: a file that it appends to, or a URL that answers. IO; blocks.

Both hold what FFmpeg's `-progress` writes. Only the latest whole report is of interest: its counts are sums.
"""

from __future__ import annotations

import logging
import os
import stat
import time

_TAIL_BYTES = 16 * 1024  # a report is well below one
_MOST_SECONDS = 3.0
_PIECE = 16  # bytes: whoever lets them drip is found out after so many
_END = b"progress="


class NoProgress(Exception):  # noqa: N818 - it names the state
    """Nothing can be read; in words that hold no secret."""


class ProgressFile:
    """A file. What was written before the program began is of another one."""

    def __init__(self, path: str, started: float) -> None:
        self._path = path
        self._started = started
        self._seen: tuple[int, int, int] | None = None

    def read(self) -> bytes:
        """The latest report, if it is news; else nothing. Raises NoProgress."""
        try:
            # Not blocking, or a FIFO by that name would hold us.
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        except OSError as error:
            raise NoProgress(f"the progress file cannot be read: {error.strerror}") from None
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise NoProgress("the progress file is no plain file")
            seen = (status.st_ino, status.st_size, status.st_mtime_ns)
            if seen == self._seen or status.st_mtime < self._started:
                return b""
            self._seen = seen
            return latest(os.pread(descriptor, _TAIL_BYTES, max(0, status.st_size - _TAIL_BYTES)))
        except OSError as error:
            raise NoProgress(f"the progress file cannot be read: {error.strerror}") from None
        finally:
            os.close(descriptor)


class ProgressUrl:
    """A web server's answer."""

    def __init__(self, url: str) -> None:
        self._url = url

    def read(self) -> bytes:
        """The latest report. Raises NoProgress."""
        import requests  # noqa: PLC0415 - 0.1 s and 10 MB, for who needs it

        logging.getLogger("urllib3").setLevel(logging.CRITICAL + 1)  # it writes whole URLs
        until, text = time.monotonic() + _MOST_SECONDS, b""
        try:
            with requests.Session() as session:
                session.trust_env = False  # a password from .netrc is none of its
                with session.get(self._url, timeout=_MOST_SECONDS / 2, allow_redirects=False, stream=True) as answer:
                    if answer.status_code != requests.codes.ok:
                        raise NoProgress(f"the progress URL answers with status {answer.status_code}")
                    for piece in answer.iter_content(_PIECE):
                        text = (text + piece)[-_TAIL_BYTES:]
                        if time.monotonic() > until:
                            raise NoProgress("the progress URL does not end its answer")
        except (requests.RequestException, ValueError, OSError) as error:
            raise NoProgress(f"the progress URL does not answer: {type(error).__name__}") from None
        return latest(text) or text


def latest(text: bytes) -> bytes:
    """The latest whole report in a text; nothing if there is none."""
    lines = text.split(b"\n")[:-1]  # what follows the last line end is still being written
    ends = [number for number, line in enumerate(lines) if line.startswith(_END)]
    if not ends:
        return b""
    start = ends[-2] + 1 if len(ends) > 1 else 0
    return b"\n".join([*lines[start : ends[-1] + 1], b""])
