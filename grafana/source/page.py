"""A dashboard as a whole: its variables, and where its panels stand.

Grafana lays panels out in one column on a phone, in the order in which they stand here, so what matters most comes
first.
"""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import (
    dashboard,
)
from grafana_foundation_sdk.models import dashboard as models

from grafana.source.panels import DATASOURCE, Panel

Dashboard = dashboard.Dashboard
Annotation = dashboard.AnnotationQuery

COLUMNS: Final = 24  # of Grafana's grid
TAG: Final = "neverdark"


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
