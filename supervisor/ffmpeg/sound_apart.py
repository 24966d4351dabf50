"""Encoders whose sound is not that of their picture: a list of tracks, another source, or sound with no picture at all.

The picture waits for the sound. A tick that is made of the sound is laid beside it, outside of what is seen: where no
sound comes, no frame goes out, and where it ends, so does the encoder. So progress tells the truth about both, and who
has lost the sound has not lost it unnoticed. It costs 1 % of a core at 720p.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from supervisor.config.shape import Source, Video
from supervisor.ffmpeg.codecs import encoded_sound, frame_rate, video_options
from supervisor.ffmpeg.opening import NOTHING_KNOWN, Traits
from supervisor.ffmpeg.sources import frame_gap, is_paced, is_still, source_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from supervisor.config.shape import Audio

_PLAYER = Path(__file__).parents[1] / "player" / "play.py"
SOUND_DESCRIPTOR = 4  # as `player.play`: pure files import none that is not
# All tracks come alike, and faster than real time.
_PLAYED = ("-f", "s16le", "-ar", "48000", "-ac", "2", "-i", f"pipe:{SOUND_DESCRIPTOR}")
# FFmpeg holds the quicker of two inputs to the slower one. A camera has a clock of its own, and must not be held.
_BESIDE_A_CLOCK = ("-readrate", "1.05")

_SIZE, _FPS = (1280, 720), 25.0  # of a picture of ours, where none are configured
_TICK = "showwaves=s=2x2:r=25[nd_tick];"
_TIED = "[nd_tick]overlay=x=-16:y=-16:shortest=1:eof_action=endall,"


def is_apart(video: Video, audio: Audio) -> bool:
    """Whether the sound is not that of the picture."""
    return isinstance(audio.source, Source) or video.generate is not None


def apart_options(
    source: Source, video: Video, audio: Audio, *, read_timeout: float, traits: Traits = NOTHING_KNOWN
) -> list[str]:
    """Return the encoder's argv from its inputs to its codecs; `read_timeout` and `traits` as `source_options`."""
    sound = audio.source if isinstance(audio.source, Source) else source
    pictures = [] if video.generate else source_options(source, read_timeout=read_timeout, traits=traits)
    if sound.playlist:
        live = bool(pictures) and not is_paced(source)
        hear = [*(_BESIDE_A_CLOCK if live else ("-re",)), *_PLAYED]
    else:
        hear = source_options(sound, read_timeout=read_timeout)
    heard = f"{1 if pictures else 0}:a:0"
    if video.generate:
        video = video.model_copy(update={"size": video.size or _SIZE, "fps": video.fps or _FPS})
    steady = is_still(source) or bool(frame_gap(source, traits))
    graph, encode = _graph(heard, video, video_options(video, steady=steady))
    maps = ["-filter_complex", graph, "-map", "[nd_picture]", "-map", heard]
    return [*pictures, *hear, *maps, *encode, *encoded_sound(audio)]


def _graph(heard: str, video: Video, options: Sequence[str]) -> tuple[str, list[str]]:
    """The filter graph, and the options of the picture without the filters that are in it now."""
    place = options.index("-vf")
    filters, rest = options[place + 1], [*options[:place], *options[place + 2 :]]
    size, rate = "x".join(map(str, video.size or _SIZE)), frame_rate(video.fps or _FPS)
    match video.generate:
        case "waveform":
            before = f"[{heard}]showwaves=s={size}:mode=cline:r={rate}:colors=0x4fc3f7,"
        case "still":
            before = f"[{heard}]{_TICK}color=c=0x18222d:s={size}:r={rate}[nd_still];[nd_still]{_TIED}"
        case None:
            before = f"[{heard}]{_TICK}[0:v:0]{_TIED}"
    return f"{before}{filters}[nd_picture]", rest


def with_player(argv: Sequence[str], source: Source, *, note: str) -> list[str]:
    """The encoder's argv, started by the player of its list; `note` is a file of the player's own."""
    assert source.playlist is not None
    options = {
        "ffmpeg": argv[0],
        "list": [str(place) for place in source.playlist],
        "shuffle": source.shuffle,
        "loop": source.loop is not False,
        "note": note,
    }
    # Nothing but the standard library: 10 MB and 20 ms instead of 60 and 100.
    return [sys.executable, "-I", "-S", str(_PLAYER), json.dumps(options), *argv]


def listed(source: Source, audio: Audio) -> Source | None:
    """The source whose list is played."""
    sound = audio.source if isinstance(audio.source, Source) else source
    return sound if sound.playlist else None
