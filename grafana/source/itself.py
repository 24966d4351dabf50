"""neverdark itself: whether the one who watches is well."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import timeseries
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models

from grafana.source.page import COLUMNS, Dashboard, Page, datasource_variable, label_variable
from grafana.source.panels import bars, columns, lines, number, states
from grafana.source.queries import Query, counted

UID: Final = "neverdark-self"
IT: Final = 'instance=~"$instance"'
# Whatever the job is called: a neverdark is what says so, and what did within a week before it fell silent.
OURS: Final = f"on (job, instance) last_over_time(livestream_build_info{{{IT}}}[7d])"
ALONE: Final = "neverdark alone"


def build() -> Dashboard:
    """The whole dashboard."""
    page = Page(UID, "neverdark itself", "Each neverdark: does it answer, is it in time, does it have what it needs?")
    page.builder.with_variable(datasource_variable())
    page.builder.with_variable(
        label_variable("instance", "neverdark", "label_values(livestream_build_info, instance)", several=True)
    )
    _right_now(page)
    _in_time(page)
    _switches(page)
    _resources(page)
    _memory(page)
    return page.builder


def _right_now(page: Page) -> None:
    page.add(
        number(
            "Does it answer?",
            "Whether Prometheus reaches it. While it does not, nobody restarts what fails, and nothing is known of "
            "its streams.",
            "none",
            Query(f"max by (instance) (up{{{IT}}} and {OURS})", "{{instance}}"),
            codes={0: ("NO", "red"), 1: ("yes", "green")},
        ),
        width=6,
        height=5,
    )
    page.add(
        number(
            "Way to the internet",
            "Whether the latest probe found a way to an ingest, and to the reference host if one is configured. No "
            "reference: our own line is down.",
            "none",
            Query(f"min by (instance, probe) (livestream_network_reachable{{{IT}}})", "{{probe}} from {{instance}}"),
            codes={0: ("NO", "red"), 1: ("yes", "green")},
        ).no_value("no probe yet"),
        width=6,
        height=5,
    )
    page.add(
        number(
            "Watchdogs that do not run",
            "Destinations that the second layer should look at and has not for two intervals, or whose watchdog an "
            "operator has stopped.",
            "none",
            Query(f"sum by (instance) (1 - livestream_watchdog_running{{{IT}}})", "{{instance}}"),
            limits=((None, "green"), (1, "red")),
        ).no_value("nothing to watch"),
        width=6,
        height=5,
    )
    page.add(
        number(
            "Configuration",
            "Whether the file was taken over when it was last read. If not, the one before is in force; `neverdark "
            "check` tells what is wrong.",
            "none",
            Query(f"max by (instance) (livestream_config_last_reload_successful{{{IT}}})", "{{instance}}"),
            codes={0: ("REFUSED", "red"), 1: ("in force", "green")},
        ),
        width=6,
        height=5,
    )
    page.add(
        number(
            "Since when",
            "When this run of it began, and when its configuration was last read with success. A run that began lately "
            "and that nobody started: something ends it again and again.",
            "dateTimeFromNow",
            Query(f"1000 * max by (instance) (process_start_time_seconds{{{IT}}} and {OURS})", "{{instance}} runs"),
            Query(
                f"1000 * max by (instance) (livestream_config_last_reload_success_timestamp_seconds{{{IT}}})",
                "{{instance}} configuration",
            ),
        ),
        width=8,
        height=4,
    )
    page.add(
        number(
            "Version",
            "What is running, with the revision that it was built from.",
            "none",
            Query(
                f"max by (instance, version, revision) (livestream_build_info{{{IT}}})",
                "{{instance}}: {{version}} ({{revision}})",
            ),
        ).text_mode(common_models.BigValueTextMode.NAME),
        width=8,
        height=4,
    )
    page.add(
        number(
            "Room to write",
            "Free bytes where logs and run state are kept. Below 1 GB is a ticket; streams go on without.",
            "decbytes",
            Query(f"min by (instance) (livestream_data_dir_free_bytes{{{IT}}})", "{{instance}}"),
            limits=((None, "red"), (1e9, "orange"), (1e10, "green")),
        ),
        width=8,
        height=4,
    )


def _in_time(page: Page) -> None:
    page.row("Is it in time?")
    page.add(
        states(
            "Did it answer, over time",
            "Red: Prometheus could not reach it. Many short ones: it is started again and again.",
            {0: ("no", "red"), 1: ("answers", "dark-green")},
            Query(f"max by (instance) (up{{{IT}}} and {OURS})", "{{instance}}"),
        ),
        width=COLUMNS,
        height=5,
    )
    page.add(
        lines(
            "How late its loop wakes up (99 %)",
            "The loop that watches every process: 99 of 100 times it is less late than this. Usually a few "
            "milliseconds; above half a second failures are noticed late: the machine is overloaded.",
            "s",
            Query(
                "histogram_quantile(0.99, sum by (instance, le) "
                f"(rate(livestream_event_loop_lag_seconds_bucket{{{IT}}}[$__rate_interval])))",
                "{{instance}}",
            ),
            limits=((None, "transparent"), (0.5, "red")),
        ),
        width=12,
        height=8,
    )
    page.add(
        lines(
            "How long a look at its metrics takes",
            "The time that Prometheus needs to fetch /metrics. It gives up after 8 s.",
            "s",
            Query(f"max by (instance) (scrape_duration_seconds{{{IT}}} and {OURS})", "{{instance}}"),
            limits=((None, "transparent"), (8, "red")),
        ),
        width=12,
        height=8,
    )
    page.add(
        columns(
            "Schedule set up again, clock jumped",
            "Both should be rare. A schedule of the watchdog that stalled was noticed and set up again. A clock that "
            "is set makes pages late; neverdark's own decisions go by a clock that nobody can set.",
            "none",
            Query(counted("livestream_scheduler_rearmed_total", IT, "instance"), "schedule set up again, {{instance}}"),
            Query(counted("livestream_clock_steps_total", IT, "instance"), "clock jumped, {{instance}}"),
        ).no_value("neither has happened"),
        width=12,
        height=8,
    )
    page.add(
        lines(
            "How long ago the watchdog last looked",
            "At the destination that has waited longest. It looks every 30 s; a curve that climbs is a watchdog that "
            "sleeps.",
            "s",
            Query(
                f"max by (instance) (time() - livestream_watchdog_last_check_timestamp_seconds{{{IT}}}"
                f" and on (instance, stream) livestream_stream_wanted{{{IT}}} == 1)",
                "{{instance}}",
            ),
            limits=((None, "transparent"), (60, "red")),
        ).no_value("nothing to watch"),
        width=12,
        height=8,
    )


def _switches(page: Page) -> None:
    page.row("Switches between encoders")
    page.add(
        number(
            "Can it switch without a gap?",
            "Whether another encoder can take over before the one that feeds is ended. No: the kernel or the container "
            "forbids it, or streams were taken over whose pushers alone have their sockets.",
            "none",
            Query(f"min by (instance) (livestream_seamless_switch_possible{{{IT}}})", "{{instance}}"),
            codes={0: ("NO", "orange"), 1: ("yes", "green")},
        ),
        width=6,
        height=7,
    )
    page.add(
        bars(
            "A switch takes (19 of 20)",
            "From the decision to the first media of the other encoder. Made before break: the one before feeds all "
            "the while, and viewers see nothing of it. Broken first: they wait for so long.",
            "s",
            Query(_within("livestream_stream_switch_duration_seconds"), "{{way}}"),
            limits=((None, "blue"),),
        ).no_value("no switches"),
        width=9,
        height=7,
    )
    page.add(
        bars(
            "Media missing at a switch (mean)",
            "Between the last frame before it and the first one after it, as measured at the links, of the switches "
            "of which it is known.",
            "s",
            Query(
                f"sum by (way) (increase(livestream_stream_switch_missing_seconds_sum{{{IT}}}[$__range]))"
                f" / (sum by (way) (increase(livestream_stream_switch_missing_seconds_count{{{IT}}}[$__range])) > 0)",
                "{{way}}",
            ),
            limits=((None, "green"), (0.1, "yellow"), (1, "orange"), (5, "red")),
        ).no_value("no switches"),
        width=9,
        height=7,
    )
    page.add(
        columns(
            "Frames lost at switches",
            "What viewers did not get. Made before break should stay at 0, or at one now and then.",
            "none",
            Query(counted("livestream_stream_switch_frames_lost_total", IT, "way"), "{{way}}"),
            colors={"made_before_break": "green", "broken_first": "orange"},
        ).no_value("none"),
        width=12,
        height=7,
    )
    page.add(
        columns(
            "Encoders replaced on purpose",
            "By a restart, a reload or the watchdog, while they delivered. Broken first: the next run did not come to "
            "send beside the other, such as where a camera serves one reader alone.",
            "none",
            Query(counted("livestream_encoder_replacements_total", IT, "reason, way"), "{{reason}}: {{way}}"),
        ).no_value("none"),
        width=12,
        height=7,
    )


def _within(histogram: str) -> str:
    """Within how many seconds 95 % were, by way; no series where there was none."""
    return f"histogram_quantile(0.95, sum by (way, le) (increase({histogram}_bucket{{{IT}}}[$__range]))) >= 0"


def _resources(page: Page) -> None:
    page.row("What it needs")
    page.add(
        _apart(
            lines(
                "Processor",
                "Cores in use: 1 is one whole core. By its encoders, pushers and commands together (axis on the left), "
                "and by neverdark's own process (on the right): a few per cent are usual there, and what stays near 1 "
                "is a loop that cannot keep up.",
                "none",
                Query(
                    f"sum by (instance) (rate(livestream_process_cpu_seconds_total{{{IT}}}[$__rate_interval]))",
                    "{{instance}}, all that it started",
                ),
                Query(
                    f"max by (instance) (rate(process_cpu_seconds_total{{{IT}}}[$__rate_interval]) and {OURS})",
                    f"{{{{instance}}}}, {ALONE}",
                ),
            ).decimals(2)
        ),
        width=12,
        height=8,
    )
    page.add(
        _apart(
            lines(
                "Memory",
                "Resident memory of its encoders, pushers and commands together (axis on the left), and of neverdark's "
                "own process (on the right): that levels off within the first hours, and a line that only climbs is a "
                "leak.",
                "bytes",
                Query(
                    f"sum by (instance) (livestream_process_resident_memory_bytes{{{IT}}})",
                    "{{instance}}, all that it started",
                ),
                Query(
                    f"max by (instance) (process_resident_memory_bytes{{{IT}}} and {OURS})",
                    f"{{{{instance}}}}, {ALONE}",
                ),
            )
        ),
        width=12,
        height=8,
    )
    page.add(
        lines(
            "Room to write, over time",
            "Free bytes where logs and run state are kept. neverdark bounds its own logs; what falls steadily is "
            "something else that lives there.",
            "decbytes",
            Query(f"min by (instance) (livestream_data_dir_free_bytes{{{IT}}})", "{{instance}}"),
            limits=((None, "transparent"), (1e9, "red")),
        ),
        width=12,
        height=8,
    )
    page.add(
        lines(
            "Series that it exports",
            "How much Prometheus stores for it: at most 110 for a stream and 80 more for each destination.",
            "short",
            Query(f"max by (instance) (scrape_samples_scraped{{{IT}}} and {OURS})", "{{instance}}"),
        ).decimals(0),
        width=12,
        height=8,
    )


def _memory(page: Page) -> None:
    page.row("What it remembers")
    page.add(
        states(
            "Could its database be written, over time",
            "Red: what happens waits in memory, and a restart would lose it. Streams go on all the same.",
            {0: ("no", "red"), 1: ("written", "dark-green")},
            Query(f"min by (instance) (livestream_store_up{{{IT}}})", "{{instance}}"),
        ),
        width=12,
        height=6,
    )
    page.add(
        lines(
            "Records that wait",
            "In memory, to be written. Usually none; 10,000 at most, and as many again of incidents and orders.",
            "short",
            Query(f"max by (instance) (livestream_store_queue_length{{{IT}}})", "{{instance}}"),
        ).decimals(0),
        width=6,
        height=6,
    )
    page.add(
        columns(
            "Records that were lost",
            "Too many waited, or the database refused them for good. There should be none.",
            "none",
            Query(counted("livestream_store_dropped_total", IT, "instance"), "{{instance}}"),
        ).no_value("none"),
        width=6,
        height=6,
    )
    page.add(
        columns(
            "Pictures that somebody wished for",
            "Thumbnails, and what became of each. Cached: there was one of a moment ago. No media, undecodable: there "
            "was nothing to make it of. Busy: too many were asked for at once.",
            "none",
            Query(counted("livestream_thumbnails_total", IT, "result"), "{{result}}"),
        ).no_value("none"),
        width=12,
        height=6,
    )


def _apart(panel: timeseries.Panel) -> timeseries.Panel:
    """What neverdark alone needs has an axis of its own: beside what it started it would be a line at the bottom."""
    return panel.override_by_regexp(
        f", {ALONE}$", [models.DynamicConfigValue(id_val="custom.axisPlacement", value="right")]
    )
