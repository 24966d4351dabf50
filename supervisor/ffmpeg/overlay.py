"""What is laid over a picture, as FFmpeg's filters. Pure.

FFmpeg ends an encoder whose text file is not there when it is read again, and cannot begin with an image that is not
(measured, 5.1 and 9.0): so what it reads are copies that neverdark keeps.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from supervisor.config.overlay import Overlay

_RELOAD_FRAMES: Final = 25  # reading the file for each frame tells nobody anything
_OF_VALUE: Final = re.compile(r"([\\':])")
_OF_GRAPH: Final = re.compile(r"([\\'\[\],;])")
_BORDER: Final = 8

# An image's black is 0. FFmpeg 9 would make that of the whole picture, in some graphs and in others not: then the next
# run of an encoder, which knows the size, sends other parameters than the first.
_AS_VIDEO = "scale=out_range=tv,format=yuva420p"


def overlay_filters(overlays: Sequence[Overlay]) -> Iterator[str]:
    """One filter each, or a piece of a graph that can stand where a filter can: between two commas."""
    for number, overlay in enumerate(overlays):
        yield _image(overlay, number) if overlay.image else _text(overlay)


def escaped(value: str) -> str:
    """`value` as that of a filter's option in a graph."""
    return _OF_GRAPH.sub(r"\\\1", _OF_VALUE.sub(r"\\\1", value))


def _text(overlay: Overlay) -> str:
    source = (
        f"textfile={escaped(str(overlay.file))}:reload={_RELOAD_FRAMES}"
        if overlay.file
        else f"text={escaped(overlay.text or '')}"
    )
    x, y = _place(overlay, "w", "h", "tw", "th")
    size = overlay.size if overlay.size is not None else "h/18"
    box = f":box=1:boxborderw={_BORDER}:boxcolor={overlay.background}" if overlay.background else ""
    # What people write is text: a % in it is one.
    return f"drawtext={source}:expansion=none:fontsize={size}:fontcolor={overlay.color}{box}:x={x}:y={y}"


def _image(overlay: Overlay, number: int) -> str:
    """One frame, which stays: a second input of its own could starve and hold up the picture."""
    steps = [f"movie=filename={escaped(str(overlay.image))}", "format=rgba"]
    if overlay.width is not None:
        steps.append(f"scale={overlay.width}:-1")
    if overlay.opacity < 1:
        steps.append(f"colorchannelmixer=aa={overlay.opacity:g}")
    x, y = _place(overlay, "W", "H", "w", "h")
    steps.append(_AS_VIDEO)
    below, above = f"[below{number}]", f"[above{number}]"
    return f"null{below};{','.join(steps)}{above};{below}{above}overlay=x={x}:y={y}:eof_action=repeat"


def _place(overlay: Overlay, width: str, height: str, own_width: str, own_height: str) -> tuple[str, str]:
    vertical, _, horizontal = str(overlay.position).rpartition("-")
    if not vertical:  # one word tells a side, and the other direction is its middle
        vertical, horizontal = (horizontal, "") if horizontal in {"top", "bottom"} else ("", horizontal)
    x = _along(width, own_width, overlay.margin, far=horizontal == "right", near=horizontal == "left")
    return x, _along(height, own_height, overlay.margin, far=vertical == "bottom", near=vertical == "top")


def _along(whole: str, own: str, margin: int, *, far: bool, near: bool) -> str:
    if near:
        return str(margin)
    return f"{whole}-{own}-{margin}" if far else f"({whole}-{own})/2"
