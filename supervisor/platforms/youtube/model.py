"""What YouTube's API tells, as values. Pure.

A word that it does not document, or not yet, reads as UNKNOWN: never as good, never as a reason to act.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Word(StrEnum):
    """A word of the API."""

    @classmethod
    def _missing_(cls, value: object) -> Word:
        del value
        return cls("unknown")


class LifeCycle(Word):
    """Where a broadcast stands (`status.lifeCycleStatus`). `complete` is final: one broadcast is one video."""

    CREATED = "created"
    READY = "ready"
    TEST_STARTING = "testStarting"
    TESTING = "testing"
    LIVE_STARTING = "liveStarting"
    LIVE = "live"
    COMPLETE = "complete"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


class StreamStatus(Word):
    """Whether the ingest receives (`status.streamStatus`)."""

    CREATED = "created"
    READY = "ready"
    ACTIVE = "active"
    INACTIVE = "inactive"
    ERROR = "error"
    UNKNOWN = "unknown"


class HealthStatus(Word):
    """How well (`status.healthStatus.status`); `good` is better than `ok`."""

    GOOD = "good"
    OK = "ok"
    BAD = "bad"
    NO_DATA = "noData"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


class Severity(Word):
    """Of a configuration issue."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    UNKNOWN = "unknown"


class IssueType(Word):
    """What a configuration issue is about, as far as the discovery document tells."""

    GOP_SIZE_OVER = "gopSizeOver"
    GOP_SIZE_LONG = "gopSizeLong"
    GOP_SIZE_SHORT = "gopSizeShort"
    OPEN_GOP = "openGop"
    BAD_CONTAINER = "badContainer"
    AUDIO_BITRATE_HIGH = "audioBitrateHigh"
    AUDIO_BITRATE_LOW = "audioBitrateLow"
    AUDIO_SAMPLE_RATE = "audioSampleRate"
    BITRATE_HIGH = "bitrateHigh"
    BITRATE_LOW = "bitrateLow"
    AUDIO_CODEC = "audioCodec"
    VIDEO_CODEC = "videoCodec"
    NO_AUDIO_STREAM = "noAudioStream"
    NO_VIDEO_STREAM = "noVideoStream"
    MULTIPLE_VIDEO_STREAMS = "multipleVideoStreams"
    MULTIPLE_AUDIO_STREAMS = "multipleAudioStreams"
    AUDIO_TOO_MANY_CHANNELS = "audioTooManyChannels"
    INTERLACED_VIDEO = "interlacedVideo"
    FRAME_RATE_HIGH = "frameRateHigh"
    RESOLUTION_MISMATCH = "resolutionMismatch"
    VIDEO_CODEC_MISMATCH = "videoCodecMismatch"
    VIDEO_INTERLACE_MISMATCH = "videoInterlaceMismatch"
    VIDEO_PROFILE_MISMATCH = "videoProfileMismatch"
    VIDEO_BITRATE_MISMATCH = "videoBitrateMismatch"
    FRAMERATE_MISMATCH = "framerateMismatch"
    GOP_MISMATCH = "gopMismatch"
    AUDIO_SAMPLE_RATE_MISMATCH = "audioSampleRateMismatch"
    AUDIO_STEREO_MISMATCH = "audioStereoMismatch"
    AUDIO_CODEC_MISMATCH = "audioCodecMismatch"
    AUDIO_BITRATE_MISMATCH = "audioBitrateMismatch"
    VIDEO_RESOLUTION_SUBOPTIMAL = "videoResolutionSuboptimal"
    VIDEO_RESOLUTION_UNSUPPORTED = "videoResolutionUnsupported"
    VIDEO_INGESTION_STARVED = "videoIngestionStarved"
    VIDEO_INGESTION_FASTER = "videoIngestionFasterThanRealtime"
    UNKNOWN = "unknown"


class Privacy(Word):
    """Who may see a broadcast."""

    PUBLIC = "public"
    UNLISTED = "unlisted"
    PRIVATE = "private"
    UNKNOWN = "unknown"


class Page(Word):
    """What the public page of a channel shows. Unlisted and private broadcasts never stand there."""

    LIVE = "live"
    NOT_LIVE = "not_live"
    UNKNOWN = "unknown"


class Issue(NamedTuple):
    """One of `configurationIssues`: `kind` is its `type`, a word of the discovery document (`gopSizeLong`, …)."""

    kind: str
    severity: Severity
    reason: str = ""


class LiveStream(NamedTuple):
    """What a key leads to. Its key is never asked for with it."""

    id: str
    status: StreamStatus = StreamStatus.UNKNOWN
    health: HealthStatus = HealthStatus.UNKNOWN
    issues: tuple[Issue, ...] = ()


class Broadcast(NamedTuple):
    """What viewers see under one address. Times are seconds since 1970, None: not known or not yet.

    `stream` is the id of the stream that is bound to it.
    """

    id: str
    life_cycle: LifeCycle
    stream: str | None = None
    title: str = ""
    description: str = ""
    privacy: Privacy = Privacy.UNKNOWN
    scheduled_start: float | None = None
    actual_start: float | None = None
    auto_start: bool = False
    auto_stop: bool = False
    monitor: bool = True  # it has a monitor stream: it must be tested before it can be live
    actual_end: float | None = None

    @property
    def watch_url(self) -> str:
        """Where viewers see it."""
        return f"https://www.youtube.com/watch?v={self.id}"
