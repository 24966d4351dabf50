"""Reads the log files of one process: the last lines of its newest run, and what follows them.

The files are named `NAME.RUN.log`; when one is full it becomes `NAME.RUN.log.1` and a new one begins.
"""

from __future__ import annotations

import os
import re
import stat
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Final, NamedTuple

_TAIL_BYTES: Final = 2 * 2**20  # no answer looks further back than this
CURSOR: Final = r"([A-Za-z0-9_.-]{1,251}\.log):([0-9]{1,18}):([0-9]{1,18})"
_CURSOR: Final = re.compile(CURSOR)


class Page(NamedTuple):
    """Lines of one file, oldest first; `after` is the cursor for what follows them."""

    file: str
    lines: list[str]
    after: str


class _Cursor(NamedTuple):
    file: str
    inode: int  # tells a file from the one that took its name when it was full
    offset: int

    def __str__(self) -> str:
        return f"{self.file}:{self.inode}:{self.offset}"


def last_lines(directory: Path, name: str, run_id: str | None, count: int) -> Page | None:
    """The last `count` lines of run `run_id`, or of the newest if that has no log; None without any log."""
    runs = _runs(directory, name)
    if not runs:
        return None
    current = directory / f"{name}.{run_id}.log"
    path = current if current in runs else runs[-1]
    lines: list[str] = []
    cursor = _Cursor(path.name, 0, 0)
    for part in (path, _older(path)):
        try:
            with _opened(part) as file:
                found, end = _read_tail(file)
                if part is path:
                    cursor = _Cursor(path.name, os.fstat(file.fileno()).st_ino, end)
        except FileNotFoundError:
            continue
        lines = found + lines
        if len(lines) >= count:
            break
    return Page(path.name, lines[-count:], str(cursor))


def lines_after(directory: Path, name: str, after: str, count: int) -> Page | None:
    """At most `count` lines that follow the cursor `after`, going on to the next run's file when one ends.

    None when there is no log any more. Raises `ValueError` for a cursor that was never given out.
    """
    match = _CURSOR.fullmatch(after)
    if match is None or not match.group(1).startswith(f"{name}."):
        raise ValueError("after: expected the value of `next` of an earlier answer")
    cursor = _Cursor(match.group(1), int(match.group(2)), int(match.group(3)))
    runs = _runs(directory, name)
    if not runs:
        return None
    names = [path.name for path in runs]
    # A run whose log is gone by now: go on with the oldest there is, which is the one that came next.
    position = names.index(cursor.file) if cursor.file in names else -1
    if position < 0:
        cursor, position = _Cursor(runs[0].name, 0, 0), 0
    while True:
        lines, cursor = _read_from(runs[position], cursor, count, finished=position + 1 < len(runs))
        if lines or position + 1 >= len(runs):
            return Page(cursor.file, lines, str(cursor))
        position += 1
        cursor = _Cursor(runs[position].name, 0, 0)


def _runs(directory: Path, name: str) -> list[Path]:
    """The logs of all runs, the oldest first: run ids begin with their time."""
    if directory.is_symlink():
        return []
    return sorted(path for path in directory.glob(f"{name}.*.log") if not path.is_symlink())


def _opened(path: Path) -> IO[bytes]:
    """A log file, opened for reading. Links and what could keep us waiting (a pipe, a device) count as not there."""
    if not stat.S_ISREG(path.lstat().st_mode):
        raise FileNotFoundError
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb")


def _older(path: Path) -> Path:
    return path.with_name(f"{path.name}.1")


def _read_tail(file: IO[bytes]) -> tuple[list[str], int]:
    """The whole lines at the end of `file`, and the offset behind them."""
    size = file.seek(0, os.SEEK_END)
    begin = file.seek(max(0, size - _TAIL_BYTES))
    text = file.read(size - begin)
    if begin:
        text = text[text.find(b"\n") + 1 :]
    whole = text[: text.rfind(b"\n") + 1]
    return _decode(whole.splitlines()), size - (len(text) - len(whole))


def _read_from(path: Path, cursor: _Cursor, count: int, *, finished: bool) -> tuple[list[str], _Cursor]:
    """What follows `cursor` in one run's log: first in the part that it points into, then in the newer."""
    with ExitStack() as stack:
        parts: list[tuple[int, IO[bytes]]] = []
        for part in (_older(path), path):
            with suppress(FileNotFoundError):
                file = stack.enter_context(_opened(part))
                parts.append((os.fstat(file.fileno()).st_ino, file))
        inodes = [inode for inode, _ in parts]
        first = inodes.index(cursor.inode) if cursor.inode in inodes else 0
        for inode, part_file in parts[first:]:
            begin = part_file.seek(cursor.offset if inode == cursor.inode else 0)
            text = part_file.read(_TAIL_BYTES)
            # The last line of a run that goes on may be half written; that of a finished run stays as it is.
            whole = text if finished and len(text) < _TAIL_BYTES else text[: text.rfind(b"\n") + 1]
            pieces = whole.splitlines(keepends=True)[:count]
            cursor = _Cursor(path.name, inode, begin + sum(map(len, pieces)))
            if pieces:
                return _decode(pieces), cursor
    return [], cursor


def _decode(lines: list[bytes]) -> list[str]:
    return [line.decode("utf-8", "replace").rstrip("\r\n") for line in lines]
