"""HLS: whole segments at a time, and nothing between them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.integration.conftest import Launch
from tests.integration.harness.ingest import Ingest
from tests.integration.harness.media import ffmpeg
from tests.integration.harness.waiting import SLACK, all_along, eventually

PUSHER, ENCODER = ("cam", "pusher", "yt"), ("cam", "encoder", "")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def playlist(folder: Path, seconds: int) -> Iterator[str]:
    """A live playlist with segments of so many seconds, two of which are there."""
    folder.mkdir()
    inputs = ["-re", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25", "-re", "-f", "lavfi", "-i", "sine"]
    codecs = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "50", "-pix_fmt", "yuv420p", "-c:a", "aac"]
    hls = ["-f", "hls", "-hls_time", str(seconds), "-hls_list_size", "6", "-hls_flags", "delete_segments"]
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        with ffmpeg(*inputs, *codecs, *hls, str(folder / "live.m3u8")):
            eventually((folder / "live1.ts").exists, 3 * seconds + SLACK, "two segments")
            yield f"http://127.0.0.1:{server.server_port}/live.m3u8"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("realtime", [None, False], ids=["by default", "unpaced"])
def test_segments_longer_than_a_stall_are_no_stall(
    neverdark: Launch, ingest: Ingest, ffmpeg: str, tmp_path: Path, *, realtime: bool | None
) -> None:
    """Segments of 14 s cost 20 restarts in 421 s; with shorter ones the stream never counted as back on air."""
    with playlist(tmp_path / "hls", 4) as url:
        streams: dict[str, object] = {
            "cam": {
                "source": {"url": url} | ({} if realtime is None else {"realtime": realtime}),
                "video": {"codec": "copy"},
                "stall": {"timeout": "3s"},  # shorter than a segment, as 10 s are shorter than 14
                "destinations": {"yt": {"url": ingest.url, "key": "out-of-it"}},
            }
        }
        running = neverdark(streams, ffmpeg=ffmpeg)
        running.wait_on_air(seconds=20 + SLACK)
        all_along(running.on_air, 13, "it is off air")  # three segments
        assert running.restarts() == {PUSHER: {}, ENCODER: {}}
        assert ingest.publisher("out-of-it").bytes_in > 0
