"""A second reading of a snapshot, from what each metric means and not from the collector: slow, plain, separate."""

from __future__ import annotations

from collections.abc import Iterator

from supervisor.model.fallback import Obstacle, SwitchReason, SwitchWay
from supervisor.model.snapshot import (
    DETECTION_BUCKETS,
    LOOP_LAG_BUCKETS,
    RECOVERY_BUCKETS,
    SWITCH_BUCKETS,
    DestinationSnapshot,
    Histogram,
    ProcessSnapshot,
    Snapshot,
    StreamSnapshot,
    SwitchCosts,
    WatchdogSnapshot,
)
from supervisor.model.terms import Health, Role, Segment, State, Verdict

Sample = tuple[str, frozenset[tuple[str, str]], float]
# The kernel and the server itself tell these at the scrape; tests of their own hold them.
LIVE = {
    "livestream_http_requests_total",
    "livestream_http_refused_tokens_total",
    "livestream_process_cpu_seconds_total",
    "livestream_process_resident_memory_bytes",
    "livestream_data_dir_free_bytes",
}


def samples(snapshot: Snapshot, version: str, revision: str) -> set[Sample]:
    """Each sample that /metrics must show of `snapshot`, but for the live ones."""
    found = set()

    def add(name: str, value: float | None, **labels: str) -> None:
        if value is not None:
            found.add((f"livestream_{name}", frozenset(labels.items()), float(value)))

    add("build_info", 1, version=version, revision=revision)
    for name, labels, value in _all(snapshot):
        add(name, value, **labels)
    return found


Row = tuple[str, dict[str, str], float | None]


def _all(snapshot: Snapshot) -> Iterator[Row]:
    for stream in snapshot.streams:
        yield from _stream(stream)
        yield from _content(stream)
        yield from _recovery(stream)
        for place in stream.destinations:
            at = {"stream": stream.name, "destination": place.name}
            yield from _destination(place, at)
            if place.watchdog is not None:
                yield from _watchdog(place.watchdog, at)
        for process in stream.processes:
            yield from _process(process)
    yield from _youtube(snapshot)
    yield "store_up", {}, snapshot.store.up
    yield "store_queue_length", {}, snapshot.store.queue
    yield "store_written_total", {}, snapshot.store.written
    yield "store_dropped_total", {}, snapshot.store.dropped
    for result, times in snapshot.thumbnails.items():
        yield "thumbnails_total", {"result": result}, times
    yield "clock_steps_total", {}, snapshot.clock_steps
    yield "config_last_reload_successful", {}, snapshot.config.rejected is None
    yield "config_last_reload_success_timestamp_seconds", {}, snapshot.config.accepted
    yield "scheduler_rearmed_total", {}, snapshot.scheduler_rearmed
    for probe, reachable in snapshot.network_reachable.items():
        yield "network_reachable", {"probe": probe}, reachable
    yield from _histogram("event_loop_lag_seconds", {}, LOOP_LAG_BUCKETS, snapshot.loop_lag)
    yield from _switching(snapshot.switching)
    for layer in snapshot.detection:
        one = snapshot.detection[layer]
        yield from _histogram("detection_duration_seconds", {"layer": layer}, DETECTION_BUCKETS, one)
    for layer in snapshot.recovery:
        one = snapshot.recovery[layer]
        yield from _histogram("recovery_duration_seconds", {"layer": layer}, RECOVERY_BUCKETS, one)


def _youtube(snapshot: Snapshot) -> Iterator[Row]:
    for state in snapshot.platforms:
        own = {"stream": state.stream, "destination": state.destination}
        for name, value, labels in state.measures:
            yield f"youtube_{name}", {**own, **labels}, value
    for login in snapshot.logins:
        for name, value, labels in login.measures:
            yield f"youtube_{name}", {"account": login.account, **labels}, value


def _switching(costs: SwitchCosts) -> Iterator[Row]:
    for name, found in (("duration", costs.durations), ("missing", costs.missing)):
        for way, one in found.items():
            yield from _histogram(f"stream_switch_{name}_seconds", {"way": way}, SWITCH_BUCKETS, one)
    for way in SwitchWay:
        yield "stream_switch_frames_lost_total", {"way": way}, costs.frames_lost.get(way, 0)
    for (reason, way), times in costs.replacements.items():
        yield "encoder_replacements_total", {"reason": reason, "way": way}, times
    yield "seamless_switch_possible", {}, not any(costs.obstacles.values())
    for obstacle in Obstacle:
        yield "seamless_switch_obstacles", {"obstacle": obstacle}, costs.obstacles.get(obstacle, 0)


def _histogram(name: str, own: dict[str, str], bounds: tuple[float, ...], shown: Histogram) -> Iterator[Row]:
    below = 0
    for bound, count in zip([*map(str, bounds), "+Inf"], shown.counts, strict=True):
        below += count
        yield f"{name}_bucket", {**own, "le": bound}, below
    yield f"{name}_count", own, below
    yield f"{name}_sum", own, shown.sum


def _stream(stream: StreamSnapshot) -> Iterator[Row]:
    own = {"stream": stream.name}
    yield "stream_wanted", own, stream.wanted
    yield "stream_on_air", own, stream.on_air
    for health in Health:
        yield "stream_health", {**own, "health": health}, health == stream.health
    yield "stream_wanted_seconds_total", own, stream.wanted_seconds
    yield "stream_on_air_seconds_total", own, stream.on_air_seconds
    for segment in Segment:
        yield (
            "stream_off_air_seconds_total",
            {**own, "segment": segment},
            stream.off_air_seconds.get(segment, 0),
        )
    yield "stream_maintenance", own, stream.maintenance
    if stream.sources:
        yield "stream_on_primary", own, stream.on_primary
        for reason in SwitchReason:
            yield "stream_switches_total", {**own, "reason": reason}, stream.switches.get(reason, 0)
        yield "stream_on_fallback_seconds_total", own, stream.on_fallback_seconds
        yield "stream_fallback_lasts_seconds", own, stream.unordered_fallback
        if stream.fallback_page_after:
            yield "stream_fallback_page_seconds", own, stream.fallback_page_after
    for source in stream.sources:
        yield "stream_source_active", {**own, "source": source.name}, source.active
        yield "stream_source_seconds_total", {**own, "source": source.name}, source.seconds
    yield "stream_off_air_since_timestamp_seconds", own, stream.off_air_since


def _content(stream: StreamSnapshot) -> Iterator[Row]:
    own = {"stream": stream.name}
    if (content := stream.content) is None:
        return
    for defect, found in content.verdicts.items():
        for verdict in Verdict:
            yield "content_verdict", {**own, "finding": defect, "verdict": verdict}, verdict == found
    for defect, count in content.counts.items():
        yield "content_found_total", {**own, "finding": defect}, count
    yield "picture_luma_ratio", own, content.luma
    yield "picture_difference_ratio", own, content.difference
    yield "sound_level_decibels", own, content.sound
    yield "sound_peak_decibels", own, content.peak


def _recovery(stream: StreamSnapshot) -> Iterator[Row]:
    own = {"stream": stream.name}
    for segment in Segment:
        yield "incident_open", {**own, "segment": segment}, stream.incident_open.get(segment, 0)
        yield "incidents_total", {**own, "segment": segment}, stream.incidents.get(segment, 0)
    for (layer, action), count in stream.recovery_attempts.items():
        yield "recovery_attempts_total", {**own, "layer": layer, "action": action}, count
    for (layer, result), count in stream.recovery_results.items():
        yield "recovery_results_total", {**own, "layer": layer, "result": result}, count
    for track, count in stream.tracks.items():
        yield "playlist_tracks_total", {**own, "result": track}, count
    for layer, seconds in stream.last_detection.items():
        yield "last_detection_seconds", {**own, "layer": layer}, seconds
    for layer, seconds in stream.last_recovery.items():
        yield "last_recovery_seconds", {**own, "layer": layer}, seconds


def _destination(place: DestinationSnapshot, own: dict[str, str]) -> Iterator[Row]:
    yield "destination_on_air", own, place.on_air
    yield "destination_required", own, place.required
    yield "destination_expected_bytes_per_second", own, place.expected_bytes_per_second
    yield "destination_limit_bytes_per_second", own, place.limit_bytes_per_second
    yield "media_dropped_datagrams_total", own, place.dropped_datagrams
    if (link := place.link) is not None:
        yield "media_overruns_total", own, link.overruns
        yield "destination_backlog_seconds", own, link.backlog_seconds
        yield "destination_backlog_limit_seconds", own, link.backlog_limit_seconds
        yield "destination_av_offset_seconds", own, link.av_offset_seconds
    if (found := place.conformance) is not None:
        yield "destination_conformance", own, found.conforms
        yield "keyframe_interval_seconds", own, found.keyframe_interval
        yield "output_frame_rate_hertz", own, found.frame_rate
    if (uplink := place.uplink) is not None:
        yield "uplink_connections_total", own, uplink.connections
        yield "uplink_acked_bytes_total", own, uplink.acked_bytes
        yield "uplink_unsent_bytes", own, uplink.unsent_bytes
        yield "uplink_rtt_seconds", own, uplink.rtt_seconds
        yield "uplink_retransmits_total", own, uplink.retransmits


def _watchdog(watchdog: WatchdogSnapshot, own: dict[str, str]) -> Iterator[Row]:
    yield "watchdog_running", own, watchdog.running
    for check, found in watchdog.verdicts.items():
        for verdict in Verdict:
            yield "watchdog_verdict", {**own, "check": check, "verdict": verdict}, verdict == found
    for verdict in Verdict:
        yield "watchdog_checks_total", {**own, "verdict": verdict}, watchdog.checks.get(verdict, 0)
    yield "watchdog_consecutive_failures", own, watchdog.consecutive_failures
    yield "watchdog_last_check_timestamp_seconds", own, watchdog.last_check
    yield "watchdog_stopped_timestamp_seconds", own, watchdog.stopped_since


def _process(process: ProcessSnapshot) -> Iterator[Row]:
    key = process.key
    own: dict[str, str] = {"stream": key.stream, "role": key.label, "destination": key.destination}
    for state in State:
        yield "process_state", {**own, "state": state}, state == process.state
    yield "process_start_time_seconds", own, process.started
    yield "restart_budget_remaining", own, process.budget_remaining
    yield "restart_backoff_seconds", own, process.backoff_seconds
    for reason in process.restarts:
        yield "process_restarts_total", {**own, "reason": reason}, process.restarts.get(reason, 0)
    for cause in process.exits:
        yield "process_exits_total", {**own, "cause": cause}, process.exits.get(cause, 0)
    if process.tracked:
        progress = process.progress
        yield "progress_frames_total", own, progress.frames
        yield "progress_dropped_frames_total", own, progress.dropped_frames
        yield "progress_duplicated_frames_total", own, progress.duplicated_frames
        yield "progress_bytes_total", own, progress.bytes
        yield "progress_media_seconds_total", own, progress.media_seconds
        yield "progress_speed_ratio", own, progress.speed
        if key.role is not Role.PUSHER:
            yield "process_speed_limit_ratio", own, process.policies.limits.speed or 0
        yield "progress_last_advance_timestamp_seconds", own, progress.last_advance
