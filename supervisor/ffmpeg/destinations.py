"""The path behind the encoder: the loopback media link, and how a pusher hands it to a destination."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlunsplit

from supervisor.model.destination_urls import file_path, rtmp_name, split
from supervisor.model.push_urls import whole_packets

if TYPE_CHECKING:
    from collections.abc import Mapping

MEDIA_DESCRIPTOR = 3  # where a pusher finds the socket of its link
AUDIO_BASE = 1_000_000_000
_LOOPBACK = "127.0.0.1"
_WARNING = 24  # FFmpeg's number for that level

# What stands for the ports that are known when a run begins, in the encoder's command line.
TAP_PORT = "{tap}"
CLOCK = "{clock}"  # the time stamp that the run begins with, in seconds


def sender_mark(destination: str) -> str:
    """Stands for the port that an encoder sends a destination's media from; "" for its side output."""
    return f"{{from-{destination}}}"


# Seven TS packets a datagram, and a writer that is paced: without pacing a keyframe's burst overflows the
# reader's socket buffer (2,400 datagrams lost at 6 Mbit/s in 12 s; paced: none).
_WRITER_QUERY = "pkt_size=1316&bitrate=100000000&burst_bits=200000"

# How long, in s, the encoder's video waits for audio that pauses. FFmpeg's own 10 s would be a stall.
_INTERLEAVE = 0.5
# Where frames are few, those before the first keyframe come as repetitions with it: their sound follows a moment later,
# and were it not waited for, it would be behind its picture from the start, which FLV does not take.
_FRAMES_AT_ONCE = 12

# A reader that joins midway must find the tables again. A frame is whole with its last byte, not with the next
# frame's first; sound comes in pieces of 45 ms instead of 190.
_MEDIA = (
    "f=mpegts:mpegts_flags=+resend_headers:omit_video_pes_length=0:pes_payload_size=0:max_delay=40000"
    ":max_interleave_delta="
)
# Keyframes alone, and copied sound, which may change as well. (FFmpeg 5 loses one of two `bsfs`.)
_TAP = "f=mpegts:mpegts_flags=+resend_headers:flush_packets=1:onfail=ignore:bsfs/v=noise=drop=not(key)"
_TAP_PICTURE = f"{_TAP}:select=v"
_TAP_ALL = f"{_TAP}:select=v,a"

# Packets that a reader may have read and not yet written: some 28 s of media. What is more is lost in front of it.
_QUEUE = "2048"
_OUTPUT_QUEUES_SINCE = (6, 0)

# Who joins midway waits for a keyframe, for so many µs at most: of copied cameras they may be 20 s apart. That goes by
# the time stamps, not by the clock, and where sound that was late catches up they go on quickly.
_LONGEST_GOP = "100000000"
_PROBE_BYTES = "60000000"

# FFmpeg's own 10 s: one track further than that from its own past moves the whole input's time, the next packet of the
# other track moves it back, and both stay apart for good. Beyond an hour it is no pause and no jump, but another clock;
# MPEG-TS begins anew after 26.5 h.
_DISCONTINUITY = "3600"
# Who waits to be called has read the first packets long before, and has not seen what came since.
_DISCONTINUITY_AFTER_WAITING = "10"

_RTMP_SCHEMES = frozenset({"rtmp", "rtmps", "rtmpt", "rtmpts"})
_RTMP_TLS_SCHEMES = frozenset({"rtmps", "rtmpts"})

# A kill leaves all fragments that were finished; without them an .mp4 without its trailer cannot be opened.
_FRAGMENTED = ("-movflags", "+frag_keyframe+empty_moov+default_base_moof")

# There is nothing to seek back to on a connection; in a file it would fail after a kill just the same.
_FLV = ("-f", "flv", "-flvflags", "no_duration_filesize")
_MPEGTS = ("-f", "mpegts", "-mpegts_flags", "+resend_headers")

# What describes a stream by RTSP is sent before its first packet, and the encoder's AAC does not say there what it is:
# so sound is encoded once more, for 1 % of a core. By TCP, so that what is not taken is known.
_RTSP = ("-c:a", "aac", "-b:a", "128k", "-f", "rtsp", "-rtsp_transport", "tcp")

# mp4 writes its header before it sees a packet, so it does not find out by itself that AAC comes as ADTS.
_AAC_FOR_MP4 = ("-bsf:a", "aac_adtstoasc")

_FILE_MUXERS: dict[str, tuple[str, ...]] = {
    ".flv": _FLV,
    ".ts": _MPEGTS,
    ".mkv": ("-f", "matroska"),
    ".mp4": ("-f", "mp4", *_FRAGMENTED, *_AAC_FOR_MP4),
}


def media_output(links: Mapping[str, int], *, copied_sound: bool, gap: float = 0.0) -> list[str]:
    """Return the encoder's output: MPEG-TS to the loopback port of each destination, and to the tap.

    `links` are the ports by destination. What each is sent from stands there as `sender_mark`, the tap's port as
    `TAP_PORT`. `gap` is the time between two frames where they are few, in seconds. Raises ValueError without a
    destination.
    """
    if not links:
        message = "an encoder needs at least one media port"
        raise ValueError(message)
    interleave = f"{(_INTERLEAVE + _FRAMES_AT_ONCE * gap) * 1_000_000:.0f}"
    media = [_slave(_MEDIA + interleave, port, f"{_WRITER_QUERY}&{_sent_from(name)}") for name, port in links.items()]
    tap = _slave(_TAP_ALL if copied_sound else _TAP_PICTURE, TAP_PORT, f"pkt_size=1316&{_sent_from('')}")
    # tee interleaves once itself and once more in each branch.
    return [
        *("-output_ts_offset", CLOCK),
        *("-max_interleave_delta", interleave),
        *("-f", "tee", "|".join([*media, tap])),
    ]


def _sent_from(destination: str) -> str:
    return f"localaddr={_LOOPBACK}&localport={sender_mark(destination)}"


def _slave(options: str, port: int | str, query: str) -> str:
    url = f"udp://{_LOOPBACK}:{port}?{query}".replace(":", "\\:")
    return f"[{options}]{url}"


def media_input(*, waits: bool = False) -> list[str]:
    """Return the pusher's input: the encoder's MPEG-TS, from the socket that it inherits.

    `waits`: what it writes to may take nothing for hours at first.

    The first three options bring the first bytes to the ingest 0.3–0.7 s after the start instead of 5–6 s.
    """
    return [
        *("-scan_all_pmts", "0"),
        *("-fpsprobesize", "0"),
        *("-analyzeduration", _LONGEST_GOP),
        *("-probesize", _PROBE_BYTES),
        *("-fflags", "+genpts+discardcorrupt"),
        *("-dts_delta_threshold", _DISCONTINUITY_AFTER_WAITING if waits else _DISCONTINUITY),
        *("-thread_queue_size", _QUEUE),
        *("-f", "mpegts"),
        *("-i", f"pipe:{MEDIA_DESCRIPTOR}"),
    ]


def media_queue(version: tuple[int, int]) -> list[str]:
    """Return the output option without which FFmpeg 6 and newer hold eight packets, and media is lost in front."""
    return ["-thread_queue_size", _QUEUE] if version >= _OUTPUT_QUEUES_SINCE else []


def time_stamps() -> list[str]:
    """Return the options that print, about once a second, the time stamps with which each track leaves.

    They stand on lines of their own among FFmpeg's warnings; those of sound have `AUDIO_BASE` added. `pts` is named
    because FFmpeg would take `dts` for it: copied B-frames were shown in the order in which they are decoded.
    """
    return [
        *("-bsf:v", rf"setts=pts=PTS:dts=if(mod(N\,25)\,DTS\,print(DTS*TB\,{_WARNING})*0+DTS)"),
        *("-bsf:a", rf"setts=pts=PTS:dts=if(mod(N\,47)\,DTS\,print(DTS*TB+{AUDIO_BASE}\,{_WARNING})*0+DTS)"),
    ]


def keeps_time_base(url: str) -> bool:
    """Whether what is printed by `time_stamps` can be read: with other muxers FFmpeg 5 counts in a unit of its own."""
    return split(url).scheme.lower() != "rtsp"


def destination_output(url: str, key: str | None, *, ca_file: str | None) -> list[str]:
    """Return the pusher's output for a destination's URL: RTMP(S), SRT, RTSP, UDP, RIST or a file, by its scheme.

    `ca_file` is a PEM bundle that RTMPS certificates are verified against (None: FFmpeg's own default).
    Raises ValueError, without the URL in it, for a scheme or file type that is not supported.
    """
    scheme = split(url).scheme.lower()
    if scheme in _RTMP_SCHEMES:
        tls = _tls_options(ca_file) if scheme in _RTMP_TLS_SCHEMES else []
        return [*_FLV, *tls, *_rtmp_address(url, key)]
    if scheme == "srt":
        stream_id = [] if key is None else ["-srt_streamid", key]
        return [*_MPEGTS, *stream_id, url]
    if scheme == "udp":
        return [*_MPEGTS, whole_packets(url)]
    if scheme == "rist":
        return [*_MPEGTS, url]
    if scheme == "rtsp":
        return [*_RTSP, url]
    if scheme in {"", "file"}:
        return _file_output(url)
    message = f"no pusher for destinations of scheme {scheme!r}: use rtmp, rtmps, srt, rtsp, udp, rist or a file"
    raise ValueError(message)


def _file_output(url: str) -> list[str]:
    suffix = PurePosixPath(file_path(url)).suffix.lower()
    muxer = _FILE_MUXERS.get(suffix)
    if muxer is None:
        message = f"no muxer for files of type {suffix!r}: use {', '.join(_FILE_MUXERS)}"
        raise ValueError(message)
    return [*muxer, "-y", url]


def _tls_options(ca_file: str | None) -> list[str]:
    # FFmpeg 5.1 does not verify unless told to; 9 does.
    return ["-tls_verify", "1", *([] if ca_file is None else ["-ca_file", ca_file])]


def _rtmp_address(url: str, key: str | None) -> list[str]:
    """Name application and stream on their own, so that no line of FFmpeg's that shows the URL has the key."""
    name = rtmp_name(url, key)
    if key is None and not name.application:
        return [url]
    parts, (path, _, query) = split(url), name.application.partition("?")
    shown = urlunsplit((parts.scheme, parts.netloc, f"/{path}", query, ""))
    return ["-rtmp_app", name.application, "-rtmp_playpath", name.stream, shown]
