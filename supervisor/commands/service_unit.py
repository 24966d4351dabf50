"""`neverdark.service` for the paths at hand, and whether a unit that is there is still as we wrote it. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

PROGRAM: Final = "/opt/neverdark/bin/neverdark"
CONFIG: Final = "/etc/neverdark/neverdark.yml"
USER: Final = "neverdark"
_HOMES: Final = (Path("/home"), Path("/root"), Path("/run/user"))
_PRIVATE: Final = (Path("/tmp"), Path("/var/tmp"))  # noqa: S108 - the unit has its own there
_PLAIN: Final = re.compile(r"[A-Za-z0-9_/.,:=@+-]+", re.ASCII)
_CREDENTIAL: Final = re.compile(r"[A-Za-z0-9_.-]{1,255}", re.ASCII)
_SEAL: Final = "# As neverdark install-service wrote it; sha256 of the lines above: "


def unit(
    template: str, program: Sequence[str], config: Path, user: str, credentials: Mapping[str, Path], group: str
) -> str:
    """The unit, made of the packaged one; all paths absolute. Raises ValueError for what no unit can have."""
    for path in (Path(program[0]), config, *credentials.values()):
        _check(path)
    loaded = [f"LoadCredential={_credential(name)}:{_literal(path)}" for name, path in credentials.items()]
    at_home = any(_is_below(path, _HOMES) for path in (Path(program[0]), config))
    replaced = {
        "User": f"User={user}",
        "Group": f"Group={group}",
        "EnvironmentFile": f"EnvironmentFile=-{_literal(config.parent / 'neverdark.env')}",
        **({"#LoadCredential": "\n".join(loaded)} if loaded else {}),
        **({"ProtectHome": "ProtectHome=read-only"} if at_home else {}),
    }
    command = " ".join(map(_word, program))
    lines = [replaced.get(line.partition("=")[0], line) for line in template.splitlines()]
    started = [line.replace(CONFIG, _word(str(config))) if line.startswith("Exec") else line for line in lines]
    return "\n".join(line.replace(PROGRAM, command) for line in started) + "\n"


def sealed(text: str) -> str:
    """`text` with a last line that tells whether somebody has changed it since."""
    return f"{text}{_SEAL}{hashlib.sha256(text.encode()).hexdigest()}\n"


def is_as_written(text: str) -> bool:
    """Whether nobody has changed what `sealed` made."""
    above, found, _ = text.rpartition(_SEAL)
    return bool(found) and text == sealed(above)


def _check(path: Path) -> None:
    if not path.is_absolute() or not str(path).isprintable():
        raise ValueError(f"{str(path)!r}: expected an absolute path of printable characters")
    if _is_below(path, _PRIVATE):
        raise ValueError(f"{path}: expected a place that the service can see: it has a /tmp of its own")


def _is_below(path: Path, folders: Sequence[Path]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)


def _credential(name: str) -> str:
    if not _CREDENTIAL.fullmatch(name) or name in {".", ".."}:
        raise ValueError(f"{name!r}: expected the name of a credential: letters, digits, _, . and -")
    return name


def _literal(path: Path) -> str:
    """A path that stands in a line by itself."""
    if any(character in str(path) for character in " \"'\\"):
        raise ValueError(f"{str(path)!r}: expected a path without spaces, quotes and backslashes")
    return str(path).replace("%", "%%")


def _word(text: str) -> str:
    """One word of a command line, as systemd reads it."""
    text = text.replace("%", "%%").replace("$", "$$")
    if _PLAIN.fullmatch(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
