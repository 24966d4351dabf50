"""Slates: a still picture with silence, encoded once as the stream's own encoder would, and copied when needed. Pure.

A viewer's decoder is told its parameters once a connection, so those of a slate must be the stream's, byte for byte:
its options are made by who makes the encoder's (`codecs`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from supervisor.ffmpeg.argv import common_options
from supervisor.ffmpeg.codecs import COPY, device_options, frame_rate, tracks, video_options
from supervisor.ffmpeg.destinations import media_output
from supervisor.ffmpeg.parameters import UNSAID, Colours

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from supervisor.config.shape import Audio, Video
    from supervisor.ffmpeg.argv import Binary
    from supervisor.model.quantities import Size

_SECONDS: Final = 60.0
_SECONDS_OF_A_FRAME: Final = 6.0  # it is wanted at once
_MOST_PIXELS: Final = 3.4e9  # so many are encoded within a minute or so: 60 s of 1080p at 30 frames a second
_MOST_IMAGE_PIXELS: Final = 67_108_864  # twice 8K: beyond that its decoder may need more memory than there is

_BACKGROUND: Final = "0x14181f"
_SILENCE: Final = ("-f", "lavfi", "-i", "anullsrc=channel_layout=stereo:sample_rate=48000")

# Of the picture's height and width, as far as text may fill them.
_TALLEST: Final = 0.11
_TEXT_HEIGHT, _TEXT_WIDTH = 0.8, 0.9
_LINE: Final = 1.4
_LETTER: Final = 0.62  # of its height, a letter's width in most fonts

# FFmpeg's names for what H.264 numbers; what is not here is left unsaid.
_PRIMARIES: Final = {1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "film", 9: "bt2020"}
_TRANSFERS: Final = {
    1: "bt709",
    4: "bt470m",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "linear",
    13: "iec61966-2-1",
    14: "bt2020-10",
    15: "bt2020-12",
    16: "smpte2084",
    18: "arib-std-b67",
}
_MATRICES: Final = {1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 9: "bt2020nc"}


@dataclass(frozen=True, slots=True)
class Still:
    """All that makes a slate what it is.

    `text` is shown where there is no `image`, or where it cannot be read. `video` has a size, a frame rate and a codec
    that encodes. `seconds` of it are encoded. `colours` are what the stream's encoder says of its own.
    """

    text: str
    video: Video
    audio: Audio
    image: Path | None = None
    last_frame: bool = False
    clock: bool = False
    colours: Colours = UNSAID
    seconds: float = _SECONDS
    owner: str = ""  # the stream

    @property
    def size(self) -> Size:
        """Its picture's, in pixels."""
        assert self.video.size is not None  # as said
        return self.video.size

    @property
    def fps(self) -> float:
        """Frames a second."""
        assert self.video.fps is not None  # as said
        return self.video.fps

    @property
    def sound(self) -> bool:
        """Whether it has a silent track."""
        return self.audio.source != "none"


def drawn_text(still: Still) -> Still:
    """The same as text on a plain ground."""
    return replace(still, image=None, last_frame=False)


def plain_ground(still: Still) -> Still:
    """The same without anything on it: what is left where no text can be drawn."""
    return replace(still, image=None, last_frame=False, clock=False, text="")


def length(still: Still) -> float:
    """How many seconds of it to encode: whole keyframe intervals, and no more than a machine makes in a minute."""
    wanted = min(still.seconds, _SECONDS_OF_A_FRAME if still.last_frame else _SECONDS)
    affordable = _MOST_PIXELS / (still.size.width * still.size.height * still.fps)
    interval = still.video.keyframe_interval
    return interval * max(1, int(min(wanted, affordable) / interval))


def render_argv(
    binary: Binary, still: Still, output: str, *, picture: bool = False, font: str | None = None
) -> list[str]:
    """Return the argv that encodes a slate to `output`, a Matroska file.

    `picture`: an image of any type comes on standard input; else its text is drawn, with the `font` in that file or
    whatever FFmpeg finds. A text of "" is a plain ground.
    """
    chosen = tracks(still.audio.model_copy(update={"source": "silence" if still.sound else "none", "codec": "aac"}))
    return [
        *(binary.path, "-hide_banner", "-nostdin", "-nostats", "-loglevel", "error"),
        *device_options(still.video),
        *(("-max_pixels", str(_MOST_IMAGE_PIXELS), "-i", "pipe:0") if picture else _ground(still, font)),
        *(_SILENCE if still.sound else ()),
        *chosen.maps,
        *_encoded(still, _fitted(still) if picture else []),
        *chosen.audio,
        *("-t", f"{length(still):g}", "-map_metadata", "-1", "-f", "matroska", "-y", output),
    ]


def slate_argv(
    binary: Binary,
    still: Still,
    path: str,
    *,
    links: Mapping[str, int],
    progress_url: str,
    font: str | None = None,
) -> list[str]:
    """Return the argv of an encoder that sends the slate in the file `path` over and over: an encoder like any other.

    It is copied, and costs next to nothing; with a clock it is decoded and encoded again.
    """
    clock = still.clock
    return [
        *common_options(binary, progress_url, "info"),
        *(device_options(still.video) if clock else ()),
        *("-re", "-stream_loop", "-1", "-f", "matroska", "-i", path, "-map", "0"),
        *(_encoded(still, [_time(still, font)]) if clock else ("-c:v", COPY)),
        *(("-c:a", COPY) if still.sound else ()),
        *media_output(links, copied_sound=False),
    ]


def drawn_argv(
    binary: Binary, still: Still, *, links: Mapping[str, int], progress_url: str, font: str | None = None
) -> list[str]:
    """Return the argv of an encoder that draws the slate's text while it sends: for who has no file of it yet."""
    chosen = tracks(still.audio.model_copy(update={"source": "silence" if still.sound else "none", "codec": "aac"}))
    return [
        *common_options(binary, progress_url, "info"),
        *device_options(still.video),
        "-re",
        *_ground(still, font),
        *chosen.input,
        *chosen.maps,
        *_encoded(still, [_time(still, font)] if still.clock else []),
        *chosen.audio,
        *media_output(links, copied_sound=False),
    ]


def proof_argv(binary: Binary, path: str, *, seconds: float = 1.0) -> list[str]:
    """Return the argv that decodes the beginning of a slate, and writes one grey frame of it to standard output."""
    return [
        *(binary.path, "-hide_banner", "-nostdin", "-nostats", "-loglevel", "error", "-xerror"),
        *("-f", "matroska", "-i", path),
        *("-map", "0", "-t", f"{seconds:g}", "-f", "null", "-"),
        *("-map", "0:v:0", "-frames:v", "1", "-pix_fmt", "gray", "-f", "rawvideo", "pipe:1"),
    ]


# --- the picture -------------------------------------------------------------------------------------


def _encoded(still: Still, filters: list[str]) -> list[str]:
    """The encoder's own options, with `filters` in front of its own and its colours behind them."""
    options = video_options(still.video)
    at = options.index("-vf") + 1
    chain, _, upload = options[at].partition(",hwupload")
    options[at] = ",".join([*filters, chain, _coloured(still.colours)]) + (",hwupload" + upload if _ else "")
    return options


def _fitted(still: Still) -> list[str]:
    """One image, whatever its size and type, on black: drawn once and then repeated.

    The frames are those of the ground, with nothing of what an image's file says of itself.
    """
    width, height = still.size
    matrix = _MATRICES.get(still.colours.matrix, "bt470bg")
    reach = "full" if still.colours.full else "limited"
    fps = frame_rate(still.fps)
    return [
        f"color=c=black:size={width}x{height}:rate={fps}[ground];[in]format=gbrap",
        f"scale={width}:{height}:force_original_aspect_ratio=decrease:out_color_matrix={matrix}:out_range={reach}",
        "format=yuva420p",
        "setparams=range=unknown:colorspace=unknown[image];[ground][image]overlay=x=(W-w)/2:y=(H-h)/2",
        "trim=end_frame=1",
        "loop=loop=-1:size=1:start=0",
        f"setpts=N/({fps})/TB",
    ]


def _coloured(colours: Colours) -> str:
    said = {
        "range": "full" if colours.full else "limited",
        "color_primaries": _PRIMARIES.get(colours.primaries, "unknown"),
        "color_trc": _TRANSFERS.get(colours.transfer, "unknown"),
        "colorspace": _MATRICES.get(colours.matrix, "unknown"),
    }
    return "setparams=" + ":".join(f"{key}={value}" for key, value in said.items())


def _ground(still: Still, font: str | None) -> tuple[str, ...]:
    width, height = still.size
    ground = f"color=c={_BACKGROUND}:size={width}x{height}:rate={frame_rate(still.fps)}"
    return ("-f", "lavfi", "-i", ",".join([ground, *_written(still, font)]))


def _written(still: Still, font: str | None) -> list[str]:
    """The text, each line a filter of its own: only newer FFmpegs can centre several."""
    lines = still.text.splitlines()
    if not lines:
        return []
    width, height = still.size
    longest = max(map(len, lines))
    fits = min(
        _TALLEST * height, _TEXT_HEIGHT * height / (_LINE * len(lines)), _TEXT_WIDTH * width / (_LETTER * longest)
    )
    size = max(6, int(fits))
    top = (height - len(lines) * _LINE * size) / 2
    return [
        # What is above a line's letters differs by letter: the lines they stand on are to be equally far apart.
        _draw(line, font, size, x="(w-text_w)/2", y=f"{top + (index + 0.75) * _LINE * size:.0f}-ascent")
        for index, line in enumerate(lines)
        if line
    ]


def _time(still: Still, font: str | None) -> str:
    size = max(6, int(0.05 * still.size.height))
    return _draw("%{localtime:%T}", font, size, x=f"w-text_w-{size}", y=f"h-{2 * size}", expansion="normal")


def _draw(text: str, font: str | None, size: int, *, x: str, y: str, expansion: str = "none") -> str:
    options = {
        **({} if font is None else {"fontfile": _escaped(font)}),
        "expansion": expansion,
        "text": _escaped(text),
        "fontsize": str(size),
        "fontcolor": "white",
        "x": x,
        "y": y,
    }
    return "drawtext=" + ":".join(f"{key}={value}" for key, value in options.items())


def _escaped(value: str) -> str:
    """A value as a filter's option, and that within a graph: FFmpeg undoes one after the other."""
    for special in ("\\':", "\\'[],;"):
        value = "".join(f"\\{character}" if character in special else character for character in value)
    return value
