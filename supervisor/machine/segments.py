"""The folder of a recording in segments: what is there, what is removed, what is written down of it. IO.

Whatever looks at the folder may hang for good, if its server is gone: it runs in a thread of its own. What a start asks
for does not touch the disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import stat
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import NamedTuple, TypeVar

from supervisor.machine.recording import Recording
from supervisor.model.recordings import RUN, Kept, Segment, run_token

T = TypeVar("T")
_HEADERS = 1500  # bytes: what is no longer has no picture in it


class Shelf(NamedTuple):
    """What is in a folder: a destination's segments, oldest first, and the share of the disk that is free."""

    segments: tuple[Segment, ...]
    empty: tuple[Segment, ...]  # nothing is in them
    free: float


class Segments(Recording):
    """What the runs of one recording write to."""

    def __init__(self, kept: Kept) -> None:
        super().__init__(kept.pattern)
        self.waits: str | None = None  # why nothing is to be recorded now

    def file(self, wall: float, run: int) -> Path:
        """What run number `run` writes to, for `strftime`: no other has it. Raises OSError while it is to wait."""
        if self.waits:
            raise OSError(errno.ENOSPC, self.waits)
        return Path(str(self.path).replace(RUN, run_token(wall, run)))

    def tidy(self) -> None:
        """What is empty is removed with what is too old."""


def look(kept: Kept) -> Shelf:
    """What is there now. Raises OSError."""
    segments: list[Segment] = []
    empty: list[Segment] = []
    with _opened(kept.folder) as folder:
        for name in os.listdir(folder):  # noqa: PTH208 - of a descriptor: the folder may be replaced meanwhile
            if read := kept.read_name(name):
                with contextlib.suppress(FileNotFoundError):
                    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
                    if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid():
                        begin, run = read
                        segment = Segment(name, begin, max(begin, found.st_mtime), found.st_size, run)
                        (segments if segment.size > _HEADERS else empty).append(segment)
        disk = os.fstatvfs(folder)
    by_age = sorted(segments, key=lambda one: (one.begin, one.run))
    return Shelf(tuple(by_age), tuple(empty), disk.f_bavail / disk.f_blocks if disk.f_blocks else 1.0)


def remove(kept: Kept, segments: Iterable[Segment]) -> None:
    """Remove segments. A name is one of the folder's own: no link is followed. Raises OSError."""
    with _opened(kept.folder) as folder:
        for segment in segments:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(segment.file, dir_fd=folder)


def read_index(kept: Kept, most: int) -> str:
    """What is written down beside the segments, of `most` bytes the last ones; empty if nothing is. Raises OSError."""
    with _opened(kept.folder) as folder:
        try:
            descriptor = os.open(kept.index, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
        except FileNotFoundError:
            return ""
        with os.fdopen(descriptor, "rb") as file:
            file.seek(max(0, os.fstat(descriptor).st_size - most))
            return file.read(most).decode("utf-8", "replace")


def write_index(kept: Kept, text: str) -> None:
    """Write it anew, in one step. Raises OSError."""
    new = f".{kept.index}.new"
    with _opened(kept.folder) as folder:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(new, dir_fd=folder)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(new, flags, 0o644, dir_fd=folder), "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(new, kept.index, src_dir_fd=folder, dst_dir_fd=folder)


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[int]:
    """A descriptor of the folder. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


class Looks:
    """Looks at folders for who waits for it, from any thread.

    One that hangs keeps one thread of ours, however often somebody asks, and nobody for longer than `seconds`.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._under_way: dict[Path, Future[tuple[Shelf, str]]] = {}
        self._lock = threading.Lock()

    def __call__(self, kept: Kept, most: int) -> tuple[Shelf, str]:
        """What is there, and what is written down beside it, of `most` bytes the last ones. Raises OSError."""
        with self._lock:
            answer = self._under_way.get(kept.pattern)
            if answer is None:
                answer = self._under_way[kept.pattern] = Future()
                threading.Thread(target=self._look, args=(kept, most, answer), name="look", daemon=True).start()
        try:
            return answer.result(self._seconds)
        except TimeoutError:
            raise OSError(errno.ETIMEDOUT, "it does not answer") from None

    def _look(self, kept: Kept, most: int, answer: Future[tuple[Shelf, str]]) -> None:
        try:
            found = look(kept), read_index(kept, most)
        except OSError as error:
            self._over(kept)
            answer.set_exception(error)
        else:
            self._over(kept)
            answer.set_result(found)

    def _over(self, kept: Kept) -> None:
        """Before the answer is given: whoever has it and asks again is never given the old one."""
        with self._lock:
            del self._under_way[kept.pattern]


def apart(work: Callable[[], T]) -> asyncio.Future[T]:
    """What `work` returns or raises, from a daemon thread of its own."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: Exception | None) -> None:
        if future.done():
            return
        if error:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]  # there is one where there is no error

    def run() -> None:
        result, error = None, None
        try:
            result = work()
        except Exception as raised:  # noqa: BLE001 - whoever asked gets it
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop is over
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=run, name="apart", daemon=True).start()
    return future
