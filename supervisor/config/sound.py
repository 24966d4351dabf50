"""Lists of tracks, and sound that comes from elsewhere than the picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator

from supervisor.config.fields import absolute

SECTION, WORD = "(section)", "(word)"  # stand in pydantic's paths where a key may be either, and in nobody else's
_MOST_PLACES: Final = 10_000


def form(value: object) -> str:
    """Whether a section stands there, or a word."""
    return WORD if value is None or isinstance(value, str | bool | int | float) else SECTION


def _places(value: object) -> object:
    if isinstance(value, str):
        value = [_place(Path(value))]  # alone: then a mistake is that of the key, not of an item of it
    if value == []:
        raise ValueError("expected something, but it is empty")
    if isinstance(value, list) and len(value) > _MOST_PLACES:
        raise ValueError(f"expected at most {_MOST_PLACES} files: put them into a directory, and name that")
    return value


def _place(value: Path) -> Path:
    written = str(value)
    if ":/" in written or not written or "\0" in written:
        raise ValueError("expected the path of a file or a directory: a list has no URLs")
    return absolute(value)


Playlist = Annotated[tuple[Annotated[Path, AfterValidator(_place)], ...], BeforeValidator(_places)]
