"""Stream: one stream's way from the source to the platform, what broke on it, and what was done."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models

from grafana.source.codes import (
    AIR,
    AVAILABILITY_STEPS,
    BROADCAST,
    BROKEN,
    OBJECTIVE,
    PROCESS,
    QUIET,
    RECEIVED,
    RECEIVED_WELL,
    RECOVERY_STEPS,
    SEGMENT_COLORS,
    SHOWN,
    SWITCH_COLORS,
    VERDICTS,
    codes_of,
)
from grafana.source.page import COLUMNS, Annotation, Dashboard, Page, datasource_variable, label_variable
from grafana.source.panels import DATASOURCE, bars, columns, fixed, legend, lines, number, states, words
from grafana.source.queries import Query, air, availability, broken, coded, counted, total
from grafana.source.shared import dark_for, recovery_actions, restarts

UID: Final = "neverdark-stream"
IT: Final = 'instance="$instance",stream="$stream"'
TO: Final = f'{IT},destination=~"$destination"'
# An encoder and a command have no destination; they are always shown.
PARTS: Final = f'{IT},destination=~"$destination|"'
# What is never a pusher: an encoder, or a command. And the pushers of the destinations that were chosen.
OWN: Final = f'{IT},role!="pusher"'
PUSHERS: Final = f'{TO},role="pusher"'
DARK: Final = f"livestream_stream_wanted{{{IT}}} * (1 - livestream_stream_on_air{{{IT}}})"


def build() -> Dashboard:
    """The whole dashboard."""
    page = Page(
        UID, "Stream", "One stream: its state, its way from the source to the platform, what broke, what helped."
    )
    known = 'livestream_stream_wanted{instance="$instance"'
    for variable in (
        datasource_variable(),
        label_variable("instance", "neverdark", "label_values(livestream_build_info, instance)", several=False),
        label_variable("stream", "Stream", f"label_values({known}}}, stream)", several=False),
        label_variable(
            "destination",
            "Destination",
            f"label_values(livestream_destination_on_air{{{IT}}}, destination)",
            several=True,
        ),
    ):
        page.builder.with_variable(variable)
    page.builder.annotation(
        Annotation()
        .name("Dark")
        .datasource(DATASOURCE)
        .enable(True)
        .icon_color("red")
        .expr(f"({DARK}) == 1")
        .step("10s")
        .title_format("wanted, and not on air")
    )
    _right_now(page)
    _what_happened(page)
    _media(page)
    _content(page)
    _uplink(page)
    _youtube(page)
    _recoveries(page)
    return page.builder


def _each_process(how: str, metric: str, *, rate: bool = False, times: str = "") -> tuple[Query, Query]:
    """One curve for the encoder or command, and one for each pusher; `how` joins the series of one, such as `sum`."""

    def query(by: str, selector: str) -> str:
        series = f"{metric}{{{selector}}}"
        return f"{times}{how} by ({by}) ({f'rate({series}[$__rate_interval])' if rate else series})"

    return Query(query("role", OWN), "{{role}}"), Query(query("destination", PUSHERS), "pusher {{destination}}")


def _right_now(page: Page) -> None:
    page.add(
        number(
            "Right now",
            "On air: every required destination gets media. Not known: neverdark does not answer.",
            "none",
            Query(air(IT), "now"),
            codes=AIR,
        ).no_value("no such stream"),
        width=5,
        height=4,
    )
    page.add(
        number(
            "What is broken",
            "The part of the way that the open incident blames: the source, our encoder or pusher, the uplink "
            "(connected, but nothing is acknowledged), our line, or the platform.",
            "none",
            Query(broken(IT), "broken"),
            codes=dict(BROKEN) | {0: ("nothing", "green")},
        ),
        width=5,
        height=4,
    )
    page.add(
        number(
            "Dark for",
            "How long the stream has been off air while it should be on.",
            "s",
            Query(
                f"max({dark_for(IT)})",
                "dark",
            ),
            limits=((None, "green"), (0.001, "orange"), (120, "red")),
        )
        .mappings([models.ValueMap(options={"0": models.ValueMappingResult(text="not dark", color="green", index=0)})])
        .decimals(0),
        width=4,
        height=4,
    )
    page.add(
        number(
            "Availability (objective: 99.9 %)",
            "Seconds on air divided by seconds wanted. Time in which neverdark did not answer counts neither way.",
            "percentunit",
            Query(availability(IT), "time shown"),
            Query(f"max(stream:livestream_availability:ratio30d{{{IT}}})", "30 days"),
            limits=AVAILABILITY_STEPS,
        )
        .decimals(2)
        .no_value("not wanted"),
        width=6,
        height=4,
    )
    page.add(
        number(
            "Darkness still allowed",
            "The objective allows 0.1 % of the wanted time to be dark: 43 minutes in 30 days of a stream that is "
            "always wanted. This much is left; below 0 the objective is missed. Days before it was first watched count "
            "as on air.",
            "s",
            Query(
                f"max({(1 - OBJECTIVE) * 30 * 86_400:.0f} * avg_over_time(livestream_stream_wanted{{{IT}}}[30d])"
                f" - (increase(livestream_stream_wanted_seconds_total{{{IT}}}[30d])"
                f" - increase(livestream_stream_on_air_seconds_total{{{IT}}}[30d])))",
                "left",
            ),
            limits=((None, "red"), (0, "orange"), (600, "green")),
        )
        .decimals(1)
        .no_value("not wanted"),
        width=4,
        height=4,
    )


def _what_happened(page: Page) -> None:
    page.row("What happened")
    plain = {str(state): code for state, (code, _, _) in PROCESS.items()}
    page.add(
        states(
            "On air, and each of its processes",
            "The first lane is what viewers saw; below, each process: the encoder, and a pusher for each destination.",
            dict(AIR) | dict(codes_of(PROCESS)),
            Query(air(IT, over_time=True), "on air"),
            Query(coded("livestream_process_state", OWN, "state", plain, "role"), "{{role}}"),
            Query(coded("livestream_process_state", PUSHERS, "state", plain, "destination"), "pusher {{destination}}"),
        ),
        width=COLUMNS,
        height=7,
    )
    _what_viewers_see(page)
    page.add(
        states(
            "What broke: open incidents",
            "A lane for each part of the way. An incident is open from the first failure until 30 s after media has "
            "come back.",
            {0: ("none open", QUIET), 1: ("open", "red"), 2: ("two open", "red"), 3: ("three open", "red")},
            Query(
                f"max by (segment) (max_over_time(livestream_incident_open{{{IT}}}[$__interval]))",
                "{{segment}}",
            ),
        ).show_value(common_models.VisibilityMode.NEVER),
        width=COLUMNS,
        height=9,
    )
    page.add(
        states(
            "What the watchdog found, check by check",
            "The second layer looks every 30 s. Three unhealthy verdicts in a row start a recovery; what it could not "
            "tell never does.",
            codes_of(VERDICTS),
            Query(
                coded(
                    "livestream_watchdog_verdict",
                    TO,
                    "verdict",
                    {str(verdict): code for verdict, (code, _, _) in VERDICTS.items()},
                    "destination, check",
                ),
                "{{check}} {{destination}}",
            ),
        ).no_value("nobody watches this stream: it has no destination"),
        width=COLUMNS,
        height=11,
    )
    page.add(
        restarts(PARTS),
        width=12,
        height=8,
    )
    page.add(
        bars(
            "What processes ended of",
            "In the time shown, by FFmpeg's exit and its last words. Killed: by a signal, also by neverdark itself "
            "when it had stalled.",
            "none",
            Query(total("livestream_process_exits_total", PARTS, "role, cause"), "{{role}}: {{cause}}"),
            limits=((None, "orange"),),
        ).no_value("none has ended"),
        width=12,
        height=8,
    )


def _what_viewers_see(page: Page) -> None:
    no_fallback = "this stream has no fallback: viewers see its own source, or nothing"
    page.add(
        states(
            "Which source viewers see",
            "A lane for each source. Green: the stream's own (primary) is on air. Orange: a fallback is. No colour in "
            "any lane: the stream was dark.",
            SHOWN,
            Query(_seen('source="primary"', 1), "{{source}}"),
            Query(_seen('source!="primary"', 2), "{{source}}"),
        )
        .show_value(common_models.VisibilityMode.NEVER)
        .no_value(no_fallback),
        width=COLUMNS,
        height=6,
    )
    page.add(
        columns(
            "Switches to another source, by reason",
            "Failed: the source that viewers saw was gone. Returned: a better one has been good for long enough. "
            "Ordered: somebody chose it.",
            "none",
            Query(counted("livestream_stream_switches_total", IT, "reason"), "{{reason}}"),
            colors={str(reason): color for reason, color in SWITCH_COLORS.items()},
        ).no_value("no switches"),
        width=12,
        height=7,
    )
    page.add(
        bars(
            "For how long viewers got each source",
            "In the time shown, while the stream was wanted. What is not primary is a fallback.",
            "s",
            Query(total("livestream_stream_source_seconds_total", IT, "source"), "{{source}}"),
            limits=((None, "orange"),),
            colors={"primary": "green"},
        ).no_value("no fallback"),
        width=6,
        height=7,
    )
    page.add(
        bars(
            "Own source, fallback, dark",
            "In the time shown, while the stream was wanted. Availability counts a fallback as on air.",
            "s",
            *_on_air_split(),
            limits=((None, "green"),),
            colors={"its own source": "green", "a fallback": "orange", "dark": "red"},
        ).no_value("not wanted"),
        width=6,
        height=7,
    )


def _on_air_split() -> tuple[Query, ...]:
    """Seconds on air with its own source and with a fallback, and seconds dark, in the time shown."""

    def grown(what: str) -> str:
        return f"sum (increase(livestream_stream_{what}_seconds_total{{{IT}}}[$__range]))"

    own = f"clamp_min({grown('on_air')} - {grown('on_fallback')} or {grown('on_air')}, 0)"
    dark = f"clamp_min({grown('wanted')} - {grown('on_air')}, 0)"
    return Query(own, "its own source"), Query(f"{grown('on_fallback')}", "a fallback"), Query(dark, "dark")


def _seen(source: str, code: int) -> str:
    """`SHOWN`'s number of each source: `code` where viewers are given it, and the stream is on air."""
    active = f"livestream_stream_source_active{{{IT},{source}}}"
    on_air = f"max_over_time(livestream_stream_on_air{{{IT}}}[$__interval]) == 1"
    return (
        f"max by (source) (max_over_time({active}[$__interval]) * {code} and on (instance, stream) {on_air}"
        f" or {active} * 0)"
    )


def _media(page: Page) -> None:
    page.row("Media: encoder → pusher → ingest")
    page.add(
        lines(
            "Frames per second",
            "What the encoder makes of the source, and what each pusher sends on. The encoder at 0: the source or the "
            "encoder. Only a pusher at 0: that destination.",
            "fps",
            *_each_process("sum", "livestream_progress_frames_total", rate=True),
        ).no_value("this command reports no progress"),
        width=12,
        height=9,
    )
    page.add(
        lines(
            "Bit rate, from part to part",
            "What the encoder makes, what each pusher sends, what the ingest has acknowledged, and what the "
            "configuration says (dashed). Where a curve falls while the one before it does not, there it breaks.",
            "bps",
            *_each_process("sum", "livestream_progress_bytes_total", rate=True, times="8 * "),
            Query(
                f"8 * sum by (destination) (rate(livestream_uplink_acked_bytes_total{{{TO}}}[$__rate_interval]))",
                "acknowledged by {{destination}}",
            ),
            Query(
                f"8 * max by (destination) (livestream_destination_expected_bytes_per_second{{{TO}}})",
                "expected by {{destination}}",
            ),
        )
        .override_by_regexp(
            "^expected by ",
            [
                fixed("#9fa7b3"),
                models.DynamicConfigValue(id_val="custom.lineStyle", value={"fill": "dash", "dash": [8, 8]}),
                models.DynamicConfigValue(id_val="custom.fillOpacity", value=0),
            ],
        )
        .no_value("this command reports no progress"),
        width=12,
        height=9,
    )
    page.add(
        lines(
            "Speed (1 = real time)",
            "Media time handled per second. Below 0.95 for long, viewers see it stop again and again: the machine or "
            "the source is too slow.",
            "none",
            *_each_process("max", "livestream_progress_speed_ratio"),
            limits=((None, "transparent"), (0.95, "red")),
        )
        .decimals(2)
        .axis_soft_max(1.2)
        .no_value("this command reports no progress"),
        width=12,
        height=8,
    )
    page.add(
        lines(
            "Lost on the way, per second",
            "Frames that FFmpeg dropped or repeated, and datagrams lost between encoder and pusher. Datagrams should "
            "stay at 0: each is a visible flaw.",
            "none",
            Query(
                f"sum by (role) (rate(livestream_progress_dropped_frames_total{{{PARTS}}}[$__rate_interval]))",
                "frames dropped by {{role}}",
            ),
            Query(
                f"sum by (role) (rate(livestream_progress_duplicated_frames_total{{{PARTS}}}[$__rate_interval]))",
                "frames repeated by {{role}}",
            ),
            Query(
                f"sum by (destination) (rate(livestream_media_dropped_datagrams_total{{{TO}}}[$__rate_interval]))",
                "datagrams to pusher {{destination}}",
            ),
        )
        .axis_soft_max(1)
        .no_value("this command reports no progress"),
        width=12,
        height=8,
    )
    page.add(
        lines(
            "Time between keyframes",
            "The longest of late, of destinations with a profile. Platforms want 2 s; most take up to 4 s.",
            "s",
            Query(f"max by (destination) (livestream_keyframe_interval_seconds{{{TO}}})", "{{destination}}"),
            limits=((None, "transparent"), (4.2, "red")),
        )
        .axis_soft_max(5)
        .no_value("no destination with a profile"),
        width=12,
        height=8,
    )
    page.add(
        states(
            "As its platform wants it",
            "Whether what is sent is as the destination's profile expects: a lane for each that has one. What is not "
            "is named on neverdark's own page. Nothing is restarted for it.",
            {0: ("not as expected", "orange"), 1: ("as expected", "green")},
            Query(f"min by (destination) (livestream_destination_conformance{{{TO}}})", "{{destination}}"),
        ).no_value("no destination with a profile"),
        width=12,
        height=8,
    )


def _content(page: Page) -> None:
    page.row("Picture and sound")
    nothing = "nobody looks at this stream's picture and sound: content"
    page.add(
        states(
            "What viewers see and hear",
            "Black, frozen, silent, too loud, still: degraded when it is found, unhealthy a while later. Not known "
            "without a sample for 5 s. Nothing is restarted for it, unless content.recover says so.",
            codes_of(VERDICTS),
            Query(
                coded(
                    "livestream_content_verdict",
                    IT,
                    "verdict",
                    {str(verdict): code for verdict, (code, _, _) in VERDICTS.items()},
                    "finding",
                ),
                "{{finding}}",
            ),
        ).no_value(nothing),
        width=COLUMNS,
        height=7,
    )
    page.add(
        lines(
            "Luma, and how much the picture changes",
            "0 is black, 1 is white. The difference is that from the picture of a second before: exactly 0 is frozen.",
            "percentunit",
            Query(f"max(livestream_picture_luma_ratio{{{IT}}})", "luma"),
            Query(f"max(livestream_picture_difference_ratio{{{IT}}})", "difference"),
        ).no_value(nothing),
        width=12,
        height=8,
    )
    page.add(
        lines(
            "Level of the sound",
            "0 dB is full scale, -120 no sound at all. Speech and music are mostly between -30 and -10.",
            "dB",
            Query(f"max(livestream_sound_level_decibels{{{IT}}})", "mean"),
            Query(f"max(livestream_sound_peak_decibels{{{IT}}})", "peak"),
        )
        .min(-120)
        .no_value(nothing),
        width=12,
        height=8,
    )


def _uplink(page: Page) -> None:
    page.row("Uplink: the connection to the ingest")
    nothing = "no TCP connection to watch"
    page.add(
        lines(
            "Round-trip time",
            "How long the ingest takes to acknowledge. What rises here comes before what breaks.",
            "s",
            Query(f"max by (destination) (livestream_uplink_rtt_seconds{{{TO}}})", "{{destination}}"),
            limits=((None, "transparent"), (0.5, "red")),
        ).no_value(nothing),
        width=8,
        height=8,
    )
    page.add(
        lines(
            "Packets sent again, per second",
            "TCP segments that were lost on the way. A few are normal; a plateau is a bad line.",
            "none",
            Query(
                f"sum by (destination) (rate(livestream_uplink_retransmits_total{{{TO}}}[$__rate_interval]))",
                "{{destination}}",
            ),
        )
        .axis_soft_max(1)
        .no_value(nothing),
        width=8,
        height=8,
    )
    page.add(
        lines(
            "Waits to be sent",
            "Bytes that the kernel could not send yet. A curve that climbs is an ingest that has stopped reading, or a "
            "line that is too thin.",
            "decbytes",
            Query(f"max by (destination) (livestream_uplink_unsent_bytes{{{TO}}})", "{{destination}}"),
        ).no_value(nothing),
        width=8,
        height=8,
    )


def _youtube(page: Page) -> None:
    page.row("YouTube: what it receives, and what viewers have")
    nothing = "no destination of this stream says what it is at YouTube"

    def lane(metric: str, label: str, codes: Mapping[StrEnum, tuple[int, str, str]], what: str) -> Query:
        numbers = {str(word): code for word, (code, _, _) in codes.items()}
        return Query(
            coded(f"livestream_youtube_{metric}", TO, label, numbers, "destination"), f"{{{{destination}}}} {what}"
        )

    page.add(
        states(
            "What YouTube says",
            "Whether it receives the stream, how well, and where the broadcast stands. Viewers need live. A gap: it "
            "could not be asked for a quarter of an hour.",
            codes_of(RECEIVED, RECEIVED_WELL, BROADCAST),
            lane("broadcast_state", "state", BROADCAST, "broadcast"),
            lane("stream_status", "status", RECEIVED, "stream"),
            lane("health_status", "status", RECEIVED_WELL, "health"),
        ).no_value(nothing),
        width=COLUMNS,
        height=8,
    )
    page.add(
        lines(
            "How long the broadcast has been live",
            "And where viewers see it: a new one is a new address. Of what is longer than 12 h YouTube may keep no "
            "recording.",
            "s",
            Query(
                f"max by (destination, watch_url) (livestream_youtube_broadcast_age_seconds{{{TO}}}"
                " * on (job, instance, stream, destination) group_left (watch_url)"
                f" livestream_youtube_broadcast_info{{{TO}}})",
                "{{destination}} {{watch_url}}",
            ),
            limits=((None, "transparent"), (43_200, "orange")),
        ).no_value(nothing),
        width=8,
        height=8,
    )
    page.add(
        columns(
            "What YouTube finds wrong",
            "Its configuration issues, by its own words. None: it is content, or was not asked.",
            "none",
            Query(
                f"max by (type, severity) (livestream_youtube_configuration_issues{{{TO}}})", "{{type}} ({{severity}})"
            ),
        )
        .legend(legend())
        .no_value("nothing"),
        width=8,
        height=8,
    )
    page.add(
        lines(
            "Quota used today",
            "Of each account of this neverdark, as a share of a day's units. A day begins at midnight at the Pacific.",
            "percentunit",
            Query(
                'livestream_youtube_quota_used_units{instance="$instance"}'
                ' / livestream_youtube_quota_limit_units{instance="$instance"}',
                "{{account}}",
            ),
            limits=((None, "transparent"), (0.9, "red")),
        ).no_value("no account"),
        width=8,
        height=8,
    )


def _recoveries(page: Page) -> None:
    page.row("Failures and recoveries")
    page.add(
        bars(
            "Latest failure: noticed after",
            "From the last advance of media to the moment when the failure was noticed, by who noticed it.",
            "s",
            Query(f"max by (layer) (livestream_last_detection_seconds{{{IT}}})", "{{layer}}"),
            limits=((None, "green"), (10.5, "yellow"), (30, "orange"), (120, "red")),
        ).no_value("no failure yet"),
        width=6,
        height=6,
    )
    page.add(
        bars(
            "Latest recovery: back after",
            "From the moment when the failure was noticed to the next advance of media, by who noticed it.",
            "s",
            Query(f"max by (layer) (livestream_last_recovery_seconds{{{IT}}})", "{{layer}}"),
            limits=RECOVERY_STEPS,
        ).no_value("no failure yet"),
        width=6,
        height=6,
    )
    page.add(
        recovery_actions(IT),
        width=12,
        height=6,
    )
    page.add(
        bars(
            "What became of recovery actions",
            "In the time shown. Recovered: media advanced for 30 s. Failed: it failed again. Superseded: another "
            "action took over.",
            "none",
            Query(total("livestream_recovery_results_total", IT, "layer, result"), "{{layer}}: {{result}}"),
            limits=((None, "blue"),),
        )
        .override_by_regexp(": recovered$", [fixed("green")])
        .override_by_regexp(": failed$", [fixed("red")])
        .no_value("none was needed"),
        width=12,
        height=7,
    )
    page.add(
        bars(
            "Dark time, by what broke",
            "How long the stream was off air in the time shown while wanted, and which part of its way was to blame.",
            "s",
            Query(total("livestream_stream_off_air_seconds_total", IT, "segment"), "{{segment}}"),
            colors=SEGMENT_COLORS,
        ).no_value("it was never dark"),
        width=12,
        height=7,
    )
    page.add(
        lines(
            "Attempts left until retries become slow",
            "Each failure costs one; sustained progress refills them. At 0 neverdark goes on trying, but rarely, and "
            "the watchdog steps in.",
            "none",
            *_each_process("min", "livestream_restart_budget_remaining"),
            limits=((None, "transparent"), (0.5, "red")),
        )
        .decimals(0)
        .line_interpolation(common_models.LineInterpolation.STEP_AFTER),
        width=12,
        height=8,
    )
    page.add(
        words(
            "Every incident, in words",
            "Where the incidents of this stream can be read: cause, what was tried by whom, and how long it was dark.",
            "Newest first, with the cause, every action that was taken, and the seconds that were dark:\n\n"
            "- [http://$instance/api/streams/$stream/incidents](http://$instance/api/streams/$stream/incidents)\n"
            "- neverdark's status page: [http://$instance/](http://$instance/)\n\n"
            "If your browser cannot reach `$instance` (a name inside Compose): "
            "[http://localhost:9833/api/streams/$stream/incidents]"
            "(http://localhost:9833/api/streams/$stream/incidents) on the machine itself.",
        ),
        width=12,
        height=8,
    )
    page.add(
        lines(
            "Processor, per process",
            "Cores in use: 1 is one whole core.",
            "none",
            *_each_process("sum", "livestream_process_cpu_seconds_total", rate=True),
        ).decimals(2),
        width=12,
        height=7,
    )
    page.add(
        lines(
            "Memory, per process",
            "Resident memory; 0 while nothing runs. What only climbs will end badly.",
            "bytes",
            *_each_process("max", "livestream_process_resident_memory_bytes"),
        ),
        width=12,
        height=7,
    )
