"""What FFmpeg says of what it opens, in the words of 5.1 and of 9.0."""

from __future__ import annotations

import pytest

from supervisor.ffmpeg.opening import Opening

SILENT_OLD = b"""\
[warning] Guessed Channel Layout for Input Stream #0.1 : mono
[info] Input #0, rtsp, from 'rtsp://v:p@127.0.0.1:5601/stream1':
[info]   Metadata:
[info]     title           : No Name
[info]   Duration: N/A, start: 1.300000, bitrate: N/A
[info]   Stream #0:0: Video: h264 (Constrained Baseline), yuv420p(progressive), 320x180 [SAR 1:1 DAR 16:9], 10 fps
[info]   Stream #0:1: Audio: pcm_alaw, 8000 Hz, mono, s16, 64 kb/s
[info] Input #1, lavfi, from 'anullsrc=channel_layout=stereo':
[info]   Stream #1:0: Audio: pcm_u8, 48000 Hz, stereo, u8, 768 kb/s
[info] Stream mapping:
[info]   Stream #0:0 -> #0:0 (h264 (native) -> h264 (libx264))
[info] 7770001.000000
[libx264 @ 0x5653a29df900] [info] profile High, level 1.1, 4:2:0, 8-bit"""
UNTIMED_NEW = b"""\
[info] Input #0, mpjpeg, from 'http://127.0.0.1:5801/video':
[info]   Duration: N/A, bitrate: N/A
[info]   Stream #0:0: Video: mjpeg (Baseline), yuvj420p(pc, bt470bg/unknown/unknown), 320x180 [SAR 1:1], 25 tbr, 25 tbn
[info] Input #1, lavfi, from 'anullsrc=channel_layout=stereo':
[info]   Stream #1:0: Audio: pcm_u8, 48000 Hz, stereo, u8, 768 kb/s
[info] Stream mapping:
[Eval @ 0x7fc3c45a5070] [info] 7770001.000000
[info] Output #0, tee, to '[f=mpegts]udp://127.0.0.1:20000':
[info]   Stream #0:1: Audio: aac (LC), 48000 Hz, stereo, fltp, 128 kb/s"""
TS_OLD = b"""\
[info] Input #0, mpegts, from 'udp://127.0.0.1:5720':
[info]   Program 1
[info]   Stream #0:0[0x100]: Video: h264 (Main) ([27][0][0][0] / 0x001B), yuv420p, 320x180, 0.20 fps, 10 tbr, 90k tbn
[info]   Stream #0:1[0x101](und): Audio: aac ([15][0][0][0] / 0x000F), 0 channels
[info] Stream mapping:"""


def opened(words: bytes) -> Opening:
    opening = Opening()
    for line in words.splitlines():
        assert opening.heed(line) == (b"[info]" in line), line
    return opening


def test_sound_that_is_declared_and_does_not_come() -> None:
    opening = opened(SILENT_OLD)
    assert (opening.format, opening.sound, opening.rate) == ("rtsp", True, 10.0)
    assert opening.described
    assert opening.picture
    assert not opening.output, "FFmpeg waits for the sound"


def test_a_source_without_sound_is_not_taken_for_one_because_of_our_own() -> None:
    opening = opened(UNTIMED_NEW)
    assert (opening.format, opening.sound, opening.rate) == ("mpjpeg", False, None)
    assert opening.picture
    assert opening.output


def test_a_transport_stream_names_its_tracks_in_its_own_way() -> None:
    opening = opened(TS_OLD)
    assert (opening.sound, opening.rate) == (True, 0.2)
    assert not opening.picture


@pytest.mark.parametrize(
    "line",
    [
        b"[h264 @ 0x557d6fc72200] [error] no frame!",
        b"[rtsp @ 0x5653a2992540] [warning] Thread message queue blocking",
        b"Input #0, rtsp, from 'rtsp://h/a':",
        b"    Last message repeated 3 times",
        b"",
    ],
)
def test_what_is_said_to_people_stays(line: bytes) -> None:
    opening = Opening()
    assert not opening.heed(line)
    assert not opening.format


def test_a_repetition_of_what_nobody_gets_to_see_is_not_shown_either() -> None:
    opening = opened(TS_OLD)
    assert opening.heed(b"    Last message repeated 3 times")


def test_what_cannot_be_decoded_yet_is_a_source_that_sends() -> None:
    opening = Opening()
    opening.heed(b"[h264 @ 0x557d6fc72200] [error] non-existing PPS 0 referenced")
    assert opening.undecoded
    opening.heed(b"[rtsp @ 0x5653a2992540] [warning] something else")
    assert not opening.undecoded
