"""What the configurations of these tests are made of."""

from __future__ import annotations

import sys
from typing import Any

Json = dict[str, Any]
# Every secret of every test contains this, so that one look tells whether any of them got out.
BAIT = "ZBait7"
# A program that ignores SIGTERM, as an FFmpeg does whose output is blocked.
STUBBORN = [sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(1000)"]


def secret(name: str) -> str:
    """A key, password or token that must not show up anywhere."""
    return f"{BAIT}-{name}-x7Qp2"


def card(*, rate: int = 10, **video: object) -> Json:
    """A small test card: source and video of a stream, cheap enough for many at once."""
    source = {"url": f"testsrc2=size=320x180:rate={rate}", "format": "lavfi", "realtime": True}
    usual = {"codec": "libx264", "bitrate": "300k", "preset": "ultrafast", "keyframe_interval": "1s"}
    return {"source": source, "video": usual | video}


def cam(url: str, key: str | None = None, **overrides: object) -> Json:
    """A test card sent to one destination, `yt`."""
    return card() | {"destinations": {"yt": {"url": url} | ({"key": key} if key else {})}} | overrides
