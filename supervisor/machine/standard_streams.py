"""Standard input, output and errors, as whoever starts us may have left them: closed, full, or read by nobody. IO."""

from __future__ import annotations

import contextlib
import os
import sys

_INPUT, _OUTPUT, _ERRORS = range(3)


def open_closed_ones() -> None:
    """Have /dev/null stand in for those of descriptors 0 to 2 that are closed.

    Otherwise the next file or socket would take the number, and whatever is printed would go there. Before anything
    else is opened.
    """
    for descriptor in (_INPUT, _OUTPUT, _ERRORS):  # in this order: what is opened takes the lowest free number
        try:
            os.fstat(descriptor)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != descriptor:
                os.dup2(opened, descriptor)
                os.close(opened)
            os.set_inheritable(descriptor, True)  # noqa: FBT003 - positional only
    # Python has None for what was closed when it began.
    if sys.stdin is None:
        sys.stdin = os.fdopen(_INPUT, closefd=False)
    if sys.stdout is None:
        sys.stdout = os.fdopen(_OUTPUT, "w", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(_ERRORS, "w", buffering=1, closefd=False)


def flushed() -> bool:
    """Whether all that was printed could be written. If not, Python need not complain about it once more at exit."""
    written = True
    for stream, descriptor in ((sys.stdout, _OUTPUT), (sys.stderr, _ERRORS)):
        try:
            stream.flush()
        except (OSError, ValueError):
            written = False
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC), descriptor)
    return written
