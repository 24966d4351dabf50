"""The command lines of the two FFmpeg processes: encoder (source → MPEG-TS) and pusher (→ destination)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from supervisor.ffmpeg import content
from supervisor.ffmpeg.beside import plays_videos, video_list_options
from supervisor.ffmpeg.codecs import device_options, tracks, video_options
from supervisor.ffmpeg.destinations import (
    destination_output,
    keeps_time_base,
    media_input,
    media_output,
    media_queue,
    time_stamps,
)
from supervisor.ffmpeg.opening import NOTHING_KNOWN, Traits
from supervisor.ffmpeg.sound_apart import apart_options, is_apart
from supervisor.ffmpeg.sources import frame_gap, is_still, source_options
from supervisor.model.push_urls import is_listener

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from supervisor.config.shape import Audio, Source, Video
    from supervisor.ffmpeg.renditions import Rendition
    from supervisor.model.content import ContentPolicy


class Binary(Protocol):
    """What a command line depends on; `supervisor.machine.ffmpeg_binary.Binary` is one."""

    @property
    def path(self) -> str:
        """The executable."""

    @property
    def version(self) -> tuple[int, int]:
        """(major, minor)."""


# Progress twice a second: a stall is known within that much more than its timeout.
_STATS_PERIOD = "0.5"

# How long, in µs, video waits for audio that does not come. FFmpeg's own 10 s would be a stall.
_PUSHER_INTERLEAVE = "1000000"

# FFmpeg 6 gave `-shortest` a buffer of its own, and beside endless silence it freezes live sources with sound and
# paced files whenever the encoder looks ahead (FFmpeg 9, x264 veryfast and medium: 2 to 44 frames in 10 s, with any
# size of that buffer; without the option, and in 5.1 with it, every second has its frames).
_SHORTEST_FREEZES_SINCE = (6, 0)


def encoder_argv(  # noqa: PLR0913 - what one command line is made of
    binary: Binary,
    source: Source,
    video: Video,
    audio: Audio,
    *,
    links: Mapping[str, int],
    progress_url: str,
    read_timeout: float,
    traits: Traits = NOTHING_KNOWN,
    seen: ContentPolicy | None = None,
) -> list[str]:
    """Return the encoder's argv: the source once, as MPEG-TS to the loopback UDP port of each destination in `links`.

    What it sends from is left open (`destinations.sender_mark`). `progress_url` is where `-progress` reports go
    (udp://…), `read_timeout` in seconds bounds a silent network source. Raises ValueError without a port.
    `traits` is what was found out about the source, `seen` what is looked at in picture and sound; the port where that
    is told is left open (`content.CONTENT_PORT`).

    An encoder whose silence is endless ends with its source only up to FFmpeg 5; a later one goes on with silence
    alone, and is found by that (`source_clock`).
    """
    gap = frame_gap(source, traits)
    if is_apart(video, audio):
        return [
            *common_options(binary, progress_url, "info"),
            *device_options(video),
            *apart_options(source, video, audio, read_timeout=read_timeout, traits=traits, seen=seen),
            *media_output(links, copied_sound=False, gap=gap),
        ]
    if plays_videos(source, video):
        return [
            *common_options(binary, progress_url, "info"),
            *device_options(video),
            *video_list_options(video, audio, seen),
            *media_output(links, copied_sound=False, gap=gap),
        ]
    chosen = tracks(audio, source.map, silent=traits.silent)
    return [
        *common_options(binary, progress_url, "info"),
        *device_options(video),
        *source_options(source, read_timeout=read_timeout, traits=traits),
        *chosen.input,
        *chosen.maps,
        *video_options(video, steady=bool(gap) or is_still(source), seen=seen),
        *content.of_sound(seen, chosen.sounds),
        *chosen.audio,
        *(["-shortest"] if chosen.endless and binary.version < _SHORTEST_FREEZES_SINCE else []),
        *media_output(links, copied_sound=chosen.copied, gap=gap),
    ]


def pusher_argv(  # noqa: PLR0913 - what one command line is made of
    binary: Binary,
    destination_url: str,
    key: str | None,
    *,
    progress_url: str,
    audio: bool,
    ca_file: str | None,
    output: Sequence[str] | None = None,
    rendition: Rendition | None = None,
) -> list[str]:
    """Return the pusher's argv: the encoder's MPEG-TS, repacked for the destination, and encoded only for `rendition`.

    `output` stands instead of what is made of the URL and its key. `audio` is whether the encoder sends any. Raises
    ValueError for a destination that cannot be pushed to.
    """
    return [
        *common_options(binary, progress_url, "warning"),
        *(rendition.device if rendition else ()),
        *media_input(waits=is_listener(destination_url)),
        *("-map", "0:v:0"),
        *(("-map", "0:a:0") if audio else ()),
        *("-c", "copy"),
        *(rendition.options if rendition else ()),
        *(time_stamps() if audio and output is None and keeps_time_base(destination_url) else ()),
        *media_queue(binary.version),
        *("-max_interleave_delta", _PUSHER_INTERLEAVE),
        *(output or destination_output(destination_url, key, ca_file=ca_file)),
    ]


def common_options(binary: Binary, progress_url: str, level: str) -> list[str]:
    """Return how every encoder and pusher begins: it reports its progress, and prints what `level` lets through."""
    return [
        binary.path,
        "-hide_banner",
        "-nostdin",
        "-nostats",
        *("-loglevel", f"level+{level}"),
        *("-stats_period", _STATS_PERIOD),
        *("-progress", progress_url),
    ]
