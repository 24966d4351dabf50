"""Causes and segments in words, for people at a terminal. Pure. The page has the same ones (`words.js`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

CAUSES: Final[Mapping[str, str]] = {
    "source_unreachable": "the source could not be reached",
    "source_refused": "the source refused us (wrong name or password, or asked too often?)",
    "source_ended": "the source ended",
    "ingest_unreachable": "the platform's server could not be reached",
    "ingest_refused": "the platform's server refused the stream (wrong key, or already in use?)",
    "ingest_closed": "the platform's server closed the connection",
    "bad_arguments": "FFmpeg does not understand its arguments",
    "encoder_missing": "this FFmpeg or machine lacks the encoder",
    "disk_full": "the disk is full",
    "out_of_memory": "the machine ran out of memory",
    "killed": "it was killed",
    "stopped": "it was stopped",
    "other": "it ended for an unknown reason",
    "stall": "it ran, but made no progress",
    "start_timeout": "it started, but made no progress",
    "uplink_blocked": "the platform's server acknowledged nothing",
    "backlog": "the line carries less than the stream needs",
    "av_offset": "sound and picture leave apart",
    "clock_jumped": "the source's clock jumped",
    "port_taken": "another program took a port of ours",
    "storage": "the disk of a recording does not take what is written, or is nearly full",
    "black": "the picture is black",
    "frozen": "the picture is frozen",
    "silent": "there is no sound",
    "loud": "the sound is too loud",
    "still": "nothing moves in the picture",
    "slow": "slower than real time",
    "bitrate_low": "the bit rate is too low",
    "limit": "it used more than it may",
    "network_down": "there is no way to the platform's server",
    "not_received": "the platform does not receive what is sent",
    "not_well_received": "the platform is not content with what it is sent",
    "broadcast_not_live": "the broadcast is not live",
    "broadcast_ended": "the broadcast has ended",
    "broadcast_refused": "the platform does not permit a broadcast",
    "key_of_another": "the key leads to another stream of the channel",
    "page_not_live": "the channel's public page shows nothing live",
}
_NAME_THE_PLACE: Final = ("source_", "ingest_", "network_", "uplink_")
_EXCUSES: Final[Mapping[str | None, str]] = {"drill": "drill: ", "maintenance": "in maintenance: "}
SEGMENTS: Final[Mapping[str, str]] = {
    "source": "source",
    "encoder": "our encoder",
    "pusher": "our pusher",
    "uplink": "uplink",
    "network": "network",
    "platform": "platform",
    "neverdark": "neverdark was down",
    "unknown": "somewhere",
}


def cause_in_words(cause: str, said: str | None = None) -> str:
    """What is `said` beyond the cause, or the cause; one that a newer neverdark knows is told by its name."""
    return said or CAUSES.get(cause, cause.replace("_", " "))


def what_happened(incident: Mapping[str, Any]) -> str:
    """An incident of the API in words. Where the cause names the place itself, the place is not told again."""
    segment, cause, said = incident["segment"], incident["cause"], incident.get("said")
    words = cause_in_words(cause, said)
    place = "" if cause.startswith(_NAME_THE_PLACE) and not said else f"{SEGMENTS.get(segment, segment)}: "
    return f"{_EXCUSES.get(excuse_of(incident), '')}{place}{words}"


def excuse_of(incident: Mapping[str, Any]) -> str | None:
    """Why an incident does not count: `drill` or `maintenance`. An older neverdark knows of drills only."""
    excuse: str | None = incident.get("excused") or ("drill" if incident["drill"] else None)
    return excuse
