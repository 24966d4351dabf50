"""Kinds of panels. Each panel has a title that needs no manual, a description, and a unit."""

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

from grafana.source.codes import NEUTRAL, Codes, Steps
from grafana.source.queries import Query

DATASOURCE: Final = models.DataSourceRef(type_val="prometheus", uid="${datasource}")


def mapping(codes: Codes) -> list[models.ValueMapping]:
    """Texts and colours instead of numbers."""
    results = {
        str(code): models.ValueMappingResult(text=words, color=color, index=index)
        for index, (code, (words, color)) in enumerate(codes.items())
    }
    return [models.ValueMap(options=results)]


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
