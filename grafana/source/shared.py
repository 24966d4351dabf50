"""Panels and queries that stand in more than one dashboard: of some streams here, of one there."""

from __future__ import annotations

from grafana_foundation_sdk.builders import timeseries

from grafana.source.codes import LAYER_COLORS, REASON_COLORS
from grafana.source.panels import columns
from grafana.source.queries import Query, counted


def dark_for(selector: str) -> str:
    """For how many seconds a stream has been off air while it should be on; 0: it is not."""
    return (
        f"(time() - livestream_stream_off_air_since_timestamp_seconds{{{selector}}})"
        f" * (livestream_stream_off_air_since_timestamp_seconds{{{selector}}} > bool 0)"
        f" * (1 - livestream_stream_on_air{{{selector}}})"
    )


def restarts(selector: str) -> timeseries.Panel:
    """What was replaced, and why."""
    return columns(
        "Restarts, by reason",
        "Processes that were replaced. Blue ones were asked for: by an operator or a changed configuration.",
        "none",
        Query(counted("livestream_process_restarts_total", selector, "reason"), "{{reason}}"),
        colors={str(reason): color for reason, color in REASON_COLORS.items()},
    ).no_value("no restarts")


def recovery_actions(selector: str, on_the_second_layer: str = "") -> timeseries.Panel:
    """Who acted; of the second layer something more may be said."""
    return columns(
        "Recovery actions, by layer",
        "Process: a failed process was replaced. Watchdog: the second layer had to step in"
        f"{on_the_second_layer}. Operator: somebody did it by hand.",
        "none",
        Query(counted("livestream_recovery_attempts_total", selector, "layer"), "{{layer}}"),
        colors={str(layer): color for layer, color in LAYER_COLORS.items()},
    ).no_value("none was needed")
