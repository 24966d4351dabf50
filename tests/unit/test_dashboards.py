"""The dashboards: the JSON is what the source makes, every query names what exists, and a newcomer finds words.

What the queries find is for `scripts/check_dashboards.py`, which needs a Prometheus.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from prometheus_client import ProcessCollector

from exporter.metrics import FAMILIES, PREFIX, Family, MetricKind
from scripts.build_dashboards import DIRECTORY, PAGES, rendered
from supervisor.model.fallback import source_name

ROOT = Path(__file__).parents[2]
GRAFANA = ROOT / "grafana"
RULES = sorted((ROOT / "prometheus" / "rules").glob("*.yml"))
UIDS = {"fleet": "neverdark-fleet", "stream": "neverdark-stream", "neverdark": "neverdark-self"}

TARGET = frozenset({"job", "instance", "site"})  # what Prometheus puts on everything that it scrapes
OF_PROMETHEUS = {"up", "scrape_duration_seconds", "scrape_samples_scraped"}
OF_ITSELF = {sample.name for family in ProcessCollector(registry=None).collect() for sample in family.samples}
WORDS = set(
    re.findall(
        r"\w+",
        "and avg_over_time bool by clamp_min end histogram_quantile increase last_over_time max max_over_time min "
        "min_over_time offset on or rate round sort sort_desc sum sum_over_time time topk unless",
    )
)
GRAFANA_WORDS = {"__all", "__interval", "__range", "__rate_interval", "__url_time_range", "__field", "__data"}
SOURCES = {source_name(0)}  # what a stream's own source is called in a label
LONGEST_TITLE = 40  # characters that a phone shows


class Query(NamedTuple):
    """One query of one panel."""

    where: str
    expr: str
    legend: str


def load(name: str) -> Any:
    return json.loads((DIRECTORY / f"{name}.json").read_text(encoding="utf-8"))


def panels(name: str) -> list[dict[str, Any]]:
    return [panel for panel in load(name)["panels"] if panel["type"] != "row"]


def queries() -> Iterator[Query]:
    for name in PAGES:
        for panel in panels(name):
            for target in panel.get("targets", ()):
                legend = "" if target.get("format") == "table" else target["legendFormat"]
                yield Query(f"{name}: {panel['title']}", target["expr"], legend)
        for annotation in load(name)["annotations"].get("list", ()):
            yield Query(f"{name}: annotation", annotation["expr"], "")


def every(part: Any, key: str) -> Iterator[Any]:
    """Every value of `key`, however deep."""
    if isinstance(part, dict):
        for name, value in part.items():
            if name == key:
                yield value
            yield from every(value, key)
    elif isinstance(part, list):
        for value in part:
            yield from every(value, key)


# --- what there is -----------------------------------------------------------------------------------------------


@cache
def exported() -> dict[str, Family]:
    """Every series' name, and its family."""
    names: dict[str, Family] = {}
    for family in FAMILIES:
        endings = ("_bucket", "_sum", "_count") if family.kind is MetricKind.HISTOGRAM else ("",)
        names |= {f"{PREFIX}{family.name}{ending}": family for ending in endings}
    return names


@cache
def recorded() -> dict[str, str]:
    """What the rules record, and of what."""
    groups = [group for path in RULES for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]]
    return {rule["record"]: rule["expr"] for group in groups for rule in group["rules"] if "record" in rule}


@cache
def labels(name: str) -> frozenset[str]:
    """The labels that a series may have. A record has at most those of what it is made of."""
    if name in OF_PROMETHEUS | OF_ITSELF:
        return TARGET
    if name in exported():
        return TARGET | set(exported()[name].labels) | ({"le"} if name.endswith("_bucket") else set())
    parts = set(series(recorded()[name])) - {name}
    return frozenset(TARGET.union(*(labels(part) for part in parts)))


def series(expr: str) -> list[str]:
    known = exported().keys() | recorded().keys() | OF_PROMETHEUS | OF_ITSELF
    return [word for word in re.findall(r"[a-zA-Z_:][\w:]*", expr) if word in known]


def selectors(expr: str) -> Iterator[tuple[str, str, str]]:
    """Each series, each label that it is chosen by, and the value."""
    for name, chosen in re.findall(r"([a-zA-Z_:][\w:]*)\{([^}]*)\}", expr):
        for label, value in re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"', chosen):
            yield name, label, value


# --- the files ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PAGES)
def test_the_json_is_what_the_source_makes(name: str) -> None:
    file = DIRECTORY / f"{name}.json"
    assert file.read_text(encoding="utf-8") == rendered(name), "run: python -m scripts.build_dashboards"


def test_there_are_no_other_dashboards() -> None:
    assert {path.stem for path in DIRECTORY.iterdir()} == set(PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_grafanas_schema_knows_every_key(name: str) -> None:
    """A key that is misspelt is lost on the way through it."""
    register_default_plugins()
    model = type(PAGES[name]().build())
    again = JSONEncoder(sort_keys=True).encode(model.from_json(load(name)))
    assert json.loads(again) == load(name)


def test_alerts_lead_to_dashboards_that_exist() -> None:
    """With variables that these have."""
    found = re.findall(r'/d/(neverdark-[a-z]+)([^"\n]*)', "".join(path.read_text(encoding="utf-8") for path in RULES))
    assert {uid for uid, _ in found} <= set(UIDS.values())
    for uid, rest in found:
        name = next(name for name, known in UIDS.items() if known == uid)
        assert set(re.findall(r"var-(\w+)=", rest)) <= variables(name)


def variables(name: str) -> set[str]:
    return {variable["name"] for variable in load(name)["templating"]["list"]}


@pytest.mark.parametrize("name", PAGES)
def test_it_can_be_found_and_left(name: str) -> None:
    dashboard = load(name)
    assert dashboard["uid"] == UIDS[name]
    assert dashboard["title"]
    assert dashboard["description"]
    assert dashboard["tags"] == ["neverdark"]
    assert [link["tags"] for link in dashboard["links"]] == [["neverdark"]]
    targets = {uid for url in every(dashboard, "url") for uid in re.findall(r"/d/([\w-]+)", url or "")}
    assert targets <= set(UIDS.values())


@pytest.mark.parametrize("name", PAGES)
def test_no_datasource_is_hard_coded(name: str) -> None:
    dashboard = load(name)
    sources = list(every(dashboard, "datasource"))
    assert len(sources) > len(panels(name))
    assert all(source == {"type": "prometheus", "uid": "${datasource}"} for source in sources)
    assert dashboard["templating"]["list"][0]["type"] == "datasource"


@pytest.mark.parametrize("name", PAGES)
def test_variables_are_known(name: str) -> None:
    text = (DIRECTORY / f"{name}.json").read_text(encoding="utf-8")
    used = set(re.findall(r"\$\{?([a-z_]+)", text))
    assert used <= variables(name) | GRAFANA_WORDS
    assert variables(name) <= used


# --- a newcomer's eyes, and a phone ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PAGES)
def test_every_panel_says_what_it_is(name: str) -> None:
    titles = [panel["title"] for panel in panels(name)]
    assert len(set(titles)) == len(titles)
    for panel in panels(name):
        assert 4 < len(panel["title"]) <= LONGEST_TITLE, panel["title"]
        assert len(panel["description"]) > 20, panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        if panel["type"] != "text":
            assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]


@pytest.mark.parametrize("name", PAGES)
def test_panels_have_numbers_and_room(name: str) -> None:
    everything = load(name)["panels"]
    numbers = [panel["id"] for panel in everything]
    assert len(set(numbers)) == len(numbers)
    places = [panel["gridPos"] for panel in everything]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    # On a phone each is as wide as the screen and as high as here.
    assert all(panel["gridPos"]["h"] >= 4 for panel in panels(name))
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below


@pytest.mark.parametrize("name", PAGES)
def test_overrides_are_about_something(name: str) -> None:
    for panel in panels(name):
        names = {target["legendFormat"] for target in panel.get("targets", ())}
        for change in panel.get("transformations", ()):
            names |= set(change["options"].get("renameByName", {}).values())
        members = {str(member) for family in FAMILIES for closed in family.each.values() if closed for member in closed}
        for override in panel.get("fieldConfig", {}).get("overrides", ()):
            if override["matcher"]["id"] == "byName":
                # A legend that is a label's value has the members of the closed set for its names.
                assert override["matcher"]["options"] in names | members | SOURCES, panel["title"]


# --- the queries -------------------------------------------------------------------------------------------------

QUERIES = [pytest.param(query, id=f"{query.where} #{number}") for number, query in enumerate(queries())]


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_names_only_what_exists(query: Query) -> None:
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\"[^\"]*\"|\$\w+|\b(?:by|on|group_left) \([^)]*\)", " ", query.expr)
    words = set(re.findall(r"[a-zA-Z_:][\w:]*", bare))
    assert words - set(series(query.expr)) <= WORDS
    assert series(query.expr)


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_asks_for_labels_that_exist(query: Query) -> None:
    for name, label, value in selectors(query.expr):
        assert label in labels(name), name
        closed = exported()[name].each.get(label) if name in exported() else None
        if closed is not None:
            assert value in set(closed), name
    there = frozenset().union(*(labels(name) for name in series(query.expr)))
    kept = {label for group in re.findall(r"\b(?:by|on) \(([^)]*)\)", query.expr) for label in group.split(", ")}
    assert kept <= there
    assert set(re.findall(r"\{\{(\w+)\}\}", query.legend)) <= (kept or there)


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_is_about_what_was_chosen(query: Query) -> None:
    """Whoever chooses a stream sees no other. What is recorded of the whole fleet cannot be told apart."""
    for name in series(query.expr):
        if labels(name) & {"stream"} and not name.startswith(("fleet:", "layer:")):
            # In the arms of one query all are alike.
            chosen = {label for one, label, _ in selectors(query.expr) if one == name}
            assert {"instance", "stream"} <= chosen or query.where.startswith("neverdark:"), name


# --- provisioning ------------------------------------------------------------------------------------------------


def provisioned(name: str) -> Any:
    return yaml.safe_load((GRAFANA / "provisioning" / name).read_text(encoding="utf-8"))


def test_grafana_knows_how_often_prometheus_scrapes() -> None:
    sources = provisioned("datasources/prometheus.yml")["datasources"]
    default = next(source for source in sources if source.get("isDefault"))
    prometheus = yaml.safe_load((ROOT / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    assert default["type"] == "prometheus"
    assert default["jsonData"]["timeInterval"] == prometheus["global"]["scrape_interval"]
    assert len({source["uid"] for source in sources}) == len(sources)


def test_the_dashboards_have_a_folder() -> None:
    (provider,) = provisioned("dashboards/neverdark.yml")["providers"]
    assert provider["folder"] == "neverdark"
    assert provider["type"] == "file"
    assert provider["options"]["path"] == "/etc/grafana/dashboards"
