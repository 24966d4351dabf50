"""Where each metric's value comes from, once. Pure, but for the room on the disk.

A plain reader takes what its family's subject names and gives one value, or None for "no series". What has more
than one series for each row is read as a `Closed` set or as `Buckets`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from itertools import product, repeat
from operator import attrgetter, methodcaller
from typing import Any, Final, NamedTuple

import psutil

from supervisor.model.fallback import Obstacle, SwitchReason, SwitchWay
from supervisor.model.snapshot import DETECTION_BUCKETS, LOOP_LAG_BUCKETS, RECOVERY_BUCKETS, SWITCH_BUCKETS, Snapshot
from supervisor.model.terms import Health, Role, Segment, State, Verdict
from supervisor.model.thumbnails import ThumbnailResult

# Any: the rows of all subjects go through one table.
Reader = Callable[[Any], Any]
# What a series of a closed set is named by: one label's value, or a value for each of its labels.
LabelKey = StrEnum | tuple[str, ...]
Entries = tuple[tuple[LabelKey, ...], tuple[float, ...]]


class Closed(NamedTuple):
    """How a closed set is read: what it comes from, cheap to compare, and the keys and values made of that."""

    read: Reader
    entries: Callable[[Any], Entries]


class Buckets(NamedTuple):
    """How histograms are read: a mapping from keys to each one's counts, and the bounds that all of them have."""

    read: Reader
    bounds: tuple[float, ...]


def _one_hot(members: type[StrEnum], attribute: str) -> Closed:
    every = tuple(members)
    shown = {member: (every, tuple(int(member is other) for other in every)) for member in every}
    return Closed(attrgetter(attribute), shown.__getitem__)


def _counts(members: type[StrEnum], read: Reader) -> Closed:
    every = tuple(members)

    def entries(counted: Mapping[StrEnum, float]) -> Entries:
        # The engine counts in the set's own order, which saves asking member by member.
        if tuple(counted) == every:
            return every, tuple(counted.values())
        return every, tuple(map(counted.get, every, repeat(0)))

    return Closed(read, entries)


def _present(attribute: str) -> Closed:
    """A mapping that has only what applies; its keys are the label values."""
    return Closed(attrgetter(attribute), lambda known: (tuple(known), tuple(known.values())))


def _verdict_entries(verdicts: Mapping[StrEnum, Verdict]) -> Entries:
    pairs = product(verdicts.items(), Verdict)
    return tuple(product(verdicts, Verdict)), tuple(int(found is verdict) for (_, found), verdict in pairs)


def _flag(attribute: str) -> Reader:
    read = attrgetter(attribute)
    return lambda row: int(read(row))


def _progress(attribute: str) -> Reader:
    read = attrgetter(attribute)
    return lambda process: read(process.progress) if process.tracked else None


def _speed_limit(process: Any) -> float | None:
    # A pusher sends what it is given: it is not slow by itself.
    if not process.tracked or process.key.role is Role.PUSHER:
        return None
    return process.policies.limits.speed or 0.0


def _uplink(attribute: str) -> Reader:
    read = attrgetter(attribute)
    return lambda place: None if place.uplink is None else read(place.uplink)


def _link(attribute: str) -> Reader:
    read = attrgetter(attribute)
    return lambda place: None if place.link is None else read(place.link)


def _conformance(attribute: str) -> Reader:
    read = attrgetter(attribute)
    return lambda place: None if place.conformance is None else read(place.conformance)


def _conforms(place: Any) -> int | None:
    found = place.conformance
    return None if found is None or found.conforms is None else int(found.conforms)


def _content(attribute: str) -> Reader:
    read = attrgetter(attribute)
    return lambda stream: None if stream.content is None else read(stream.content)


def _watchdog(attribute: str) -> Reader:
    read = attrgetter(attribute)
    return lambda place: None if place.watchdog is None else read(place.watchdog)


def _watchdog_runs(place: Any) -> int | None:
    return None if place.watchdog is None else int(place.watchdog.running)


def _measured(name: str) -> Reader:
    """One value of a platform's."""
    return lambda row: next((one.value for one in row.measures if one.name == name), None)


def _measured_set(name: str, *labels: str) -> Closed:
    """Those of its values that have labels; None where it has none, or they are not known."""

    def read(row: Any) -> Entries | None:
        found = [one for one in row.measures if one.name == name]
        keys = tuple(tuple(one.labels[label] for label in labels) for one in found)
        return (keys, tuple(one.value for one in found)) if found else None

    return Closed(read, lambda entries: entries)


def _free_bytes(snapshot: Snapshot) -> int | None:
    try:
        return psutil.disk_usage(str(snapshot.data_dir)).free
    except OSError:
        return None


READERS: Final[dict[str, Reader | Closed | Buckets]] = {
    "build_info": lambda _: 1,
    "stream_wanted": _flag("wanted"),
    "stream_on_air": _flag("on_air"),
    "stream_health": _one_hot(Health, "health"),
    "stream_maintenance": _flag("maintenance"),
    "stream_off_air_since_timestamp_seconds": attrgetter("off_air_since"),
    "stream_wanted_seconds_total": attrgetter("wanted_seconds"),
    "stream_on_air_seconds_total": attrgetter("on_air_seconds"),
    "stream_off_air_seconds_total": _counts(Segment, attrgetter("off_air_seconds")),
    "stream_on_primary": _flag("on_primary"),
    "stream_switches_total": _counts(SwitchReason, attrgetter("switches")),
    "stream_on_fallback_seconds_total": attrgetter("on_fallback_seconds"),
    "stream_fallback_lasts_seconds": attrgetter("unordered_fallback"),
    "stream_fallback_page_seconds": lambda stream: stream.fallback_page_after or None,
    "stream_source_active": _flag("active"),
    "stream_source_seconds_total": attrgetter("seconds"),
    "incident_open": _counts(Segment, attrgetter("incident_open")),
    "incidents_total": _counts(Segment, attrgetter("incidents")),
    "recovery_attempts_total": _present("recovery_attempts"),
    "recovery_results_total": _present("recovery_results"),
    "playlist_tracks_total": _present("tracks"),
    "last_detection_seconds": _present("last_detection"),
    "last_recovery_seconds": _present("last_recovery"),
    "content_verdict": Closed(_content("verdicts"), _verdict_entries),
    "content_found_total": Closed(_content("counts"), lambda counts: (tuple(counts), tuple(counts.values()))),
    "picture_luma_ratio": _content("luma"),
    "picture_difference_ratio": _content("difference"),
    "sound_level_decibels": _content("sound"),
    "sound_peak_decibels": _content("peak"),
    "destination_on_air": _flag("on_air"),
    "destination_required": _flag("required"),
    "destination_expected_bytes_per_second": attrgetter("expected_bytes_per_second"),
    "destination_limit_bytes_per_second": attrgetter("limit_bytes_per_second"),
    "media_dropped_datagrams_total": attrgetter("dropped_datagrams"),
    "media_overruns_total": _link("overruns"),
    "destination_backlog_seconds": _link("backlog_seconds"),
    "destination_backlog_limit_seconds": _link("backlog_limit_seconds"),
    "destination_av_offset_seconds": _link("av_offset_seconds"),
    "destination_conformance": _conforms,
    "keyframe_interval_seconds": _conformance("keyframe_interval"),
    "output_frame_rate_hertz": _conformance("frame_rate"),
    "uplink_connections_total": _uplink("connections"),
    "uplink_acked_bytes_total": _uplink("acked_bytes"),
    "uplink_unsent_bytes": _uplink("unsent_bytes"),
    "uplink_rtt_seconds": _uplink("rtt_seconds"),
    "uplink_retransmits_total": _uplink("retransmits"),
    "watchdog_running": _watchdog_runs,
    "watchdog_verdict": Closed(_watchdog("verdicts"), _verdict_entries),
    "watchdog_checks_total": _counts(Verdict, _watchdog("checks")),
    "watchdog_consecutive_failures": _watchdog("consecutive_failures"),
    "watchdog_last_check_timestamp_seconds": _watchdog("last_check"),
    "watchdog_stopped_timestamp_seconds": _watchdog("stopped_since"),
    "process_state": _one_hot(State, "state"),
    "process_start_time_seconds": attrgetter("started"),
    "process_cpu_seconds_total": attrgetter("cpu_seconds"),
    "process_resident_memory_bytes": attrgetter("memory_bytes"),
    "process_speed_limit_ratio": _speed_limit,
    "restart_budget_remaining": attrgetter("budget_remaining"),
    "restart_backoff_seconds": attrgetter("backoff_seconds"),
    "process_restarts_total": _present("restarts"),
    "process_exits_total": _present("exits"),
    "progress_frames_total": _progress("frames"),
    "progress_dropped_frames_total": _progress("dropped_frames"),
    "progress_duplicated_frames_total": _progress("duplicated_frames"),
    "progress_bytes_total": _progress("bytes"),
    "progress_media_seconds_total": _progress("media_seconds"),
    "progress_speed_ratio": _progress("speed"),
    "progress_last_advance_timestamp_seconds": _progress("last_advance"),
    "detection_duration_seconds": Buckets(attrgetter("detection"), DETECTION_BUCKETS),
    "recovery_duration_seconds": Buckets(attrgetter("recovery"), RECOVERY_BUCKETS),
    "stream_switch_duration_seconds": Buckets(attrgetter("switching.durations"), SWITCH_BUCKETS),
    "stream_switch_missing_seconds": Buckets(attrgetter("switching.missing"), SWITCH_BUCKETS),
    "stream_switch_frames_lost_total": _counts(SwitchWay, attrgetter("switching.frames_lost")),
    "encoder_replacements_total": _present("switching.replacements"),
    "seamless_switch_possible": lambda snapshot: int(not any(snapshot.switching.obstacles.values())),
    "seamless_switch_obstacles": _counts(Obstacle, attrgetter("switching.obstacles")),
    "network_reachable": Closed(
        attrgetter("network_reachable"),
        lambda known: (tuple(known), tuple(map(int, known.values()))),
    ),
    "scheduler_rearmed_total": attrgetter("scheduler_rearmed"),
    "data_dir_free_bytes": _free_bytes,
    "store_up": _flag("store.up"),
    "store_queue_length": attrgetter("store.queue"),
    "store_written_total": attrgetter("store.written"),
    "store_dropped_total": attrgetter("store.dropped"),
    "thumbnails_total": _counts(ThumbnailResult, attrgetter("thumbnails")),
    "clock_steps_total": attrgetter("clock_steps"),
    "config_last_reload_successful": lambda snapshot: int(snapshot.config.rejected is None),
    "config_last_reload_success_timestamp_seconds": attrgetter("config.accepted"),
    "youtube_stream_status": _measured_set("stream_status", "status"),
    "youtube_health_status": _measured_set("health_status", "status"),
    "youtube_configuration_issues": _measured_set("configuration_issues", "type", "severity"),
    "youtube_broadcast_state": _measured_set("broadcast_state", "state"),
    "youtube_broadcast_info": _measured_set("broadcast_info", "watch_url"),
    "youtube_broadcast_age_seconds": _measured("broadcast_age_seconds"),
    "youtube_rotation_interval_seconds": _measured("rotation_interval_seconds"),
    "youtube_page_live": _measured("page_live"),
    "youtube_inserts_total": _measured("inserts_total"),
    "youtube_rotations_total": _measured("rotations_total"),
    "youtube_exhausted": _measured("exhausted"),
    "youtube_api_requests_total": _measured_set("api_requests_total", "method", "result"),
    "youtube_quota_used_units": _measured("quota_used_units"),
    "youtube_quota_limit_units": _measured("quota_limit_units"),
    "youtube_unanswered_seconds": _measured("unanswered_seconds"),
    "youtube_token_valid": _measured("token_valid"),
    "youtube_token_expiry_timestamp_seconds": _measured("token_expiry_timestamp_seconds"),
    "http_requests_total": Closed(methodcaller("requests"), lambda entries: entries),
    "http_refused_tokens_total": attrgetter("refused_tokens"),
    "event_loop_lag_seconds": Buckets(lambda snapshot: {(): snapshot.loop_lag}, LOOP_LAG_BUCKETS),
}
