"""What one key means for another where sound comes from a list, or from elsewhere than the picture. Pure.

On the raw tree, as `rules`: what has the wrong type is passed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from supervisor.config.origins import CAMERA, CARD, broken_origin, is_list
from supervisor.config.yaml_nodes import Path_

_ENCODED = "expected an encoder, such as libx264: a picture that is sent as it is cannot wait for sound from elsewhere"

_ALIKE = "expected an encoder, such as libx264: the files of a list differ, and what is sent of them must not"


class Found(NamedTuple):
    """As `rules.Broken`."""

    path: Path_
    expected: str
    show: bool = False


def sound_rules(path: Path_, stream: Mapping[str, Any]) -> Iterator[Found]:
    """Every rule that a stream breaks."""
    source, video, audio = (_section(stream.get(key)) for key in ("source", "video", "audio"))
    apart = _section(audio.get("source"))
    generated, listed = video.get("generate") is not None, is_list(source)
    yield from _origins(path, stream, video, audio)
    if isinstance(audio.get("source"), dict):
        yield from _one_origin((*path, "audio", "source"), apart)
        if apart.get(CAMERA) is not None:
            yield Found((*path, "audio", "source", CAMERA), f"expected {CARD}, or a URL: {CAMERA} has no sound")
    if apart and generated:
        reason = "cannot be had with a sound of its own in audio.source: the picture is made of the source's sound"
        yield Found((*path, "video", "generate"), reason)
    if (not apart and not generated) or (listed and not generated and video.get("codec") == "copy"):
        return
    if video.get("codec") == "copy":
        yield Found((*path, "video", "codec"), _ENCODED, show=True)
    if audio.get("codec") == "copy":
        reason = "expected aac: sound that the picture waits for is encoded"
        yield Found((*path, "audio", "codec"), reason, show=True)
    if not apart and audio.get("source") not in {None, "auto"}:
        reason = "expected auto: the picture is made of the source's sound"
        yield Found((*path, "audio", "source"), reason, show=True)


def _origins(
    path: Path_, stream: Mapping[str, Any], video: Mapping[str, Any], audio: Mapping[str, Any]
) -> Iterator[Found]:
    """Where pictures come from, and whether they do."""
    generated = said = video.get("generate") is not None
    for place, section in _pictures(path, stream):
        yield from _one_origin(place, section)
        if section.get(CARD) is not None and not said:
            yield Found((*path, "video", "generate"), f"expected waveform or still: {CARD} has no picture")
            said = True
        elif is_list(section) and not generated:
            yield from _made_alike(path, place, video, audio)


def _pictures(path: Path_, stream: Mapping[str, Any]) -> Iterator[tuple[Path_, Mapping[str, Any]]]:
    """The stream's source, and those of its fallback."""
    if isinstance(source := stream.get("source"), dict):
        yield (*path, "source"), source
    rungs = stream.get("fallback")
    for index, rung in enumerate(rungs if isinstance(rungs, list) else ()):
        if isinstance(source := _section(rung).get("source"), dict):
            yield (*path, "fallback", index, "source"), source


def _made_alike(path: Path_, place: Path_, video: Mapping[str, Any], audio: Mapping[str, Any]) -> Iterator[Found]:
    """The files of a list of videos differ: what goes out of them is encoded."""
    if video.get("codec") == "copy":
        own = place == (*path, "source")
        yield Found((*path, "video", "codec") if own else place, _ALIKE, show=own)
    for key, instead in (("codec", "aac"), ("source", "auto")):
        if audio.get(key) == "copy":
            yield Found((*path, "audio", key), f"expected {instead}: the files of a list differ", show=True)


def _one_origin(path: Path_, section: Mapping[str, Any]) -> Iterator[Found]:
    """A URL, or a list, or what else a source can be."""
    for key, expected, show in broken_origin(section):
        yield Found((*path, key), expected, show=show)


def _section(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
