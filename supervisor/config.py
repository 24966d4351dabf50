"""The configuration's shape: what each key may hold. Reading the file is `config_file`'s job.

Every section forbids unknown keys, and checks of one key against another are field validators, so that
one wrong key does not hide the next: `config_file.load` reports all mistakes of a file at once.
"""

from __future__ import annotations

import re
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from supervisor.quantities import (
    Address,
    BitRate,
    ByteSize,
    Duration,
    Listen,
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


def _name(value: str) -> str:
    if not NAME.fullmatch(value):
        raise ValueError("expected a name of 1 to 63 characters: a-z, 0-9, _ and -, beginning with a letter or digit")
    return value


Name = Annotated[str, AfterValidator(_name)]
PositiveDuration = Annotated[Duration, Field(gt=0)]
Ratio = Annotated[float, Field(ge=0, le=1)]


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


# Relative paths of a file are relative to the file, not to wherever neverdark happens to be started.
base_dir: ContextVar[Path] = ContextVar("base_dir", default=Path())


def _absolute(value: Path) -> Path:
    return (base_dir.get() / value.expanduser()).absolute()


def _read_secret(value: object) -> SecretFile:
    if isinstance(value, SecretFile):
        return value
    if not isinstance(value, str | Path):
        raise ValueError("expected the path of a file")  # noqa: TRY004 - pydantic reports ValueError
    path = _absolute(Path(value))
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ValueError(f"expected a readable file: {reason}") from None
    if not secret or "\n" in secret:
        raise ValueError("expected a file with the secret as its only line")
    return SecretFile(path, SecretStr(secret))


def _word(value: object) -> object:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


SecretFromFile = Annotated[SecretFile, BeforeValidator(_read_secret)]
AbsolutePath = Annotated[Path, AfterValidator(_absolute)]
# Argument lists are the owner's own and may hold anything, passwords among it.
Words = tuple[Annotated[SecretStr, BeforeValidator(_word)], ...]


class Section(BaseModel):
    """A part of the file: immutable, and with no keys but its own."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, hide_input_in_errors=True)

    def overridden_by(self, *others: Self) -> Self:
        """This section with the keys that `others` really name, the last one winning."""
        named = {key: getattr(other, key) for other in others for key in other.model_fields_set}
        return self.model_copy(update=named)


class Restart(Section):
    """Layer 1: how a process that ended is replaced."""

    initial_delay: Duration = 0.5
    factor: float = Field(default=2.0, ge=1, le=100)
    max_delay: Duration = 10.0
    jitter: Ratio = 0.1
    attempts: int = Field(default=10, ge=0)
    reset_after: Duration = 60.0
    cooldown: PositiveDuration = 300.0


class Stall(Section):
    """How long a process may show no progress: before the first sign, and after it."""

    startup: PositiveDuration = 30.0
    timeout: PositiveDuration = 10.0


class Uplink(Section):
    """How long an ingest may acknowledge nothing while data waits."""

    interval: PositiveDuration = 1.0
    timeout: PositiveDuration = 5.0


class Watchdog(Section):
    """Layer 2: how often a destination is judged and when recovery begins."""

    enabled: bool = True
    interval: PositiveDuration = 30.0
    failures: int = Field(default=3, ge=1)
    cooldown: Duration = 120.0


class Limits(Section):
    """Bounds on a process: cores, bytes of memory, the lowest speed, the lowest bit rate."""

    cpu: float | None = Field(default=None, gt=0)
    memory: ByteSize | None = None
    speed: float | None = Field(default=0.95, gt=0, le=1)
    bitrate: BitRate | None = None


class Stop(Section):
    """A planned stop: when the second SIGTERM and when SIGKILL follow the first SIGTERM."""

    second_signal: Duration = 0.5
    kill: PositiveDuration = 3.0


class Policies(Section):
    """What `defaults` sets, and what every stream and every destination may override."""

    restart: Restart = Restart()
    stall: Stall = Stall()
    uplink: Uplink = Uplink()
    watchdog: Watchdog = Watchdog()
    limits: Limits = Limits()
    stop: Stop = Stop()

    def policies(self, *overrides: Policies) -> Policies:
        """The policies in force under `overrides`, section by section and key by key."""
        merged = {
            name: getattr(self, name).overridden_by(*(getattr(other, name) for other in overrides))
            for name in Policies.model_fields
        }
        return Policies.model_construct(**merged)


class Source(Section):
    """Where the picture comes from."""

    url: SecretStr = Field(min_length=1)
    format: str | None = Field(default=None, pattern=r"^[a-z0-9_]+$")
    options: Words = ()
    realtime: bool | None = None
    loop: bool = False


class Video(Section):
    """The canonical picture that the encoder makes."""

    codec: Literal[VIDEO_CODECS] = "libx264"  # type: ignore[valid-type]  # one tuple for the code, the docs and this
    size: PictureSize | None = None
    fps: float | None = Field(default=None, gt=0, le=240)
    bitrate: BitRate | None = None
    keyframe_interval: PositiveDuration = Field(default=2.0, le=10)
    preset: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_]+$")

    @field_validator("size", "fps", "preset")
    @classmethod
    def _copy_changes_nothing(cls, value: object, info: ValidationInfo) -> object:
        if value is not None and info.data.get("codec") == "copy":
            raise ValueError("cannot be had with codec: copy, which leaves the picture as it is")
        return value


class Audio(Section):
    """The canonical sound that the encoder makes."""

    codec: Literal["aac", "copy"] = "aac"
    bitrate: BitRate = 128_000
    source: Literal["auto", "silence", "copy", "none"] = "auto"


class Destination(Policies):
    """Where a stream is sent, or, of a `command` stream, where the command sends it."""

    url: SecretStr = Field(min_length=1)
    key: SecretStr | None = Field(default=None, min_length=1)
    key_file: SecretFromFile | None = None
    required: bool = True

    @field_validator("url")
    @classmethod
    def _known_scheme(cls, value: SecretStr) -> SecretStr:
        scheme = destination_scheme(value.get_secret_value())
        if scheme not in DESTINATION_SCHEMES:
            raise ValueError(f"expected a URL that begins with one of {', '.join(DESTINATION_SCHEMES)}, or a path")
        if scheme != "file":
            host, port = _host_and_port(value.get_secret_value())
            if not host or port == 0:
                raise ValueError("expected a URL with a host and, if any, a port from 1 to 65535")
            if scheme == "srt" and port is None:
                raise ValueError("expected a port: SRT has no usual one")
        return value

    @field_validator("key_file")
    @classmethod
    def _one_key(cls, value: SecretFile | None, info: ValidationInfo) -> SecretFile | None:
        if value is not None and info.data.get("key") is not None:
            raise ValueError("expected one of key and key_file, not both")
        url = info.data.get("url")
        if url is not None and value is None and "key" in info.data and info.data["key"] is None:
            parts = urlsplit(url.get_secret_value())
            if parts.scheme.lower().startswith("rtmp") and len(parts.path.strip("/").split("/")) < 2:  # noqa: PLR2004
                raise ValueError("expected a key or a key_file: this URL names an application but no stream")
        return value

    @property
    def secret_key(self) -> SecretStr | None:
        """The stream key, wherever it stands."""
        return self.key_file.secret if self.key_file else self.key


def _host_and_port(url: str) -> tuple[str | None, int | None]:
    """The host and port in a URL; no host when either cannot be one."""
    try:
        parts = urlsplit(url)
        return parts.hostname, parts.port
    except ValueError:
        return None, None


def destination_scheme(url: str) -> str:
    """`rtmp`, `rtmps`, `srt`, `file` (also for a bare path), or whatever else the URL begins with."""
    scheme, colon, _ = url.partition(":")
    return scheme.lower() if colon and re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme) else "file"


class Stream(Policies):
    """One configured feed: a source and its destinations, or a command."""

    enabled: bool = True
    drills: bool = True
    command: Words | None = Field(default=None, min_length=1)
    source: Source | None = None
    video: Video = Video()
    audio: Audio = Audio()
    destinations: dict[Name, Destination] = {}

    @field_validator("source")
    @classmethod
    def _source_or_command(cls, value: Source | None, info: ValidationInfo) -> Source | None:
        if value is not None and info.data.get("command") is not None:
            raise ValueError("expected one of source and command, not both")
        if value is None and "command" in info.data and info.data["command"] is None:
            raise ValueError("expected a source (or a command)")
        return value

    @field_validator("video", "audio")
    @classmethod
    def _commands_encode_themselves(cls, value: Section, info: ValidationInfo) -> Section:
        if value.model_fields_set and info.data.get("command") is not None:
            raise ValueError("cannot be had with command: the command makes its own picture and sound")
        return value

    @field_validator("destinations")
    @classmethod
    def _sent_somewhere(cls, value: dict[str, Destination], info: ValidationInfo) -> dict[str, Destination]:
        if not value and info.data.get("source") is not None:
            raise ValueError("expected at least one destination")
        return value


class Network(Section):
    """One other host, to tell our line from theirs."""

    reference: Listen | None = None


ENV_PREFIX = "NEVERDARK_"


class Config(BaseSettings):
    """A whole configuration: the file, with the environment's overrides on top."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        validate_default=True,
        hide_input_in_errors=True,
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
    )

    listen: Listen = Address("127.0.0.1", 9833)
    data_dir: AbsolutePath = Path("neverdark-data")
    api_token: SecretStr | None = Field(default=None, min_length=8)
    api_token_file: SecretFromFile | None = None
    ffmpeg: str = Field(default="auto", min_length=1)
    ports: Ports = PortRange(20000, 29999)
    network: Network = Network()
    defaults: Policies = Policies()
    streams: dict[Name, Stream] = {}

    @field_validator("api_token_file")
    @classmethod
    def _token_beyond_loopback(cls, value: SecretFile | None, info: ValidationInfo) -> SecretFile | None:
        token = info.data.get("api_token")
        if value is not None and token is not None:
            raise ValueError("expected one of api_token and api_token_file, not both")
        listen = info.data.get("listen")
        if listen is not None and not listen.is_loopback and value is None and token is None:
            raise ValueError(f"expected a token, because listen ({listen}) is not loopback")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file; nothing else is read."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings

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
