"""What a process writes to its standard error and output, made fit to keep. Pure.

Lines are cut, cleaned of control characters and of secrets, and repeats are folded: FFmpeg can say the same
thing with other numbers a thousand times a second.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator

from supervisor.secrecy import Redactor

KEPT_LINES = 40
_MAX_LINE = 2000
_MAX_RAW_LINE = 8000  # bytes; a longer line keeps its beginning
_CUT_BY_WRITER = 1000  # FFmpeg cuts its lines at 1,023 bytes, also in the middle of a key
_LINE_END = re.compile(rb"[\r\n]+")
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_NUMBERS = re.compile(r" *(?:0x[0-9a-fA-F]+|\d+)")  # FFmpeg pads them with spaces


class LastWords:
    """Turns raw output into lines for a log file, and keeps the last of them for whoever asks why."""

    def __init__(self, redactor: Redactor, heed: Callable[[bytes], bool] = lambda _: False) -> None:
        """`heed` sees every line as it was written; what it takes for itself is not kept."""
        self.redactor = redactor
        self._heed = heed
        self.lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._partial = b""
        self._in_long_line = False  # its beginning is written, the rest is not kept
        self._shape = ""
        self._repeats = 0
        self._repeated = ""

    def begin_run(self) -> None:
        """A new run says new things: forget the old."""
        self.lines.clear()
        self._partial = b""
        self._in_long_line = False
        self._shape = ""
        self._repeats = 0

    def feed(self, data: bytes) -> Iterator[str]:
        """The lines to write for `data`; what follows the last line end waits for the next call."""
        *whole, self._partial = _LINE_END.split(self._partial + data)
        for raw in whole:
            if self._in_long_line:
                self._in_long_line = False
            else:
                yield from self._line(raw)
        if self._in_long_line:
            self._partial = b""
        elif len(self._partial) > _MAX_RAW_LINE:
            raw, self._partial, self._in_long_line = self._partial, b"", True
            yield from self._line(raw)

    def finish(self) -> Iterator[str]:
        """What is left when the run is over."""
        raw, self._partial, self._in_long_line = self._partial, b"", False
        yield from self._line(raw)
        yield from self._unfold()

    def keep_tail(self, data: bytes) -> None:
        """Of output that is too much to keep, remember the end: it may say why the process died."""
        self._shape = ""
        pieces = _LINE_END.split(data[-_MAX_RAW_LINE:])
        if len(pieces) == 1:
            # The middle of one line: what is left of it is no use, and may begin inside a secret.
            self._partial, self._in_long_line = b"", True
            return
        *whole, self._partial = pieces[1:]
        self._in_long_line = False
        for raw in whole:
            list(self._line(raw))

    def skipped(self, count: int) -> Iterator[str]:
        """Own up to output that was too much to keep."""
        yield from self._unfold()
        yield f"… {count} bytes of output skipped, too many at once"

    def _line(self, raw: bytes) -> Iterator[str]:
        if self._heed(raw):
            return
        text = raw[:_MAX_RAW_LINE].decode("utf-8", "replace")
        # Cleaned before it is cut: half a secret would not be known for one.
        line = self.redactor.clean(_CONTROL.sub("", text), cut=len(raw) >= _CUT_BY_WRITER).rstrip()
        if not line:
            return
        if len(line) > _MAX_LINE:
            line = line[:_MAX_LINE] + "…"
        shape = _NUMBERS.sub("0", line)
        if shape == self._shape:
            self._repeats += 1
            self._repeated = line
            self.lines[-1] = line
            return
        yield from self._unfold()
        self._shape = shape
        self.lines.append(line)
        yield line

    def _unfold(self) -> Iterator[str]:
        if self._repeats == 1:
            yield self._repeated
        elif self._repeats:
            yield f"{self._repeated}  (… and {self._repeats - 1} more like it before)"
        self._repeats = 0
        self._shape = ""
