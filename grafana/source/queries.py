"""Queries that several panels ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from grafana.source.codes import SEGMENTS


class Query(NamedTuple):
    """One query of a panel; `legend` names its series, and in a table its column."""

    expr: str
    legend: str = "{{stream}}"


def air(selector: str, *, over_time: bool = False) -> str:
    """`AIR`'s number of each stream. What is not known is asked first: its last known state is history.

    With `over_time` the worst between one point and the next counts, so that short darkness is seen in a long time.
    """
    on_air = f"livestream_stream_on_air{{{selector}}}"
    if over_time:
        on_air = f"min_over_time({on_air}[$__interval])"
    return (
        "max by (instance, stream) ("
        f"(stream:livestream_unknown:state{{{selector}}} == 1)"
        f" or ({on_air} == 1) + 2"
        f" or (livestream_stream_wanted{{{selector}}} == 0) + 4"
        f" or (livestream_stream_maintenance{{{selector}}} == 1) + 1"
        f" or {on_air}"
        ")"
    )


def availability(selector: str, by: str = "") -> str:
    """Seconds on air by seconds wanted in the time shown; no series where nothing was wanted."""
    total = f"sum by ({by})" if by else "sum"
    on_air, wanted = (
        f"{total} (increase(livestream_stream_{what}_seconds_total{{{selector}}}[$__range]))"
        for what in ("on_air", "wanted")
    )
    return f"{on_air} / ({wanted} > 0)"


def broken(selector: str) -> str:
    """`BROKEN`'s number of each stream."""
    terms = (
        f'(livestream_incident_open{{{selector},segment="{segment}"}} > bool 0) * {code}'
        for segment, (code, _, _) in SEGMENTS.items()
    )
    return f"max by (instance, stream) ({' or '.join(terms)})"


def coded(metric: str, selector: str, label: str, codes: Mapping[str, int], by: str) -> str:
    """The number of the member of a closed set that is 1 now."""
    terms = (f'{metric}{{{selector},{label}="{member}"}} * {code}' for member, code in codes.items())
    return f"sum by ({by}) ({' or '.join(terms)})"


def counted(metric: str, selector: str, by: str) -> str:
    """What a counter has counted since the point before: whole numbers, which increase() does not give.

    Only what has counted anything in the time shown: the legend would be long.
    """
    series = f"{metric}{{{selector}}}"
    return (
        f"sum by ({by}) (clamp_min({series} - {series} offset $__interval, 0))"
        f" and sum by ({by}) (increase({series}[$__range] @ end())) > 0"
    )


def peaks(metric: str, selector: str, by: str) -> str:
    """The most that a gauge was between one point and the next, of what was above 0 in the time shown."""
    series = f"{metric}{{{selector}}}"
    return (
        f"sum by ({by}) (max_over_time({series}[$__interval]))"
        f" and sum by ({by}) (max_over_time({series}[$__range] @ end())) > 0"
    )


def total(metric: str, selector: str, by: str) -> str:
    """What a counter has counted in the time shown; no series where there was nothing."""
    return f"sort_desc(round(sum by ({by}) (increase({metric}{{{selector}}}[$__range]))) > 0)"
