"""What no single key can tell: checks of one key against another, on the raw tree. Pure, but for key files.

The raw tree, and not the validated one, so that these speak although some other key is wrong. Whatever has the
wrong type is passed over: that is reported where it stands.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from supervisor.config import content
from supervisor.config.fallback import broken_fallback
from supervisor.config.fields import NAME, absolute, as_seen_from, read_secret
from supervisor.config.listening import Takers, broken_listening
from supervisor.config.origins import as_format
from supervisor.config.overlay import broken_overlays
from supervisor.config.rendition import broken_rendition
from supervisor.config.sound_rules import sound_rules
from supervisor.config.urls import destination_scheme
from supervisor.config.yaml_nodes import Path_
from supervisor.config.youtube_rules import YoutubeRules
from supervisor.model.cron import ANY_TIME, next_without, parse_cron
from supervisor.model.destination_urls import RTMP_PORTS, file_path, publishes_to, rtmp_name
from supervisor.model.hls_urls import is_hls, wrong_hls
from supervisor.model.policies import LimitsPolicy, RestartPolicy, Section
from supervisor.model.quantities import DEFAULT_LISTEN, parse_address, parse_duration
from supervisor.model.until import parse_moment

_NO = {"false", "no", "off", "n", "f", "0"}
# Formats whose pictures or sound come raw, or as MJPEG; a camera may do better if it is asked to.
_RAW_PICTURES = frozenset(
    {"avfoundation", "decklink", "fbdev", "image2", "lavfi", "mjpeg", "mpjpeg", "rawvideo", "x11grab", "xcbgrab"}
)
_CAMERAS = frozenset({"v4l2", "video4linux2"})
_ANY = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with
_SENDABLE = frozenset({"h264", "hevc"})
_MADE_OF_IT = ("video", "audio")
_WITHOUT_KEY = frozenset({"rtsp", "udp", "rist"})
_RAW_SOUND = frozenset({"avfoundation", "decklink", "lavfi"})


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that is broken at `path`; `show` says whether the value there tells more."""

    path: Path_
    expected: str
    show: bool = False


def broken_rules(tree: Mapping[str, Any], files: Mapping[str, Path] = MappingProxyType({})) -> Iterator[Broken]:
    """Every rule that `tree` breaks. Paths of key files are resolved as `config.base_dir` says.

    `files` are those of the streams that stand in a file of their own.
    """
    yield from _token(tree)
    yield from _listeners(tree)
    defaults = tree.get("defaults")
    yield from _maintenance(tree.get("maintenance"))
    yield from _schedule(("defaults",), None, defaults, whole=False)
    yield from _order(("defaults",), [defaults])
    publishers: dict[tuple[str, ...], str] = {}
    takers = Takers(tree)
    youtube = YoutubeRules(tree)
    for name, stream in _mappings(tree.get("streams")):
        path: Path_ = ("streams", name)
        yield from _order(path, [defaults, stream])
        yield from _stream(path, stream)
        yield from _listening(path, stream, takers)
        yield from _roles(path, stream)
        if refused := content.refused(stream):
            yield Broken((*path, "content"), refused)
        yield from _schedule(path, defaults, stream)
        for key, destination in _mappings(stream.get("destinations")):
            place: Path_ = (*path, "destinations", key)
            yield from _order(place, [defaults, stream, destination])
            yield from _destination(place, destination)
            yield from _recording(place, stream, destination)
            yield from (Broken((*place, *at), expected) for at, expected in broken_rendition(stream, destination))
            enabled = str(stream.get("enabled", True)).lower() not in _NO
            yield from (Broken(*found) for found in youtube.broken(place, destination, enabled=enabled))
            if not enabled or not (NAME.fullmatch(name) and NAME.fullmatch(key)):
                continue
            with as_seen_from(stream):
                target = _target(destination)
            if target in publishers:
                yield Broken(place, f"publishes to the same place as {publishers[target]}")
            elif target:
                of = f" of {files[name]}" if name in files else ""
                publishers[target] = f"streams.{name}.destinations.{key}{of}"


def _empty(path: Path_, section: Mapping[str, Any], keys: Mapping[str, str]) -> list[Broken]:
    """Secrets that are written and yet missing: more likely forgotten, or lost, than meant."""
    missing = [key for key in keys if key in section and section[key] is None]
    return [Broken((*path, key), f"expected {keys[key]}, but nothing stands there") for key in missing]


def _token(tree: Mapping[str, Any]) -> Iterator[Broken]:
    if empty := _empty((), tree, {"api_token": "a token", "api_token_file": "the path of a file"}):
        yield from empty
        return
    has = [key for key in ("api_token", "api_token_file") if tree.get(key) is not None]
    if len(has) > 1:
        yield Broken(("api_token_file",), "expected one of api_token and api_token_file, not both")
    for key in ("listen", "metrics_listen"):
        with suppress(KeyError, ValueError):  # not there; reported where it stands
            address = parse_address(tree[key])
            if not has and not address.is_loopback:
                yield Broken(("api_token_file",), f"expected a token, because {key} ({address}) is not loopback")
                return


def _listeners(tree: Mapping[str, Any]) -> Iterator[Broken]:
    with suppress(KeyError, ValueError):
        metrics, listen = parse_address(tree["metrics_listen"]), parse_address(tree.get("listen", DEFAULT_LISTEN))
        if metrics.port == listen.port and (metrics.host == listen.host or {metrics.host, listen.host} & _ANY):
            yield Broken(("metrics_listen",), f"expected another port than that of listen ({listen})", show=True)


def _stream(path: Path_, stream: Mapping[str, Any]) -> Iterator[Broken]:
    command = stream.get("command") is not None
    source = stream.get("source") is not None
    if command and source:
        yield Broken((*path, "source"), "expected one of source and command, not both")
    elif not command and not source:
        yield Broken((*path, "source"), "expected a source (or a command)")
    words = stream.get("command")
    if isinstance(words, list) and words and words[0] == "":
        yield Broken((*path, "command", 0), "expected a program", show=True)
    if command and not source:
        for section in ("video", "audio"):
            if stream.get(section):
                reason = "cannot be had with command: the command makes its own picture and sound"
                yield Broken((*path, section), reason)
    if source and not command and stream.get("destinations", {}) == {}:
        yield Broken((*path, "destinations"), "expected at least one destination")
    yield from (Broken(*found) for found in sound_rules(path, stream))
    yield from _copied_video((*path, "video"), stream.get("video"))
    yield from _raw_copied(path, stream, stream.get("source"))
    for index, rung in enumerate(stream["fallback"] if isinstance(stream.get("fallback"), list) else ()):
        for raw in _raw_copied(path, stream, rung.get("source") if isinstance(rung, dict) else None):
            reason = f"cannot be had with codec: copy: {raw.expected.rpartition(': ')[2]}"
            yield Broken((*path, "fallback", index, "source", "format"), reason, show=True)
    yield from (Broken(*wrong) for wrong in broken_fallback(path, stream))


def _listening(path: Path_, stream: Mapping[str, Any], takers: Takers) -> Iterator[Broken]:
    """What a source that comes to us lacks or cannot have, and who has its port already."""
    rungs = stream.get("fallback")
    sources: list[tuple[Path_, object]] = [((*path, "source"), stream.get("source"))]
    for index, rung in enumerate(rungs if isinstance(rungs, list) else ()):
        sources.append(((*path, "fallback", index, "source"), rung.get("source") if isinstance(rung, dict) else None))
    for place, source in sources:
        if not isinstance(source, dict):
            continue
        for key, expected in broken_listening(source):
            yield Broken((*place, key), expected)
        if str(stream.get("enabled", True)).lower() not in _NO and (other := takers.conflict(place, source)):
            yield Broken((*place, "port"), f"expected another port than that of {other}", show=True)


def _copied_video(path: Path_, video: object) -> Iterator[Broken]:
    if isinstance(video, dict) and video.get("codec") == "copy":
        for key in ("size", "fps", "preset"):
            if video.get(key) is not None:
                reason = "cannot be had with codec: copy, which leaves the picture as it is"
                yield Broken((*path, key), reason, show=True)
    if isinstance(video, dict):
        yield from (Broken((*path, *place), expected) for place, expected in broken_overlays(video))


def _raw_copied(path: Path_, stream: Mapping[str, Any], read: object) -> Iterator[Broken]:
    """What is raw, or MJPEG, must be encoded: no container that neverdark sends can carry it."""
    source = as_format(read) if isinstance(read, dict) else {}
    video, audio = (value if isinstance(value := stream.get(key), dict) else {} for key in _MADE_OF_IT)
    made = source.get("format")
    if not isinstance(made, str):
        return
    if video.get("codec") == "copy" and made in _RAW_PICTURES | _CAMERAS and not _asked_for(source):
        wish = " (or the source's options [-input_format, h264], if the device has it)" if made in _CAMERAS else ""
        reason = f"expected an encoder, such as libx264{wish}: the pictures of format {made} cannot be sent as they are"
        yield Broken((*path, "video", "codec"), reason, show=True)
    if made in _RAW_SOUND and audio.get("source") not in {"silence", "none"}:
        for key, instead in (("source", "auto"), ("codec", "aac")):
            if audio.get(key) == "copy":
                reason = f"expected {instead}: the sound of format {made} cannot be sent as it is"
                yield Broken((*path, "audio", key), reason, show=True)


def _asked_for(source: Mapping[str, Any]) -> bool:
    """Whether a camera is asked for pictures that can be sent."""
    options = source.get("options")
    return source["format"] in _CAMERAS and isinstance(options, list) and not _SENDABLE.isdisjoint(map(str, options))


def _destination(path: Path_, destination: Mapping[str, Any]) -> Iterator[Broken]:
    if empty := _empty(path, destination, {"key": "a key", "key_file": "the path of a file"}):
        yield from empty
        return
    has = [key for key in ("key", "key_file") if destination.get(key) is not None]
    if len(has) > 1:
        yield Broken((*path, "key_file"), "expected one of key and key_file, not both")
    url = destination.get("url")
    scheme = destination_scheme(url) if isinstance(url, str) else ""
    if has and scheme in _WITHOUT_KEY:
        yield Broken((*path, has[0]), f"expected none: {scheme} has no keys")
    if isinstance(url, str) and is_hls(url) and (wrong := wrong_hls(url, has_key=bool(has))):
        yield Broken((*path, "url"), wrong)
    if not has and isinstance(url, str) and "://" in url and destination_scheme(url) in RTMP_PORTS:
        with suppress(ValueError):  # reported where it stands
            if not all(rtmp_name(url, None)):
                yield Broken((*path, "key_file"), "expected a key or a key_file: this URL names no stream")


def _roles(path: Path_, stream: Mapping[str, Any]) -> Iterator[Broken]:
    """Primary and backup are two ingests of one place, each with a process of its own."""
    known = {key: one.get("role") for key, one in _mappings(stream.get("destinations"))}
    primaries = [key for key, role in known.items() if role == "primary"]
    for key, role in known.items():
        place: Path_ = (*path, "destinations", key, "role")
        if role not in {"primary", "backup"}:
            continue
        if stream.get("command") is not None:
            yield Broken(place, "cannot be had with command: one process sends to all of them")
        elif stream["destinations"][key].get("recording") is not None:
            yield Broken(place, "cannot be had with recording: a folder is no ingest")
        elif role == "backup" and not primaries:
            yield Broken(place, "expected another destination of this stream with role: primary", show=True)
        elif role == "primary" and key != primaries[0]:
            yield Broken(place, f"expected backup: {primaries[0]} is the primary already", show=True)
        elif role == "backup" and not _same_stream(stream["destinations"], key, primaries[0]):
            reason = f"expected the one of {primaries[0]}: primary and backup are two ways to one stream"
            yield Broken((*path, "destinations", key, "youtube", "stream_id"), reason, show=True)


def _same_stream(destinations: Mapping[str, Any], backup: str, primary: str) -> bool:
    sections = [destinations[key].get("youtube") for key in (backup, primary)]
    said = {one["stream_id"] for one in sections if isinstance(one, dict) and isinstance(one.get("stream_id"), str)}
    return len(said) <= 1


def _recording(path: Path_, stream: Mapping[str, Any], destination: Mapping[str, Any]) -> Iterator[Broken]:
    if destination.get("recording") is None:
        return
    for key in ("url", "key", "key_file"):
        if destination.get(key) is not None:
            yield Broken((*path, key), "cannot be had with recording, which names its own files")
    if stream.get("command") is not None:
        yield Broken((*path, "recording"), "cannot be had with command: a recording is fed by an encoder")


def _target(destination: Mapping[str, Any]) -> tuple[str, ...] | None:
    """What two destinations may not share, see `publishes_to`; None while that cannot be known."""
    url = destination.get("url")
    if not isinstance(url, str):
        return None
    try:
        if destination_scheme(url) == "file":
            url = os.path.realpath(absolute(Path(file_path(url))))
        return publishes_to(url, _key(destination))
    except (OSError, ValueError):
        return None


def _key(destination: Mapping[str, Any]) -> str:
    if destination.get("key") is not None:
        return str(destination["key"])
    if destination.get("key_file") is None:
        return ""
    return read_secret(destination["key_file"]).secret.get_secret_value()


def _schedule(path: Path_, defaults: object, section: object, *, whole: bool = True) -> Iterator[Broken]:
    """Hours on air are of use with both ends. The defaults may have one of them, and leave the rest to each stream."""
    own, common = (layer.get("schedule") if isinstance(layer, dict) else None for layer in (section, defaults))
    if not isinstance(own, dict) and (own is not None or (isinstance(section, dict) and "schedule" in section)):
        return  # the word none, or reported where it stands
    known = {**(common if isinstance(common, dict) else {}), **(own or {})}
    missing = [key for key in ("on", "off") if key not in known]
    if len(missing) == 1 and whole:
        yield Broken((*path, "schedule", missing[0]), "expected when it is switched on and when off, not one alone")
    elif not missing and (own or whole):
        try:
            on, off = (_crons(known[key]) for key in ("on", "off"))
        except (TypeError, ValueError):
            return  # reported where it stands
        if own and next_without(on, off, ANY_TIME) is None:
            reason = "expected some time at which it is not switched on as well, or the stream would never run"
            yield Broken((*path, "schedule", "off" if "off" in own else "on"), reason, show=True)


def _crons(value: object) -> list[str]:
    return [parse_cron(text) for text in ([value] if isinstance(value, str) else value)]  # type: ignore[attr-defined]


def _maintenance(windows: object) -> Iterator[Broken]:
    for place, window in enumerate(windows if isinstance(windows, list) else []):
        if not isinstance(window, dict):
            continue
        path: Path_ = ("maintenance", place)
        begins = [key for key in ("cron", "from") if window.get(key) is not None]
        ends = [key for key in ("duration", "until") if window.get(key) is not None]
        if len(begins) != 1:
            yield Broken((*path, "from"), "expected one of cron, for a window that comes again, and from")
        if len(ends) != 1:
            yield Broken((*path, "duration"), "expected one of duration and until")
        elif begins == ["cron"] and ends == ["until"]:
            yield Broken((*path, "until"), "expected a duration instead, because with cron the window comes again")
        elif (begins, ends) == (["from"], ["until"]) and not _in_this_order(window["from"], window["until"]):
            yield Broken((*path, "until"), "expected a time after from", show=True)


def _in_this_order(begin: object, end: object) -> bool:
    with suppress(TypeError, ValueError):  # reported where it stands, or only one of them has a zone
        first, second = (parse_moment(str(time)).time for time in (begin, end))
        return first is None or second is None or first < second
    return True


def _mappings(value: object) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict):
        yield from ((name, item) for name, item in value.items() if isinstance(item, dict))


# Of two durations of a section the first is no longer than the second: section, its defaults, the two keys.
_ORDERED: tuple[tuple[str, Section, str, str], ...] = (
    ("restart", RestartPolicy(), "initial_delay", "max_delay"),
    ("limits", LimitsPolicy(), "backlog", "backlog_max"),
)


def _order(path: Path_, layers: list[Any]) -> Iterator[Broken]:
    """Durations in the wrong order, reported at the innermost layer that touches one of them, and only there."""
    for section, defaults, shorter, longer in _ORDERED:
        yield from _in_order(path, layers, section, {key: getattr(defaults, key) for key in (longer, shorter)})


def _in_order(path: Path_, layers: list[Any], section: str, values: dict[str, float]) -> Iterator[Broken]:
    """`values` are the defaults of both keys, the longer one first."""
    longer, shorter = values
    sections = [layer.get(section) if isinstance(layer, dict) else None for layer in layers]
    own = sections[-1] if isinstance(sections[-1], dict) else {}
    touched = [key for key in values if key in own]
    try:
        for written in sections:
            if isinstance(written, dict):
                values |= {key: parse_duration(written[key]) for key in values if key in written}
    except ValueError:
        return  # reported where it stands
    if touched and values[shorter] > values[longer]:
        yield Broken((*path, section, touched[0]), f"expected {shorter} to be no longer than {longer}", show=True)
