"""Whether the kernel does with loopback sockets what a switch between two encoders needs: a trial with real ones. IO.

It is what `handover` does: two senders, one link, and no process. It takes less than a millisecond.
"""

from __future__ import annotations

import select
import socket
from contextlib import ExitStack, closing

from supervisor.ffmpeg.parameters import VIDEO_PID
from supervisor.machine.handover import Handover
from supervisor.machine.media_links import MediaLink

_LOOPBACK = "127.0.0.1"
_PATIENCE = 0.5  # seconds for a datagram on the loopback
_KEYFRAME = bytes([0x47, 0x40 | VIDEO_PID >> 8, VIDEO_PID & 0xFF, 0x30, 1, 0x40]).ljust(188, b"\0")


def switch_trial() -> str:
    """Why an encoder cannot take over from another that still feeds, in words; empty: it can."""
    try:
        with ExitStack() as stack:
            return _try(stack)
    except OSError as error:
        return f"a second socket at the same port of the loopback is refused: {error.strerror or error}"


def _try(stack: ExitStack) -> str:
    link = stack.enter_context(closing(MediaLink(_free_port())))
    before, after = (stack.enter_context(_sender(link.port)) for _ in range(2))
    link.read(by_somebody=True)
    link.send_from(before.getsockname()[1])
    handover = stack.enter_context(closing(Handover({link: after.getsockname()[1]})))
    (side,) = handover.sides
    before.send(b"before")
    after.send(_KEYFRAME)
    if not _arrives(link.fd) or not _arrives(side.fd):
        return "what two senders send to one port of the loopback is not told apart"
    if _take(link.fd) != b"before" or not handover.look(keep=True):
        return "what one sender sends to a port of the loopback reaches the socket of the other"
    handover.go_over()
    before.send(b"too late")
    after.send(b"after")
    found = [_take(link.fd) for _ in range(2) if _arrives(link.fd)]
    if found != [_KEYFRAME, b"after"]:
        return "a socket of the loopback does not take up another sender"
    return ""


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((_LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _sender(port: int) -> socket.socket:
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    sender.bind((_LOOPBACK, 0))
    sender.connect((_LOOPBACK, port))
    return sender


def _arrives(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(_PATIENCE * 1000))


def _take(descriptor: int) -> bytes:
    with socket.socket(fileno=socket.dup(descriptor)) as reader:
        return reader.recv(2000, socket.MSG_DONTWAIT)
