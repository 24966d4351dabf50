"""Lines of a log."""

from __future__ import annotations

from exporter.api.shape import Shape


class LogPage(Shape):
    """Lines of one log file; `next` goes into `after` to get what follows."""

    file: str
    lines: list[str]
    next: str
