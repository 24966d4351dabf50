"""What one key means for another where sound comes from a list, or from elsewhere than the picture. Pure.

On the raw tree, as `rules`: what has the wrong type is passed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from supervisor.config.yaml_nodes import Path_

_ENCODED = "expected an encoder, such as libx264: a picture that is sent as it is cannot wait for sound from elsewhere"


class Found(NamedTuple):
    """As `rules.Broken`."""

    path: Path_
    expected: str
    show: bool = False


def sound_rules(path: Path_, stream: Mapping[str, Any]) -> Iterator[Found]:
    """Every rule that a stream breaks."""
    source, video, audio = (_section(stream.get(key)) for key in ("source", "video", "audio"))
    apart = _section(audio.get("source"))
    generated = video.get("generate") is not None
    for place, section in _pictures(path, stream):
        yield from _one_origin(place, section)
        if section.get("playlist") is not None and not generated:
            reason = "expected waveform or still: of a list that is the source, the sound alone is sent"
            yield Found((*path, "video", "generate"), reason)
            generated = True  # said once
    generated, listed = video.get("generate") is not None, source.get("playlist") is not None
    if isinstance(audio.get("source"), dict):
        yield from _one_origin((*path, "audio", "source"), apart)
    if apart and generated:
        reason = "cannot be had with a sound of its own in audio.source: the picture is made of the source's sound"
        yield Found((*path, "video", "generate"), reason)
    if not apart and not listed and not generated:
        return
    if video.get("codec") == "copy":
        yield Found((*path, "video", "codec"), _ENCODED, show=True)
    if audio.get("codec") == "copy":
        reason = "expected aac: sound that the picture waits for is encoded"
        yield Found((*path, "audio", "codec"), reason, show=True)
    if not apart and audio.get("source") not in {None, "auto"}:
        reason = "expected auto: the picture is made of the source's sound"
        yield Found((*path, "audio", "source"), reason, show=True)


def _pictures(path: Path_, stream: Mapping[str, Any]) -> Iterator[tuple[Path_, Mapping[str, Any]]]:
    """The stream's source, and those of its fallback."""
    if isinstance(source := stream.get("source"), dict):
        yield (*path, "source"), source
    rungs = stream.get("fallback")
    for index, rung in enumerate(rungs if isinstance(rungs, list) else ()):
        if isinstance(source := _section(rung).get("source"), dict):
            yield (*path, "fallback", index, "source"), source


def _one_origin(path: Path_, section: Mapping[str, Any]) -> Iterator[Found]:
    """A URL, or a list."""
    if section.get("playlist") is None:
        if "url" not in section and section.get("listen") is None:
            yield Found((*path, "url"), "expected a value: this key is required")
        if section.get("shuffle"):
            yield Found((*path, "shuffle"), "cannot be had without a playlist", show=True)
        return
    if "url" in section:
        yield Found((*path, "playlist"), "expected one of url and playlist, not both")
    for key in ("format", "options", "realtime"):
        if section.get(key) is not None:
            yield Found((*path, key), "cannot be had with a playlist")


def _section(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
