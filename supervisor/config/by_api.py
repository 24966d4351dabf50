"""What a stream that comes by API may not name on this machine, unless `api_commands` allows all. IO: key files.

Who may give orders shall not thereby run programs, or read and write files, as the user that neverdark runs as.
FFmpeg's options and lavfi graphs can do both (an output among the options, `movie=`, `metadata=print:file=`), and some
of its formats make a picture of any text.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from supervisor.config.fields import absolute, base_dir
from supervisor.config.origins import CARD, LISTS
from supervisor.config.problems import Problem, dotted
from supervisor.config.shape import Config
from supervisor.config.urls import FILE_TYPES

_ALLOWS: Final = "unless api_commands: true in the configuration allows all"
_GIVEN: Final = (Path("/run/secrets"), Path("/var/run/secrets"))
_NETWORK: Final = frozenset(
    {
        *("rtsp", "rtsps", "rtmp", "rtmps", "rtmpe", "rtmpt", "rtmpte", "rtmpts", "http", "https", "hls+http"),
        *("hls+https", "srt", "udp", "tcp", "tls", "rtp", "srtp", "rist", "mmsh", "mmst"),
    }
)
_FORMATS: Final = frozenset(
    {
        *("aac", "flv", "h264", "hevc", "hls", "live_flv", "matroska", "mjpeg", "mov", "mp3", "mpegts", "mpjpeg"),
        *("ogg", "rtp", "rtsp", "sdp", "webm"),
    }
)
_SOUNDS: Final = frozenset({".aac", ".flac", ".m4a", ".mp3", ".oga", ".ogg", ".opus", ".wav", ".wma"})
_MEDIA: Final = frozenset({*FILE_TYPES, *_SOUNDS, ".m2ts", ".m4v", ".mov", ".mpg", ".mpeg", ".webm", ".avi"})
_IMAGES: Final = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".webp"})
_LISTS: Final = frozenset({".m3u", ".m3u8"})
# Test pictures and sounds, and what changes them: none of these opens a file or loads a library.
_FILTERS: Final = frozenset(
    {
        *("allrgb", "allyuv", "anoisesrc", "anullsrc", "color", "colorchart", "colorspectrum", "gradients"),
        *("haldclutsrc", "mandelbrot", "nullsrc", "pal75bars", "pal100bars", "rgbtestsrc", "sierpinski", "sine"),
        *("smptebars", "smptehdbars", "testsrc", "testsrc2", "yuvtestsrc"),
        *("aformat", "anull", "aresample", "arealtime", "drawbox", "drawgrid", "fade", "format", "fps", "hue", "null"),
        *("overlay", "realtime", "scale", "setdar", "setpts", "setsar", "volume"),
    }
)
# Without quotes and escapes: what is written is what FFmpeg reads.
_GRAPH: Final = re.compile(r"[A-Za-z0-9_=:.,;\[\]@#*+()/ -]*", re.ASCII)
# ALSA's configuration knows devices that are files.
_PLAIN_CARD: Final = re.compile(r"(?:default|(?:plughw|hw|sysdefault|dsnoop):[A-Za-z0-9_=,]{1,64})", re.ASCII)
_LABELS: Final = re.compile(r"\[[A-Za-z0-9_]+\]", re.ASCII)
_FILTER: Final = re.compile(r"([a-z0-9_]{1,40})(?:@[A-Za-z0-9_]{1,40})?", re.ASCII)
_PARTS: Final = re.compile(r"[,;]")


def refused(
    stream: str, body: Mapping[str, Any], before: Mapping[str, Any] | None, config: Config, folder: Path
) -> list[Problem]:
    """What a body may not say under `config`, which stands in `folder`. What stood in the one `before` may stay."""
    if config.api_commands:
        return []
    token = base_dir.set(folder)
    try:
        own = config.api_token_file.path if config.api_token_file else None
        return _refused(stream, body, before or {}, own)
    finally:
        base_dir.reset(token)


def _refused(stream: str, body: Mapping[str, Any], old: Mapping[str, Any], token_file: Path | None) -> list[Problem]:
    where = f"streams.{stream}"
    found: list[Problem] = []
    if body.get("command") is not None and body.get("command") != old.get("command"):
        found.append(Problem(f"{where}.command", None, f"expected a source: no programs are run by API, {_ALLOWS}"))
    source = body.get("source")
    if isinstance(source, Mapping) and source != old.get("source"):
        found += _source(f"{where}.source", source, token_file)
    found += _rungs(f"{where}.fallback", body.get("fallback"), old.get("fallback"), token_file)
    apart = _section(body.get("audio")).get("source")
    if isinstance(apart, Mapping) and apart != _section(old.get("audio")).get("source"):
        found += _source(f"{where}.audio.source", apart, token_file)
    video, shown = _section(body.get("video")), _section(old.get("video"))
    if video != shown:
        found += _video(f"{where}.video", video)
    destinations, known = _section(body.get("destinations")), _section(old.get("destinations"))
    for name, destination in destinations.items():
        file = _section(destination).get("key_file")
        if isinstance(file, str) and file != _section(known.get(name)).get("key_file"):
            found += _key_file(dotted(("streams", stream, "destinations", name, "key_file")), file, token_file)
    return found


def _video(where: str, video: Mapping[str, Any]) -> Iterator[Problem]:
    """What is drawn of a file, everybody can read; an image is one or is not taken."""
    chain, overlays = video.get("filters"), video.get("overlay")
    if isinstance(chain, str) and _in_graph(chain):
        yield Problem(f"{where}.filters", None, f"expected none: no filters of this kind are taken by API, {_ALLOWS}")
    for index, overlay in enumerate(overlays if isinstance(overlays, list) else ()):
        if _section(overlay).get("file") is not None:
            reason = f"expected text: no files of text are drawn that come by API, {_ALLOWS}"
            yield Problem(f"{where}.overlay[{index}].file", None, reason)


def _rungs(where: str, rungs: Any, old: Any, token_file: Path | None) -> Iterator[Problem]:
    """The same of the rungs of a fallback; what stood among them may stay."""
    known = old if isinstance(old, list) else []
    for index, rung in enumerate(rungs if isinstance(rungs, list) else []):
        if rung in known:
            continue
        if isinstance(source := _section(rung).get("source"), Mapping):
            yield from _source(f"{where}[{index}].source", source, token_file)
        image = _section(_section(rung).get("slate")).get("image")
        if isinstance(image, str) and Path(image).suffix.lower() not in _IMAGES:
            reason = f"expected the path of an image ({', '.join(sorted(_IMAGES))}), {_ALLOWS}"
            yield Problem(f"{where}[{index}].slate.image", None, reason)


def _source(where: str, source: Mapping[str, Any], token_file: Path | None) -> Iterator[Problem]:
    for key in ("key_file", "passphrase_file"):
        if isinstance(file := source.get(key), str):
            yield from _key_file(f"{where}.{key}", file, token_file)
    if source.get("options"):
        yield Problem(f"{where}.options", None, f"expected none: no options for FFmpeg are taken by API, {_ALLOWS}")
    yield from _of_this_machine(where, source)
    made, url = source.get("format"), source.get("url")
    if not isinstance(url, str) or not isinstance(made, str | None):
        return  # reported where it stands
    if made == "lavfi":
        if wrong := _in_graph(url):
            yield Problem(f"{where}.url", None, wrong)
    elif made is not None and made not in _FORMATS:
        formats = ", ".join(sorted({*_FORMATS, "lavfi"}))
        yield Problem(f"{where}.format", repr(made[:24]), f"expected one of {formats}, {_ALLOWS}")
    scheme, is_url, _ = url.partition("://")
    if made != "lavfi" and not (scheme.lower() in _NETWORK if is_url else _is_media(url)):
        types = ", ".join(sorted(_MEDIA))
        reason = f"expected a URL of the network, such as rtsp://…, or the path of a media file ({types}), {_ALLOWS}"
        yield Problem(f"{where}.url", None, reason)


def _of_this_machine(where: str, source: Mapping[str, Any]) -> Iterator[Problem]:
    """Lists, programs and devices."""
    for key in LISTS:
        yield from _playlist(f"{where}.{key}", source.get(key))
    if source.get("pipe") is not None:
        yield Problem(f"{where}.pipe", None, f"expected a url: no programs are run by API, {_ALLOWS}")
    if (card := source.get(CARD)) is not None and not (isinstance(card, str) and _PLAIN_CARD.fullmatch(card)):
        yield Problem(f"{where}.{CARD}", None, f"expected a sound card, such as hw:1 or plughw:1,0, {_ALLOWS}")


def _playlist(where: str, places: object) -> Iterator[Problem]:
    """Of a directory, and of a list, the player takes what is named like sound; a file is named here."""
    for place in [places] if isinstance(places, str) else places if isinstance(places, list) else []:
        suffix = Path(str(place)).suffix.lower()
        if suffix and suffix not in _LISTS and not _is_media(str(place)):
            types = ", ".join(sorted({*_LISTS, *_MEDIA}))
            yield Problem(where, None, f"expected a directory, or files that are media or lists ({types}), {_ALLOWS}")
            return


def _is_media(path: str) -> bool:
    return ":" not in path and "|" not in path and Path(path).suffix.lower() in _MEDIA


def _in_graph(graph: str) -> str | None:
    """What is wrong with a lavfi graph; None if it is test pictures and sounds alone."""
    if not _GRAPH.fullmatch(graph):
        return f"expected a lavfi graph without quotes, backslashes and other signs, {_ALLOWS}"
    for part in _PARTS.split(_LABELS.sub("", graph)):
        name = _FILTER.fullmatch(part.partition("=")[0].strip(" "))
        if not name or name[1] not in _FILTERS:
            shown = repr(name[1]) if name else "what stands here"
            return (
                f"expected test pictures and sounds alone, such as testsrc2=size=1280x720: {shown} is none, {_ALLOWS}"
            )
    return None


def _key_file(where: str, file: str, token_file: Path | None) -> Iterator[Problem]:
    """Only what was put there for neverdark: with a key of a file of somebody else's, a server could read that file."""
    given = os.environ.get("CREDENTIALS_DIRECTORY")
    places = [base_dir.get(), *_GIVEN, *([Path(given)] if given else [])]
    try:
        real = absolute(Path(file)).resolve()
        token = token_file.resolve() if token_file else None
        inside = any(real.is_relative_to(place.resolve()) for place in places)
    except (OSError, ValueError, RuntimeError):
        return  # reported where it stands
    if not inside or real == token:
        folders = ", ".join(map(str, dict.fromkeys((places[0], *places[2 if given else 1 :]))))
        yield Problem(where, None, f"expected a file below {folders} that holds a key, {_ALLOWS}")


def _section(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
