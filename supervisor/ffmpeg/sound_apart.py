"""Encoders whose sound is not that of their picture: a list of tracks, another source, or sound with no picture at all.

The picture waits for the sound. A tick that is made of the sound is laid beside it, outside of what is seen: where no
sound comes, no frame goes out, and where it ends, so does the encoder. So progress tells the truth about both, and who
has lost the sound has not lost it unnoticed. It costs 1 % of a core at 720p.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from supervisor.config.shape import Source, Video
from supervisor.ffmpeg.beside import PLAYED, made_size, played_video, plays_videos, sized
from supervisor.ffmpeg.codecs import encoded_sound, video_options
from supervisor.ffmpeg.content import of_sound
from supervisor.ffmpeg.opening import NOTHING_KNOWN, Traits
from supervisor.ffmpeg.sources import (
    PICTURE_DESCRIPTOR,
    SOUND_PIPE_DESCRIPTOR,
    frame_gap,
    is_paced,
    is_still,
    source_options,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from supervisor.config.shape import Audio
    from supervisor.model.content import ContentPolicy

# FFmpeg holds the quicker of two inputs to the slower one. A camera has a clock of its own, and must not be held.
_BESIDE_A_CLOCK = ("-readrate", "1.05")

_TICK = "showwaves=s=2x2:r=25[nd_tick];"
_TIED = "[nd_tick]overlay=x=-16:y=-16:shortest=1:eof_action=endall,"


def is_apart(video: Video, audio: Audio) -> bool:
    """Whether the sound is not that of the picture."""
    return isinstance(audio.source, Source) or video.generate is not None


def apart_options(
    source: Source,
    video: Video,
    audio: Audio,
    *,
    read_timeout: float,
    traits: Traits = NOTHING_KNOWN,
    seen: ContentPolicy | None = None,
) -> list[str]:
    """Return the encoder's argv from its inputs to its codecs; `read_timeout` and `traits` as `source_options`.

    `seen`: what is listened to in the sound. A picture of ours, or a cover, is as it is.
    """
    sound = audio.source if isinstance(audio.source, Source) else source
    if video.generate or plays_videos(source, video):
        video = sized(video)
    pictures = [] if video.generate else source_options(source, read_timeout=read_timeout, traits=traits)
    if plays_videos(source, video):
        pictures = played_video(video)
    if sound.playlist:
        live = bool(pictures) and not is_paced(source)
        hear = [*(_BESIDE_A_CLOCK if live else ("-re",)), *PLAYED]
    else:
        descriptor = SOUND_PIPE_DESCRIPTOR if pictures else PICTURE_DESCRIPTOR
        hear = source_options(sound, read_timeout=read_timeout, descriptor=descriptor)
    heard = f"{1 if pictures else 0}:a:0"
    steady = is_still(source) or bool(frame_gap(source, traits))
    graph, encode = _graph(heard, video, video_options(video, steady=steady))
    maps = ["-filter_complex", graph, "-map", "[nd_picture]", "-map", heard]
    return [*pictures, *hear, *maps, *encode, *of_sound(seen, [heard]), *encoded_sound(audio)]


def _graph(heard: str, video: Video, options: Sequence[str]) -> tuple[str, list[str]]:
    """The filter graph, and the options of the picture without the filters that are in it now."""
    place = options.index("-vf")
    filters, rest = options[place + 1], [*options[:place], *options[place + 2 :]]
    size, rate = made_size(video)
    match video.generate:
        case "waveform":
            before = f"[{heard}]showwaves=s={size}:mode=cline:r={rate}:colors=0x4fc3f7,"
        case "still":
            before = f"[{heard}]{_TICK}color=c=0x18222d:s={size}:r={rate}[nd_still];[nd_still]{_TIED}"
        case None:
            before = f"[{heard}]{_TICK}[0:v:0]{_TIED}"
    return f"{before}{filters}[nd_picture]", rest
