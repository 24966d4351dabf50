"""FFmpeg's `-progress` reports. The hot path: a thousand a second, so a few searches and no objects between."""

from __future__ import annotations

from supervisor.model import Report

_LIMIT = 2**63  # FFmpeg counts in int64; what does not fit is not a count
_MICROSECONDS = 1_000_000


def parse_report(datagram: bytes) -> Report:
    r"""Read one datagram of `key=value` lines, as `-progress udp://…` sends it; never raises.

    A value counts when its line is complete; the last one wins. What is missing, `N/A`, negative or
    beyond int64 is None (0 for dropped and duplicated frames). `ended` is FFmpeg's `progress=end`.
    """
    data = b"\n" + datagram
    microseconds = _last_count(data, b"\nout_time_us=")
    return Report(
        _last_count(data, b"\nframe="),
        None if microseconds is None else microseconds / _MICROSECONDS,
        _last_count(data, b"\ntotal_size="),
        _last_count(data, b"\ndrop_frames=") or 0,
        _last_count(data, b"\ndup_frames=") or 0,
        data.rfind(b"\nprogress=end") > data.rfind(b"\nprogress=c"),
    )


def _last_count(data: bytes, key: bytes) -> int | None:
    at = data.rfind(key)
    while at >= 0:
        start = at + len(key)
        end = data.find(b"\n", start)
        if end >= 0:
            try:
                value = int(data[start:end])  # takes the spaces and the \r around the digits
            except ValueError:
                return None
            return value if 0 <= value < _LIMIT else None
        at = data.rfind(key, 0, at)  # cut off by the datagram's end
    return None
