"""What the platform of a destination will not like of what is configured to be sent there. Pure.

Without a profile the platform is guessed from the destination's host, for these warnings alone. What is not configured,
or copied, is only known once it is seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from supervisor.config.fields import text
from supervisor.config.file import Loaded
from supervisor.config.problems import ConfigWarning
from supervisor.config.shape import Audio, DestinationSection, StreamSection, Video
from supervisor.ffmpeg.codecs import COPY, tracks
from supervisor.ffmpeg.renditions import sent_audio, sent_video
from supervisor.ffmpeg.sound_format import OURS
from supervisor.judge.conformance import Mismatch, Sent, Trait, mismatches
from supervisor.model.destination_urls import split
from supervisor.model.profiles import PLATFORMS, Profile, platform_of

_KEYS: Final = {
    Trait.KEYFRAME_INTERVAL: "video.keyframe_interval",
    Trait.FRAME_RATE: "video.fps",
    Trait.BIT_RATE: "video.bitrate",
    Trait.AUDIO_BIT_RATE: "audio.bitrate",
    Trait.SOUND: "audio.source",
    Trait.SAMPLE_RATE: "audio",
}


def unlike_platforms(loaded: Loaded, file: Path) -> Iterator[ConfigWarning]:
    """One warning for each key of a stream, and each whose expectation it does not meet."""
    del file
    for name, stream in loaded.config.streams.items():
        if stream.source is None:
            continue
        told: set[tuple[str, str]] = set()
        for name_of_it, destination in stream.destinations.items():
            profile = _profile(destination)
            for key, words in _of_destination(stream, name_of_it, destination, profile) if profile else ():
                if (key, words) not in told:
                    told.add((key, words))
                    yield ConfigWarning(f"streams.{name}.{key}", words)


def _profile(destination: DestinationSection) -> Profile | None:
    if destination.profile is not None:
        return destination.profile.profile
    try:
        host = split(text(destination.url)).hostname or ""
    except ValueError:
        return None
    return PLATFORMS.get(platform_of(host) or "")


def _of_destination(
    stream: StreamSection, name: str, destination: DestinationSection, profile: Profile
) -> Iterator[tuple[str, str]]:
    """The key is where it can be mended: the stream's, or that of what the destination has of its own."""
    own = {key: f"destinations.{name}." for key in ("video", "audio") if getattr(destination, key) is not None}
    video, audio = sent_video(stream, destination), sent_audio(stream, destination)
    for found in mismatches(_configured(video, audio), profile, measured=False):
        key = _KEYS[found.trait]
        yield own.get(key.partition(".")[0], "") + key, _words(found, profile)
    copied = [key for key, is_so in (("video", video.codec == COPY), ("audio", tracks(audio).copied)) if is_so]
    if copied:
        what = {"video": "the picture", "audio": "the sound"}
        whose = "the profile" if profile.name == "custom" else profile.name
        words = " and ".join(what[key] for key in copied)
        yield f"{copied[0]}.codec", f"copy: whether {words} will be as {whose} expects shows when it is sent"


def _words(found: Mismatch, profile: Profile) -> str:
    whose = "the destination's profile" if profile.name == "custom" else profile.name
    return f"{found.seen}: {whose} expects {found.expected}"


def _configured(video: Video, audio: Audio) -> Sent:
    """What will be sent, as far as it is said."""
    sound = audio.source != "none"
    made = OURS if sound and not tracks(audio).copied else None
    sent = Sent(
        sound=sound,
        audio_bit_rate=audio.bitrate if made else None,
        audio_codec=made and made.codec,
        sample_rate=made and made.sample_rate,
        channels=made and made.channels,
    )
    if video.codec == COPY:
        return sent
    width, height = video.size or (None, None)
    return sent._replace(
        keyframe_interval=video.keyframe_interval,
        frame_rate=video.fps,
        bit_rate=video.bitrate,
        width=width,
        height=height,
        reordered=0,
        video_codec="h264",
    )
