"""Whether somebody who asks for a URL means a destination."""

from __future__ import annotations

import hmac

import pytest

from supervisor.model.destination_urls import is_asked_for

YOUTUBE = ("rtmps://a.rtmps.youtube.com:443/live2", "abcd-efgh")
BACKUP = ("rtmps://b.rtmps.youtube.com/live2?backup=1", "abcd-efgh")
IN_URL = ("rtmp://ingest.example/app/abcd-efgh?token=1", "")
DEEP = ("rtmp://ingest.example/app/deep", "abcd")
SRT = ("srt://ingest.example:9000?latency=200000", "abcd")
SRT_IN_URL = ("srt://ingest.example:9000?streamid=abcd", "")
FILE = ("/var/media/a b.flv", "")


@pytest.mark.parametrize(
    ("asked", "destination"),
    [
        ("rtmps://a.rtmps.youtube.com/live2", YOUTUBE),
        ("RTMPS://A.rtmps.YouTube.com:443/live2/", YOUTUBE),
        ("rtmps://a.rtmps.youtube.com/live2/abcd-efgh", YOUTUBE),
        ("rtmps://a.rtmps.youtube.com.:443/live2/abcd-efgh/", YOUTUBE),
        ("rtmps://somebody@a.rtmps.youtube.com/live2", YOUTUBE),
        ("rtmps://b.rtmps.youtube.com/live2?backup=1", BACKUP),
        ("rtmps://b.rtmps.youtube.com/live2/abcd-efgh?backup=1", BACKUP),
        ("rtmps://b.rtmps.youtube.com/live2?backup=1/abcd-efgh", BACKUP),
        ("rtmp://ingest.example/app", IN_URL),
        ("rtmp://ingest.example:1935/app/", IN_URL),
        ("rtmp://ingest.example/app/abcd-efgh?token=1", IN_URL),
        ("rtmp://ingest.example/app/deep", DEEP),
        ("rtmp://ingest.example/app/deep/abcd", DEEP),
        ("srt://INGEST.example:9000", SRT),
        ("srt://ingest.example:9000?streamid=abcd", SRT),
        ("srt://ingest.example:9000?streamid=abcd&latency=1", SRT_IN_URL),
        ("srt://ingest.example:9000/", SRT_IN_URL),
        ("/var/media/a b.flv", FILE),
        ("file:///var/media/a%20b.flv", FILE),
        ("rtmp://[::1]/live", ("rtmp://[0:0::1]:1935/live", "k")),
        ("rtmp://h/live/k#1", ("rtmp://h/live", "k#1")),
        ("rtmp://h/live/käse", ("rtmp://h/live", "käse")),
    ],
)
def test_it_is_meant(asked: str, destination: tuple[str, str]) -> None:
    assert is_asked_for(asked, *destination)


@pytest.mark.parametrize(
    ("asked", "destination"),
    [
        ("rtmp://a.rtmps.youtube.com/live2", YOUTUBE),
        ("rtmps://a.rtmps.youtube.com:444/live2", YOUTUBE),
        ("rtmps://a.rtmps.youtube.com/Live2", YOUTUBE),
        ("rtmps://a.rtmps.youtube.com/live2/ABCD-EFGH", YOUTUBE),
        ("rtmps://a.rtmps.youtube.com/live2/abcd", YOUTUBE),
        ("rtmps://a.rtmps.youtube.com/live2/abcd-efgh-", YOUTUBE),
        ("rtmps://a.rtmps.youtube.com/abcd-efgh", YOUTUBE),
        ("rtmps://a.rtmps.youtube.com", YOUTUBE),
        ("rtmps://a.rtmps.youtube.com/", YOUTUBE),
        ("rtmps://rtmps.youtube.com/live2", YOUTUBE),
        ("rtmps://b.rtmps.youtube.com/live2", BACKUP),
        ("rtmp://ingest.example/app/abcd-efgh", IN_URL),
        ("rtmp://ingest.example/app/abcd-efgh?token=2", IN_URL),
        ("rtmp://ingest.example/app", DEEP),
        ("srt://ingest.example:9001", SRT),
        ("srt://ingest.example:9000?streamid=abc", SRT),
        ("/var/media/a", FILE),
        ("file:///var/media/a+b.flv", FILE),
        ("rtmp://h", ("rtmp://h/lonely", "")),
        *((nothing, YOUTUBE) for nothing in ("", "/", "youtube", "rtmps://", "rtmps://[", "\0", "\ud800")),
    ],
)
def test_it_is_not_meant(asked: str, destination: tuple[str, str]) -> None:
    assert not is_asked_for(asked, *destination)


def test_how_much_of_a_key_was_right_is_not_told_by_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []
    counts = set()
    for asked in ("live2", "live2/abcd-efgh", "live2/abcd-efgX", "live2/X"):
        compared.clear()
        with monkeypatch.context() as patched:
            patched.setattr("supervisor.model.destination_urls.hmac", _Watched(compared))
            is_asked_for(f"rtmps://a.rtmps.youtube.com/{asked}", *YOUTUBE)
        counts.add(len(compared))
    assert counts == {2}, "every way to write it is compared, whichever was right, and by what takes always as long"


class _Watched:
    """Compares as ever, and counts."""

    def __init__(self, compared: list[tuple[bytes, bytes]]) -> None:
        self._compared = compared

    def compare_digest(self, one: bytes, other: bytes) -> bool:
        self._compared.append((one, other))
        return hmac.compare_digest(one, other)
