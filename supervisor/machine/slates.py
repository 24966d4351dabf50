"""Slates on disk: encoded once, proved by decoding, kept for as long as they are used. IO.

Whoever calls brings the thread: `make` takes seconds, and two minutes at most.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import subprocess
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from supervisor.ffmpeg.slate import Still, drawn_text, plain_ground, proof_argv, render_argv
from supervisor.machine.ffmpeg_binary import Binary

LONGEST_IMAGE: Final = 32_000_000  # bytes
_PATIENCE: Final = 120.0
_NICENESS: Final = 15
_ROOM: Final = 300_000_000  # that much of the disk must be free, or the slate is not worth it
_UNUSED: Final = 30 * 86400.0
_HALF_MADE: Final = 3600.0
_MOST_FILES, _MOST_BYTES = 50, 500_000_000
_SUFFIX: Final = ".mkv"
_WORDS: Final = 300

# Where text is drawn with: what nearly every system has one of. Without any, FFmpeg looks by itself.
_FONTS: Final = (
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf",
    "/usr/share/fonts/TTF/DejaVuSans.ttf",
    "/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf",
    "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf",
    "/usr/share/fonts/liberation-sans/LiberationSans-Regular.ttf",
    "/System/Library/Fonts/Supplemental/Arial Unicode.ttf",
)


class Ran(NamedTuple):
    """How a program ended, what it wrote and what it said."""

    code: int
    output: bytes
    said: str


Run = Callable[[Sequence[str], bytes, float], Ran]  # argv, standard input, seconds → raises OSError, SubprocessError


class Place(Protocol):
    """A directory that is made when it is needed; `data_dir.Folder` is one."""

    @property
    def path(self) -> Path:
        """Where FFmpeg finds it."""

    def opened(self) -> AbstractContextManager[int]:
        """A descriptor of it."""


class NoSlate(Exception):  # noqa: N818 - it names the state
    """A slate could not be made; the message is for its owner."""


def find_font() -> str | None:
    """The file of a font for `slate.render_argv`."""
    return next((font for font in _FONTS if os.access(font, os.R_OK)), None)


def read_image(path: Path) -> bytes:
    """An image's file. Raises `NoSlate` in words that follow its name."""
    try:
        if path.is_dir():
            raise NoSlate("this is a directory, not an image")
        with path.open("rb") as file:
            content = file.read(LONGEST_IMAGE + 1)
    except FileNotFoundError:
        raise NoSlate("there is no such file now") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "there can be no such file"
        raise NoSlate(f"it cannot be read: {reason}") from None
    if not content:
        raise NoSlate("this file is empty")
    if len(content) > LONGEST_IMAGE:
        raise NoSlate(f"expected an image of at most {LONGEST_IMAGE // 1_000_000} MB")
    return content


class Quietly:
    """Runs programs that have time: whatever is on air goes first."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopped = False

    def __call__(self, argv: Sequence[str], given: bytes, seconds: float) -> Ran:
        """Run one and wait for it. Raises OSError, SubprocessError."""
        if self._stopped:
            raise subprocess.SubprocessError("neverdark ends")
        with subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        ) as process:
            self._running.add(process)
            if self._is_over():  # since it was asked for
                process.kill()
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, process.pid, _NICENESS)
            try:
                output, said = process.communicate(given, timeout=max(0.0, seconds))
            except BaseException:
                process.kill()
                raise
            finally:
                self._running.discard(process)
        return Ran(process.returncode, output, said.decode("utf-8", "replace"))

    def _is_over(self) -> bool:
        return self._stopped

    def stop(self) -> None:
        """End what runs, and begin nothing more: a program's end waits for the threads that wait for these."""
        self._stopped = True
        for process in tuple(self._running):
            process.kill()


def render(
    binary: Binary,
    still: Still,
    image: bytes,
    output: Path,
    *,
    font: str | None,
    seconds: float = _PATIENCE,
    run: Run,
) -> None:
    """Encode a slate, and prove that it can be shown. Raises `NoSlate`; what is at `output` then is of no use.

    `image` is empty where text is drawn.
    """
    until = time.monotonic() + seconds
    _ran(run, render_argv(binary, still, str(output), picture=bool(image), font=font), image, until)
    proof = _ran(run, proof_argv(binary, str(output)), b"", until)
    width, height = still.size
    if proof.said or len(proof.output) != width * height:
        raise NoSlate(_words(proof.said) or f"what was made is not {still.size}")


def _ran(run: Run, argv: Sequence[str], given: bytes, until: float) -> Ran:
    try:
        ran = run(argv, given, until - time.monotonic())
    except subprocess.TimeoutExpired:
        raise NoSlate("FFmpeg was not ready in time") from None
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise NoSlate(f"FFmpeg could not be run: {getattr(error, 'strerror', None) or type(error).__name__}") from None
    if ran.code:
        raise NoSlate(_words(ran.said) or f"FFmpeg ended with exit code {ran.code}")
    return ran


def _words(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[0].rpartition("] ")[2][:_WORDS] if lines else ""


class Form(NamedTuple):
    """One way to make a slate, and the name of its file: of all that goes into it."""

    name: str
    still: Still
    image: bytes


class Slates:
    """The slates of a data_dir."""

    def __init__(self, place: Place, binary: Binary, *, run: Run, now: Callable[[], float] = time.time) -> None:
        """`now` is the wall clock, as the files' times are."""
        self._place = place
        self._binary = binary
        self._run = run
        self._now = now
        # Of each owner the newest, and the one before it, which may be on air.
        self._used: dict[str, deque[str]] = defaultdict(partial(deque, maxlen=2))
        self.font = find_font()

    def find(self, still: Still, frame: Path | None = None) -> Path | None:
        """The file of a slate that is ready, the best that there is; None for none. Only looks.

        `frame` is the image of a `last_frame`.
        """
        for form in self._forms(still, frame):
            path = self._place.path / form.name
            try:
                if path.stat().st_size:
                    self._use(form)
                    os.utime(path)
                    return path
            except OSError:
                continue
        return None

    def make(self, still: Still, frame: Path | None = None, *, seconds: float = _PATIENCE) -> Path:
        """The file of a slate, made if it is not there. Blocks for as long as that takes, `seconds` at most.

        Where its image cannot be read its text is drawn, and where no text can be drawn a plain ground: so that
        there is something to be shown. Raises `NoSlate` if nothing can be made, the disk is full or cannot be written.
        """
        until = time.monotonic() + seconds
        last = NoSlate("there is nothing to be shown")
        for form in self._forms(still, frame):
            path = self._place.path / form.name
            if not _is_there(path):
                try:
                    self._make(form, path, until - time.monotonic())
                except NoSlate as error:
                    last = error
                    continue
            self._use(form)
            self.tidy()
            return path
        raise last

    def _use(self, form: Form) -> None:
        used = self._used[form.still.owner]
        if form.name not in used:
            used.append(form.name)

    def _make(self, form: Form, path: Path, seconds: float) -> None:
        half = path.with_name(f".{path.stem}-{secrets.token_hex(4)}{_SUFFIX}")
        try:
            with self._place.opened() as folder:
                state = os.statvfs(folder)
                if state.f_bavail * state.f_frsize < _ROOM:
                    raise NoSlate(f"{self._place.path}: {os.strerror(errno.ENOSPC)}")
                render(self._binary, form.still, form.image, half, font=self.font, seconds=seconds, run=self._run)
                with half.open("rb") as file:
                    os.fsync(file.fileno())
                half.rename(path)
        except OSError as error:
            raise NoSlate(f"{self._place.path}: {error.strerror}") from None
        finally:
            with contextlib.suppress(OSError):
                half.unlink()

    def _forms(self, still: Still, frame: Path | None) -> Iterator[Form]:
        """The slate as it is to be, and what may stand for it."""
        wanted = frame if still.last_frame else still.image
        if wanted is not None:
            with contextlib.suppress(NoSlate):
                yield self._form(still, read_image(wanted))
        if still.text:
            yield self._form(drawn_text(still), b"")
        yield self._form(plain_ground(still), b"")

    def _form(self, still: Still, image: bytes) -> Form:
        argv = render_argv(self._binary, still, "", picture=bool(image), font=self.font)
        content = hashlib.sha256(repr((argv, self._binary.version)).encode())
        content.update(image)
        return Form(content.hexdigest()[:32] + _SUFFIX, still, image)

    def tidy(self) -> None:
        """Remove what nobody has used for long, what is too much, and what was left half made."""
        now, left, size = self._now(), 0, 0
        kept = frozenset(name for names in self._used.values() for name in names)
        with contextlib.suppress(OSError):
            with os.scandir(self._place.path) as entries:
                files = [(entry.stat(follow_symlinks=False), entry.name) for entry in entries]
            files.sort(key=lambda file: (file[1] in kept, file[0].st_mtime), reverse=True)
            for status, name in files:
                age, used = now - status.st_mtime, name in kept
                left, size = left + 1, size + status.st_size
                half = name.startswith(".") and age > _HALF_MADE
                if half or (not used and (age > _UNUSED or left > _MOST_FILES or size > _MOST_BYTES)):
                    (self._place.path / name).unlink()


def _is_there(path: Path) -> bool:
    with contextlib.suppress(OSError):
        return path.stat().st_size > 0
    return False
