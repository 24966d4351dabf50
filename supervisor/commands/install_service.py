"""`neverdark install-service`: the systemd unit for the program, the configuration and the user at hand."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from supervisor.commands.service_unit import is_as_written, sealed, unit

NAME: Final = "neverdark.service"
_DONE, _FAILED, _WRONG = 0, 1, 2


def install(config: Path, user: str, credentials: Sequence[str], directory: Path, *, show: bool, force: bool) -> int:
    """Write the unit into `directory`, or print it. One that somebody has changed is replaced only with `force`."""
    template = Path(__file__).with_name(NAME).read_text(encoding="utf-8")
    named = dict(_split(each) for each in credentials)
    try:
        text = sealed(unit(template, _program(), config.absolute(), user, named, _group_of(user)))
    except ValueError as error:
        print(f"neverdark: {error}", file=sys.stderr)
        return _WRONG
    if show:
        print(text, end="")
        return _DONE
    file = directory / NAME
    try:
        there = file.read_text(encoding="utf-8", errors="replace") if file.exists() else None
        if there == text:
            print(f"{file}: is as it shall be")
            return _DONE
        if there is not None and not is_as_written(there) and not force:
            print(
                f"neverdark: {file}: somebody has changed it, so it stays. Changes belong into a drop-in (systemctl "
                "edit neverdark); --force replaces it, --print shows what would be written",
                file=sys.stderr,
            )
            return _FAILED
        new = file.with_name(f".{NAME}.new")
        new.write_text(text, encoding="utf-8")
        new.chmod(0o644)
        new.replace(file)
    except OSError as error:
        print(f"neverdark: {file}: cannot be written: {error.strerror}", file=sys.stderr)
        return _FAILED
    print(f"{file}: written. Next: systemctl daemon-reload && systemctl enable --now neverdark")
    _warn(config, user)
    return _DONE


def _warn(config: Path, user: str) -> None:
    """What the service will not come up without."""
    if not config.is_file():
        print(f"warning: {config}: is not there yet", file=sys.stderr)
    try:
        pwd.getpwnam(user)
    except KeyError:
        make = f"useradd --system --home-dir /var/lib/neverdark --shell /usr/sbin/nologin {user}"
        print(f"warning: there is no user {user} yet: {make}", file=sys.stderr)


def _split(credential: str) -> tuple[str, Path]:
    name, _, path = credential.partition(":")
    return name, Path(path or "/")


def _program() -> list[str]:
    """How this neverdark is started."""
    typed = Path(shutil.which(sys.argv[0]) or sys.argv[0]).absolute()
    for candidate in (typed, Path(sys.executable).with_name("neverdark")):
        if candidate.name == "neverdark" and os.access(candidate, os.X_OK) and candidate.is_file():
            return [str(candidate)]
    return [sys.executable, "-m", "supervisor"]


def _group_of(user: str) -> str:
    """The user's own group; one of the same name where there is no such user yet, as systemd-sysusers makes it."""
    try:
        return grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name
    except KeyError:
        return user
