"""Lines of a log."""

from __future__ import annotations

from exporter.api.example import Example
from exporter.api.shape import Shape


@Example(
    file="encoder.20260301T095957.120Z-1.log",
    lines=["[info] Stream #0:0: Video: h264 (High), yuv420p, 1920x1080, 30 fps"],
    next="encoder.20260301T095957.120Z-1.log:1048593:4096",
)
class LogPage(Shape):
    """Lines of one log file; `next` goes into `after` to get what follows."""

    file: str
    lines: list[str]
    next: str
