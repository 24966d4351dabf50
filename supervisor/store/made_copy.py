"""A copy of the streams that were made by API, in the data_dir: for a start at which the database is out of reach. IO.

It is what the database had last, or it is not there.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
from pathlib import Path
from typing import Final

from supervisor.model.edits import Bodies

FILE: Final = "made-streams.json"
_VERSION: Final = 1


class MadeCopy:
    """`path` is in a directory that nobody else can change; None: there is no copy."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def load(self) -> Bodies | None:
        """What stands there; None: nothing, or nothing of ours."""
        if self._path is None:
            return None
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as file:
                status = os.fstat(descriptor)
                if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
                    return None
                tree = json.load(file)
        except (OSError, ValueError, RecursionError):
            return None
        streams = tree.get("streams") if isinstance(tree, dict) and tree.get("version") == _VERSION else None
        if not isinstance(streams, dict) or not all(isinstance(body, dict) for body in streams.values()):
            return None
        return streams

    def save(self, made: Bodies) -> None:
        """From now on it is this. Where that cannot be written, there is none: an old one would tell what is not so."""
        if self._path is None:
            return
        new = self._path.with_name(f"{self._path.name}.new")
        try:
            new.unlink(missing_ok=True)
            if made:
                _write(new, json.dumps({"version": _VERSION, "streams": made}).encode())
                new.replace(self._path)
            else:
                self._path.unlink(missing_ok=True)
        except OSError:
            for path in (new, self._path):
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o600)
        file.write(content)
        file.flush()
        os.fsync(descriptor)
