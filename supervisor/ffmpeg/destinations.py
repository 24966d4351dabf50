"""The path behind the encoder: the loopback media link, and how a pusher hands it to a destination."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Sequence

_LOOPBACK = "127.0.0.1"

# Seven TS packets a datagram, and a writer that is paced: without pacing a keyframe's burst overflows the
# reader's socket buffer (2,400 datagrams lost at 6 Mbit/s in 12 s; paced: none).
_WRITER_QUERY = "pkt_size=1316&bitrate=100000000&burst_bits=200000"

# The second line of defence; `overrun_nonfatal` lets a late reader lose data instead of its life.
_READER_QUERY = "fifo_size=50000&overrun_nonfatal=1&buffer_size=4194304"

# A reader that joins midway must find the tables again.
_TS_FLAGS = "+resend_headers"

# How long, in µs, the encoder's video waits for audio that pauses. FFmpeg's own 10 s would be a stall.
_INTERLEAVE = "500000"

_RTMP_SCHEMES = frozenset({"rtmp", "rtmps", "rtmpt", "rtmpts"})
_RTMP_TLS_SCHEMES = frozenset({"rtmps", "rtmpts"})

# A kill leaves all fragments that were finished; without them an .mp4 without its trailer cannot be opened.
_FRAGMENTED = ("-movflags", "+frag_keyframe+empty_moov+default_base_moof")

# There is nothing to seek back to on a connection; in a file it would fail after a kill just the same.
_FLV = ("-f", "flv", "-flvflags", "no_duration_filesize")
_MPEGTS = ("-f", "mpegts", "-mpegts_flags", _TS_FLAGS)

# mp4 writes its header before it sees a packet, so it does not find out by itself that AAC comes as ADTS.
_AAC_FOR_MP4 = ("-bsf:a", "aac_adtstoasc")

_FILE_MUXERS: dict[str, tuple[str, ...]] = {
    ".flv": _FLV,
    ".ts": _MPEGTS,
    ".mkv": ("-f", "matroska"),
    ".mp4": ("-f", "mp4", *_FRAGMENTED, *_AAC_FOR_MP4),
}


def media_output(ports: Sequence[int]) -> list[str]:
    """Return the encoder's output: one MPEG-TS to each loopback port. Raises ValueError without a port."""
    if not ports:
        message = "an encoder needs at least one media port"
        raise ValueError(message)
    urls = [f"udp://{_LOOPBACK}:{port}?{_WRITER_QUERY}" for port in ports]
    wait = ("-max_interleave_delta", _INTERLEAVE)
    if len(urls) == 1:
        return [*wait, *_MPEGTS, urls[0]]
    # tee interleaves once itself and once more in each branch.
    options = f"[f=mpegts:mpegts_flags={_TS_FLAGS}:max_interleave_delta={_INTERLEAVE}]"
    escaped = (url.replace(":", "\\:") for url in urls)
    return [*wait, "-f", "tee", "|".join(f"{options}{url}" for url in escaped)]


def media_input(port: int) -> list[str]:
    """Return the pusher's input: the encoder's MPEG-TS from a loopback port.

    The first three options bring the first bytes to the ingest 0.3–0.7 s after the start instead of 5–6 s.
    """
    return [
        "-scan_all_pmts",
        "0",
        "-fpsprobesize",
        "0",
        "-analyzeduration",
        "3000000",
        "-fflags",
        "+genpts+discardcorrupt",
        "-f",
        "mpegts",
        "-i",
        f"udp://{_LOOPBACK}:{port}?{_READER_QUERY}",
    ]


def destination_output(url: str, key: str | None, *, ca_file: str | None) -> list[str]:
    """Return the pusher's output for a destination's URL: RTMP(S), SRT or a file, by its scheme.

    `ca_file` is a PEM bundle that RTMPS certificates are verified against (None: FFmpeg's own default).
    Raises ValueError, without the URL in it, for a scheme or file type that is not supported.
    """
    scheme = urlsplit(url).scheme.lower()
    if scheme in _RTMP_SCHEMES:
        tls = _tls_options(ca_file) if scheme in _RTMP_TLS_SCHEMES else []
        return [*_FLV, *tls, *_rtmp_address(url, key)]
    if scheme == "srt":
        stream_id = [] if key is None else ["-srt_streamid", key]
        return [*_MPEGTS, *stream_id, url]
    if scheme in {"", "file"}:
        return _file_output(url)
    message = f"no pusher for destinations of scheme {scheme!r}: use rtmp, rtmps, srt or a file"
    raise ValueError(message)


def _file_output(url: str) -> list[str]:
    suffix = PurePosixPath(urlsplit(url).path).suffix.lower()
    muxer = _FILE_MUXERS.get(suffix)
    if muxer is None:
        message = f"no muxer for files of type {suffix!r}: use {', '.join(_FILE_MUXERS)}"
        raise ValueError(message)
    return [*muxer, "-y", url]


def _tls_options(ca_file: str | None) -> list[str]:
    # FFmpeg 5.1 does not verify unless told to; 9 does.
    return ["-tls_verify", "1", *([] if ca_file is None else ["-ca_file", ca_file])]


def _rtmp_address(url: str, key: str | None) -> list[str]:
    """Split into application and stream name, so that no line of FFmpeg's that shows the URL has the key.

    The application is the path with its query, as OBS does it; FFmpeg left to itself would split at the
    first slash. Without a key the last segment of the path, and the query, are the stream's name.
    """
    parts = urlsplit(url)
    path = parts.path.strip("/") if key is not None else parts.path.lstrip("/")
    query = f"?{parts.query}" if parts.query else ""
    if key is not None:
        app, name = path + query, key
    else:
        app, _, last = path.rpartition("/")
        if not app:
            return [url]
        name = last + query
    shown = urlunsplit((parts.scheme, parts.netloc, f"/{app.partition('?')[0]}", app.partition("?")[2], ""))
    return ["-rtmp_app", app, "-rtmp_playpath", name, shown]
