"""A source that comes to us: how FFmpeg is told to listen, and what its words tell of who came. Pure.

FFmpeg takes one publisher and ends with it. Whoever else connects meanwhile is refused; one that connects and is no
publisher ends it as well. It only warns of an RTMP key that is not the expected one: that ends it here (`Guest`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from supervisor.ffmpeg.phrases import FILE_MISSING, NOT_OUR_ADDRESS, PORT_TAKEN
from supervisor.model.terms import ExitCause

if TYPE_CHECKING:
    from supervisor.config.listening import Listening
    from supervisor.ffmpeg.failure import Failure

TURNED_AWAY = "somebody published with another key, and was turned away"
LEFT = "the publisher has left"

_OTHER_KEY = re.compile(rb"Unexpected stream .{0,200}, expecting ", re.DOTALL).search
_SAYS = b"Unexpected stream"
# Nobody could come: the port cannot be had, or, in a drill, something else is read.
_NOT_AWAITED = frozenset({PORT_TAKEN, NOT_OUR_ADDRESS, FILE_MISSING})


def listening_options(source: Listening, microseconds: int) -> list[str]:
    """What stands before `-i`. Nobody bounds the wait for a publisher; one that is there may be silent for so long."""
    if source.listen == "rtmp":
        # Also bounds the handshake of who connects and says nothing. `-timeout` would bound the wait.
        return ["-listen", "1", "-rw_timeout", str(microseconds)]
    secret = source.publisher_secret
    locked = ["-passphrase", secret.get_secret_value()] if secret else []
    return ["-mode", "listener", "-timeout", str(microseconds), *locked]


def awaited_at(source: Listening) -> str | None:
    """Where the publisher of a source is awaited, in words; None: it does not come by itself."""
    if not source.listen:
        return None
    return f"waits for a publisher on port {source.port} ({source.listen}://{source.awaited_at})"


def has_other_key(line: bytes) -> bool:
    """Whether FFmpeg says that a publisher has named another key than it should. It takes its media all the same."""
    return _SAYS in line and _OTHER_KEY(line) is not None


def was_no_publisher(failure: Failure) -> bool:
    """Whether a run that has seen no media ended because of who connected: no failure of anybody's."""
    return failure.cause is ExitCause.SOURCE_UNREACHABLE and failure.said not in _NOT_AWAITED
