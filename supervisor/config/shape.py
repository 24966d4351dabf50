"""The configuration's shape: which keys there are. What a value may be: `fields` and `urls`; reading the file: `file`.

Every section forbids unknown keys. A validator sees one value; what one key means for another stands in `rules`, which
sees the raw tree, so that one wrong key does not hide the next.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    ModelWrapValidatorHandler,
    SecretStr,
    Tag,
    model_validator,
)

from supervisor.config.content import Content, ContentSection
from supervisor.config.fallback import Slate, parse_slate
from supervisor.config.fields import (
    Cron,
    Crons,
    Directory,
    Executable,
    Included,
    Key,
    KeyFile,
    Labels,
    LocalTime,
    Name,
    Names,
    Objective,
    PlainFile,
    Reason,
    Token,
    TokenFile,
    Words,
    Zone,
    as_seen_from,
)
from supervisor.config.origins import Origin
from supervisor.config.overlay import MOST_OVERLAYS, Filters, Overlay
from supervisor.config.profile import ProfileField
from supervisor.config.recording import RecordingSection, as_destination
from supervisor.config.rendition import ENCODERS, KeyframeInterval, RenditionAudio, RenditionVideo
from supervisor.config.sound import SECTION, WORD, form
from supervisor.config.thumbnails import Thumbnails
from supervisor.config.tracks import TrackMap
from supervisor.config.urls import DatabaseUrl, DestinationUrl, SourceUrl
from supervisor.config.youtube import PlaceSection, YoutubeSection
from supervisor.model.availability import OBJECTIVE
from supervisor.model.content import ContentPolicy
from supervisor.model.fallback import FallbackPolicy
from supervisor.model.policies import Policies, PositiveDuration, Section
from supervisor.model.quantities import (
    DEFAULT_LISTEN,
    DEFAULT_PORTS,
    BitRate,
    Count,
    Listen,
    Number,
    PictureSize,
    Ports,
)
from supervisor.model.terms import IngestRole

VIDEO_CODECS = ("copy", *ENCODERS)


class Source(Origin):
    """Where the picture comes from, or the sound: a URL, or what else `Origin` names."""

    format: str | None = Field(default=None, pattern=r"^[a-z0-9_]+$")
    url: SourceUrl = Field(default=SecretStr(""), validate_default=False)
    shuffle: bool = False
    options: Words = ()
    realtime: bool | None = None
    loop: bool | None = None  # None: a list does, and nothing else
    map: TrackMap = TrackMap()


class Video(Section):
    """The canonical picture that the encoder makes."""

    codec: Literal[VIDEO_CODECS] = "libx264"  # type: ignore[valid-type]  # one tuple for the code, the docs and this
    generate: Literal["waveform", "still"] | None = None
    size: PictureSize | None = None
    fps: Number | None = Field(default=None, gt=0, le=240)
    bitrate: BitRate | None = None
    keyframe_interval: KeyframeInterval = 2.0
    preset: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_]+$")
    filters: Filters | None = None
    overlay: tuple[Overlay, ...] = Field(default=(), max_length=MOST_OVERLAYS)


class Audio(Section):
    """The canonical sound that the encoder makes."""

    codec: Literal["aac", "copy"] = "aac"
    bitrate: BitRate = 128_000
    source: Annotated[
        Annotated[Literal["auto", "silence", "copy", "none"], Tag(WORD)] | Annotated[Source, Tag(SECTION)],
        Discriminator(form),
    ] = "auto"


class Rung(Section):
    """What is shown instead of a stream's source: another source, or a slate."""

    source: Source | None = None
    slate: Annotated[Slate | None, BeforeValidator(parse_slate)] = None


class DestinationSection(Policies):
    """Where a stream is sent, or, of a `command` stream, where the command sends it."""

    url: DestinationUrl
    recording: RecordingSection | None = None
    key: Key | None = None
    key_file: KeyFile | None = None
    required: bool = True
    role: IngestRole | None = None
    profile: ProfileField = None
    video: RenditionVideo | None = None
    audio: RenditionAudio | None = None
    youtube: PlaceSection | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_recording(cls, value: Any) -> Any:
        return as_destination(value)

    @property
    def secret_key(self) -> SecretStr | None:
        """The stream key, wherever it stands."""
        return self.key_file.secret if self.key_file else self.key


class ScheduleSection(Section):
    """Hours on air: when a stream is switched on and when off."""

    on: Crons | None = None
    off: Crons | None = None
    timezone: Zone = "UTC"


def _schedule(value: object) -> object:
    if value == "none":
        return None
    if value is None or isinstance(value, str):
        raise ValueError("expected on, off and timezone, or the word none")
    return value


class DefaultsSection(Policies):
    """What holds for every stream that does not say otherwise."""

    schedule: ScheduleSection = ScheduleSection()
    objective: Objective = OBJECTIVE
    fallback_policy: FallbackPolicy = FallbackPolicy()
    content: Content = ContentSection()


class MaintenanceSection(Section):
    """A time in which failures of some streams, or of all, are recorded and wake nobody."""

    streams: Names | None = None
    cron: Cron | None = None
    begin: LocalTime | None = Field(default=None, alias="from")
    until: LocalTime | None = None
    duration: PositiveDuration | None = None
    timezone: Zone = "UTC"
    reason: Reason | None = None


class StreamSection(Policies):
    """One configured feed: a source and its destinations, or a command."""

    enabled: bool = True
    drills: bool = True
    group: Name | None = None
    labels: Labels = {}  # noqa: RUF012 - pydantic gives each stream its own
    schedule: Annotated[ScheduleSection | None, BeforeValidator(_schedule)] = (
        ScheduleSection()
    )  # None: whatever the defaults say
    objective: Objective | None = None  # None: the defaults'
    thumbnails: Thumbnails = Thumbnails()
    command: Words | None = Field(default=None, min_length=1)
    source: Source | None = None
    video: Video = Video()
    audio: Audio = Audio()
    fallback: tuple[Rung, ...] = ()
    fallback_policy: FallbackPolicy = FallbackPolicy()
    content: Content = ContentSection()
    destinations: dict[Name, DestinationSection] = {}  # noqa: RUF012 - pydantic gives each stream its own

    @property
    def sources(self) -> dict[str, Source]:
        """All that it reads, each with its place below the stream."""
        rungs = {f"fallback[{index}].source": rung.source for index, rung in enumerate(self.fallback)}
        apart = self.audio.source if isinstance(self.audio.source, Source) else None
        every = {"source": self.source, "audio.source": apart, **rungs}
        return {place: source for place, source in every.items() if source is not None}

    @model_validator(mode="wrap")
    @classmethod
    def _relative_to_its_file(cls, value: Any, validate: ModelWrapValidatorHandler[Self]) -> Self:
        with as_seen_from(value):
            return validate(value)


class Network(Section):
    """One other host, to tell our line from theirs."""

    reference: Listen | None = None


class Tls(Section):
    """The certificate that page, API and metrics are served with."""

    cert_file: PlainFile
    key_file: PlainFile


class ExternalSection(Section):
    """Programs that run their own FFmpeg and announce themselves."""

    commands: bool = False


class Config(Section):
    """A whole configuration."""

    listen: Listen = DEFAULT_LISTEN
    metrics_listen: Listen | None = None
    tls: Tls | None = None
    data_dir: Directory = Path("neverdark-data")
    database_url: DatabaseUrl | None = None
    history_days: Count = Field(default=400, ge=1, le=36_500)
    api_token: Token | None = None
    api_token_file: TokenFile | None = None
    api_commands: bool = False
    ffmpeg: Executable = "auto"
    ports: Ports = DEFAULT_PORTS
    shutdown: Literal["stop", "leave"] = "stop"
    network: Network = Network()
    external: ExternalSection = ExternalSection()
    thumbnails: Thumbnails = Thumbnails()
    youtube: YoutubeSection = YoutubeSection()
    defaults: DefaultsSection = DefaultsSection()
    maintenance: tuple[MaintenanceSection, ...] = ()
    include: Included | None = None
    streams: dict[Name, StreamSection]  # required: a file that lost them must not pass for one that wants none

    def policies_of(self, stream: str, destination: str = "") -> Policies:
        """The policies in force for a stream, or for one destination of it."""
        overrides: list[Policies] = [self.streams[stream]]
        if destination:
            overrides.append(self.streams[stream].destinations[destination])
        return self.defaults.policies(*overrides)

    def schedule_of(self, stream: str) -> ScheduleSection | None:
        """The hours on air of a stream that has any."""
        own = self.streams[stream].schedule
        merged = own and self.defaults.schedule.overridden_by(own)
        return merged if merged and merged.on else None

    def content_of(self, stream: str) -> ContentPolicy | None:
        """What is looked at in the picture and sound of a stream; None: nothing."""
        section = self.streams[stream]
        if section.command is not None:
            return None
        content = self.defaults.content.overridden_by(section.content)
        return content.policy(copied=section.video.codec == "copy")

    def objective_of(self, stream: str) -> float:
        """Which part of the wanted time a stream is to be on air; of one that is not here, what holds for all."""
        own = self.streams[stream].objective if stream in self.streams else None
        return self.defaults.objective if own is None else own

    def fallback_policy_of(self, stream: str) -> FallbackPolicy:
        """When a stream leaves its source, and when it returns."""
        return self.defaults.fallback_policy.overridden_by(self.streams[stream].fallback_policy)

    def thumbnails_of(self, stream: str) -> Thumbnails:
        """Whether pictures of a stream are made; of one that is not here, what holds for all."""
        own = self.streams[stream].thumbnails if stream in self.streams else Thumbnails()
        return self.thumbnails.overridden_by(own)

    @property
    def token(self) -> SecretStr | None:
        """The API's bearer token, wherever it stands."""
        return self.api_token_file.secret if self.api_token_file else self.api_token
