"""The tokens that `neverdark token` makes: by name, each with a scope, in a file in the data_dir. IO.

The file has no token in it, only what a token's SHA-256 is. A slow hash, as passwords need one, would gain nothing: a
token is 32 random bytes, and nobody can try 2^256 of them; but every request would cost a tenth of a second.

Whoever uses the file looks at it each time (`TokenFile.tokens`), so that a running neverdark knows of a new or revoked
token at once. It is replaced as a whole: who reads it sees the old one or the new one.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import hmac
import json
import os
import re
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from supervisor.config.fields import NAME
from supervisor.config.stamp import Stamp, stamp_of_status

FILE: Final = "tokens.json"
MOST: Final = 100
PREFIX: Final = "nd_"  # says to people, and to programs that look for secrets that got out, what it is
# Whose orders are told by another word: the configuration's own token, nobody's on this machine, the file's.
OPERATOR: Final = "operator"
LOCAL: Final = "local"
_TAKEN_NAMES: Final = frozenset({OPERATOR, LOCAL, "config", "enabled", "neverdark", "schedule", "unknown"})
_VERSION: Final = 1
_BYTES: Final = 32
_IS_NAMED: Final = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}", re.ASCII)
_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_MOST_BYTES: Final = 64 * 1024


class Scope(StrEnum):
    """What a token allows: to read all, or also to give orders; or nothing but to tell what Alertmanager has sent."""

    READ = "read"
    CONTROL = "control"
    ALERTS = "alerts"


@dataclass(frozen=True, slots=True)
class Token:
    """A token as the file has it. `digest` is the SHA-256 of its text; `created` as ISO 8601 tells it, in UTC."""

    name: str
    scope: Scope
    digest: str
    created: str


class BrokenTokenFile(Exception):  # noqa: N818 - it names the state
    """The file is not as `neverdark token` writes it: none of its tokens is right. The text says what was expected."""


class NoSuchToken(Exception):  # noqa: N818 - it names the state
    """No token has this name."""


def looks_named(text: str) -> bool:
    """Whether `text` may be a token of the file; the configuration's own may look like anything."""
    return _IS_NAMED.fullmatch(text) is not None


def holder(tokens: tuple[Token, ...], text: str) -> Token | None:
    """The token whose text this is. It takes as long for one that is right, nearly right or wrong."""
    digest = _digest(text)
    found = None
    for token in tokens:
        if hmac.compare_digest(token.digest, digest):
            found = token
    return found


class TokenFile:
    """The tokens in one file, which need not be there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: tuple[Stamp, tuple[Token, ...] | str] | None = None

    def tokens(self) -> tuple[Token, ...] | None:
        """All tokens as they are now; None while there is no file. Raises `BrokenTokenFile`. Any thread may ask."""
        try:
            file = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise BrokenTokenFile(f"expected a plain file that can be read: {error.strerror}") from None
        try:
            status = os.fstat(file)
            known = self._known
            if known is None or known[0] != stamp_of_status(status):
                owners = {os.geteuid(), 0, self.path.parent.stat().st_uid}
                self._known = known = stamp_of_status(status), _read(file, status, owners)
        except OSError as error:
            raise BrokenTokenFile(f"expected a plain file that can be read: {error.strerror}") from None
        finally:
            os.close(file)
        if isinstance(known[1], str):
            raise BrokenTokenFile(known[1])
        return known[1]

    def create(self, name: str, scope: Scope, now: datetime) -> str:
        """A new token of this name; returns its text, which is kept nowhere.

        Raises ValueError for a name that cannot be had, `BrokenTokenFile`, OSError.
        """
        if not NAME.fullmatch(name):
            raise ValueError("expected 1 to 63 characters: a-z, 0-9, _ and -, beginning with a letter or digit")
        if name in _TAKEN_NAMES:
            raise ValueError("expected another name: this word tells of orders that came without a token of the file")
        text = PREFIX + secrets.token_urlsafe(_BYTES)
        with self._alone():
            known = self.tokens() or ()
            if any(token.name == name for token in known):
                raise ValueError(f"there is a token of this name; neverdark token revoke {name} ends it")
            if len(known) >= MOST:
                raise ValueError(f"there are {MOST} tokens, and no more may be; revoke one that nobody needs")
            created = now.isoformat(timespec="seconds").removesuffix("+00:00") + "Z"
            self._write((*known, Token(name, scope, _digest(text), created)))
        return text

    def revoke(self, name: str) -> None:
        """End a token. Raises `NoSuchToken`, `BrokenTokenFile`, OSError."""
        with self._alone():
            known = self.tokens() or ()
            kept = tuple(token for token in known if token.name != name)
            if len(kept) == len(known):
                raise NoSuchToken(name)
            self._write(kept)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Two that write at once would lose one of both tokens."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        lock = os.open(self.path.with_name(self.path.name + ".lock"), flags, 0o600)
        try:
            _give_to_owner_of(self.path.parent, lock)
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _write(self, tokens: tuple[Token, ...]) -> None:
        rows = [
            {"name": token.name, "scope": token.scope, "sha256": token.digest, "created": token.created}
            for token in tokens
        ]
        content = json.dumps({"version": _VERSION, "tokens": rows}, indent=1).encode() + b"\n"
        new = self.path.with_name(self.path.name + ".new")
        with contextlib.suppress(FileNotFoundError):
            new.unlink()  # of somebody who lost power: we are alone
        file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(file, "wb") as writing:
                os.fchmod(file, 0o600)
                _give_to_owner_of(self.path.parent, file)
                writing.write(content)
                writing.flush()
                os.fsync(file)
            new.replace(self.path)
        except OSError:
            new.unlink(missing_ok=True)
            raise
        _sync(self.path.parent)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _give_to_owner_of(directory: Path, file: int) -> None:
    """What root makes in somebody's data_dir is for the neverdark that runs as that user."""
    if os.geteuid() == 0:
        status = directory.stat()
        os.fchown(file, status.st_uid, status.st_gid)


def _sync(directory: Path) -> None:
    """A revoked token stays revoked after a loss of power."""
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


# --- what stands in it -------------------------------------------------------------------------------


def _read(file: int, status: os.stat_result, owners: set[int]) -> tuple[Token, ...] | str:
    """The tokens, or what is wrong with the file."""
    wrong: str | None = None
    if not stat.S_ISREG(status.st_mode):
        wrong = "expected a plain file"
    elif status.st_uid not in owners:
        wrong = f"expected a file of the user that neverdark runs as, but it belongs to user {status.st_uid}"
    elif status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        wrong = "expected a file that nobody else may change: chmod 600"
    elif status.st_size > _MOST_BYTES:
        wrong = f"expected at most {_MOST_BYTES} bytes"
    if wrong:
        return wrong
    try:
        return _tokens(json.loads(os.pread(file, _MOST_BYTES, 0)))
    except (OSError, ValueError, RecursionError):  # its content is not repeated: it may be a token by mistake
        return "expected what neverdark token writes, but this is no JSON"
    except BrokenTokenFile as error:
        return str(error)


def _tokens(tree: Any) -> tuple[Token, ...]:
    """Raises `BrokenTokenFile` for anything that is not exactly as `_write` has it: a guess could open the door."""
    if not isinstance(tree, dict) or not isinstance(tree.get("tokens"), list):
        raise BrokenTokenFile("expected what neverdark token writes: version and tokens")
    if tree.get("version") != _VERSION:
        raise BrokenTokenFile(f"expected version {_VERSION}: it may be of a newer neverdark")
    if len(tree["tokens"]) > MOST:
        raise BrokenTokenFile(f"expected at most {MOST} tokens")
    tokens = tuple(_token(number, row) for number, row in enumerate(tree["tokens"]))
    if len({token.name for token in tokens}) < len(tokens):
        raise BrokenTokenFile("expected each name once")
    return tokens


def _token(number: int, row: Any) -> Token:
    match row:
        case {"name": str(name), "scope": str(scope), "sha256": str(digest), "created": str(created)} if (
            NAME.fullmatch(name)
            and name not in _TAKEN_NAMES
            and scope in set(Scope)
            and _DIGEST.fullmatch(digest)
            and _TIME.fullmatch(created)
        ):
            return Token(name, Scope(scope), digest, created)
    raise BrokenTokenFile(f"expected name, scope (read, control or alerts), sha256 and created in tokens[{number}]")
