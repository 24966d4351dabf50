"""Whether a source is there, by a look that takes nothing from it."""

from __future__ import annotations

import os
import stat
from functools import partial

from supervisor.ffmpeg.sources import PathPlace, SourcePlace
from supervisor.model.terms import Reach
from supervisor.probes.network import Conversation, reach
from supervisor.probes.patience import Patience

# Looks at paths under way at once; on a network mount whose server is gone each hangs.
_looks = Patience(at_once=16)
_lookups = Patience(at_once=16)  # of cameras' names: ingests have their own

_RTSP_QUESTION = b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: neverdark\r\n\r\n"
_RTSP_ANSWER = b"RTSP/"


def reach_source(place: SourcePlace, timeout: float) -> Reach:
    """Look at a source, blocking for at most `timeout` seconds: for worker threads.

    A path ACCEPTS when it may be read and is not empty, and is REFUSED when it is missing, empty, a directory
    or may not be read; TIMEOUT when its file system does not answer. A server ACCEPTS when it lets us connect:
    cameras have few places, so no more is asked of them. One that speaks RTSP ANSWERS a question that opens no
    session, whatever the answer; it is SILENT or CLOSED when none comes. Otherwise as `network.reach_host`.
    """
    if isinstance(place, PathPlace):
        try:
            return _looks.call(partial(_look_at, place.path), timeout)
        except TimeoutError:
            return Reach.TIMEOUT
    talk = _ask_options if place.rtsp else lambda _: Reach.ACCEPTS
    return reach(place.address, timeout, talk, _lookups)


def _look_at(path: str) -> Reach:
    """Never opens it: a pipe would lose its reader, and some devices have room for one."""
    try:
        found = os.stat(path)  # noqa: PTH116 - as os.access, which Path lacks
        readable = os.access(path, os.R_OK)
    except (OSError, ValueError):  # ValueError: a path with a NUL in it
        return Reach.REFUSED
    empty = stat.S_ISREG(found.st_mode) and not found.st_size
    return Reach.ACCEPTS if readable and not empty and not stat.S_ISDIR(found.st_mode) else Reach.REFUSED


def _ask_options(conversation: Conversation) -> Reach:
    """OPTIONS needs no session and, with most cameras, no password: a refusal is an answer, too. Raises OSError."""
    conversation.send(_RTSP_QUESTION)
    # The rest is of no interest; the end of our side reaches the camera before the reset that unread bytes cause.
    return Reach.ANSWERS if conversation.receive(len(_RTSP_ANSWER)) == _RTSP_ANSWER else Reach.CLOSED
