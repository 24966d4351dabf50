"""What a source's URL stands for: how FFmpeg is told to read it, and where it can be looked at."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from supervisor.ffmpeg.listening import listening_options
from supervisor.ffmpeg.opening import NOTHING_KNOWN, Traits
from supervisor.model.quantities import Address

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import SecretStr

    from supervisor.config.shape import Source


# Where an encoder finds what a program beside it makes: 3 is a pusher's media, 4 the sound of a list.
PICTURE_DESCRIPTOR, SOUND_PIPE_DESCRIPTOR = 5, 6


class SourceKind(Enum):
    """What a source's URL stands for, as far as the reading options care."""

    LAVFI = auto()
    FILE = auto()
    DEVICE = auto()
    RTSP = auto()
    RTMP = auto()
    HTTP = auto()
    HLS = auto()
    SRT = auto()
    UDP = auto()
    LISTENER = auto()
    PIPE = auto()
    OTHER = auto()


_KINDS_BY_SCHEME = {
    "": SourceKind.FILE,
    "file": SourceKind.FILE,
    "rtsp": SourceKind.RTSP,
    "rtsps": SourceKind.RTSP,
    "rtmp": SourceKind.RTMP,
    "rtmps": SourceKind.RTMP,
    "rtmpt": SourceKind.RTMP,
    "rtmpts": SourceKind.RTMP,
    "http": SourceKind.HTTP,
    "https": SourceKind.HTTP,
    "srt": SourceKind.SRT,
    "udp": SourceKind.UDP,
}

# These read hardware in its own time; their "URL" is a device name and looks like a file's.
_DEVICE_FORMATS = frozenset(
    {
        "alsa",
        "avfoundation",
        "decklink",
        "fbdev",
        "jack",
        "kmsgrab",
        "oss",
        "pulse",
        "v4l2",
        "video4linux2",
        "x11grab",
        "xcbgrab",
    }
)

# One retry after a second bridges a short break; more would hide a dead source from layer 1.
_HTTP_RECONNECT = ("-reconnect", "1", "-reconnect_streamed", "1", "-reconnect_delay_max", "2")

# The limit of a silent source that stands in front of these inputs and of no others.
_TIMEOUT = "-rw_timeout"
_NO_TRACK = re.compile(r"Stream map '.{0,100}' matches no streams")
_PICTURE = re.compile(r"'0:v:\d{1,2}'")

# FFmpeg looks at 20 frames to learn their rate, and decodes as many at a time as there are cores.
_FEW_FRAMES = ("-fpsprobesize", "0", "-threads", "1")

# Pictures one after another, as cameras serve them by HTTP.
_UNTIMED_FORMATS = frozenset({"mjpeg", "mpjpeg"})
_UNTIMED_GAP = 5.0  # nobody knows their rate

# One picture, which FFmpeg reads anew each time: one that is replaced is shown. More often costs decoding, less often
# lets what goes out come in bursts.
_STILLS = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
_STILL = ("-f", "image2", "-pattern_type", "none", "-loop", "1", "-framerate", "5")

# Servers that stand being connected to without being read, and their usual ports. Not `tcp`: whoever
# connects there takes the picture, and many such servers end with their first client.
_PORTS_BY_SCHEME = {"rtsp": 554, "rtsps": 322, "rtmp": 1935, "rtmps": 443, "http": 80, "https": 443}


_MAKE_ANOTHER_REQUEST = frozenset({"-headers", "-cookies", "-method", "-post_data"})


@dataclass(frozen=True, slots=True)
class PathPlace:
    """A file, a pipe or a device; a relative path is relative to where neverdark was started, as FFmpeg's is."""

    path: str


@dataclass(frozen=True, slots=True)
class ServerPlace:
    """A server that can be connected to by TCP; `rtsp` when it also answers RTSP in plain text."""

    address: Address
    rtsp: bool = False


# Where a source can be looked at without taking anything from it. Holds no user, password or URL.
SourcePlace = PathPlace | ServerPlace


def kind_of(source: Source) -> SourceKind:
    """Tell what the source's URL stands for, from its format and scheme alone."""
    if source.listen or source.pipe:
        return SourceKind.LISTENER if source.listen else SourceKind.PIPE
    if source.format == "lavfi":
        return SourceKind.LAVFI
    if source.format in _DEVICE_FORMATS:
        return SourceKind.DEVICE
    parts = urlsplit(source.url.get_secret_value())
    kind = _KINDS_BY_SCHEME.get(parts.scheme.lower(), SourceKind.OTHER)
    if kind is SourceKind.HTTP and (source.format == "hls" or parts.path.lower().endswith(".m3u8")):
        return SourceKind.HLS
    if kind is SourceKind.FILE and parts.path.startswith("/dev/"):
        return SourceKind.DEVICE
    return kind


def is_paced(source: Source) -> bool:
    """Whether FFmpeg itself must hold the source to real time (`-re`), for it would deliver faster.

    HLS is live and yet comes faster, whole segments at a time: unpaced, an ingest gets bursts and nothing between them.
    So is much that a program sends, and a file that it fetches has no pace at all.
    """
    if source.realtime is not None:
        return source.realtime
    return kind_of(source) in {SourceKind.LAVFI, SourceKind.FILE, SourceKind.HLS, SourceKind.PIPE}


def comes_in_pieces(source: Source) -> bool:
    """Whether there are silences that are as usual as the bursts between them."""
    return kind_of(source) in {SourceKind.HLS, SourceKind.HTTP} and not is_paced(source)


def is_untimed(source: Source) -> bool:
    """Whether its frames are known to come without time stamps: FFmpeg would count 25 of them as a second."""
    return source.format in _UNTIMED_FORMATS and not is_paced(source)


def frame_gap(source: Source, traits: Traits) -> float:
    """How long, in seconds, the next frame may be awaited while others wait for it; 0 for what sends many."""
    if traits.rate:
        return 1 / traits.rate
    return _UNTIMED_GAP if (traits.untimed and not is_paced(source)) or is_untimed(source) else 0.0


def is_still(source: Source) -> bool:
    """Whether it is one picture, shown for ever."""
    path = urlsplit(source.url.get_secret_value()).path.lower() if kind_of(source) is SourceKind.FILE else ""
    return bool(source.loop) and source.format is None and path.endswith(_STILLS)


def source_options(
    source: Source,
    *,
    read_timeout: float,
    traits: Traits = NOTHING_KNOWN,
    descriptor: int = PICTURE_DESCRIPTOR,
) -> list[str]:
    """Return the argv that opens the source as FFmpeg's next input.

    `read_timeout` is in seconds: after that long without a byte, a network source ends with an error. `traits` is
    what was found out about it, `descriptor` where a program's output is read.
    The user's own options stand last before `-i`, so that they win.
    """
    kind = kind_of(source)
    argv: list[str] = []
    if is_paced(source):
        argv += ["-re"]
    if is_still(source):
        argv += _STILL
    elif source.loop and kind is SourceKind.FILE:
        argv += ["-stream_loop", "-1"]
    microseconds = max(1, round(read_timeout * 1_000_000))
    argv += listening_options(source, microseconds) if source.listen else _network_options(kind, microseconds)
    if traits.silent and kind is SourceKind.RTSP:
        argv += ["-allowed_media_types", "video"]  # FFmpeg would look for the sound for 5 s
    if is_untimed(source) or (traits.untimed and not is_paced(source)):
        argv += ["-use_wallclock_as_timestamps", "1"]
    if traits.rate:
        argv += _FEW_FRAMES
    if source.format is not None:
        argv += ["-f", source.format]
    argv += [option.get_secret_value() for option in source.options]
    return [*argv, "-i", f"pipe:{descriptor}" if source.pipe else source.url.get_secret_value()]


def _network_options(kind: SourceKind, microseconds: int) -> list[str]:
    timeout = str(microseconds)
    match kind:
        case SourceKind.RTSP:
            # `-timeout` is the socket timeout since FFmpeg 5.0; UDP transport loses packets on any busy line.
            return ["-rtsp_transport", "tcp", "-timeout", timeout]
        case SourceKind.RTMP | SourceKind.HLS:
            # Never `-timeout` for RTMP: there it means "listen for a publisher that long".
            return [_TIMEOUT, timeout]
        case SourceKind.HTTP:
            return [_TIMEOUT, timeout, *_HTTP_RECONNECT]
        case SourceKind.SRT | SourceKind.UDP:
            return ["-timeout", timeout]
        case _:
            return []


def lacks_picture(argv: Sequence[str], lines: Sequence[str]) -> bool:
    """Whether an encoder gave up because it had seen other tracks of its source and no picture, which may yet come.

    nginx-rtmp gives a viewer sound at once, and the picture from its next keyframe on; after 5 s FFmpeg takes what it
    has seen for all that there is.
    """
    said = any(map(_NO_TRACK.search, lines)) and any(map(_PICTURE.search, lines))
    return said and _TIMEOUT in argv


def waiting_for_picture(argv: Sequence[str], seconds: float) -> tuple[str, ...]:
    """The encoder's command line, but that it waits so long for the tracks of its source.

    Not from the beginning: of a source with a single track FFmpeg cannot know that there is no other, and would wait
    in vain for as long. What does not come over such a connection stays as it is.
    """
    if _TIMEOUT not in argv:
        return tuple(argv)
    place = argv.index(_TIMEOUT)
    return (*argv[:place], "-analyzeduration", str(round(seconds * 1_000_000)), *argv[place:])


def source_place(source: Source) -> SourcePlace | None:
    """Where the source can be looked at without taking anything from it; None where that cannot be told."""
    url = source.url.get_secret_value()
    if source.playlist or source.listen or source.pipe:
        return None
    try:
        kind = kind_of(source)
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:  # with a `format` of its own a URL is not checked before FFmpeg does
        return None
    scheme = parts.scheme.lower()
    options = [option.get_secret_value() for option in source.options]
    if kind in {SourceKind.FILE, SourceKind.DEVICE}:
        # Only a slash tells a device's path from a name ("hw:0"); FFmpeg takes what follows `file:` literally.
        path = url[len("file:") :] if scheme == "file" else url
        return PathPlace(path) if _is_one_path(path, kind) else None
    if scheme not in _PORTS_BY_SCHEME or not host or _is_indirect(scheme, parts.query, options):
        return None
    tunnelled = not {"http", "https"}.isdisjoint(options)  # RTSP in HTTP, which does not know our question
    return ServerPlace(Address(host, port or _PORTS_BY_SCHEME[scheme]), rtsp=scheme == "rtsp" and not tunnelled)


def question_url(source: Source) -> SecretStr | None:
    """What may be asked, as FFmpeg asks it, how long a web server wants to be left alone; None where that differs."""
    options = {option.get_secret_value() for option in source.options}
    if kind_of(source) not in {SourceKind.HTTP, SourceKind.HLS} or source_place(source) is None:
        return None
    return None if options & _MAKE_ANOTHER_REQUEST else source.url


def _is_one_path(path: str, kind: SourceKind) -> bool:
    """Not a device's name, standard input, or a pattern for many pictures."""
    return path.startswith("/dev/") if kind is SourceKind.DEVICE else path != "-" and not {"%", "*"} & set(path)


def _is_indirect(scheme: str, query: str, options: list[str]) -> bool:
    """FFmpeg does not connect to that host: it waits there for the source to come, or goes by a proxy."""
    # For RTMP, `-timeout` makes FFmpeg listen, too.
    listens = "listen" in query or any("listen" in option for option in options)
    return listens or (scheme in {"rtmp", "rtmps"} and "-timeout" in options) or "-http_proxy" in options
