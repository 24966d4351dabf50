"""What two destinations may not share, however it is written."""

from __future__ import annotations

import pytest

from supervisor.model.destination_urls import publishes_to

Destination = tuple[str, str | None]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("rtmp://h/live", "k"), ("RTMP://H.:1935/live/", "k")),
        (("rtmp://h/live", "k"), ("rtmp://user:password@h/live", "k")),
        (("rtmp://h/live/k", None), ("rtmp://h/live", "k")),
        (("rtmp://h/live/k", ""), ("rtmp://h/live/k/", None)),
        (("rtmps://h/live", "k"), ("rtmps://h:443/live", "k")),
        (("rtmp://[::1]/live", "k"), ("rtmp://[0:0::0001]:1935/live", "k")),
        (("rtmps://h/live2?backup=1", "k"), ("rtmps://h:443/live2/?backup=1", "k")),
        (("srt://h:9000?streamid=x", None), ("srt://H:9000/?latency=200000&streamid=x", None)),
        (("srt://h:9000?streamid=x", None), ("srt://h:9000", "x")),
        (("udp://h:9000?ttl=1", None), ("udp://H:9000", None)),
        (("rist://h:9000?secret=a", None), ("rist://h:9000/?buffer=100", None)),
        (("srt://h:9000?streamid=x%20y", None), ("srt://h:9000?streamid=x+y", None)),
        (("srt://h:9000?streamid=x", "ignored by FFmpeg"), ("srt://h:9000", "x")),
        (("srt://h:9000", None), ("srt://h:9000?passphrase=0123456789&mode=caller", None)),
        (("/a/x.flv", None), ("file:///a/b/../x.flv", None)),
        (("/a/x 1.flv", None), ("FILE:/a/x%201.flv", None)),
    ],
)
def test_the_same_place(one: Destination, other: Destination) -> None:
    assert publishes_to(*one) == publishes_to(*other) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("rtmp://h/live", "k"), ("rtmp://h/live", "K")),
        (("rtmp://h/live", "k"), ("rtmp://h/Live", "k")),
        (("rtmp://h/live", "k"), ("rtmps://h/live", "k")),
        (("rtmp://h/live", "k"), ("rtmp://h:1936/live", "k")),
        (("rtmps://a.h/live2", "k"), ("rtmps://b.h/live2?backup=1", "k")),
        (("rtmps://h/live2", "k"), ("rtmps://h/live2?backup=1", "k")),
        (("rtmp://h/live/k?token=1", None), ("rtmp://h/live/k?token=2", None)),
        (("rtmp://h/live", "k#1"), ("rtmp://h/live", "k#2")),
        (("srt://h:9000?streamid=x", None), ("srt://h:9000?streamid=X", None)),
        (("srt://h:9000?streamid=x", None), ("srt://h:9001?streamid=x", None)),
        (("x.flv", None), ("X.flv", None)),
        (("x.flv", None), ("file:x%2Eflv2", None)),
    ],
)
def test_two_places(one: Destination, other: Destination) -> None:
    assert publishes_to(*one) != publishes_to(*other)


@pytest.mark.parametrize("url", ["rtmp://", "rtmp://[::/live", "rtmp://h:99999/live", "srt:"])
def test_of_what_is_no_url_nobody_knows_the_place(url: str) -> None:
    assert publishes_to(url, "k") is None
