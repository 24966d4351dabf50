"""What has the form of a secret is hidden although nobody named it, and what one needs at night stays."""

from __future__ import annotations

import pytest

from supervisor.secrets.hiding import hide_forms

# What other programs print → what is shown. Every `SeCrEt` in them is one.
URLS = {
    "[error] http://127.0.0.1:46211/videostream.cgi?loginuse=admin&loginpas=SeCrEt: Server returned 403 Forbidden": (
        "[error] http://127.0.0.1:46211/videostream.cgi?***: Server returned 403 Forbidden"
    ),
    "[hls] Error when loading first segment 'http://127.0.0.1:4/hls/SeCrEt.ts?sig=SeCrEt&auth=SeCrEt'": (
        "[hls] Error when loading first segment 'http://127.0.0.1:4/hls/***?***'"
    ),
    "http://h/live/user/SeCrEt/12.ts: Server returned 404": "http://h/live/***/12.ts: Server returned 404",
    "rtsp://10.0.0.5/user=a_password=SeCrEt_channel=1.sdp: No route": "rtsp://10.0.0.5/***: No route",
    "rtmp://127.0.0.1:1935/live2/SeCrEt: Input/output error": "rtmp://127.0.0.1:1935/live2/***: Input/output error",
    "Error opening output rtmps://h:443/app/i/SeCrEt?a=b: Input/output error": (
        "Error opening output rtmps://h:443/app/***?***: Input/output error"
    ),
    "Error opening output file rtmpt://[::1]:80/live/stream1.": "Error opening output file rtmpt://[::1]:80/live/***.",
    "srt://h:9000?mode=caller&streamid=SeCrEt&passphrase=SeCrEt: I/O error": "srt://h:9000?***: I/O error",
    "rist://h:9000/SeCrEt failed": "rist://h:9000/*** failed",
    r"[f=flv]rtmp\://a\:1935/live/SeCrEt|[f=flv]rtmp\\://b/x/SeCrEt: failed": "[f=flv]rtmp://a:1935/live/***: failed",
    r'{"url":"https:\/\/h\/live\/SeCrEt","status":401}': '{"url":"https://h/live/***","status":401}',
    '{"url":"http://h/live/SeCrEt","status":401}': '{"url":"http://h/live/***","status":401}',
    "from 'http://h/live/my SeCrEt/s SeCrEt/index.m3u8':": "from 'http://h/live/***/index.m3u8':",
    "from 'http://h/it's/SeCrEt/1.ts' (x)": "from 'http://h/***/1.ts' (x)",
    "via http%3A%2F%2Fh%2Flive%2FSeCrEt and ftp%253A%252F%252Fh%252FSeCrEt": "via http://*** and ftp://***",
    "Error opening input file rtsp://viewer:Se/SeCrEt@10.0.0.5:554/stream1.": "Error opening input file rtsp://***.",
    "Connection to tcp://viewer:SeCrEt failed": "Connection to tcp://*** failed",
    "***://h/live/SeCrEt, http://***@h/SeCrEt": "***://h/live/***, http://***@h/***",
    "Opening '/live/user/SeCrEt/seg.ts?sig=SeCrEt' for reading": "Opening '/live/***?***' for reading",
    "Opening '../hls/seg.ts?SeCrEt' for reading": "Opening '***?***' for reading",
    "> GET /live/user/SeCrEt/1.ts HTTP/1.1": "> GET /live/***/1.ts HTTP/1.1",
    "< Location: /SeCrEt/index.m3u8": "< Location: /***/index.m3u8",
    "[HTTP/2] [1] [:path: /user/SeCrEt.ts]": "[HTTP/2] [1] [:path: /***",
}
NAMED = {
    "Authorization: Basic SeCrEt==": "Authorization: ***",
    "[http @ 0x1] header='Proxy-Authorization: Digest username=\"SeCrEt\"'": (
        "[http @ 0x1] header='Proxy-Authorization: ***"
    ),
    "trying Bearer SeCrEt, BASIC SeCrEt=": "trying Bearer ***, BASIC ***",
    'Digest username="SeCrEt", response="SeCrEt"': "Digest ***",
    "< Set-Cookie: a=SeCrEt; path=/": "< Set-Cookie: ***",
    "[rtsp @ 0x1] line='Session: SeCrEt;timeout=60'": "[rtsp @ 0x1] line='Session: ***",
    '{"token": "SeCrEt x", "status": 3}': '{"token": ***, "status": 3}',
    "X-Api-Key: SeCrEt": "X-Api-Key: ***",
    "passphrase=SeCrEt latency=20": "passphrase=*** latency=20",
    "+ STREAM_KEY=SeCrEt": "+ STREAM_KEY=***",
    "+ ffmpeg -re -i film.mp4 -rtmp_playpath SeCrEt -f flv rtmp://h/live2": (
        "+ ffmpeg -re -i film.mp4 -rtmp_playpath *** -f flv rtmp://h/live2"
    ),
    "+ curl -u me:SeCrEt -m 3 http://h/": "+ curl -u *** -m 3 http://h/",
    "Applying option passphrase (the password) with argument SeCrEt.": (
        "Applying option passphrase (the password) with argument ***"
    ),
    "[rtmp @ 0x1] Proto = rtmp, path = /live/SeCrEt, app = live, fname = SeCrEt": (
        "[rtmp @ 0x1] Proto = rtmp, path = ***, app = live, fname = ***"
    ),
    "[rtmp @ 0x1] Sending publish command for 'SeCrEt'": "[rtmp @ 0x1] Sending publish command for ***",
    "[rtmp @ 0x1] Server error: Already publishing SeCrEt": "[rtmp @ 0x1] Server error: Already publishing ***",
    "[rtmp @ 0x1] Server error: Stream SeCrEt already publishing": (
        "[rtmp @ 0x1] Server error: Stream *** already publishing"
    ),
    "Server error: Failed to play a_SeCrEt; not found.": "Server error: Failed to play ***; not found.",
    "[hls @ 0x1] Skip ('#EXT-X-SESSION-DATA:VALUE=\"SeCrEt\"')": "[hls @ 0x1] Skip ('#EXT-X-SESSION-DATA ***')",
    "a=crypto:1 AES_CM_128 inline:SeCrEt": "a=crypto:***",
}
LEFT_ALONE = [
    "[tcp @ 0x1] Connection to tcp://10.0.0.5:8554 failed: Connection refused",
    "[tcp @ 0x1] Failed to resolve hostname auth.example.com: Name or service not known",
    "[rtsp @ 0x1] method DESCRIBE failed: 401 Unauthorized (authorization failed)",
    "[rtmp @ 0x1] Server error: Already publishing",
    "[rtmp @ 0x1] Server error: NetStream.Publish.BadName",
    "[hls @ 0x1] Opening '/srv/media/film of 1999/seg 1.ts' for reading",
    "[hls @ 0x1] Skip ('playlist')",
    "Input #0, mpegts, from 'udp://239.0.0.1:5000':",
    "Input #0, mpegts, from 'udp://@239.0.0.1:5000':",
    "rtsp://[fd00::5]:554/stream1: Server returned 404 Not Found",
    "rtmp://a.example/live2: Input/output error",
    "file:///srv/film.mp4: No such file or directory",
    "/srv/films/a b.mp4: No such file or directory",
    "  Stream #0:0(und): Video: h264 (avc1 / 0x31637661), yuv420p, 320x180 [SAR 1:1 DAR 16:9], 656 kb/s (default)",
    "frame=   64 fps= 25 q=-1.0 size=     221kB time=00:00:02.53 bitrate= 715.3kbits/s speed=   1x",
    "Press [q] to stop, [?] for help",
    "the ingest refused it (wrong key, or already in use?).",
    "x264 [info]: profile Constrained Baseline, level 1.2, keyint=25 pass",
    "sort: cannot read: -u: No such file",
]


@pytest.mark.parametrize("text", [*URLS, *NAMED])
def test_what_looks_like_a_secret_is_hidden(text: str) -> None:
    shown = hide_forms(text)
    assert shown == (URLS | NAMED)[text]
    assert "SeCrEt" not in shown
    assert hide_forms(shown) == shown, "what is shown once can be shown again"


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_what_one_needs_at_night_is_left_alone(text: str) -> None:
    assert hide_forms(text) == text


@pytest.mark.parametrize("text", URLS)
def test_a_url_that_was_cut_off_leaves_nothing(text: str) -> None:
    """However long the line may have been: FFmpeg cuts at 1,023 bytes, also in the middle of a key."""
    for length in range(len(text)):
        shown = hide_forms(text[:length], cut=True)
        assert "SeCr" not in shown, (text[:length], shown)
