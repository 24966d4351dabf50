"""The command line of the short FFmpeg that makes a picture of one keyframe. Pure.

It reads the keyframe from its standard input and writes one JPEG to its standard output: no port, no file, and nothing
that the media could name is opened.
"""

from __future__ import annotations

MEDIA_BYTES = 8 << 20  # of one keyframe, at most
WIDTH = 320
SMALL_BYTES = 200_000
FULL_BYTES = 8 << 20

_LARGEST_PICTURE = 40_000_000  # pixels; 8K has 33 million. What claims more would take the memory of the machine
_TALLEST = 2 * WIDTH

# By the shape in which it is shown, not by its pixels; even, because JPEG halves the colours.
_SMALL = f"scale=w={WIDTH}:h=max(2\\,min({_TALLEST}\\,trunc({WIDTH}/dar/2)*2)),setsar=1"
_FULL = "scale=w=trunc(iw/2)*2:h=trunc(ih/2)*2"


def small(ffmpeg: str) -> list[str]:
    """A picture `WIDTH` pixels wide, to be looked at."""
    return _picture(ffmpeg, _SMALL, "5")


def full(ffmpeg: str) -> list[str]:
    """A picture of the same size as the media, to be shown again."""
    return _picture(ffmpeg, _FULL, "2")


def _picture(ffmpeg: str, scale: str, quality: str) -> list[str]:
    return [
        *(ffmpeg, "-nostdin", "-hide_banner", "-loglevel", "quiet"),
        # Without these it would wait for more than there is.
        *("-scan_all_pmts", "0", "-fpsprobesize", "0"),
        *("-threads", "1", "-max_pixels", str(_LARGEST_PICTURE)),
        *("-protocol_whitelist", "pipe", "-f", "mpegts", "-i", "pipe:0"),
        *("-map", "0:v:0", "-frames:v", "1", "-vf", scale, "-threads", "1"),
        *("-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-q:v", quality, "-f", "mjpeg", "pipe:1"),
    ]
