"""What one value of the configuration may be, but for URLs: names, paths, programs, secrets."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from supervisor.config.stamp import Stamp, read_stamped
from supervisor.model import selection
from supervisor.model.cron import parse_cron
from supervisor.model.destination_urls import no_key
from supervisor.model.selection import LABEL, LABEL_VALUE, MOST_LABELS, RESERVED
from supervisor.model.until import LONGEST_REASON, parse_moment
from supervisor.model.zones import parse_zone

NAME = selection.NAME
MIN_TOKEN = 8
_IS_TOKEN = re.compile(rf"[!-~]{{{MIN_TOKEN},}}").fullmatch
_SPACE = re.compile(r"\s")
_MAX_SECRET_FILE = 65536  # a secret is short: of a video that was named by mistake, no more is read


def _name(value: str) -> str:
    if not NAME.fullmatch(value):
        raise ValueError("expected a name of 1 to 63 characters: a-z, 0-9, _ and -, beginning with a letter or digit")
    return value


Name = Annotated[str, AfterValidator(_name)]


def text(value: str | SecretStr | None) -> str:
    """The plain text of a value that may be secret; empty for none. For argv and sockets, never for logs."""
    if value is None:
        return ""
    return value.get_secret_value() if isinstance(value, SecretStr) else value


@dataclass(frozen=True, slots=True)
class SecretFile:
    """A secret that stands in a file of its own, as it was read when the configuration was."""

    path: Path
    secret: SecretStr
    stamp: Stamp = field(compare=False, default=Stamp())  # the same secret in a file written anew is no change


# Relative paths of a file are relative to the file, not to wherever neverdark happens to be started.
base_dir: ContextVar[Path] = ContextVar("base_dir", default=Path())


class Written(dict[str, Any]):
    """Keys and values as they stand in a file of some directory, where that is not the configuration's own."""

    def __init__(self, content: Mapping[str, Any], directory: Path) -> None:
        super().__init__(content)
        self.directory = directory


@contextlib.contextmanager
def as_seen_from(written: object) -> Iterator[None]:
    """Relative paths are relative to where this is written."""
    token = base_dir.set(written.directory if isinstance(written, Written) else base_dir.get())
    try:
        yield
    finally:
        base_dir.reset(token)


def absolute(value: Path) -> Path:
    """`value` as seen from the file it stands in."""
    try:
        value = value.expanduser()
    except RuntimeError:
        raise ValueError("expected a path; there is no home directory for this ~") from None
    return (base_dir.get() / value).absolute()


def _objective(value: object) -> float:
    """A percentage or a ratio, as a ratio; below a half it is certainly a slip of the hand."""
    found = 0.0
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        with contextlib.suppress(ValueError):
            found = float(value.strip().removesuffix("%") if isinstance(value, str) else value)
    if 50.0 <= found <= 100.0:  # noqa: PLR2004 - percent
        return found / 100.0
    if not 0.5 <= found <= 1.0:  # noqa: PLR2004 - a ratio
        raise ValueError("expected a percentage such as 99.9, or a ratio such as 0.999")
    return found


Objective = Annotated[float, BeforeValidator(_objective)]


def _directory(value: Path) -> Path:
    value = absolute(value)
    try:
        nearest = next(folder for folder in (value, *value.parents) if folder.exists())
    except PermissionError:
        return value  # another user may check the file; who runs it is told when the data_dir is opened
    except OSError as error:
        raise ValueError(f"expected a directory that can be made and opened: {error.strerror}") from None
    if not nearest.is_dir():
        raise ValueError(f"expected a directory, but {nearest} is none")
    return value


def _included(value: Path) -> Path:
    value = absolute(value)
    try:
        os.scandir(value).close()
    except OSError as error:
        raise ValueError(f"expected a directory that can be read: {error.strerror}") from None
    return value


def _executable(value: str) -> str:
    if value == "auto":
        return value
    found = shutil.which(str(absolute(Path(value))) if "/" in value else value)
    if found is None:
        raise ValueError("expected auto, or the path of an FFmpeg that may be executed")
    return found


def read_secret(value: object) -> SecretFile:
    """The secret in the file that `value` names. Raises ValueError that says what was expected."""
    if isinstance(value, SecretFile):
        return value
    if not isinstance(value, str | Path):
        raise ValueError("expected the path of a file")  # noqa: TRY004 - pydantic reports ValueError
    path = absolute(Path(value))
    try:
        content, stamp = read_stamped(path, _MAX_SECRET_FILE, plain=True)
        secret = content.decode("utf-8-sig").strip()
    except OSError as error:
        raise ValueError(f"expected a readable file: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError("expected a file of UTF-8 text") from None
    if not secret:
        raise ValueError("expected a file with the secret as its only line, but it is empty")
    if len(secret.splitlines()) > 1:
        raise ValueError("expected a file with the secret as its only line, but it has several")
    if not secret.isprintable():
        raise ValueError("expected a file with the secret as its only line, but it holds control characters")
    return SecretFile(path, SecretStr(secret), stamp)


def _word(value: object) -> object:
    """Words need no quotes in YAML, also those that look like something else."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def _key(value: SecretStr) -> SecretStr:
    key = value.get_secret_value()
    if wrong := no_key(key):
        raise ValueError(wrong)
    if _SPACE.search(key):
        raise ValueError("expected a key without spaces or line ends")
    return value


def _key_file(value: SecretFile) -> SecretFile:
    _key(value.secret)
    return value


def _token(value: SecretStr) -> SecretStr:
    if not _IS_TOKEN(value.get_secret_value()):
        raise ValueError(f"expected a token of at least {MIN_TOKEN} ASCII characters, without spaces")
    return value


def _token_file(value: SecretFile) -> SecretFile:
    _token(value.secret)
    return value


def _local_time(value: object) -> datetime:
    with contextlib.suppress(ValueError):
        until = parse_moment(value) if isinstance(value, str) else None
        if until and until.time and not until.any_day:
            return until.time
    raise ValueError("expected a date and a time, such as 2026-12-24T22:00")


def _one_or_more(of: Callable[[str], str]) -> Callable[[object], object]:
    """A list of what `of` takes, or one alone: then a mistake is that of the key, not of an item of it."""

    def parse(value: object) -> object:
        if value == []:
            raise ValueError("expected something, but it is empty")
        return [of(value)] if isinstance(value, str) else value

    return parse


def _label(value: str) -> str:
    if not LABEL.fullmatch(value) or value in RESERVED:
        words = ", ".join(sorted(RESERVED))
        raise ValueError(
            f"expected a name of 1 to 32 characters: a-z, 0-9, _ and -, beginning with a letter; none of {words}"
        )
    return value


def _label_value(value: object) -> object:
    """Text; a number is taken as it is written."""
    value = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
    if isinstance(value, str) and not LABEL_VALUE.fullmatch(value):
        raise ValueError("expected 1 to 63 characters: a-z, A-Z, 0-9, . _ and -, beginning with a letter or digit")
    return value


def _labels(value: dict[str, str]) -> dict[str, str]:
    if len(value) > MOST_LABELS:
        raise ValueError(f"expected at most {MOST_LABELS} labels, but there are {len(value)}")
    return value


def _reason(value: str) -> str:
    if not value.isprintable() or len(value) > LONGEST_REASON:
        raise ValueError(f"expected a line of at most {LONGEST_REASON} characters")
    return value


Cron = Annotated[str, BeforeValidator(parse_cron)]
Crons = Annotated[tuple[Cron, ...], BeforeValidator(_one_or_more(parse_cron))]
Zone = Annotated[str, BeforeValidator(parse_zone)]
LocalTime = Annotated[datetime, BeforeValidator(_local_time)]
Names = Annotated[tuple[Name, ...], BeforeValidator(_one_or_more(_name))]
Label = Annotated[str, AfterValidator(_label)]
LabelValue = Annotated[str, BeforeValidator(_label_value)]
Labels = Annotated[dict[Label, LabelValue], AfterValidator(_labels)]
Reason = Annotated[str, AfterValidator(_reason)]
SecretWord = Annotated[SecretStr, BeforeValidator(_word)]
SecretFromFile = Annotated[SecretFile, BeforeValidator(read_secret)]
# Argument lists are the owner's own and may hold anything, passwords among it.
Words = tuple[SecretWord, ...]

Key = Annotated[SecretWord, Field(min_length=1), AfterValidator(_key)]
KeyFile = Annotated[SecretFromFile, AfterValidator(_key_file)]
Token = Annotated[SecretWord, AfterValidator(_token)]
TokenFile = Annotated[SecretFromFile, AfterValidator(_token_file)]
PlainFile = Annotated[Path, AfterValidator(absolute)]
Directory = Annotated[Path, AfterValidator(_directory)]
Included = Annotated[Path, AfterValidator(_included)]
Executable = Annotated[str, Field(min_length=1), AfterValidator(_executable)]
