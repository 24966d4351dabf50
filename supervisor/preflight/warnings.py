"""What the owner of a valid configuration should be told: what is not safe, not there yet, or not what one may think.

One function a kind of warning, each a row of `_KINDS`; `check` prints them, `run` and every reload write them to the
journal. None of them keeps a configuration from being used.
"""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import re
import shlex
import stat
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

from supervisor.config.fields import text
from supervisor.config.file import Loaded, secret_files
from supervisor.config.problems import ConfigWarning
from supervisor.config.values import doubtful_values
from supervisor.desired.plan import PROGRESS
from supervisor.preflight.platforms import unlike_platforms
from supervisor.preflight.youtube import youtube_doubts
from supervisor.secrets.secrecy import secrets_of_argv, secrets_of_url

_GIVEN: Final = (Path("/run/secrets"), Path("/var/run/secrets"))  # where container engines put secrets, mode 0444
_MOST_OF_A_KIND: Final = 10
_READ: Final = stat.S_IROTH | stat.S_IRGRP
_WRITE: Final = stat.S_IWOTH | stat.S_IWGRP
_Shared = Callable[[int, int], bool]  # (group, owner) → whether it is shared
_VARIABLE: Final = re.compile(r"\$\{[^}]*\}")
_EMPTY_LOGIN: Final = re.compile(r"://[^/@:]*:@")  # a URL in which a variable stands for the password


def warnings_of(loaded: Loaded, file: Path) -> Iterator[ConfigWarning]:
    """Every warning of the configuration that was read from `file`, of many of a kind only the first ones."""
    for kind in _KINDS:
        found = list(kind(loaded, file))
        yield from found[:_MOST_OF_A_KIND]
        if len(found) > _MOST_OF_A_KIND:
            yield ConfigWarning(f"and {len(found) - _MOST_OF_A_KIND} more", "likewise")


# --- secrets that others can read ------------------------------------------------------------------


def _open_files(loaded: Loaded, file: Path) -> Iterator[ConfigWarning]:
    """Files that others can read although they hold secrets, or change although we do what they say."""
    streams = loaded.written.get("streams") or {}
    own = {name: stream for name, stream in streams.items() if name not in loaded.fragments}
    files = {file.absolute(): holds_secrets({**loaded.written, "streams": own})}
    files |= {fragment.file: holds_secrets(streams[name]) for name, fragment in loaded.fragments.items()}
    files |= {found.path: True for found in secret_files(loaded.config)}
    files |= {account.token_file: True for account in loaded.config.youtube.accounts.values()}
    if loaded.config.tls:
        files |= {loaded.config.tls.cert_file: False, loaded.config.tls.key_file: True}
    shared = cache(_is_shared)
    folders: dict[Path, None] = {}
    for path, secret in files.items():
        with contextlib.suppress(OSError):  # gone since it was read: the next look at it tells that
            yield from _open_file(path, shared, secret=secret)
            folders |= dict.fromkeys((path.parent, *path.resolve().parents))
    for folder in folders:
        with contextlib.suppress(OSError):
            yield from _open_folder(folder, shared)


def _open_file(path: Path, shared: _Shared, *, secret: bool) -> Iterator[ConfigWarning]:
    status = path.stat()
    others = _others(status, shared)
    if others & _WRITE:
        yield ConfigWarning(str(path), f"other users can change it: {_closing(path, status, secret=secret)}")
    elif secret and others & _READ and not _given(path, status):
        yield ConfigWarning(str(path), f"other users can read the secret in it: {_closing(path, status, secret=True)}")


def _open_folder(path: Path, shared: _Shared) -> Iterator[ConfigWarning]:
    status = path.stat()
    if _others(status, shared) & _WRITE and not status.st_mode & stat.S_ISVTX and not _is_read_only(path):
        yield ConfigWarning(str(path), f"other users can replace what is in it: chmod go-w {shlex.quote(str(path))}")


def _others(status: os.stat_result, shared: _Shared) -> int:
    """The mode bits that open a file to somebody else; those of its group only if somebody else is in it."""
    if status.st_mode & stat.S_IRWXG and shared(status.st_gid, status.st_uid):
        return status.st_mode
    return status.st_mode & ~stat.S_IRWXG


def _is_shared(group: int, owner: int) -> bool:
    """Whether anybody but its owner, us and root is known to be in a group. Most users have a group of their own."""
    try:
        members = set(grp.getgrgid(group).gr_mem)
    except KeyError:
        members = set()
    users = {user.pw_name: user for user in pwd.getpwall()}
    members |= {name for name, user in users.items() if user.pw_gid == group}
    ours = {owner, os.geteuid(), 0}
    return any(name not in users or users[name].pw_uid not in ours for name in members)


def _given(path: Path, status: os.stat_result) -> bool:
    """Whether it was put there for us by whoever runs the container: not ours to close, and nobody else is here."""
    at_its_place = any(place.is_relative_to(given) for place in (path, path.resolve()) for given in _GIVEN)
    return (at_its_place and status.st_uid == 0) or _is_read_only(path)


def _is_read_only(path: Path) -> bool:
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY)


def _closing(path: Path, status: os.stat_result, *, secret: bool) -> str:
    """The command that closes a file to others, and leaves it readable to us."""
    name = shlex.quote(str(path))
    if not secret:
        return f"chmod go-w {name}"
    if os.geteuid() in {status.st_uid, 0}:
        return f"chmod 600 {name}"
    if status.st_mode & stat.S_IRGRP and status.st_gid in {os.getegid(), *os.getgroups()}:
        return f"chmod 640 {name}"
    return f"chown {os.geteuid()} {name} && chmod 600 {name}"


def holds_secrets(written: Any, key: str = "") -> bool:
    """Whether a configuration's own text, or what stands in it as `key`, holds a secret; `${VAR}` is none."""
    if isinstance(written, dict):
        return any(holds_secrets(value, name) for name, value in written.items())
    if isinstance(written, list):
        return bool(secrets_of_argv(_VARIABLE.sub("", str(word)) for word in written))
    plain = "" if written is None else _VARIABLE.sub("", str(written))
    if key == "url":
        return bool(secrets_of_url(_EMPTY_LOGIN.sub("://", plain)))
    return bool(plain) if key in {"key", "passphrase", "api_token"} else False


# --- what cannot be known --------------------------------------------------------------------------


def _unverified_commands(loaded: Loaded, file: Path) -> Iterator[ConfigWarning]:
    """Commands of which nothing tells whether they send anything."""
    del file
    for name, stream in loaded.config.streams.items():
        if stream.command and not stream.destinations and not any(PROGRESS in text(word) for word in stream.command):
            reason = "without {progress} and without destinations, on air will mean: it runs, unverified"
            yield ConfigWarning(f"streams.{name}.command", reason)


def _doubtful_values(loaded: Loaded, file: Path) -> Iterator[ConfigWarning]:
    """Values that are allowed and hardly meant."""
    del file
    return doubtful_values(loaded.config)


_KINDS: Final[tuple[Callable[[Loaded, Path], Iterator[ConfigWarning]], ...]] = (
    _open_files,
    _unverified_commands,
    _doubtful_values,
    unlike_platforms,
    youtube_doubts,
)
