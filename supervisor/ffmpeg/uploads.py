"""A pusher whose media a program beside it uploads, as HLS. Pure."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_UPLOADER = Path(__file__).parents[1] / "uploader" / "push.py"
_DESCRIPTOR = 4  # as `uploader.push`: pure files import none that is not


def uploaded_output() -> list[str]:
    """Return the pusher's output: MPEG-TS to the pipe that the uploader reads."""
    return ["-f", "mpegts", "-mpegts_flags", "+resend_headers", "-flush_packets", "1", f"pipe:{_DESCRIPTOR}"]


def with_uploader(argv: Sequence[str], url: str, *, ca_file: str | None) -> list[str]:
    """The pusher's argv, started by the uploader; to `url`, which has the key, a file's name is added."""
    options = json.dumps({"url": url, "ca_file": ca_file})
    return [sys.executable, "-I", "-S", str(_UPLOADER), options, *argv]
