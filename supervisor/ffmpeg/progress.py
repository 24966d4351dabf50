"""FFmpeg's `-progress` reports. The hot path: a thousand a second."""

from __future__ import annotations

import re

from supervisor.model.terms import Report

_LIMIT = 2**63  # FFmpeg counts in int64; what does not fit is not a count
_MICROSECONDS = 1_000_000

# One whole report with video, as every FFmpeg from 5.1 to 9.0 writes it: a single match instead of a dozen
# searches. 18 digits are within int64. Whatever looks different is read line by line.
_USUAL = re.compile(
    rb"frame= *(\d{1,18})\nfps=[^\n]*\n(?:stream_[^\n]*\n)*bitrate=[^\n]*\ntotal_size=(\d{1,18}|N/A)\n"
    rb"out_time_us=(\d{1,18})\nout_time_ms=[^\n]*\nout_time=[^\n]*\n"
    rb"dup_frames=(\d{1,18})\ndrop_frames=(\d{1,18})\nspeed=[^\n]*\nprogress=(continue|end)\n"
).fullmatch


def parse_report(datagram: bytes) -> Report:
    """Read one datagram of `key=value` lines, as `-progress udp://…` sends it; never raises.

    A value counts when its line is complete; the last one wins. What is missing, `N/A`, negative or
    beyond int64 is None (0 for dropped and duplicated frames). `ended` is FFmpeg's `progress=end`.
    """
    usual = _USUAL(datagram)
    if usual is None:
        return parse_lines(datagram)
    frames, size, microseconds, duplicated, dropped, state = usual.groups()
    return Report(
        int(frames),
        int(microseconds) / _MICROSECONDS,
        None if size == b"N/A" else int(size),
        int(dropped),
        int(duplicated),
        state == b"end",
    )


def parse_lines(datagram: bytes) -> Report:
    """Read any datagram as `parse_report` does, without its short cut."""
    data = b"\n" + datagram
    microseconds = _last_count(data, b"\nout_time_us=")
    return Report(
        _last_count(data, b"\nframe="),
        None if microseconds is None else microseconds / _MICROSECONDS,
        _last_count(data, b"\ntotal_size="),
        _last_count(data, b"\ndrop_frames=") or 0,
        _last_count(data, b"\ndup_frames=") or 0,
        _last_value(data, b"\nprogress=") == b"end",
    )


def _last_count(data: bytes, key: bytes) -> int | None:
    try:
        value = int(_last_value(data, key))
    except ValueError:
        return None
    return value if 0 <= value < _LIMIT else None


def _last_value(data: bytes, key: bytes) -> bytes:
    at = data.rfind(key)
    while at >= 0:
        start = at + len(key)
        end = data.find(b"\n", start)
        if end >= 0:
            return data[start:end].strip()
        at = data.rfind(key, 0, at)  # cut off by the datagram's end
    return b""
