"""The `recording` of a destination: a folder of segments instead of a URL."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from supervisor.config.fields import absolute
from supervisor.model.policies import PositiveDuration, Section
from supervisor.model.push_urls import is_listener
from supervisor.model.quantities import ByteSize, Duration

SHORTEST_SEGMENT: Final = 10.0
_LONGEST_SEGMENT: Final = 86_400.0
_MOST_FREE: Final = 0.9
_PERCENT: Final = re.compile(r"([0-9]{1,2}(?:\.[0-9]{1,4})?) ?%")


def _segment(value: float) -> float:
    if not SHORTEST_SEGMENT <= value <= _LONGEST_SEGMENT:
        raise ValueError(f"expected a duration from {SHORTEST_SEGMENT:g}s to 24h")
    return value


def _share(value: object) -> float:
    """A part of the disk, from 0 to 90 %."""
    found = _PERCENT.fullmatch(value.strip()) if isinstance(value, str) else None
    share = float(found[1]) / 100 if found else _MOST_FREE + 1
    if share > _MOST_FREE:
        raise ValueError("expected a part of the disk such as 5%, at most 90%")
    return share


Share = Annotated[float, BeforeValidator(_share)]


class KeepSection(Section):
    """What is kept of a recording."""

    size: ByteSize | None = None
    age: Annotated[Duration, Field(gt=0)] | None = None
    free: Share = Field(default="5%")  # type: ignore[assignment]  # as one writes it


class RecordingSection(Section):
    """A folder of segments."""

    directory: Annotated[Path, AfterValidator(absolute)]  # not looked at here: its server may be gone
    format: Literal["mkv", "ts", "mp4"] = "mkv"
    segment: Annotated[PositiveDuration, AfterValidator(_segment)] = 600.0
    keep: KeepSection = KeepSection()


def as_destination(value: Any) -> Any:
    """A destination as it is written; not required unless said, if it is a recording or waits to be called.

    A recording gets the URL that stands for it.
    """
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("url"), str) and is_listener(value["url"]):
        return {"required": False, **value}  # nobody need call
    if value.get("recording") is None:
        return value
    section = value["recording"] if isinstance(value["recording"], dict) else {}
    folder, suffix = section.get("directory"), section.get("format", "mkv")
    url = f"{folder if isinstance(folder, str) else ''}/recording.{suffix}"
    return {"url": url if suffix in {"mkv", "ts", "mp4"} else "/recording.mkv", "required": False, **value}
