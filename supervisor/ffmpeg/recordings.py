"""The pusher's output for a recording in segments. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from supervisor.model.recordings import Kept

# What a kill leaves can be played: whole clusters, fragments or packets, written as soon as they are there. Who writes
# them late would also leave nothing of a short segment.
_FORMATS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    ".mkv": ("matroska", "cluster_time_limit=2000", ()),
    ".ts": ("mpegts", "mpegts_flags=+resend_headers", ()),
    # mp4 writes its header before it sees a packet, so it does not find out by itself that AAC comes as ADTS.
    ".mp4": (
        "mp4",
        "movflags=+frag_keyframe+empty_moov+default_base_moof",
        ("-bsf:a", "aac_adtstoasc"),
    ),
}


def recording_output(kept: Kept) -> list[str]:
    """Return the pusher's output: a file every so often, cut at keyframes, named by the time (UTC, by its `TZ`)."""
    muxer, options, filters = _FORMATS[kept.suffix]
    return [
        *filters,
        *("-f", "segment", "-segment_format", muxer),
        *("-segment_format_options", f"flush_packets=1:{options}"),
        *("-segment_time", f"{kept.segment:g}", "-reset_timestamps", "1"),
        *("-strftime", "1", str(kept.pattern)),
    ]
