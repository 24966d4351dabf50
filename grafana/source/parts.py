"""What all dashboards are made of: queries, codes and colours that mean the same everywhere, and kinds of panels.

Every panel has a title that needs no manual, a description, and a unit. Grafana lays panels out in one column on a
phone, in the order in which they stand here, so what matters most comes first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple, TypeVar

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    prometheus,
    stat,
    statetimeline,
    table,
    text,
    timeseries,
)
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import prometheus as prometheus_models
from grafana_foundation_sdk.models import text as text_models

from supervisor.model.terms import Layer, RestartReason, Segment, State, Verdict

Dashboard = dashboard.Dashboard
Annotation = dashboard.AnnotationQuery

DATASOURCE: Final = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
OBJECTIVE: Final = 0.999  # of the seconds in which a stream is wanted
COLUMNS: Final = 24  # of Grafana's grid
TAG: Final = "neverdark"

Codes = Mapping[int, tuple[str, str]]  # what a number stands for: its text and its colour
Steps = Sequence[tuple[float | None, str]]  # thresholds: from where on, and its colour

QUIET: Final = "rgba(128, 128, 128, 0.18)"
NEUTRAL: Final[Steps] = ((None, "text"),)

# How a stream does, one number for each; the lower, the sooner somebody should look.
AIR: Final[Codes] = {
    0: ("OFF AIR", "red"),
    1: ("NOT KNOWN", "purple"),
    2: ("maintenance", "blue"),
    3: ("on air", "green"),
    4: ("planned off", "#6e7680"),
}
# Numbers of their own, so that both may stand in one panel.
PROCESS: Final[dict[State, tuple[int, str, str]]] = {
    State.STOPPED: (10, "stopped", "#6e7680"),
    State.STARTING: (11, "starting", "light-blue"),
    State.RUNNING: (12, "running", "dark-green"),
    State.BACKOFF: (13, "waits to try again", "orange"),
    State.COOLDOWN: (14, "attempts spent, waits long", "dark-red"),
    State.STOPPING: (15, "stopping", "light-blue"),
}
VERDICTS: Final[dict[Verdict, tuple[int, str, str]]] = {
    Verdict.HEALTHY: (1, "healthy", "dark-green"),
    Verdict.DEGRADED: (2, "degraded", "yellow"),
    Verdict.UNHEALTHY: (3, "unhealthy", "red"),
    Verdict.UNKNOWN: (4, "could not tell", "purple"),
}
# If several are open at once the highest number is shown: the one that explains the others.
SEGMENTS: Final[dict[Segment, tuple[int, str, str]]] = {
    Segment.UNKNOWN: (1, "unknown", "#9fa7b3"),
    Segment.NEVERDARK: (2, "neverdark itself", "#6e7680"),
    Segment.PUSHER: (3, "pusher", "light-blue"),
    Segment.UPLINK: (4, "uplink", "orange"),
    Segment.PLATFORM: (5, "platform", "super-light-red"),
    Segment.ENCODER: (6, "encoder", "blue"),
    Segment.SOURCE: (7, "source", "purple"),
    Segment.NETWORK: (8, "our line", "yellow"),
}
BROKEN: Final[Codes] = {0: ("nothing", QUIET)} | {code: (words, color) for code, words, color in SEGMENTS.values()}
SEGMENT_COLORS: Final = {str(segment): color for segment, (_, _, color) in SEGMENTS.items()}
# Somebody asked for the last two.
REASON_COLORS: Final = {
    RestartReason.EXIT: "orange",
    RestartReason.STALL: "red",
    RestartReason.START_TIMEOUT: "dark-red",
    RestartReason.UPLINK: "yellow",
    RestartReason.WATCHDOG: "purple",
    RestartReason.LIMIT: "light-orange",
    RestartReason.OPERATOR: "blue",
    RestartReason.CONFIG: "light-blue",
}
LAYER_COLORS: Final = {
    Layer.PROCESS: "green",
    Layer.WATCHDOG: "purple",
    Layer.PLATFORM: "orange",
    Layer.OPERATOR: "blue",
}

AVAILABILITY_STEPS: Final[Steps] = ((None, "red"), (0.99, "orange"), (OBJECTIVE, "green"))
# A page comes after two minutes.
RECOVERY_STEPS: Final[Steps] = ((None, "green"), (10, "yellow"), (30, "orange"), (120, "red"))


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


def mapping(codes: Codes) -> list[models.ValueMapping]:
    """Texts and colours instead of numbers."""
    results = {
        str(code): models.ValueMappingResult(text=words, color=color, index=index)
        for index, (code, (words, color)) in enumerate(codes.items())
    }
    return [models.ValueMap(options=results)]


def codes_of(*tables: Mapping[State, tuple[int, str, str]] | Mapping[Verdict, tuple[int, str, str]]) -> Codes:
    """The codes of closed sets."""
    return {code: (words, color) for members in tables for code, words, color in members.values()}


def steps(limits: Steps) -> dashboard.ThresholdsConfig:
    """Thresholds as Grafana has them."""
    return (
        dashboard.ThresholdsConfig()
        .mode(models.ThresholdsMode.ABSOLUTE)
        .steps([models.Threshold(value=value, color=color) for value, color in limits])
    )


def fixed(color: str) -> models.DynamicConfigValue:
    """An override's part: always this colour."""
    return models.DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": color})


def legend(*calculations: str) -> common.VizLegendOptions:
    """Names and colours below a panel, with what is calculated of each curve."""
    return (
        common.VizLegendOptions()
        .show_legend(True)
        .display_mode(common_models.LegendDisplayMode.LIST)
        .placement(common_models.LegendPlacement.BOTTOM)
        .calcs(list(calculations))
    )


Panel = bargauge.Panel | stat.Panel | statetimeline.Panel | table.Panel | text.Panel | timeseries.Panel
P = TypeVar("P", bargauge.Panel, stat.Panel, statetimeline.Panel, table.Panel, timeseries.Panel)


def _dressed(panel: P, title: str, description: str, unit: str, queries: Iterable[Query]) -> P:
    panel.title(title).description(description).datasource(DATASOURCE).unit(unit)
    now = isinstance(panel, bargauge.Panel | stat.Panel | table.Panel)
    for ref, query in zip("ABCDEFGHIJ", queries, strict=False):
        target = prometheus.Dataquery().ref_id(ref).expr(query.expr).legend_format(query.legend).datasource(DATASOURCE)
        if now:
            target.instant()
        else:
            target.range()
        if isinstance(panel, table.Panel):
            target.format(prometheus_models.PromQueryFormat.TABLE)
        panel.with_target(target)
    return panel


def _colored(panel: P, colors: Mapping[str, str]) -> P:
    for name, color in colors.items():
        panel.override_by_name(name, [fixed(color)])
    return panel


def number(
    title: str, description: str, unit: str, *queries: Query, limits: Steps = NEUTRAL, codes: Codes | None = None
) -> stat.Panel:
    """Big numbers, one for each series, as things are now. In colour all over if `codes` say what they mean."""
    single = all("{{" not in query.legend for query in queries) and len(queries) == 1
    panel = (
        _dressed(stat.Panel(), title, description, unit, queries)
        .thresholds(steps(limits))
        .graph_mode(common_models.BigValueGraphMode.NONE)
        .color_mode(
            common_models.BigValueColorMode.VALUE if codes is None else common_models.BigValueColorMode.BACKGROUND_SOLID
        )
        .text_mode(common_models.BigValueTextMode.VALUE if single else common_models.BigValueTextMode.VALUE_AND_NAME)
        .wide_layout(False)  # the name above its value: beside it, both are too small to read
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    )
    return panel if codes is None else panel.mappings(mapping(codes))


def bars(
    title: str,
    description: str,
    unit: str,
    *queries: Query,
    limits: Steps = NEUTRAL,
    colors: Mapping[str, str] | None = None,
) -> bargauge.Panel:
    """A bar for each series, as things are now or were in the time shown."""
    panel = (
        _dressed(bargauge.Panel(), title, description, unit, queries)
        .thresholds(steps(limits))
        .orientation(common_models.VizOrientation.HORIZONTAL)
        .display_mode(common_models.BarGaugeDisplayMode.GRADIENT)
        .name_placement(common_models.BarGaugeNamePlacement.TOP)
        .value_mode(common_models.BarGaugeValueMode.COLOR)
        .min(0)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    )
    return _colored(panel, colors or {})


def lines(
    title: str,
    description: str,
    unit: str,
    *queries: Query,
    limits: Steps | None = None,
    colors: Mapping[str, str] | None = None,
) -> timeseries.Panel:
    """Curves over time. `limits` are drawn as lines; the legend tells the latest values."""
    panel = (
        _dressed(timeseries.Panel(), title, description, unit, queries)
        .min(0)
        .line_width(1)
        .fill_opacity(0)
        .show_points(common_models.VisibilityMode.NEVER)
        .legend(legend("lastNotNull"))
        .tooltip(common.VizTooltipOptions().mode(common_models.TooltipDisplayMode.MULTI))
    )
    if limits is not None:
        style = common.GraphThresholdsStyleConfig().mode(common_models.GraphThresholdsStyleMode.DASHED)
        panel.thresholds(steps(limits)).thresholds_style(style)
    return _colored(panel, colors or {})


def columns(
    title: str, description: str, unit: str, *queries: Query, colors: Mapping[str, str] | None = None
) -> timeseries.Panel:
    """Columns over time, one on the other: what was counted from point to point."""
    return (
        lines(title, description, unit, *queries, colors=colors)
        .draw_style(common_models.GraphDrawStyle.BARS)
        .line_width(0)
        .fill_opacity(90)
        .stacking(common.StackingConfig().mode(common_models.StackingMode.NORMAL).group("A"))
        .decimals(0)
        .axis_soft_max(2)
        .max_data_points(90)  # columns, not hairs
        .legend(legend("sum"))
    )


def states(title: str, description: str, codes: Codes, *queries: Query) -> statetimeline.Panel:
    """What was when: a lane for each series, a colour for each state."""
    return (
        _dressed(statetimeline.Panel(), title, description, "none", queries)
        .mappings(mapping(codes))
        .show_value(common_models.VisibilityMode.AUTO)
        .row_height(0.8)
        .line_width(0)
        .fill_opacity(90)
        .merge_values(True)
        .interval("20s")  # two scrapes: what looks back to the point before finds something
        .legend(legend())
    )


class Column(NamedTuple):
    """A column of a table: its query and how its numbers are read."""

    name: str
    expr: str
    unit: str = "none"
    limits: Steps | None = None
    codes: Codes | None = None
    decimals: int | None = None
    width: int | None = None
    zero: str | None = None  # what stands for 0


def cells(
    title: str, description: str, keys: Mapping[str, str], values: Sequence[Column], sort: tuple[str, bool]
) -> table.Panel:
    """A row for each set of the labels in `keys` (with their names as columns); `sort` is by what, and whether falling.

    The columns stand as told: the keys, then the values, and the last key behind them. Rows come as the first value's
    query sorts them; `sort` tells Grafana the same.
    """
    panel = _dressed(table.Panel(), title, description, "none", [Query(value.expr, value.name) for value in values])
    panel.with_transformation(models.DataTransformerConfig(id_val="merge", options={}))
    fields = {f"Value #{ref}": value.name for ref, value in zip("ABCDEFGHIJ", values, strict=False)}
    *first, last = keys
    order = [*first, *fields, last]
    panel.with_transformation(
        models.DataTransformerConfig(
            id_val="organize",
            options={
                "excludeByName": {"Time": True},
                "indexByName": {name: index for index, name in enumerate(order)},
                "renameByName": dict(keys) | fields,
            },
        )
    )
    for value in values:
        properties = [models.DynamicConfigValue(id_val="unit", value=value.unit)]
        if value.decimals is not None:
            properties.append(models.DynamicConfigValue(id_val="decimals", value=value.decimals))
        if value.width is not None:
            properties.append(models.DynamicConfigValue(id_val="custom.width", value=value.width))
        if value.zero is not None:
            empty = mapping({0: (value.zero, "#6e7680")})
            properties.append(models.DynamicConfigValue(id_val="mappings", value=empty))
        if value.codes is not None:
            properties.append(models.DynamicConfigValue(id_val="mappings", value=mapping(value.codes)))
            cell = {"type": "color-background", "mode": "basic"}
            properties.append(models.DynamicConfigValue(id_val="custom.cellOptions", value=cell))
        elif value.limits is not None:
            limits = {
                "mode": "absolute",
                "steps": [{"value": at, "color": color} for at, color in value.limits],
            }
            properties.append(models.DynamicConfigValue(id_val="thresholds", value=limits))
            properties.append(models.DynamicConfigValue(id_val="custom.cellOptions", value={"type": "color-text"}))
        panel.override_by_name(value.name, properties)
    by, falling = sort
    return panel.sort_by([common.TableSortByFieldState().display_name(by).desc(falling)])


def linked(panel: table.Panel, column: str, url: str, title: str) -> table.Panel:
    """Makes a column of a table lead somewhere."""
    link = {"title": title, "url": url, "targetBlank": False}
    properties = [
        models.DynamicConfigValue(id_val="links", value=[link]),
        models.DynamicConfigValue(id_val="custom.width", value=130),
    ]
    return panel.override_by_name(column, properties)


def words(title: str, description: str, content: str) -> text.Panel:
    """Markdown."""
    return text.Panel().title(title).description(description).mode(text_models.TextMode.MARKDOWN).content(content)


def datasource_variable() -> dashboard.DatasourceVariable:
    """Which Prometheus."""
    return dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus")


def label_variable(name: str, label: str, query: str, *, several: bool) -> dashboard.QueryVariable:
    """The values of a label; with `several`, any number of them, and all to begin with."""
    variable = (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(DATASOURCE)
        .query({"query": query, "refId": name})
        .definition(query)
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.NATURAL_ASC)
        .multi(several)
        .include_all(several)
    )
    if several:
        variable.all_value(".*").current(models.VariableOption(selected=True, text="All", value="$__all"))
    return variable


class Page:
    """A dashboard that is being laid out: panels go from left to right, and every panel gets a number."""

    def __init__(self, uid: str, title: str, description: str) -> None:
        self._panels = 0
        self.builder = (
            dashboard.Dashboard(title)
            .uid(uid)
            .description(description)
            .tags([TAG])
            .time("now-6h", "now")
            .refresh("30s")
            .timezone("browser")
            .tooltip(models.DashboardCursorSync.CROSSHAIR)
            .readonly()
            .link(
                dashboard.DashboardLink("neverdark")
                .type(models.DashboardLinkType.DASHBOARDS)
                .tags([TAG])
                .as_dropdown(True)
                .keep_time(True)
            )
        )

    def row(self, title: str) -> None:
        """Begin a part with a heading."""
        self._panels += 1
        self.builder.with_row(dashboard.Row(title).id(self._panels))

    def add(self, panel: Panel, width: int, height: int) -> None:
        """Put a panel beside the last one, or below where there is no room."""
        self._panels += 1
        self.builder.with_panel(panel.id(self._panels).span(width).height(height))
