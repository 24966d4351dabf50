"""A destination's own picture and sound, made of those that the stream's encoder makes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field

from supervisor.model.policies import PositiveDuration, Section
from supervisor.model.quantities import BitRate, Number, PictureSize

ENCODERS: Final = ("libx264", "h264_vaapi", "h264_qsv", "h264_nvenc", "h264_v4l2m2m", "h264_videotoolbox")
_LONGEST_KEYFRAME_INTERVAL: Final = 10.0


def _keyframe_interval(value: float) -> float:
    if value > _LONGEST_KEYFRAME_INTERVAL:
        raise ValueError(f"expected at most {_LONGEST_KEYFRAME_INTERVAL:g}s: a duration, not a number of frames")
    return value


KeyframeInterval = Annotated[PositiveDuration, AfterValidator(_keyframe_interval)]


class RenditionVideo(Section):
    """What is not as in the stream's own picture; what is not named is as there."""

    codec: Literal[ENCODERS] | None = None  # type: ignore[valid-type]  # one tuple for the code, the docs and this
    size: PictureSize | None = None
    fps: Number | None = Field(default=None, gt=0, le=240)
    bitrate: BitRate | None = None
    keyframe_interval: KeyframeInterval | None = None
    preset: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_]+$")


class RenditionAudio(Section):
    """The sound, encoded once more."""

    bitrate: BitRate


def broken_rendition(
    stream: Mapping[str, Any], destination: Mapping[str, Any]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Each place below a destination, as it is written, that cannot be had, and what was expected there."""
    for key in ("video", "audio"):
        if destination.get(key) is None:
            continue
        if stream.get("command") is not None:
            yield (key,), "cannot be had with command: the command makes its own picture and sound"
        elif destination[key] == {}:
            yield (key,), "expected what is to be unlike the stream's own, but nothing stands there"
    audio, url = stream.get("audio"), destination.get("url")
    if destination.get("audio") is None:
        return
    if isinstance(audio, dict) and audio.get("source") == "none":
        yield ("audio",), "cannot be had with audio: {source: none}, which sends no sound"
    elif isinstance(url, str) and url.lower().startswith("rtsp:"):
        yield ("audio",), "cannot be had with rtsp, for which the sound is encoded anyway"
