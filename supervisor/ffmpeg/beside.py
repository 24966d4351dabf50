"""Programs that stand beside an encoder: the player of its list, and the program whose output it reads. Pure.

Each is started in the encoder's place, leaves a child, and becomes the next of them, the last one the encoder.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from supervisor.config.shape import Source
from supervisor.ffmpeg import content
from supervisor.ffmpeg.codecs import Tracks, encoded_sound, frame_rate, tracks, video_options
from supervisor.ffmpeg.sources import PICTURE_DESCRIPTOR, SOUND_PIPE_DESCRIPTOR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from supervisor.config.shape import Audio, Video
    from supervisor.model.content import ContentPolicy

_PLAYER = Path(__file__).parents[1] / "player"
SOUND_DESCRIPTOR = 4  # as `player.play`: pure files import none that is not
# All tracks come alike.
PLAYED = ("-f", "s16le", "-ar", "48000", "-ac", "2", "-i", f"pipe:{SOUND_DESCRIPTOR}")

_SIZE, _FPS = (1280, 720), 25.0  # of a picture of ours, where none are configured

# FFmpeg would read 5 s of one input to learn what it is, while the other one is not read.
_KNOWN = ("-probesize", "32", "-analyzeduration", "0", "-fpsprobesize", "0")


def sized(video: Video) -> Video:
    """A picture whose size and rate are known before it is made."""
    return video.model_copy(update={"size": video.size or _SIZE, "fps": video.fps or _FPS})


def made_size(video: Video) -> tuple[str, str]:
    """Size and rate of a picture that is `sized`, as FFmpeg reads them."""
    return "x".join(map(str, video.size or _SIZE)), frame_rate(video.fps or _FPS)


def plays_videos(source: Source, video: Video) -> bool:
    """Whether the source is a list of videos; one with a picture that is generated is of sounds."""
    return source.playlist is not None and video.generate is None


def played_video(video: Video) -> list[str]:
    """The input with the picture of a list of videos, all alike; `video` is `sized`."""
    size, rate = made_size(video)
    how = ("-f", "rawvideo", "-pixel_format", "yuv420p", "-video_size", size, "-framerate", rate)
    return ["-re", *_KNOWN, *how, "-i", f"pipe:{PICTURE_DESCRIPTOR}"]


def with_companions(argv: Sequence[str], source: Source, video: Video, audio: Audio, *, note: Path) -> list[str]:
    """The encoder's argv, started by what stands beside it; `note` is a file of a player's own, without its suffix."""
    ffmpeg, started = argv[0], list(argv)
    apart = audio.source if isinstance(audio.source, Source) else None
    sound = apart or source
    for read, descriptor in ((source, PICTURE_DESCRIPTOR), (apart, SOUND_PIPE_DESCRIPTOR)):
        if read and read.pipe:
            program = [word.get_secret_value() for word in read.pipe]
            started = _started("pipe", {"program": program, "descriptor": descriptor}, started)
    if sound.playlist and (apart or video.generate):
        started = _started("play", _listed(sound, ffmpeg, f"{note}.json"), started)
    if plays_videos(source, video):
        size, rate = made_size(video)
        more = {
            "size": size,
            "rate": rate,
            "sound": apart is None and audio.source == "auto",
            "tells": not (apart and apart.playlist),  # which track is played is told of one list
        }
        started = _started("videos", {**_listed(source, ffmpeg, f"{note}.videos.json"), **more}, started)
    return started


def _listed(source: Source, ffmpeg: str, note: str) -> dict[str, object]:
    return {
        "ffmpeg": ffmpeg,
        "list": [str(place) for place in source.playlist or ()],
        "shuffle": source.shuffle,
        "loop": source.loop is not False,
        "note": note,
    }


def _started(name: str, options: dict[str, object], argv: Sequence[str]) -> list[str]:
    # Nothing but the standard library: 10 MB and 20 ms instead of 60 and 100.
    return [sys.executable, "-I", "-S", str(_PLAYER / f"{name}.py"), json.dumps(options), *argv]


def video_list_options(video: Video, audio: Audio, seen: ContentPolicy | None) -> list[str]:
    """The encoder's argv of a list of videos with its own sound, or ours, from its inputs to its codecs."""
    video = sized(video)
    played = Tracks((), ("-map", "0:v:0", "-map", "1:a:0"), tuple(encoded_sound(audio)), endless=False)
    own = audio.source == "auto"
    chosen = played if own else tracks(audio)
    return [
        *played_video(video),
        *(("-re", *_KNOWN, *PLAYED) if own else chosen.input),
        *chosen.maps,
        *video_options(video, seen=seen),
        *content.of_sound(seen, chosen.sounds),
        *chosen.audio,
    ]


def plays_list(source: Source, audio: Audio) -> bool:
    """Whether a list is played, of either kind."""
    return bool(source.playlist or (isinstance(audio.source, Source) and audio.source.playlist))
