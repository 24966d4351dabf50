"""How what stands beside an encoder is wired to it, and speaks. The standard library alone, and little of it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import termios
from collections.abc import Mapping

MOST_BYTES = 1 << 20  # of a pipe: 5 s of sound
_STANDARD = 3  # descriptors: input, output, errors
_HIGHEST = 32  # an encoder is given few


def say(who: str, level: str, words: str) -> None:
    """One line among the encoder's, whole even in the middle of one of those."""
    shown = "".join(sign if sign.isprintable() else "?" for sign in words)
    with contextlib.suppress(OSError):  # who reads is slow, or gone
        os.write(2, f"\n[{who}] [{level}] {shown}\n".encode(errors="replace"))


def wide_pipe() -> tuple[int, int]:
    """A pipe's reading and writing end."""
    reading, writing = os.pipe()
    with contextlib.suppress(OSError):  # the kernel's limit for this user may be reached: shorter then
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, MOST_BYTES)
    return reading, writing


def keep_only(*kept: int) -> None:
    """Close what was given to the encoder: a pipe that is held open here would not end when its reader does."""
    for number in range(_STANDARD, _HIGHEST):
        if number not in kept:
            with contextlib.suppress(OSError):
                os.close(number)


def has_data(descriptor: int) -> bool:
    """Wait until something has come; False at an end without."""
    select.select([descriptor], [], [])
    return bool(fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4)).strip(b"\0"))


def become(argv: list[str], wires: Mapping[int, int]) -> None:
    """Go on as the encoder, or as what is to stand beside it next. `wires`: what it knows each descriptor as, and ours.

    In the order in which they stand there: none may be given away before it has been put in its place.
    """
    for number, ours in wires.items():
        if number == ours:
            os.set_inheritable(ours, True)  # noqa: FBT003 - takes no name
        else:
            os.dup2(ours, number)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them
        signal.signal(number, signal.SIG_DFL)
    os.execvp(argv[0], argv)
