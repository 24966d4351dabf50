"""The configuration's shape: what each key may hold. Reading the file is `config_file`'s job.

Every section forbids unknown keys. A validator here sees one value; what one key means for another stands in
`config_rules`, which sees the raw tree, so that one wrong key does not hide the next.
"""

from __future__ import annotations

import re
import shutil
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo

from supervisor.config.stamp import Stamp, read_stamped
from supervisor.model.destination_urls import file_path, no_key, split
from supervisor.model.policies import Policies, PositiveDuration, Section
from supervisor.model.quantities import (
    Address,
    BitRate,
    Listen,
    Number,
    PictureSize,
    PortRange,
    Ports,
)

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
VIDEO_CODECS = (
    "copy",
    "libx264",
    "h264_vaapi",
    "h264_qsv",
    "h264_nvenc",
    "h264_v4l2m2m",
    "h264_videotoolbox",
)
DESTINATION_SCHEMES = ("rtmp", "rtmps", "srt", "file")
FILE_TYPES = (".flv", ".ts", ".mkv", ".mp4")
# FFmpeg's reading protocols that a URL can begin with, and what each must name.
_SOURCE_SCHEMES_WITH_HOST = (
    *("rtsp", "rtsps", "rtmp", "rtmps", "rtmpe", "rtmpt", "rtmpte", "rtmpts", "http", "https"),
    *("ftp", "sftp", "mmsh", "mmst", "tls", "gopher", "gophers"),
)
_SOURCE_SCHEMES = (
    *_SOURCE_SCHEMES_WITH_HOST,
    *("srt", "udp", "tcp", "rtp", "srtp", "rist", "zmq", "unix", "file", "hls", "hls+http", "hls+https"),
)
MIN_TOKEN = 8
_LONGEST_KEYFRAME_INTERVAL = 10.0
_MAX_SECRET_FILE = 65536  # a secret is short: of a video that was named by mistake, no more is read


def _name(value: str) -> str:
    if not NAME.fullmatch(value):
        raise ValueError("expected a name of 1 to 63 characters: a-z, 0-9, _ and -, beginning with a letter or digit")
    return value


Name = Annotated[str, AfterValidator(_name)]


def text(value: str | SecretStr | None) -> str:
    """The plain text of a value that may be secret; empty for none. For argv and sockets, never for logs."""
    if value is None:
        return ""
    return value.get_secret_value() if isinstance(value, SecretStr) else value


@dataclass(frozen=True, slots=True)
class SecretFile:
    """A secret that stands in a file of its own, as it was read when the configuration was."""

    path: Path
    secret: SecretStr
    stamp: Stamp = field(compare=False, default=Stamp())  # the same secret in a file written anew is no change


# Relative paths of a file are relative to the file, not to wherever neverdark happens to be started.
base_dir: ContextVar[Path] = ContextVar("base_dir", default=Path())


def absolute(value: Path) -> Path:
    """`value` as seen from the file it stands in."""
    try:
        value = value.expanduser()
    except RuntimeError:
        raise ValueError("expected a path; there is no home directory for this ~") from None
    return (base_dir.get() / value).absolute()


def _directory(value: Path) -> Path:
    value = absolute(value)
    try:
        nearest = next(folder for folder in (value, *value.parents) if folder.exists())
    except PermissionError:
        return value  # somebody else may look the file over; whoever runs it is told by the data_dir itself
    except OSError as error:
        raise ValueError(f"expected a directory that can be made and opened: {error.strerror}") from None
    if not nearest.is_dir():
        raise ValueError(f"expected a directory, but {nearest} is none")
    return value


def _executable(value: str) -> str:
    if value == "auto":
        return value
    found = shutil.which(str(absolute(Path(value))) if "/" in value else value)
    if found is None:
        raise ValueError("expected auto, or the path of an FFmpeg that may be executed")
    return found


def read_secret(value: object) -> SecretFile:
    """The secret in the file that `value` names. Raises ValueError that says what was expected."""
    if isinstance(value, SecretFile):
        return value
    if not isinstance(value, str | Path):
        raise ValueError("expected the path of a file")  # noqa: TRY004 - pydantic reports ValueError
    path = absolute(Path(value))
    try:
        content, stamp = read_stamped(path, _MAX_SECRET_FILE, plain=True)
        secret = content.decode("utf-8-sig").strip()
    except OSError as error:
        raise ValueError(f"expected a readable file: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError("expected a file of UTF-8 text") from None
    if not secret:
        raise ValueError("expected a file with the secret as its only line, but it is empty")
    if len(secret.splitlines()) > 1:
        raise ValueError("expected a file with the secret as its only line, but it has several")
    if not secret.isprintable():
        raise ValueError("expected a file with the secret as its only line, but it holds control characters")
    return SecretFile(path, SecretStr(secret), stamp)


def _word(value: object) -> object:
    """Words need no quotes in YAML, also those that look like something else."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def _key(value: SecretStr) -> SecretStr:
    key = value.get_secret_value()
    if wrong := no_key(key):
        raise ValueError(wrong)
    if re.search(r"\s", key):
        raise ValueError("expected a key without spaces or line ends")
    return value


def _key_file(value: SecretFile) -> SecretFile:
    _key(value.secret)
    return value


def _token(value: SecretStr) -> SecretStr:
    if not re.fullmatch(rf"[!-~]{{{MIN_TOKEN},}}", value.get_secret_value()):
        raise ValueError(f"expected a token of at least {MIN_TOKEN} ASCII characters, without spaces")
    return value


def _token_file(value: SecretFile) -> SecretFile:
    _token(value.secret)
    return value


SecretWord = Annotated[SecretStr, BeforeValidator(_word)]
SecretFromFile = Annotated[SecretFile, BeforeValidator(read_secret)]
# Argument lists are the owner's own and may hold anything, passwords among it.
Words = tuple[SecretWord, ...]


def destination_scheme(url: str) -> str:
    """`rtmp`, `rtmps`, `srt`, `file` (also for a bare path), or whatever else the URL begins with."""
    scheme, colon, _ = url.partition(":")
    return scheme.lower() if colon and re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme) else "file"


def _destination_url(value: SecretStr) -> SecretStr:
    url = value.get_secret_value()
    scheme = destination_scheme(url)
    if scheme not in DESTINATION_SCHEMES:
        raise ValueError(f"expected a URL that begins with one of {', '.join(DESTINATION_SCHEMES)}, or a path")
    if scheme == "file":
        path = Path(file_path(url))
        if path.suffix.lower() not in FILE_TYPES:
            raise ValueError(f"expected a file whose name ends with one of {', '.join(FILE_TYPES)}")
        return SecretStr(str(absolute(path)))
    host, port = _host_and_port(url)
    if scheme == "srt" and not host and port:
        raise ValueError(
            "expected a host before the port: neverdark calls the receiver, and does not wait to be called"
        )
    if not host or port == 0 or re.search(r"\s", url):
        raise ValueError("expected a URL with a host and, if any, a port from 1 to 65535, and without spaces")
    if scheme == "srt" and port is None:
        raise ValueError("expected a port: SRT has no usual one")
    return value


def _source_url(value: SecretStr, info: ValidationInfo) -> SecretStr:
    """What FFmpeg may read is much; what is certainly wrong is a URL with a misspelt or missing part."""
    url = value.get_secret_value()
    scheme, found, rest = url.partition("://")
    if info.data.get("format") is not None:
        return value  # of a lavfi graph or a device's name, only FFmpeg knows what is right
    if not found or not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme):
        is_path = ":" not in url and url != "-" and base_dir.get() != Path()
        return SecretStr(str(absolute(Path(url)))) if is_path else value
    if scheme.lower() not in _SOURCE_SCHEMES:
        raise ValueError(f"expected a URL that begins with one of {', '.join(_SOURCE_SCHEMES)}, or a path")
    host, port = _host_and_port(url)
    needs_host = scheme.lower() in _SOURCE_SCHEMES_WITH_HOST
    if port == 0 or (needs_host and not host) or (port is None and host is None and _authority(rest)):
        raise ValueError("expected a URL with a host and, if any, a port from 1 to 65535")
    return value


def _host_and_port(url: str) -> tuple[str | None, int | None]:
    """The host and port in a URL; no host when either cannot be one."""
    try:
        parts = split(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None, None
    return host, port


def _authority(rest: str) -> str:
    return re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]


class Source(Section):
    """Where the picture comes from."""

    format: str | None = Field(default=None, pattern=r"^[a-z0-9_]+$")
    url: Annotated[SecretStr, Field(min_length=1), AfterValidator(_source_url)]
    options: Words = ()
    realtime: bool | None = None
    loop: bool = False


def _keyframe_interval(value: float) -> float:
    if value > _LONGEST_KEYFRAME_INTERVAL:
        raise ValueError(f"expected at most {_LONGEST_KEYFRAME_INTERVAL:g}s: a duration, not a number of frames")
    return value


class Video(Section):
    """The canonical picture that the encoder makes."""

    codec: Literal[VIDEO_CODECS] = "libx264"  # type: ignore[valid-type]  # one tuple for the code, the docs and this
    size: PictureSize | None = None
    fps: Number | None = Field(default=None, gt=0, le=240)
    bitrate: BitRate | None = None
    keyframe_interval: Annotated[PositiveDuration, AfterValidator(_keyframe_interval)] = 2.0
    preset: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_]+$")


class Audio(Section):
    """The canonical sound that the encoder makes."""

    codec: Literal["aac", "copy"] = "aac"
    bitrate: BitRate = 128_000
    source: Literal["auto", "silence", "copy", "none"] = "auto"


class Destination(Policies):
    """Where a stream is sent, or, of a `command` stream, where the command sends it."""

    url: Annotated[SecretStr, Field(min_length=1), AfterValidator(_destination_url)]
    key: Annotated[SecretWord, Field(min_length=1), AfterValidator(_key)] | None = None
    key_file: Annotated[SecretFromFile, AfterValidator(_key_file)] | None = None
    required: bool = True

    @property
    def secret_key(self) -> SecretStr | None:
        """The stream key, wherever it stands."""
        return self.key_file.secret if self.key_file else self.key


class Stream(Policies):
    """One configured feed: a source and its destinations, or a command."""

    enabled: bool = True
    drills: bool = True
    command: Words | None = Field(default=None, min_length=1)
    source: Source | None = None
    video: Video = Video()
    audio: Audio = Audio()
    destinations: dict[Name, Destination] = {}  # noqa: RUF012 - pydantic gives each stream its own


class Network(Section):
    """One other host, to tell our line from theirs."""

    reference: Listen | None = None


class Config(Section):
    """A whole configuration."""

    listen: Listen = Address("127.0.0.1", 9833)
    data_dir: Annotated[Path, AfterValidator(_directory)] = Path("neverdark-data")
    api_token: Annotated[SecretWord, AfterValidator(_token)] | None = None
    api_token_file: Annotated[SecretFromFile, AfterValidator(_token_file)] | None = None
    ffmpeg: Annotated[str, Field(min_length=1), AfterValidator(_executable)] = "auto"
    ports: Ports = PortRange(20000, 29999)
    network: Network = Network()
    defaults: Policies = Policies()
    streams: dict[Name, Stream]  # required: a file that lost them must not pass for one that wants none

    def policies_of(self, stream: str, destination: str = "") -> Policies:
        """The policies in force for a stream, or for one destination of it."""
        overrides: list[Policies] = [self.streams[stream]]
        if destination:
            overrides.append(self.streams[stream].destinations[destination])
        return self.defaults.policies(*overrides)

    @property
    def token(self) -> SecretStr | None:
        """The API's bearer token, wherever it stands."""
        return self.api_token_file.secret if self.api_token_file else self.api_token
