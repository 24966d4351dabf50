"""The data_dir: ours alone, locked, and entered by descriptors that follow no link. IO.

What others made or can change is refused: they could read what FFmpeg prints, have files of ours deleted elsewhere,
or keep us from starting.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import pwd
import re
import secrets
import shlex
import stat
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from supervisor.machine.marks import is_of_our_user

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_BELOW = _DIRECTORY | os.O_NOFOLLOW
# The group may read logs, as it may the data_dir itself.
_FOLDERS = {"run": 0o700, "logs": 0o750, "slates": 0o700, "thumbnails": 0o700, "frames": 0o700}
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_ID = re.compile(r"[0-9a-f]{32}")


class DataDirInUse(OSError):  # noqa: N818 - it names the state
    """Another neverdark runs with this data_dir."""

    def __init__(self, path: Path) -> None:
        super().__init__(errno.EBUSY, f"another neverdark is running with data_dir {path}")


class Untrusted(OSError):  # noqa: N818 - it names the state
    """Something in the data_dir that others made or can change. `remedy` is the command that mends it."""

    def __init__(self, path: Path, what: str, remedy: str) -> None:
        super().__init__(errno.EPERM, f"{path} {what}")
        self.remedy = remedy


class DataDir:
    """A data_dir that is locked for as long as this object is open.

    `mark` is what our children carry. It names this directory and no other, not even a copy of it or another one at
    the same path in another container, and the next neverdark finds the same.
    """

    def __init__(self, path: Path) -> None:
        """Make it if it is not there, examine it, lock it.

        Raises `DataDirInUse`, `Untrusted`, and OSError when it cannot be made, opened or locked.
        """
        with contextlib.ExitStack() as undo:
            self._directory = _made_and_open(path)
            undo.callback(os.close, self._directory)
            self.path = path.resolve()
            # run/STREAM/FIFO and logs/STREAM: a log file is ours by its directory, whoever has packed it up.
            _examine_below(self._directory, ["run"], 2, self.path, self.path)
            _examine_below(self._directory, ["logs"], 1, self.path, self.path)
            _examine_below(self._directory, ["thumbnails"], 0, self.path, self.path)
            self._lock = _locked(self._directory, self.path)
            _sign(self._lock)
            undo.callback(_close, self._lock)
            identity, where = _identity(self._directory, self.path), _place(self._directory)
            undo.pop_all()
        self.mark = f"{identity}:{where}"
        # What an earlier run could not write down on a full disk, it marked without the id.
        self.marks = frozenset({self.mark, f":{where}"})

    def close(self) -> None:
        """Let the next one have it."""
        os.close(self._directory)
        _close(self._lock)

    def folder(self, *names: str) -> Folder:
        """A directory below, such as ("logs", STREAM)."""
        return Folder(self, names)

    def held(self, *names: str) -> Path:
        """The way to what is below that leads through our descriptor, wherever the data_dir has been moved to."""
        return Path(f"/proc/self/fd/{self._directory}", *names)

    def opened(self, names: tuple[str, ...]) -> int:
        """A new descriptor of a directory below, which is made if it is not there. Raises OSError."""
        if os.fstat(self._directory).st_nlink == 0:
            self._make_again()
        path, mode = self.path, _FOLDERS[names[0]]
        descriptor = os.dup(self._directory)
        for name in names:
            path /= name
            above = descriptor
            try:
                descriptor = _entered(above, name, mode)
            finally:
                os.close(above)
            try:
                _examine(os.fstat(descriptor), path, self.path)
            except OSError:
                os.close(descriptor)
                raise
        return descriptor

    def _make_again(self) -> None:
        """Somebody has removed the whole directory while we run. The number of its descriptor stays."""
        again = DataDir(self.path)
        os.dup2(again._directory, self._directory, inheritable=False)
        self._lock, again._lock = again._lock, self._lock
        again.close()


@dataclass(frozen=True, slots=True)
class Folder:
    """A directory in the data_dir; it need not be there yet."""

    data_dir: DataDir
    names: tuple[str, ...]

    @property
    def path(self) -> Path:
        """For people."""
        return self.data_dir.path.joinpath(*self.names)

    @contextlib.contextmanager
    def opened(self) -> Iterator[int]:
        """A descriptor of it, made if it is not there. Raises OSError, as `Untrusted` when others can change it."""
        descriptor = self.data_dir.opened(self.names)
        try:
            yield descriptor
        finally:
            os.close(descriptor)


# --- the directory itself ----------------------------------------------------------------------------


def _made_and_open(path: Path) -> int:
    with contextlib.suppress(FileExistsError):
        path.mkdir(parents=True, mode=0o750)
    directory = os.open(path, _DIRECTORY)
    try:
        status = os.fstat(directory)
        _examine(status, path, path)
    except OSError:
        os.close(directory)
        raise
    if status.st_mode & _OTHERS_WRITE:  # nor need they add any
        with contextlib.suppress(OSError):
            os.fchmod(directory, stat.S_IMODE(status.st_mode) & ~_OTHERS_WRITE)
    return directory


def _entered(above: int, name: str, mode: int) -> int:
    try:
        return os.open(name, _BELOW, dir_fd=above)
    except FileNotFoundError:
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, mode, dir_fd=above)
        return os.open(name, _BELOW, dir_fd=above)


def _examine_below(above: int, names: Iterable[str], levels: int, path: Path, top: Path) -> None:
    """What an earlier run of ours left, or somebody else: `names` in the directory `above`, and what is in them."""
    for name in names:
        with contextlib.suppress(FileNotFoundError):
            status = os.stat(name, dir_fd=above, follow_symlinks=False)
            if not stat.S_ISREG(status.st_mode):  # one of those is never opened: it is in the way, or replaced
                _examine(status, path / name, top)
            if stat.S_ISDIR(status.st_mode) and levels:
                below = os.open(name, _BELOW, dir_fd=above)
                try:
                    _examine_below(below, os.listdir(below), levels - 1, path / name, top)  # noqa: PTH208 - no path
                finally:
                    os.close(below)


def _examine(status: os.stat_result, path: Path, top: Path) -> None:
    """Raises `Untrusted` unless it is ours alone to change."""
    everything = shlex.quote(str(top))
    if stat.S_ISLNK(status.st_mode):
        raise Untrusted(path, "is a symbolic link", f"rm {shlex.quote(str(path))}")
    if status.st_uid != os.geteuid():
        raise Untrusted(path, f"belongs to {_user(status.st_uid)}", f"chown -R {os.geteuid()} {everything}")
    # With the sticky bit, as the root of a tmpfs has it, others can add names, but none of ours can they change.
    if status.st_mode & _OTHERS_WRITE and not status.st_mode & stat.S_ISVTX:
        who = "every user" if status.st_mode & stat.S_IWOTH else "its group"
        raise Untrusted(path, f"can be changed by {who}", f"chmod -R go-w {everything}")


def _user(uid: int) -> str:
    try:
        return f"{pwd.getpwuid(uid).pw_name} (user {uid})"
    except KeyError:
        return f"user {uid}"


def _place(descriptor: int) -> str:
    status = os.fstat(descriptor)
    return f"{status.st_dev:x}:{status.st_ino:x}"


# --- the two files in it -----------------------------------------------------------------------------


def _locked(directory: int, path: Path) -> int | None:
    """The descriptor of the lock file, locked; None where there is none and none can be made (no room, read-only)."""
    lock = _own_file(directory, "lock", path)
    try:
        if lock is not None:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _lock_directory(directory, alone=lock is None)
    except OSError as error:
        _close(lock)
        if isinstance(error, BlockingIOError):
            raise DataDirInUse(path) from None
        raise
    return lock


def _sign(lock: int | None) -> None:
    """Say in the lock file who has it: the pid, and since when (monotonic, in ns), for who wants to speak to it."""
    if lock is not None:
        with contextlib.suppress(OSError):  # a full disk
            os.ftruncate(lock, 0)
            os.pwrite(lock, f"{os.getpid()} {time.monotonic_ns()}\n".encode(), 0)


def _lock_directory(directory: int, *, alone: bool) -> None:
    """Versions before this one lock the directory itself, and where there is no lock file nothing else is left.

    But whoever may read a directory can lock it: where the file is locked, another user's lock keeps nobody out.
    """
    try:
        fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:  # a network file system may lock files and no directories
        if alone or (isinstance(error, BlockingIOError) and not _locked_by_others(directory)):
            raise


def _locked_by_others(directory: int) -> bool:
    """Whether the lock on the directory is known to be held by no process of our user."""
    status = os.fstat(directory)
    place = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    holders: list[int] = []
    with contextlib.suppress(OSError):
        for line in Path("/proc/locks").read_text(encoding="ascii").splitlines():
            fields = line.split()
            if fields[1] == "FLOCK" and fields[5] == place:
                holders.append(int(fields[4]))
    return bool(holders) and not any(map(is_of_our_user, holders))


def _identity(directory: int, path: Path) -> str:
    """The random id that is kept in the directory; empty where it can be neither read nor written."""
    file = _own_file(directory, "id", path)
    if file is None:
        return ""
    try:
        known = os.pread(file, 100, 0).decode("ascii", "replace")
        if not _ID.fullmatch(known):
            known = secrets.token_hex(16)
            os.ftruncate(file, 0)
            os.pwrite(file, known.encode(), 0)
    except OSError:
        return ""
    finally:
        os.close(file)
    return known


def _own_file(directory: int, name: str, path: Path) -> int | None:
    """A file that nobody else can open; None where it cannot be had. Raises `Untrusted` if it is not ours."""
    with contextlib.suppress(FileNotFoundError):
        _examine(os.stat(name, dir_fd=directory, follow_symlinks=False), path / name, path)
    flags = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    for access in (os.O_RDWR | os.O_CREAT, os.O_RDONLY):
        with contextlib.suppress(OSError):
            file = os.open(name, access | flags, 0o600, dir_fd=directory)
            with contextlib.suppress(OSError):
                os.fchmod(file, 0o600)
            return file
    return None


def _close(descriptor: int | None) -> None:
    if descriptor is not None:
        os.close(descriptor)
