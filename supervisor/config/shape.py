"""The configuration's shape: which keys there are. What a value may be: `fields` and `urls`; reading the file: `file`.

Every section forbids unknown keys. A validator sees one value; what one key means for another stands in `rules`, which
sees the raw tree, so that one wrong key does not hide the next.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from supervisor.config.fields import Directory, Executable, Key, KeyFile, Name, PlainFile, Token, TokenFile, Words
from supervisor.config.urls import DestinationUrl, SourceUrl
from supervisor.model.policies import Policies, PositiveDuration, Section
from supervisor.model.quantities import (
    DEFAULT_LISTEN,
    DEFAULT_PORTS,
    BitRate,
    Listen,
    Number,
    PictureSize,
    Ports,
)

VIDEO_CODECS = (
    "copy",
    "libx264",
    "h264_vaapi",
    "h264_qsv",
    "h264_nvenc",
    "h264_v4l2m2m",
    "h264_videotoolbox",
)
_LONGEST_KEYFRAME_INTERVAL = 10.0


class Source(Section):
    """Where the picture comes from."""

    format: str | None = Field(default=None, pattern=r"^[a-z0-9_]+$")
    url: SourceUrl
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


class DestinationSection(Policies):
    """Where a stream is sent, or, of a `command` stream, where the command sends it."""

    url: DestinationUrl
    key: Key | None = None
    key_file: KeyFile | None = None
    required: bool = True

    @property
    def secret_key(self) -> SecretStr | None:
        """The stream key, wherever it stands."""
        return self.key_file.secret if self.key_file else self.key


class StreamSection(Policies):
    """One configured feed: a source and its destinations, or a command."""

    enabled: bool = True
    drills: bool = True
    command: Words | None = Field(default=None, min_length=1)
    source: Source | None = None
    video: Video = Video()
    audio: Audio = Audio()
    destinations: dict[Name, DestinationSection] = {}  # noqa: RUF012 - pydantic gives each stream its own


class Network(Section):
    """One other host, to tell our line from theirs."""

    reference: Listen | None = None


class Tls(Section):
    """The certificate that page, API and metrics are served with."""

    cert_file: PlainFile
    key_file: PlainFile


class Config(Section):
    """A whole configuration."""

    listen: Listen = DEFAULT_LISTEN
    metrics_listen: Listen | None = None
    tls: Tls | None = None
    data_dir: Directory = Path("neverdark-data")
    api_token: Token | None = None
    api_token_file: TokenFile | None = None
    ffmpeg: Executable = "auto"
    ports: Ports = DEFAULT_PORTS
    shutdown: Literal["stop", "leave"] = "stop"
    network: Network = Network()
    defaults: Policies = Policies()
    streams: dict[Name, StreamSection]  # required: a file that lost them must not pass for one that wants none

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
