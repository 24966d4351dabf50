"""A destination's own picture and sound: encoded once more by its pusher, of what the stream's encoder makes. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from supervisor.config.shape import Audio, Video
from supervisor.ffmpeg.codecs import COPY, VIDEO_CODECS, device_options, encoded_sound, video_options
from supervisor.ffmpeg.parameters import Parameters

if TYPE_CHECKING:
    from supervisor.config.shape import DestinationSection, StreamSection


class Rendition(NamedTuple):
    """What a pusher encodes; None: it copies that."""

    video: Video | None
    audio: Audio | None

    @property
    def device(self) -> list[str]:
        """The options that open the hardware, in front of the input."""
        return device_options(self.video) if self.video else []

    def sent(self, parameters: Parameters) -> Parameters:
        """What of the encoder's parameters reaches the connection: those of what is copied, or is of its size."""
        own_picture = self.video is not None and self.video.size is not None
        return Parameters(frozenset() if own_picture else parameters.video, b"" if self.audio else parameters.audio)

    @property
    def options(self) -> list[str]:
        """The options of the output, behind those that copy."""
        video = video_options(self.video) if self.video else []
        return [*video, *(encoded_sound(self.audio) if self.audio else [])]


def rendition(stream: StreamSection, destination: DestinationSection) -> Rendition | None:
    """What a destination has of its own; None: it is sent what all are."""
    if destination.video is None and destination.audio is None:
        return None
    sound = Audio(bitrate=destination.audio.bitrate) if destination.audio else None
    return Rendition(_picture(stream, destination), sound)


def sent_video(stream: StreamSection, destination: DestinationSection) -> Video:
    """The picture that a destination is sent."""
    return _picture(stream, destination) or stream.video


def sent_audio(stream: StreamSection, destination: DestinationSection) -> Audio:
    """The sound that a destination is sent."""
    own = destination.audio
    return stream.audio if own is None else Audio(bitrate=own.bitrate)


def _picture(stream: StreamSection, destination: DestinationSection) -> Video | None:
    own, canonical = destination.video, stream.video
    if own is None:
        return None
    codec = own.codec or (next(iter(VIDEO_CODECS)) if canonical.codec == COPY else canonical.codec)
    return Video(
        codec=codec,
        size=own.size or canonical.size,
        fps=own.fps or canonical.fps,
        bitrate=own.bitrate or canonical.bitrate,
        keyframe_interval=own.keyframe_interval or canonical.keyframe_interval,
        preset=own.preset or (canonical.preset if codec == canonical.codec else None),
    )
