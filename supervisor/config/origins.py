"""Where a source comes from, besides a URL: a list, a program's output, a camera or a sound card of this machine.

What one of these keys means for another: `broken_origin`, on the raw tree, as all such rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, Field, ModelWrapValidatorHandler, SecretStr, model_validator

from supervisor.config.fields import PlainFile, Words
from supervisor.config.listening import Listening
from supervisor.config.sound import Playlist
from supervisor.model.quantities import Count, Number, PictureSize

CAMERA, CARD = "v4l2", "alsa"  # the keys, and FFmpeg's names of the formats
LISTS: Final = ("playlist", "directory", "m3u")
_ORIGINS: Final = ("url", "listen", *LISTS, "pipe", CAMERA, CARD)
_MOST_CHANNELS: Final = 8
# Whoever reads a device late loses what it has not read, and FFmpeg's own queue is short.
_QUEUE: Final = ("-thread_queue_size", "512")
# What does not go with an origin; what goes with one alone stands in `_WITH`.
_NOT_WITH: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(LISTS, ("format", "options", "realtime", "map")),
    "pipe": ("loop",),
    CAMERA: ("loop", "realtime"),
    CARD: ("loop", "realtime", "format"),
}
_WITH: Final = {"size": CAMERA, "fps": CAMERA, "channels": CARD}


def _device(value: str) -> str:
    if not value.startswith("/dev/") or "/../" in value or "\0" in value:
        raise ValueError("expected a device, such as /dev/video0 or a link below /dev/v4l/by-id")
    return value


def _program(value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    if not value or not value[0].get_secret_value():
        raise ValueError("expected a program as the first word")
    return value


class Origin(Listening):
    """One of these, or a URL, says where a source comes from."""

    playlist: Playlist | None = None
    directory: PlainFile | None = None
    m3u: PlainFile | None = None
    pipe: Annotated[Words, AfterValidator(_program)] | None = None
    v4l2: Annotated[str, AfterValidator(_device)] | None = None
    alsa: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_]{1,64}(:[A-Za-z0-9_=,.-]{1,64})?$")
    size: PictureSize | None = None
    fps: Number | None = Field(default=None, gt=0, le=240)
    channels: Count | None = Field(default=None, ge=1, le=_MOST_CHANNELS)

    @model_validator(mode="wrap")
    @classmethod
    def _as_ever(cls, value: Any, validate: ModelWrapValidatorHandler[Self]) -> Self:
        """A list of whatever kind is one list, and a device a URL with a format: so it is found where it always is."""
        found = validate(value)
        if not isinstance(value, Mapping):
            return found
        if place := found.directory or found.m3u:
            return found.model_copy(update={"playlist": (place,), "directory": None, "m3u": None})
        if found.v4l2 or found.alsa:
            opened = {"url": SecretStr(found.v4l2 or found.alsa or ""), "format": CAMERA if found.v4l2 else CARD}
            own: tuple[SecretStr, ...] = getattr(found, "options", ())
            return found.model_copy(update={**opened, "options": (*map(SecretStr, found.asked), *own)})
        return found

    @property
    def asked(self) -> Iterator[str]:
        """What a device is asked for, as FFmpeg's options."""
        yield from _QUEUE
        if kind := self.v4l2 and getattr(self, "format", None):
            yield from ("-input_format", kind)
        if self.size:
            yield from ("-video_size", "x".join(map(str, self.size)))
        if self.fps:
            yield from ("-framerate", f"{self.fps:g}")
        if self.channels:
            yield from ("-channels", str(self.channels))


# --- rules between keys ----------------------------------------------------------------------------


def broken_origin(source: Mapping[str, Any]) -> Iterator[tuple[str, str, bool]]:
    """Each key of a source that does not go with the others, what was expected, and whether its value tells more."""
    has = [key for key in _ORIGINS if source.get(key) is not None or (key == "url" and "url" in source)]
    if not has:
        yield "url", "expected a value: this key is required", False
    elif has[:2] == ["url", "listen"]:
        return  # told with what goes with `listen`
    elif len(has) > 1:
        yield has[1], f"expected one of {has[0]} and {has[1]}, not both", False
    origin = has[0] if has else ""
    for key in _NOT_WITH.get(origin, ()):
        if source.get(key) is not None:
            yield key, f"cannot be had with a {origin}" if origin in LISTS else f"cannot be had with {origin}", False
    for key, with_ in _WITH.items():
        if source.get(key) is not None and origin != with_:
            yield key, f"goes with {with_} alone; the picture that is sent is that of video", False
    if source.get("shuffle") and origin not in LISTS:
        yield "shuffle", "cannot be had without a playlist", True


def is_list(source: Mapping[str, Any]) -> bool:
    """Whether a source, as it is written, is a list."""
    return any(source.get(key) is not None for key in LISTS)


def as_format(source: Mapping[str, Any]) -> Mapping[str, Any]:
    """A source, as it is written, with a device's keys as the format and the options that they stand for."""
    if source.get(CAMERA) is not None:
        return {**source, "format": CAMERA, "options": [*_words(source), str(source.get("format"))]}
    return {**source, "format": CARD} if source.get(CARD) is not None else source


def _words(source: Mapping[str, Any]) -> list[Any]:
    return options if isinstance(options := source.get("options"), list) else []
