"""A second reading of a snapshot, from the contract and not from the collector: slow, plain, separate."""

from __future__ import annotations

from collections.abc import Iterator

from supervisor.model import ExitCause, Health, RestartReason, Segment, State
from supervisor.snapshot import LOOP_LAG_BUCKETS, ProcessSnapshot, Snapshot, StreamSnapshot

Sample = tuple[str, frozenset[tuple[str, str]], float]
# The kernel tells these at the scrape; tests of their own hold them.
LIVE = {
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
        for process in stream.processes:
            yield from _process(process)
            yield from _link(process)
    yield "clock_steps_total", {}, snapshot.clock_steps
    yield "config_last_reload_successful", {}, snapshot.config_reload_successful
    yield "config_last_reload_success_timestamp_seconds", {}, snapshot.config_reload_success_time
    below = 0
    for bound, count in zip([*map(str, LOOP_LAG_BUCKETS), "+Inf"], snapshot.loop_lag_counts, strict=True):
        below += count
        yield "event_loop_lag_seconds_bucket", {"le": bound}, below
    yield "event_loop_lag_seconds_count", {}, below
    yield "event_loop_lag_seconds_sum", {}, snapshot.loop_lag_sum


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
    for place in stream.destinations:
        at = {**own, "destination": place.name}
        yield "destination_on_air", at, place.on_air
        yield "destination_required", at, place.required
        yield "destination_expected_bytes_per_second", at, place.expected_bytes_per_second


def _process(process: ProcessSnapshot) -> Iterator[Row]:
    key = process.key
    own: dict[str, str] = {"stream": key.stream, "role": key.role, "destination": key.destination}
    for state in State:
        yield "process_state", {**own, "state": state}, state == process.state
    yield "process_start_time_seconds", own, process.started
    yield "restart_budget_remaining", own, process.budget_remaining
    yield "restart_backoff_seconds", own, process.backoff_seconds
    for reason in RestartReason:
        yield "process_restarts_total", {**own, "reason": reason}, process.restarts.get(reason, 0)
    for cause in ExitCause:
        yield "process_exits_total", {**own, "cause": cause}, process.exits.get(cause, 0)
    if process.tracked:
        progress = process.progress
        yield "progress_frames_total", own, progress.frames
        yield "progress_dropped_frames_total", own, progress.dropped_frames
        yield "progress_duplicated_frames_total", own, progress.duplicated_frames
        yield "progress_bytes_total", own, progress.bytes
        yield "progress_media_seconds_total", own, progress.media_seconds
        yield "progress_speed_ratio", own, progress.speed
        yield "progress_last_advance_timestamp_seconds", own, progress.last_advance


def _link(process: ProcessSnapshot) -> Iterator[Row]:
    own = {"stream": process.key.stream, "destination": process.key.destination}
    yield "media_dropped_datagrams_total", own, process.dropped_datagrams
    if (uplink := process.uplink) is not None:
        yield "uplink_connections_total", own, uplink.connections
        yield "uplink_acked_bytes_total", own, uplink.acked_bytes
        yield "uplink_unsent_bytes", own, uplink.unsent_bytes
        yield "uplink_rtt_seconds", own, uplink.rtt_seconds
        yield "uplink_retransmits_total", own, uplink.retransmits
