"""Small pictures of what a stream sends, and why there is none. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Picture(NamedTuple):
    """A JPEG, and when (monotonic) its keyframe had come."""

    jpeg: bytes
    taken: float

    def __repr__(self) -> str:
        return f"Picture({len(self.jpeg)} bytes)"  # what is in it is for nobody's log


class ThumbnailResult(StrEnum):
    """What became of a wish for a picture."""

    MADE = "made"
    CACHED = "cached"
    NO_MEDIA = "no_media"
    UNDECODABLE = "undecodable"
    BUSY = "busy"


class NoPicture(Exception):  # noqa: N818 - it names the state
    """There is none, for a reason in words. `lasting`: asking again helps only when somebody has changed something."""

    def __init__(self, why: str, *, lasting: bool = False) -> None:
        super().__init__(f"no picture: {why}")
        self.lasting = lasting
