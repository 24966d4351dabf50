"""Fleet: whether everything is on air, and if not, what is dark and why."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import common
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models

from grafana.source.codes import AIR, AVAILABILITY_STEPS, BROKEN, RECOVERY_STEPS, SEGMENT_COLORS
from grafana.source.page import COLUMNS, Dashboard, Page, datasource_variable, label_variable
from grafana.source.panels import Column, bars, cells, columns, legend, lines, linked, number, states
from grafana.source.queries import Query, air, availability, broken, peaks, total
from grafana.source.shared import dark_for, recovery_actions, restarts

UID: Final = "neverdark-fleet"
THESE: Final = 'instance=~"$instance",stream=~"$stream"'
# How a stream's own dashboard is reached; what it is about comes behind.
STREAM_PAGE: Final = "/d/neverdark-stream?${datasource:queryparam}&${__url_time_range}"


def within(histogram: str) -> str:
    """Within how many seconds 95 % of a layer's failures were; no series where there was none."""
    counted = f'increase({histogram}_bucket{{instance=~"$instance"}}[$__range])'
    return f"histogram_quantile(0.95, sum by (layer, le) ({counted})) >= 0"


def build() -> Dashboard:
    """The whole dashboard."""
    page = Page(UID, "Fleet", "Every stream of every neverdark: what is on air now, and what was not.")
    page.builder.with_variable(datasource_variable())
    page.builder.with_variable(
        label_variable("instance", "neverdark", "label_values(livestream_build_info, instance)", several=True)
    )
    page.builder.with_variable(
        label_variable(
            "stream",
            "Stream",
            'label_values(livestream_stream_wanted{instance=~"$instance"}, stream)',
            several=True,
        )
    )
    _right_now(page)
    _what_broke(page)
    _uplinks(page)
    return page.builder


def _right_now(page: Page) -> None:
    page.add(
        number(
            "Dark right now",
            "Streams that should be on air and are not, or of which nothing is known because their neverdark does not"
            " answer. Maintenance and planned stops do not count.",
            "none",
            Query(f"sum(({air(THESE)}) < bool 2)", "dark"),
            limits=((None, "green"), (1, "red")),
        )
        .mappings([models.ValueMap(options={"0": models.ValueMappingResult(text="none", color="green", index=0)})])
        .color_mode(common_models.BigValueColorMode.BACKGROUND_SOLID)
        .no_value("nobody answers"),
        width=5,
        height=5,
    )
    page.add(
        number(
            "Every stream, right now",
            "On air: every required destination gets media. Not known: its neverdark does not answer. A click leads "
            "to the stream's own dashboard.",
            "none",
            Query(f"sort({air(THESE)})"),
            codes=AIR,
        )
        .text(common.VizTextDisplayOptions().title_size(14).value_size(14))
        .override_by_field_type(
            "number",
            [
                models.DynamicConfigValue(
                    id_val="links",
                    value=[
                        {
                            "title": "This stream's dashboard",
                            "url": f"{STREAM_PAGE}&var-instance=${{__field.labels.instance}}"
                            "&var-stream=${__field.labels.stream}",
                        }
                    ],
                )
            ],
        ),
        width=19,
        height=5,
    )
    page.add(
        linked(
            cells(
                "Streams, the dark ones first",
                "What each stream does now, for how long it is dark, and which part of its way broke. On air and "
                "restarts are of the time shown. Attempts left: the least of its processes; at 0 retries become slow. "
                "A stream's name leads to its dashboard.",
                {"stream": "Stream", "instance": "neverdark"},
                (
                    Column("Right now", f"sort({air(THESE)})", codes=AIR, width=110),
                    Column("What is broken", broken(THESE), codes=BROKEN, width=120),
                    Column(
                        "Dark for",
                        f"max by (instance, stream) ({dark_for(THESE)})",
                        "s",
                        limits=((None, "#6e7680"), (0.001, "orange"), (120, "red")),
                        decimals=0,
                        width=100,
                        zero="-",
                    ),
                    Column(
                        "On air",
                        availability(THESE, "instance, stream"),
                        "percentunit",
                        limits=AVAILABILITY_STEPS,
                        decimals=2,
                        width=110,
                    ),
                    Column(
                        "Restarts",
                        "round(sum by (instance, stream) "
                        f"(increase(livestream_process_restarts_total{{{THESE}}}[$__range])))",
                        limits=((None, "text"), (5, "orange"), (20, "red")),
                        width=90,
                    ),
                    Column(
                        "Attempts left",
                        f"min by (instance, stream) (livestream_restart_budget_remaining{{{THESE}}})",
                        limits=((None, "red"), (1, "orange"), (4, "text")),
                        width=110,
                    ),
                ),
                ("Right now", False),
            ),
            "Stream",
            f"{STREAM_PAGE}&var-instance=${{__data.fields.neverdark}}&var-stream=${{__data.fields.Stream}}",
            "This stream's dashboard",
        ),
        width=COLUMNS,
        height=9,
    )
    page.add(
        number(
            "Availability (objective: 99.9 %)",
            "Seconds on air divided by seconds wanted. Green keeps the objective. Time in which neverdark did not "
            "answer counts neither way. The time shown is that of the streams chosen above; 30 days are those of all.",
            "percentunit",
            Query(availability(THESE), "time shown"),
            Query("max(fleet:livestream_availability:ratio30d)", "30 days"),
            Query(f"min(stream:livestream_availability:ratio30d{{{THESE}}})", "30 days, worst stream"),
            limits=AVAILABILITY_STEPS,
        ).decimals(2),
        width=12,
        height=5,
    )
    page.add(
        number(
            "Noticed, and back, within (95 %)",
            "19 of 20 failures of the time shown were noticed, and media advanced again, within this time. Process: the"
            " first layer, which watches each process; watchdog: the second, which steps in when the first does not "
            "help.",
            "s",
            Query(within("livestream_detection_duration_seconds"), "{{layer}}: noticed"),
            Query(within("livestream_recovery_duration_seconds"), "{{layer}}: back"),
            limits=RECOVERY_STEPS,
        )
        .decimals(1)
        .no_value("no failure"),
        width=12,
        height=5,
    )


def _what_broke(page: Page) -> None:
    page.row("What broke, and when")
    page.add(
        states(
            "On air, over time",
            "A lane for each stream. Red is what viewers saw as dark.",
            AIR,
            Query(air(THESE, over_time=True)),
        ),
        width=COLUMNS,
        height=9,
    )
    page.add(
        columns(
            "Open incidents, by what broke",
            "Incidents that were open at that moment. An incident lasts from the first failure until 30 s after media"
            " has come back. Many at once with one colour have one cause.",
            "none",
            Query(peaks("livestream_incident_open", THESE, "segment"), "{{segment}}"),
            colors=SEGMENT_COLORS,
        )
        .legend(legend())
        .no_value("nothing broke"),
        width=12,
        height=8,
    )
    page.add(
        restarts(THESE),
        width=12,
        height=8,
    )
    page.add(
        bars(
            "Incidents, by what broke",
            "In the time shown: which part of the way from the source to the platform fails most.",
            "none",
            Query(total("livestream_incidents_total", THESE, "segment"), "{{segment}}"),
            colors=SEGMENT_COLORS,
        ).no_value("nothing broke"),
        width=12,
        height=8,
    )
    page.add(
        bars(
            "Slowest recoveries",
            "From the moment when a failure was noticed to the next advance of media, with the layer that noticed it."
            " The longest of each stream in the time shown. After two minutes somebody is paged.",
            "s",
            Query(
                "sort_desc(topk(8, max by (stream, layer) "
                f"(max_over_time(livestream_last_recovery_seconds{{{THESE}}}[$__range]))))",
                "{{stream}} ({{layer}})",
            ),
            limits=RECOVERY_STEPS,
        ).no_value("no failure yet"),
        width=12,
        height=8,
    )


def _uplinks(page: Page) -> None:
    page.row("The way to the platforms")
    page.add(
        linked(
            cells(
                "Uplinks, the worst first",
                "What each ingest acknowledges, as a share of what the configured bit rates say; what waits here to "
                "be sent, in seconds of media; how far away the ingest is; and what had to be sent again. Only "
                "streams that are wanted.",
                {"stream": "Stream", "destination": "Destination", "instance": "neverdark"},
                (
                    Column(
                        "Arrives",
                        "sort(max by (instance, stream, destination) ("
                        f"rate(livestream_uplink_acked_bytes_total{{{THESE}}}[1m])"
                        f" / livestream_destination_expected_bytes_per_second{{{THESE}}}"
                        f" and on (instance, stream) livestream_stream_wanted{{{THESE}}} == 1))",
                        "percentunit",
                        limits=((None, "red"), (0.5, "orange"), (0.8, "green")),
                        decimals=0,
                        width=90,
                    ),
                    Column(
                        "Waits",
                        "max by (instance, stream, destination) ("
                        f"livestream_uplink_unsent_bytes{{{THESE}}}"
                        f" / livestream_destination_expected_bytes_per_second{{{THESE}}}"
                        f" and on (instance, stream) livestream_stream_wanted{{{THESE}}} == 1)",
                        "s",
                        limits=((None, "text"), (1, "orange"), (3, "red")),
                        decimals=1,
                        width=90,
                    ),
                    Column(
                        "Round trip",
                        "max by (instance, stream, destination) ("
                        f"livestream_uplink_rtt_seconds{{{THESE}}}"
                        f" and on (instance, stream) livestream_stream_wanted{{{THESE}}} == 1)",
                        "s",
                        limits=((None, "text"), (0.15, "orange"), (0.5, "red")),
                        width=100,
                    ),
                    Column(
                        "Sent again /s",
                        "max by (instance, stream, destination) ("
                        f"rate(livestream_uplink_retransmits_total{{{THESE}}}[5m])"
                        f" and on (instance, stream) livestream_stream_wanted{{{THESE}}} == 1)",
                        limits=((None, "text"), (5, "orange"), (50, "red")),
                        decimals=1,
                        width=100,
                    ),
                ),
                ("Arrives", False),
            ),
            "Stream",
            f"{STREAM_PAGE}&var-instance=${{__data.fields.neverdark}}&var-stream=${{__data.fields.Stream}}",
            "This stream's dashboard",
        ),
        width=14,
        height=9,
    )
    page.add(
        lines(
            "What the ingests acknowledge, per stream",
            "Bits a second that have arrived, over all destinations of a stream. A curve that falls to 0 is a stream "
            "that nobody can see.",
            "bps",
            Query(f"8 * sum by (stream) (rate(livestream_uplink_acked_bytes_total{{{THESE}}}[$__rate_interval]))"),
        ),
        width=10,
        height=9,
    )
    page.add(
        recovery_actions(THESE, ", which should be rare"),
        width=COLUMNS,
        height=7,
    )
