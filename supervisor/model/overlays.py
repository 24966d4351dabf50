"""Which file of the owner's is laid over a picture, and which copy of ours FFmpeg reads."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class OverlayFile(NamedTuple):
    """`image`: else it is text, which FFmpeg reads again while it runs."""

    file: Path
    copy: Path
    image: bool
