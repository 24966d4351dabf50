"""What is laid over a picture: text, a file of text that is read again, an image. And the owner's own filters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field

from supervisor.config.fields import PlainFile
from supervisor.model.policies import Section
from supervisor.model.quantities import Count, Number

POSITIONS: Final = (
    *("top-left", "top", "top-right", "left", "center", "right", "bottom-left", "bottom", "bottom-right"),
)
IMAGE_TYPES: Final = (".png", ".jpg", ".jpeg")
MOST_OVERLAYS: Final = 8
_CONTENT: Final = ("text", "file", "image")
_OF_TEXT: Final = ("size", "color", "background")
_OF_IMAGE: Final = ("width", "opacity")
_LONGEST_TEXT: Final = 500
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f\ud800-\udfff]")
_COLOR: Final = r"^(?:[A-Za-z]{1,24}|#[0-9A-Fa-f]{6})(?:@(?:0|1|0\.\d{1,3}|1\.0))?$"
_NO_CHAIN: Final = re.compile(r"[;\[\]\x00-\x1f]")


def _text(value: str) -> str:
    if _CONTROL.search(value) or not value.strip():
        raise ValueError("expected text, of one line or several, without tabs and other control characters")
    return value


def _image(value: Path) -> Path:
    if value.suffix.lower() not in IMAGE_TYPES:
        raise ValueError(f"expected an image whose name ends with one of {', '.join(IMAGE_TYPES)}")
    return value


def _chain(value: str) -> str:
    if _NO_CHAIN.search(value) or not value.strip(", "):
        raise ValueError("expected one line of filters with commas between them, without ; and [labels]")
    return value


class Overlay(Section):
    """One thing that is laid over the picture; the first lies below the others."""

    text: Annotated[str, Field(max_length=_LONGEST_TEXT), AfterValidator(_text)] | None = None
    file: PlainFile | None = None
    image: Annotated[PlainFile, AfterValidator(_image)] | None = None
    position: Literal[POSITIONS] = "top-left"  # type: ignore[valid-type]  # one tuple for the code, the docs and this
    margin: Count = Field(default=20, ge=0, le=4000)
    size: Count | None = Field(default=None, ge=4, le=1000)
    color: str = Field(default="white", pattern=_COLOR)
    background: str | None = Field(default=None, pattern=_COLOR)
    width: Count | None = Field(default=None, ge=2, le=16384)
    opacity: Number = Field(default=1.0, gt=0, le=1)


Filters = Annotated[str, Field(max_length=2000), AfterValidator(_chain)]


def broken_overlays(video: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Each place below `video`, as it is written, that does not go with the others, and what was expected there."""
    copied = video.get("codec") == "copy"
    for key in ("overlay", "filters"):
        if copied and video.get(key):
            yield (key,), "cannot be had with codec: copy, which leaves the picture as it is"
    overlays = video.get("overlay")
    for index, one in enumerate(overlays if isinstance(overlays, list) else ()):
        if not isinstance(one, Mapping):
            continue
        has = [key for key in _CONTENT if one.get(key) is not None]
        if len(has) != 1:
            yield ("overlay", index), f"expected one of {', '.join(_CONTENT)}" + (", not several" if has else "")
            continue
        for key in _OF_TEXT if has == ["image"] else _OF_IMAGE:
            if one.get(key) is not None:
                yield ("overlay", index, key), f"cannot be had with {has[0]}"
