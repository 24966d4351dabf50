"""`neverdark token`: who has a token of the API. It works on the file, whether neverdark runs or not."""

from __future__ import annotations

import json
import os
import pwd
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

from rich import box
from rich.table import Table

from supervisor.commands.client import terminal
from supervisor.config.fields import NAME
from supervisor.config.tokens import FILE, BrokenTokenFile, NoSuchToken, Scope, TokenFile

_DONE, _FAILED, _WRONG = 0, 1, 2
_T = TypeVar("_T")


class _Failed(Exception):  # noqa: N818 - it names the state
    """What is to be said."""


def create(data_dir: Path, name: str, scope: str, *, quiet: bool) -> int:
    """Make a token. It alone goes to stdout, so that a script can keep it."""
    file = TokenFile(data_dir / FILE)
    try:
        _done(file, lambda: data_dir.mkdir(parents=True, exist_ok=True, mode=0o750))
        first = _done(file, file.tokens) is None
        token = _done(file, lambda: file.create(name, Scope(scope), datetime.now(UTC)))
    except ValueError as error:
        print(f"neverdark: {name}: {error}", file=sys.stderr)
        return _FAILED if NAME.fullmatch(name) else _WRONG
    except _Failed as error:
        return _fail(error)
    if not quiet:
        print(f"the token of {name}, shown this once (its hash is in {file.path}):", file=sys.stderr)
    print(token, flush=True)
    if not quiet and first:
        print("from now on orders need a token, also on this machine: set NEVERDARK_API_TOKEN", file=sys.stderr)
    return _DONE


def show(data_dir: Path, *, as_json: bool) -> int:
    """List the tokens."""
    file = TokenFile(data_dir / FILE)
    try:
        tokens = _done(file, file.tokens) or ()
    except _Failed as error:
        return _fail(error)
    if as_json:
        rows = [{"name": token.name, "scope": token.scope, "created": token.created} for token in tokens]
        print(json.dumps({"tokens": rows}, indent=2))
        return _DONE
    if not tokens:
        print(f"no tokens in {file.path}", file=sys.stderr)
        return _DONE
    table = Table("NAME", "SCOPE", "CREATED", box=box.SIMPLE_HEAD, pad_edge=False)
    for token in tokens:
        table.add_row(token.name, token.scope, token.created)
    terminal().print(table)
    return _DONE


def revoke(data_dir: Path, name: str) -> int:
    """End a token."""
    file = TokenFile(data_dir / FILE)
    try:
        known = [token.name for token in _done(file, file.tokens) or ()]
        if known:
            _done(file, lambda: file.revoke(name))
    except NoSuchToken:
        known = [other for other in known if other != name]
    except _Failed as error:
        return _fail(error)
    if name not in known:
        meant = get_close_matches(name, known, n=1)
        more = f"; did you mean {meant[0]}?" if meant else f" in {file.path}"
        return _fail(_Failed(f"there is no such token: {name}{more}"))
    print(f"{name}: revoked")
    if len(known) == 1:
        left = "no token is left: orders are refused, but for those with the configuration's own"
        print(f"{left}; to take them without any again, remove {file.path} and restart neverdark", file=sys.stderr)
    return _DONE


def _done(file: TokenFile, work: Callable[[], _T]) -> _T:
    """The result of `work` on the file. Raises `_Failed` with what to say."""
    try:
        return work()
    except BrokenTokenFile as error:
        raise _Failed(f"{file.path}: {error}; mend it, or move it away and make all tokens anew") from None
    except PermissionError:
        raise _Failed(f"{file.path}: this user may not use it{_who_may(file.path.parent)}") from None
    except OSError as error:
        raise _Failed(f"{file.path}: {error.strerror}") from None


def _who_may(directory: Path) -> str:
    try:
        owner = directory.stat().st_uid
        return f"; run this as {pwd.getpwuid(owner).pw_name}" if owner != os.geteuid() else ""
    except (OSError, KeyError):
        return ""


def _fail(error: Exception) -> int:
    print(f"neverdark: {error}", file=sys.stderr)
    return _FAILED
