"""Every metric, once: its name, its type, what it is about and what it says.

A new metric is one line in `FAMILIES` and one in `readers.READERS`. The names are a public interface: they
stand in rules, dashboards and in the reference documentation.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from supervisor.model.content import Defect
from supervisor.model.fallback import Obstacle, ReplacementReason, SwitchReason, SwitchWay
from supervisor.model.terms import (
    Action,
    Check,
    ExitCause,
    Health,
    Layer,
    RestartReason,
    Result,
    Segment,
    State,
    TrackResult,
    Verdict,
)
from supervisor.model.thumbnails import ThumbnailResult
from supervisor.platforms.youtube.model import HealthStatus, IssueType, LifeCycle, Severity, StreamStatus

PREFIX: Final = "livestream_"


class MetricKind(StrEnum):
    """What a value may do: go both ways, only grow, or count into buckets."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


class SeriesOf(StrEnum):
    """What a family has one series (or one closed set of series) for."""

    BUILD = "build"
    ENGINE = "engine"
    STREAM = "stream"
    LADDER = "ladder"  # a stream that has fallbacks
    SOURCE = "source"  # one of the sources of such a stream
    DESTINATION = "destination"
    PROCESS = "process"
    USAGE = "usage"  # a process again, but what the kernel tells of it at the scrape
    PLATFORM = "platform"  # a destination that says what it is at YouTube
    LOGIN = "login"  # an account there
    HTTP = "http"


class Probe(StrEnum):
    """What tells our line from theirs: the way to an ingest, and to the reference host."""

    INGEST = "ingest"
    REFERENCE = "reference"


class Handler(StrEnum):
    """What a request asks for."""

    PAGE = "page"  # the pages and their files
    API = "api"  # readings of the API
    ORDER = "order"
    METRICS = "metrics"
    HEALTHZ = "healthz"
    READYZ = "readyz"
    OTHER = "other"  # a path that does not exist, or no HTTP request at all


class Code(StrEnum):
    """The status of an answer; `other` is what no answer of ours should have."""

    OK = "200"
    CREATED = "201"
    ACCEPTED = "202"
    BAD_REQUEST = "400"
    UNAUTHORIZED = "401"
    FORBIDDEN = "403"
    NOT_FOUND = "404"
    METHOD_NOT_ALLOWED = "405"
    CONFLICT = "409"
    TOO_LARGE = "413"
    UNPROCESSABLE = "422"
    TOO_MANY = "429"
    HEAD_TOO_LARGE = "431"
    INTERNAL_ERROR = "500"
    UNAVAILABLE = "503"
    OTHER = "other"


SUBJECT_LABELS: Final = {
    SeriesOf.BUILD: ("version", "revision"),
    SeriesOf.ENGINE: (),
    SeriesOf.STREAM: ("stream",),
    SeriesOf.LADDER: ("stream",),
    SeriesOf.SOURCE: ("stream", "source"),
    SeriesOf.DESTINATION: ("stream", "destination"),
    SeriesOf.PROCESS: ("stream", "role", "destination"),
    SeriesOf.USAGE: ("stream", "role", "destination"),
    SeriesOf.PLATFORM: ("stream", "destination"),
    SeriesOf.LOGIN: ("account",),
    SeriesOf.HTTP: (),
}


class Family(NamedTuple):
    """One metric: `name` comes without the prefix; `each` has the labels of its own, if it has any.

    They are over closed sets; None: the set is not written here, but closed all the same.
    """

    name: str
    kind: MetricKind
    subject: SeriesOf
    help: str
    each: Mapping[str, type[StrEnum] | None] = MappingProxyType({})

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of its labels in the order in which they are written, without a histogram's `le`."""
        return (*SUBJECT_LABELS[self.subject], *self.each)


G, C, H = MetricKind.GAUGE, MetricKind.COUNTER, MetricKind.HISTOGRAM
S, D, P, U, E = SeriesOf.STREAM, SeriesOf.DESTINATION, SeriesOf.PROCESS, SeriesOf.USAGE, SeriesOf.ENGINE
Y, A = SeriesOf.PLATFORM, SeriesOf.LOGIN

FAMILIES: Final = (
    Family("build_info", G, SeriesOf.BUILD, "Always 1; its labels tell what is running."),
    Family("stream_wanted", G, S, "1 while the stream shall be on air."),
    Family("stream_on_air", G, S, "1 while every required destination of the stream advances."),
    Family("stream_health", G, S, "1 for the health that the stream has now.", {"health": Health}),
    Family(
        "stream_maintenance", G, S, "1 while the stream is under maintenance: what fails then need not wake anybody."
    ),
    Family(
        "stream_off_air_since_timestamp_seconds",
        G,
        S,
        "When the stream went off air, in seconds since 1970; 0 once media has advanced again for 30 s.",
    ),
    Family("stream_wanted_seconds_total", C, S, "Time during which the stream was wanted: on air and off air."),
    Family("stream_on_air_seconds_total", C, S, "Time during which the stream was wanted and on air."),
    Family(
        "stream_off_air_seconds_total",
        C,
        S,
        "Time during which the stream was wanted and not on air, by the part of the path that broke.",
        {"segment": Segment},
    ),
    Family("stream_on_primary", G, SeriesOf.LADDER, "1 while viewers are given the stream's own source."),
    Family(
        "stream_switches_total",
        C,
        SeriesOf.LADDER,
        "How often viewers were given another source: the one before failed, a better one was back, by order.",
        {"reason": SwitchReason},
    ),
    Family(
        "stream_on_fallback_seconds_total",
        C,
        SeriesOf.LADDER,
        "Time during which the stream was wanted and on air, and viewers were given a fallback.",
    ),
    Family(
        "stream_fallback_lasts_seconds",
        G,
        SeriesOf.LADDER,
        "For how long viewers have been given a fallback that nobody has ordered; 0 if they are not.",
    ),
    Family(
        "stream_fallback_page_seconds",
        G,
        SeriesOf.LADDER,
        "After so long of that somebody is woken: fallback_policy.page_after; there only where it is set.",
    ),
    Family("stream_source_active", G, SeriesOf.SOURCE, "1 for the source that viewers are given now."),
    Family(
        "stream_source_seconds_total",
        C,
        SeriesOf.SOURCE,
        "Time during which the stream was wanted and viewers were given this source.",
    ),
    Family(
        "incident_open", G, S, "Incidents that go on now, by the part of the path that broke.", {"segment": Segment}
    ),
    Family("incidents_total", C, S, "Incidents since neverdark started; no planned stop is one.", {"segment": Segment}),
    Family(
        "recovery_attempts_total",
        C,
        S,
        "Recovery actions taken, by who took them; has the pairs that can occur for the stream.",
        {"layer": Layer, "action": Action},
    ),
    Family(
        "recovery_results_total",
        C,
        S,
        "What became of recovery actions: media advanced again, it failed again, or another action took over.",
        {"layer": Layer, "result": Result},
    ),
    Family(
        "playlist_tracks_total",
        C,
        S,
        "Tracks of the stream's list, played or skipped because nothing in them could be decoded; without a list none.",
        {"result": TrackResult},
    ),
    Family(
        "last_detection_seconds",
        G,
        S,
        "The latest failure: from the last advance of media to the moment when it was noticed.",
        {"layer": Layer},
    ),
    Family(
        "last_recovery_seconds",
        G,
        S,
        "The latest recovery: from the moment when the failure was noticed to the next advance of media.",
        {"layer": Layer},
    ),
    Family(
        "content_verdict",
        G,
        S,
        "1 for what picture and sound are found to be; there only where they are looked at.",
        {"finding": Defect, "verdict": Verdict},
    ),
    Family("content_found_total", C, S, "How often picture or sound were found to be so.", {"finding": Defect}),
    Family("picture_luma_ratio", G, S, "Mean luma of the picture: 0 is black, 1 is white."),
    Family("picture_difference_ratio", G, S, "Mean difference of the picture's luma from that of a second before."),
    Family("sound_level_decibels", G, S, "Mean level of the sound that viewers hear; 0 is full scale, -120 silence."),
    Family("sound_peak_decibels", G, S, "Peak level of the sound that viewers hear."),
    Family("destination_on_air", G, D, "1 while media advances to the destination."),
    Family("destination_required", G, D, "1 if the stream counts as on air only with this destination."),
    Family("destination_expected_bytes_per_second", G, D, "What should be sent, by the configured bit rates."),
    Family("destination_limit_bytes_per_second", G, D, "The least that is fine: limits.bitrate; 0 if none is set."),
    Family(
        "media_dropped_datagrams_total",
        C,
        D,
        "Datagrams lost between encoder and pusher, as the kernel counts.",
    ),
    Family(
        "media_overruns_total",
        C,
        D,
        "How often media was thrown away because the pusher did not take it in time.",
    ),
    Family("destination_backlog_seconds", G, D, "Media that was handed to the pusher and is not on the line yet."),
    Family("destination_backlog_limit_seconds", G, D, "With more backlog the line is too thin: limits.backlog."),
    Family(
        "destination_av_offset_seconds",
        G,
        D,
        "By how much the sound leaves ahead of the picture; below 0, behind it.",
    ),
    Family(
        "destination_conformance",
        G,
        D,
        "1 if what is sent is as the destination's profile expects, 0 if it has not been for some minutes.",
    ),
    Family(
        "keyframe_interval_seconds",
        G,
        D,
        "The longest time between two keyframes of late; of destinations with a profile.",
    ),
    Family(
        "output_frame_rate_hertz",
        G,
        D,
        "Frames for each second of media that is sent; of destinations with a profile.",
    ),
    Family("uplink_connections_total", C, D, "Connections made to the ingest."),
    Family("uplink_acked_bytes_total", C, D, "Bytes that the ingest has acknowledged."),
    Family("uplink_unsent_bytes", G, D, "Bytes that wait in the kernel to be sent."),
    Family("uplink_rtt_seconds", G, D, "Round-trip time to the ingest."),
    Family("uplink_retransmits_total", C, D, "TCP segments that were sent again."),
    Family("watchdog_running", G, D, "1 if the watchdog really looked at the destination within two intervals."),
    Family(
        "watchdog_verdict",
        G,
        D,
        "1 for what each check says now; unknown means that it could not tell, and leads to no action.",
        {"check": Check, "verdict": Verdict},
    ),
    Family("watchdog_checks_total", C, D, "How often the watchdog looked, and what it found.", {"verdict": Verdict}),
    Family("watchdog_consecutive_failures", G, D, "Unhealthy verdicts in a row; so many lead to a recovery action."),
    Family("watchdog_last_check_timestamp_seconds", G, D, "When the watchdog last looked, in seconds since 1970."),
    Family(
        "watchdog_stopped_timestamp_seconds",
        G,
        D,
        "When an operator stopped the watchdog of the destination; there only while it is stopped.",
    ),
    Family("process_state", G, P, "1 for the state that the process is in.", {"state": State}),
    Family("process_start_time_seconds", G, P, "When the last run began, in seconds since 1970."),
    Family("process_cpu_seconds_total", C, U, "Processor time of all runs, user and system."),
    Family("process_resident_memory_bytes", G, U, "Resident memory; 0 while nothing runs."),
    Family("process_speed_limit_ratio", G, P, "The lowest speed that is fine: limits.speed; 0 if any is."),
    Family(
        "restart_budget_remaining",
        G,
        P,
        "Attempts left before retries become slow; sustained progress refills.",
    ),
    Family("restart_backoff_seconds", G, P, "The wait before the next start; 0 when none is due."),
    Family(
        "process_restarts_total",
        C,
        P,
        "How often the process was replaced, and why.",
        {"reason": RestartReason},
    ),
    Family("process_exits_total", C, P, "How often the process ended, and of what.", {"cause": ExitCause}),
    Family("progress_frames_total", C, P, "Video frames handled."),
    Family("progress_dropped_frames_total", C, P, "Video frames that FFmpeg dropped."),
    Family("progress_duplicated_frames_total", C, P, "Video frames that FFmpeg repeated."),
    Family("progress_bytes_total", C, P, "Bytes of media written."),
    Family("progress_media_seconds_total", C, P, "Media time handled."),
    Family("progress_speed_ratio", G, P, "Media time handled per second of late: 1 is real time."),
    Family("progress_last_advance_timestamp_seconds", G, P, "When progress was last made, in seconds since 1970."),
    Family(
        "detection_duration_seconds",
        H,
        E,
        "From the last advance of media to the moment when the failure was noticed, by who noticed it.",
        {"layer": Layer},
    ),
    Family(
        "recovery_duration_seconds",
        H,
        E,
        "From the moment when a failure was noticed to the next advance of media, by who noticed it.",
        {"layer": Layer},
    ),
    Family(
        "stream_switch_duration_seconds",
        H,
        E,
        "From the decision that another encoder shall feed to its first media at the links, by way.",
        {"way": SwitchWay},
    ),
    Family(
        "stream_switch_missing_seconds",
        H,
        E,
        "Media missing at the links between the last frame before a switch and the first after it, where known.",
        {"way": SwitchWay},
    ),
    Family(
        "stream_switch_frames_lost_total",
        C,
        E,
        "The same in frames, of the switches that stream_switch_missing_seconds counts.",
        {"way": SwitchWay},
    ),
    Family(
        "encoder_replacements_total",
        C,
        E,
        "Encoders that delivered and were replaced on purpose by a run of the same source, by why and by way.",
        {"reason": ReplacementReason, "way": SwitchWay},
    ),
    Family(
        "seamless_switch_possible",
        G,
        E,
        "1 if at every link another encoder can take over before the one that feeds is ended.",
    ),
    Family(
        "seamless_switch_obstacles",
        G,
        E,
        "What stands in the way: the kernel (1), or links whose socket their pusher alone has (how many).",
        {"obstacle": Obstacle},
    ),
    Family(
        "network_reachable",
        G,
        E,
        "1 if the latest probe found a way: to an ingest, to the reference.",
        {"probe": Probe},
    ),
    Family("scheduler_rearmed_total", C, E, "How often the watchdog's schedule had stalled and was set up again."),
    Family("data_dir_free_bytes", G, E, "Room left where logs and run state are written."),
    Family("store_up", G, E, "1 if the database of what is remembered could be written at the latest attempt."),
    Family("store_queue_length", G, E, "Records that wait in memory to be written to it."),
    Family("store_written_total", C, E, "Records written to it."),
    Family("store_dropped_total", C, E, "Records that will never be in it: too many waited, or they could not be."),
    Family(
        "thumbnails_total",
        C,
        E,
        "Pictures that somebody wished for, and what became of it.",
        {"result": ThumbnailResult},
    ),
    Family("clock_steps_total", C, E, "Jumps of the wall clock."),
    Family("config_last_reload_successful", G, E, "1 if the last reading of the configuration succeeded."),
    Family(
        "config_last_reload_success_timestamp_seconds",
        G,
        E,
        "When the configuration was last read with success.",
    ),
    Family("event_loop_lag_seconds", H, E, "How late the supervisor's loop woke up."),
    Family(
        "youtube_stream_status",
        G,
        Y,
        "1 for what YouTube says of the stream that the destination's key leads to: active is received.",
        {"status": StreamStatus},
    ),
    Family(
        "youtube_health_status",
        G,
        Y,
        "1 for how well YouTube receives it; good is better than ok.",
        {"status": HealthStatus},
    ),
    Family(
        "youtube_configuration_issues",
        G,
        Y,
        "What YouTube finds wrong with what it is sent; there only while it does, eight kinds at most.",
        {"type": IssueType, "severity": Severity},
    ),
    Family(
        "youtube_broadcast_state",
        G,
        Y,
        "1 for the state of the broadcast that viewers see or are to see; all 0 where there is none.",
        {"state": LifeCycle},
    ),
    Family(
        "youtube_broadcast_info",
        G,
        Y,
        "Where viewers see the broadcast, or will: always 1, of at most one address; not there where none is known.",
        {"watch_url": None},
    ),
    Family("youtube_broadcast_age_seconds", G, Y, "For how long that broadcast has been live; there only while it is."),
    Family(
        "youtube_rotation_interval_seconds",
        G,
        Y,
        "After so long it is followed by a new one: rotate.every; there only where it is set.",
    ),
    Family(
        "youtube_page_live",
        G,
        Y,
        "1 if the channel's public page shows something live, 0 if not; not there while that cannot be told.",
    ),
    Family("youtube_inserts_total", C, Y, "Broadcasts that neverdark has made."),
    Family("youtube_rotations_total", C, Y, "How often a new broadcast took the place of a live one."),
    Family("youtube_exhausted", G, Y, "1 while nothing is left that neverdark could try to have a broadcast live."),
    Family(
        "youtube_api_requests_total",
        C,
        A,
        "Requests to YouTube's API, by its methods and by what became of them.",
        {"method": None, "result": None},
    ),
    Family(
        "youtube_quota_used_units",
        G,
        A,
        "Units of the account's quota that are used of today's (Pacific); all of them while YouTube says so.",
    ),
    Family("youtube_quota_limit_units", G, A, "Units that a day has: quota.limit."),
    Family(
        "youtube_unanswered_seconds",
        G,
        A,
        "Seconds since the first look at YouTube that was not answered; 0 if the latest was, whenever it was.",
    ),
    Family("youtube_token_valid", G, A, "0 while somebody has to log in, else 1."),
    Family(
        "youtube_token_expiry_timestamp_seconds",
        G,
        A,
        "Until when the access token holds, in seconds since 1970; it is renewed by itself.",
    ),
    Family(
        "http_requests_total",
        C,
        SeriesOf.HTTP,
        "Requests answered, by what they asked for; pairs that are usual exist from the start.",
        {"handler": Handler, "code": Code},
    ),
    Family("http_refused_tokens_total", C, SeriesOf.HTTP, "Wrong tokens that somebody tried."),
)
