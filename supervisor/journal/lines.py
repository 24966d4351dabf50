"""How log lines look and where they go: readable on a terminal, JSON where no person looks.

Lines are written by a thread, because a terminal that was paused or a full pipe must never hold up the loop.
"""

from __future__ import annotations

import sys
from collections.abc import MutableMapping, Sequence
from typing import Any, TextIO

import structlog

from supervisor.journal.outbox import Outbox


class LineWriter:
    """A file-like object that never blocks: lines wait in an outbox, and are lost when it is full."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._outbox: Outbox[str] = Outbox("journal", self._write)

    def write(self, text: str) -> None:
        """Take a line."""
        self._outbox.put(text)

    @property
    def lost(self) -> int:
        """How many lines were not written, ever."""
        return self._outbox.lost

    def flush(self) -> None:
        """Nothing to do: the thread flushes."""

    def close(self, timeout: float = 1.0) -> bool:
        """Write what is waiting, but not for ever. Returns whether that was done."""
        return self._outbox.close(timeout)

    def _write(self, lines: Sequence[str], lost: int) -> None:
        note = f"({lost} log lines were lost: they could not be written)\n" if lost else ""
        self._stream.write(note + "".join(lines))  # what a full disk or a closed terminal does not take, is counted
        self._stream.flush()


def _for_a_terminal(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """What steers a terminal is shown, not obeyed: a path that somebody asked for may move its cursor."""
    for key, value in line.items():
        if isinstance(value, str) and not value.isprintable():
            line[key] = "".join(
                letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in value
            )
    return line


def configure(stream: TextIO | None = None) -> LineWriter:
    """Set structlog up for this process; returns the writer, to be closed last. None: standard output."""
    stream = stream or sys.stdout
    writer = LineWriter(stream)
    readable = stream.isatty()
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=True, pad_event_to=0, sort_keys=False)
        if readable
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%H:%M:%S" if readable else "iso", utc=not readable),
            *([_for_a_terminal] if readable else []),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger("info"),
        logger_factory=structlog.WriteLoggerFactory(writer),  # type: ignore[arg-type]  # it needs write and flush only
        cache_logger_on_first_use=True,
    )
    return writer
