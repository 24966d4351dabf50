"""The fake of YouTube takes what a real ingest receives for the truth."""

from __future__ import annotations

import signal

from tests.integration.harness.ingest import Ingest
from tests.integration.harness.media import publishing
from tests.integration.harness.waiting import SLACK, STARTED, eventually
from tests.youtube.fake import FakeYouTube

KEY = "fake-fake-fake-fake-0001"


def test_a_stream_is_active_while_bytes_come(youtube: FakeYouTube, ingest: Ingest) -> None:
    stream = youtube.studio.stream(KEY, addresses={"ingestionAddress": ingest.url})
    other = youtube.studio.stream("another-key")
    live = youtube.studio.broadcast(stream=stream, enableAutoStart=True)
    youtube.ingest.follow(ingest.publishers)
    assert not youtube.ingest.active(stream)
    with publishing(f"{ingest.url}/{KEY}") as encoder:
        eventually(lambda: youtube.ingest.active(stream), STARTED, "bytes have come")
        assert not youtube.ingest.active(other)
        assert youtube.studio.look(live).state == "live"
        encoder.send_signal(signal.SIGSTOP)
        eventually(lambda: not youtube.ingest.active(stream), 5 + SLACK, "connected, and sends nothing")
        encoder.send_signal(signal.SIGCONT)
        eventually(lambda: youtube.ingest.active(stream), SLACK, "sends again")
        ingest.stop()
        eventually(lambda: not youtube.ingest.active(stream), SLACK, "the ingest is away")
