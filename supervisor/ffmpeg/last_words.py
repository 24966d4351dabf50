"""What a process writes to its standard error and output, made fit to keep. Pure.

Lines are cut, cleaned of control characters and of secrets, and repeats are folded: FFmpeg can say the same
thing with other numbers a thousand times a second. What a process says may come from whoever serves its source:
every pattern here takes time that grows as the line does, and a line is cut before any looks at it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from supervisor.secrets.secrecy import Redactor

KEPT_LINES = 40
_MAX_LINE = 2000
_MAX_RAW_LINE = 8000  # bytes; a longer line keeps its beginning
_CUT_BY_WRITER = 1000  # FFmpeg cuts its lines at 1,023 bytes, also in the middle of a key
_LINE_END = re.compile(rb"[\r\n]+")
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]+")
_NUMBER = re.compile(r"[0-9]+")


class LastWords:
    """Turns raw output into lines for a log file, and keeps the last of them for whoever asks why."""

    def __init__(self, redactor: Redactor, heed: Callable[[bytes], bool] = lambda _: False) -> None:
        """`heed` sees every line as it was written; what it takes for itself is not kept."""
        self.redactor = redactor
        self._heed = heed
        self._lines: list[str] = []  # as lists: an empty deque takes 700 bytes, and most processes say nothing
        self._unredacted: list[str] = []  # secrets and all
        self._partial = b""
        self._in_long_line = False  # its beginning is written, the rest is not kept
        self._tail = b""  # of a flood, not looked at yet
        self._shape = ""
        self._unredacted_shape = ""
        self._repeats = 0
        self._repeated = ""

    @property
    def lines(self) -> tuple[str, ...]:
        """The last lines of this run, the oldest first, secrets hidden."""
        self._look_at_tail()
        return tuple(self._lines)

    def take_unredacted(self) -> tuple[str, ...]:
        """The last lines as they were said, to find the cause of an exit in them; they are forgotten here.

        A key that reads `Connection` must not change a cause. Never show, write or keep one of these.
        """
        if self._tail:  # asked here and not there, as in few other places: a respawn waits for this
            self._look_at_tail()
        said = tuple(self._unredacted)
        self._unredacted.clear()
        return said

    def begin_run(self) -> None:
        """A new run says new things: forget the old."""
        self._lines.clear()
        self._unredacted.clear()
        self._partial = self._tail = b""
        self._in_long_line = False
        self._shape = self._unredacted_shape = ""
        self._repeats = 0

    def feed(self, data: bytes) -> Iterator[str]:
        """The lines to write for `data`; what follows the last line end waits for the next call."""
        self._look_at_tail()
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

    @property
    def unfinished(self) -> bool:
        """Something is still to be written."""
        return bool(self._partial or self._tail or self._repeats)

    def finish(self) -> Iterator[str]:
        """What is left when the run is over."""
        self._look_at_tail()
        raw, self._partial, self._in_long_line = self._partial, b"", False
        yield from self._line(raw)
        yield from self._unfold()

    def keep_tail(self, data: bytes) -> None:
        """Of output that is too much to keep, remember the end: it may say why the process died.

        It is looked at when there is no more of it: a flood must cost next to nothing.
        """
        self._tail = (self._tail + data[-_MAX_RAW_LINE:])[-_MAX_RAW_LINE:]

    def skipped(self, count: int) -> Iterator[str]:
        """Write down that there was output which was too much to keep."""
        yield from self._unfold()
        yield f"… {count} bytes of output skipped, too many at once"

    def _look_at_tail(self) -> None:
        if not self._tail:
            return
        pieces, self._tail = _LINE_END.split(self._tail), b""
        self._shape = self._unredacted_shape = ""
        if len(pieces) == 1:
            # The middle of one line: what is left of it is no use, and may begin inside a secret.
            self._partial, self._in_long_line = b"", True
            return
        *whole, self._partial = pieces[1:]
        self._in_long_line = False
        for raw in whole[-KEPT_LINES:]:
            list(self._line(raw))

    def _line(self, raw: bytes) -> Iterator[str]:
        if self._heed(raw):
            return
        text = raw[:_MAX_RAW_LINE].decode("utf-8", "replace")
        if not text.isprintable():
            text = _CONTROL.sub("", text)
        text = text.rstrip()
        # Cleaned before it is cut: half a secret would not be known for one.
        line = self.redactor.clean(text, cut=len(raw) >= _CUT_BY_WRITER).rstrip()
        if not line:
            return
        line, said = _shortened(line), _shortened(text)
        shape = shape_of(line)
        self._keep_unredacted(said, shape if said == line else shape_of(said))
        if shape == self._shape:
            self._repeats += 1
            self._repeated = line
            self._lines[-1] = line
            return
        yield from self._unfold()
        self._shape = shape
        self._lines.append(line)
        del self._lines[:-KEPT_LINES]
        yield line

    def _keep_unredacted(self, said: str, shape: str) -> None:
        if shape == self._unredacted_shape and self._unredacted:
            self._unredacted[-1] = said
        else:
            self._unredacted.append(said)
            del self._unredacted[:-KEPT_LINES]
        self._unredacted_shape = shape

    def _unfold(self) -> Iterator[str]:
        if self._repeats == 1:
            yield self._repeated
        elif self._repeats:
            yield f"{self._repeated}  (… and {self._repeats - 1} more like it before)"
        self._repeats = 0
        self._shape = ""


def _shortened(line: str) -> str:
    return line if len(line) <= _MAX_LINE else line[:_MAX_LINE] + "…"


def shape_of(line: str) -> str:
    """What repeats of a line have in common: all but its numbers, and the spaces that FFmpeg pads them with."""
    if "0x" in line:
        line = _ADDRESS.sub("0", line)
    return _NUMBER.sub("0", line.replace(" ", ""))
