"""Which other neverdark of this user, on this machine, publishes to the same place. IO, blocks.

Each writes down, in a folder that only its user can enter, a file that it keeps locked; the lock ends with the process.
In it are its pid, its data_dir and keyed hashes of where it publishes: no key. Nobody is kept from publishing, so
nobody can keep us from it. What runs as another user, or in a container with a /dev/shm of its own, is not seen.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(f"/dev/shm/neverdark-{os.geteuid()}")  # noqa: S108 - examined before it is used
_MOST_BYTES = 4_000_000
_MOST_FILES = 1000
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MAKE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Board:
    """The folder in which neverdarks of one user read of each other. One call at a time."""

    def __init__(self, folder: Path, data_dir: str) -> None:
        self._folder = folder
        self._data_dir = data_dir
        self._name = f"{os.getpid()}-{secrets.token_hex(8)}.json"
        self._file: int | None = None
        self._salt = b""
        with contextlib.suppress(OSError):
            self._salt = Path("/proc/sys/kernel/random/boot_id").read_bytes()[:64]

    def exchange(self, places: Iterable[str]) -> dict[str, str]:
        """Write down where we publish; returns who else publishes there, in words: place → words. Raises OSError."""
        hashes = {
            hashlib.blake2b(place.encode(), key=self._salt, digest_size=16).hexdigest(): place for place in places
        }
        with self._entered() as folder:
            self._write(folder, list(hashes))
            found: dict[str, str] = {}
            for other in self._others(folder):
                who = f"another neverdark, pid {other['pid']}, data_dir {other['data_dir']}"
                found |= {hashes[each]: who for each in other["claims"] if each in hashes}
        return found

    def close(self) -> None:
        """Publish no more."""
        if self._file is not None:
            with contextlib.suppress(OSError), self._entered() as folder:
                os.unlink(self._name, dir_fd=folder)
            os.close(self._file)
            self._file = None

    @contextlib.contextmanager
    def _entered(self) -> Iterator[int]:
        with contextlib.suppress(FileExistsError):
            self._folder.mkdir(mode=0o700)
        folder = os.open(self._folder, _DIRECTORY)
        try:
            status = os.fstat(folder)
            if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077:
                raise PermissionError(f"{self._folder} is not ours alone")
            yield folder
        finally:
            os.close(folder)

    def _write(self, folder: int, claims: list[str]) -> None:
        if self._file is not None and os.fstat(self._file).st_nlink == 0:  # somebody has cleared the folder
            os.close(self._file)
            self._file = None
        if self._file is None:
            file = os.open(self._name, _MAKE, 0o600, dir_fd=folder)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:  # somebody looks at it in this moment, and will remove it
                os.close(file)
                raise
            self._file = file
        data = json.dumps({"pid": os.getpid(), "data_dir": self._data_dir, "claims": claims}).encode()
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, data, 0)

    def _others(self, folder: int) -> Iterator[Mapping[str, Any]]:
        for name in os.listdir(folder)[:_MOST_FILES]:
            if name == self._name or not name.endswith(".json"):
                continue
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                file = os.open(name, _READ, dir_fd=folder)
                try:
                    try:
                        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                    except BlockingIOError:  # it is alive
                        told = json.loads(os.pread(file, _MOST_BYTES, 0))
                        yield {
                            "pid": int(told["pid"]),
                            "data_dir": str(told["data_dir"]),
                            "claims": list(told["claims"]),
                        }
                    else:
                        os.unlink(name, dir_fd=folder)
                finally:
                    os.close(file)
