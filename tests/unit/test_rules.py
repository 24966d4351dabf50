"""Prometheus' configuration, rules and their tests, held against promtool, our metrics and the runbooks.

The environment's PROMTOOL names another promtool than the one on PATH: rules and tests pass on old and new versions.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from exporter.metrics import FAMILIES, PREFIX, Family, MetricKind

ROOT = Path(__file__).parents[2]
RULES = sorted((ROOT / "prometheus" / "rules").glob("*.yml"))
RULE_TESTS = sorted((ROOT / "tests" / "rules").glob("*.yml"))
PROMTOOL = os.environ.get("PROMTOOL") or shutil.which("promtool") or ""

needs_promtool = pytest.mark.skipif(not PROMTOOL, reason="promtool is not installed")


def load(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)


EVERY_RULE: list[dict[str, Any]] = [rule for path in RULES for group in load(path)["groups"] for rule in group["rules"]]
ALERTS = {rule["alert"]: rule for rule in EVERY_RULE if "alert" in rule}
RECORDS = {rule["record"] for rule in EVERY_RULE if "record" in rule}


class Case(NamedTuple):
    """One question of a rule test: does the alert fire at that time of that group?"""

    file: Path
    group: int
    alert: str
    at: str
    fires: bool


@cache
def cases() -> tuple[Case, ...]:
    return tuple(
        Case(file, number, asked[1], question["eval_time"], bool(question["exp_samples"]))
        for file in RULE_TESTS
        for number, group in enumerate(load(file)["tests"])
        for question in group.get("promql_expr_test", ())
        if (asked := re.search(r'ALERTS\{alertname="(\w+)",alertstate="firing"', question["expr"]))
    )


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROMTOOL, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=280,
        check=False,
    )


# --- promtool ---------------------------------------------------------------------------------------


@needs_promtool
def test_promtool_takes_the_configuration_and_the_rules() -> None:
    for checked in (
        promtool("check", "config", ROOT / "prometheus" / "prometheus.yml"),
        promtool("check", "rules", *RULES),
    ):
        assert checked.returncode == 0, checked.stdout
        assert "FAILED" not in checked.stdout


@needs_promtool
def test_the_example_of_a_fleet_is_one(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "prometheus", tmp_path / "prometheus")
    targets = tmp_path / "prometheus" / "targets"
    (targets / "fleet.yml.example").rename(targets / "fleet.yml")
    checked = promtool("check", "config", tmp_path / "prometheus" / "prometheus.yml")
    assert checked.returncode == 0, checked.stdout
    assert "WARNING" not in checked.stdout


# Rule → its queries, and the annotations, which may hold more of them.
QUERIES = {
    rule.get("alert") or rule["record"]: "\n".join([rule["expr"], *rule.get("annotations", {}).values()])
    for rule in EVERY_RULE
}


def read_by(query: str) -> set[str]:
    """The rules that a query names; all of them if it asks for alerts without a name."""
    selectors = re.findall(r"\bALERTS\w*(?:\{([^}]*)\})?", query)
    named = [re.search(r'\balertname="(\w+)"', selector) for selector in selectors]
    if not all(named):
        return set(QUERIES)
    return {name[1] for name in named if name} | RECORDS.intersection(re.findall(r"[\w:]+", query))


def asked_for(query: str) -> set[str]:
    """The same, and those that these read."""
    found: set[str] = set()
    more = read_by(query)
    while more:
        found |= more
        more = set().union(*(read_by(QUERIES[name]) for name in more)) - found
    return found


def rule_groups(file: Path) -> list[dict[str, Any]]:
    """Those that a rule test names."""
    paths = [path for name in load(file)["rule_files"] for path in sorted(file.parent.glob(name))]
    return [group for path in paths for group in load(path)["groups"]]


def small(case: dict[str, Any], groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of these rules only those that a case asks for: all of them take several times as long."""
    asked = [question["expr"] for question in case.get("promql_expr_test", ())]
    asked += [f'ALERTS{{alertname="{question["alertname"]}"}}' for question in case.get("alert_rule_test", ())]
    wanted: set[str] = set()
    for query in asked:
        read = asked_for(query)
        assert read, f"no rule has to do with {query}"
        wanted |= read
    kept = []
    for group in groups:
        rules = [rule for rule in group["rules"] if (rule.get("alert") or rule["record"]) in wanted]
        kept += [{**group, "rules": rules}] if rules else []
    return kept


def written(file: Path, case: dict[str, Any], groups: list[dict[str, Any]], interval: str) -> Path:
    """A rule test with one case, and its rules beside it."""
    rules = file.with_suffix(".rules.yml")
    rules.write_text(yaml.dump({"groups": groups}, Dumper=yaml.CSafeDumper, allow_unicode=True), encoding="utf-8")
    content = {"rule_files": [str(rules)], "evaluation_interval": interval, "tests": [case]}
    file.write_text(yaml.dump(content, Dumper=yaml.CSafeDumper, allow_unicode=True), encoding="utf-8")
    return file


@needs_promtool
@pytest.mark.parametrize("file", RULE_TESTS, ids=lambda path: path.stem)
def test_rules_do_what_their_tests_say(file: Path, tmp_path: Path) -> None:
    content, groups = load(file), rule_groups(file)
    files = [
        written(tmp_path / f"{number}.yml", case, small(case, groups), content["evaluation_interval"])
        for number, case in enumerate(content["tests"])
    ]
    tested = promtool("test", "rules", *files)
    assert tested.returncode == 0, tested.stdout


@needs_promtool
@pytest.mark.parametrize("file", RULE_TESTS, ids=lambda path: path.stem)
def test_no_rule_breaks_on_what_another_is_tested_with(file: Path, tmp_path: Path) -> None:
    """Two series that match where one may is an error of the evaluation. A look now and then shows it."""
    content, groups = load(file), rule_groups(file)
    files = []
    for number, case in enumerate(content["tests"]):
        questions = [*case.pop("promql_expr_test", ()), *case.pop("alert_rule_test", ())]
        last = max((question["eval_time"] for question in questions), key=in_seconds)
        case["promql_expr_test"] = [
            {"expr": "vector(1)", "eval_time": last, "exp_samples": [{"labels": "{}", "value": 1}]}
        ]
        seldom = f"{in_seconds(content['evaluation_interval']) * 6}s"
        files.append(written(tmp_path / f"{number}.yml", case, groups, seldom))
    tested = promtool("test", "rules", *files)
    assert tested.returncode == 0, tested.stdout


def in_seconds(duration: str) -> int:
    """`1h30m` as a number."""
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    return sum(int(count) * units[unit] for count, unit in re.findall(r"(\d+)([smhd])", duration))


# --- what an alert must have ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_what_it_is_and_where_to_read_on(name: str) -> None:
    alert = ALERTS[name]
    assert alert["labels"]["severity"] in {"page", "ticket", "info", "heartbeat"}
    assert alert["labels"]["scope"]
    notes = alert["annotations"]
    assert notes["summary"]
    assert notes["description"]
    assert notes["dashboard"].startswith("{{ $externalLabels.grafana_url }}/d/neverdark-")
    assert notes["runbook_url"] == f"{{{{ $externalLabels.docs_url }}}}/runbooks.md#{name.lower()}"


@pytest.mark.parametrize("name", ALERTS)
def test_no_label_holds_what_a_query_found(name: str) -> None:
    """Such a label changes, and with it the alert becomes another one: it would resolve and fire anew."""
    assert not [value for value in ALERTS[name]["labels"].values() if "{{" in value]


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_of_a_stream_names_it(name: str) -> None:
    if ALERTS[name]["labels"]["scope"] in {"stream", "destination", "process"}:
        assert "{{ $labels.stream }}" in ALERTS[name]["annotations"]["summary"]


def test_the_runbooks_have_a_section_for_each_alert_and_no_other() -> None:
    text = (ROOT / "docs" / "runbooks.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL))
    assert sorted(sections) == sorted(ALERTS)
    for name, body in sections.items():
        missing = [part for part in ("Means", "Look first", "Do", "Over when") if f"**{part}:**" not in body]
        assert not missing, name


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_is_seen_firing_and_not_firing(name: str) -> None:
    assert any(case.fires for case in cases() if case.alert == name)
    if name != "DeadMansSwitch":  # which always fires
        assert any(not case.fires for case in cases() if case.alert == name)


# --- what rules read --------------------------------------------------------------------------------

SCRAPED = {"job", "instance", "site"}
NAME = r"(?<![:\w])livestream_\w+(?![\w:])"


def family(series: str) -> Family | None:
    for known in FAMILIES:
        endings = ("_bucket", "_count", "_sum") if known.kind is MetricKind.HISTOGRAM else ("",)
        if series in {PREFIX + known.name + ending for ending in endings}:
            return known
    return None


@pytest.mark.parametrize("rule", QUERIES)
def test_rules_read_metrics_that_are_there(rule: str) -> None:
    for series, selector in re.findall(rf"({NAME})(\{{(?!\{{)[^}}]*\}})?", QUERIES[rule]):
        known = family(series)
        assert known, f"there is no {series}"
        for label, operator, quoted in re.findall(r"""(\w+)\s*(=~|!~|!=|=)\s*(%q|"[^"]*"|'[^']*')""", selector):
            assert label in {*known.labels, *SCRAPED}, f"{series} has no {label}"
            values = quoted.strip("\"'").split("|") if "~" in operator else [quoted.strip("\"'")]
            if (closed := known.each.get(label)) and quoted != "%q":
                members = [str(member) for member in closed]
                for value in values:
                    assert any(re.fullmatch(value, member) for member in members), f"{series}, {label}={value}"


@pytest.mark.parametrize("rule", QUERIES)
def test_rules_read_records_that_are_there(rule: str) -> None:
    assert set(re.findall(r"\w+:livestream_\w+:\w+", QUERIES[rule])) <= RECORDS


def test_a_job_may_be_called_as_one_likes() -> None:
    """By its name it is found before it has ever answered; else by what it says of itself."""
    named = [found for text in QUERIES.values() for found in re.findall(r"""\w+\{[^}]*job\s*=~?\s*["'][^}]*\}""", text)]
    assert sorted(named) == ['up{job="alertmanager"}', 'up{job="neverdark"}']


# --- what a message says ----------------------------------------------------------------------------


def rendered(folder: Path) -> dict[str, list[dict[str, str]]]:
    """Alert → annotations of its instances, in the first case in which it fires.

    promtool shows what it got where it got something else than was expected: so nothing is expected.
    """
    first: dict[str, Case] = {}
    for case in cases():
        if case.fires:
            first.setdefault(case.alert, case)
    found: dict[str, list[dict[str, str]]] = {}
    for file in {case.file: None for case in first.values()}:
        content, groups, files = load(file), rule_groups(file), []
        for number, group in enumerate(content["tests"]):
            group.pop("promql_expr_test", None)
            group["alert_rule_test"] = [
                {"alertname": case.alert, "eval_time": case.at, "exp_alerts": []}
                for case in first.values()
                if (case.file, case.group) == (file, number)
            ]
            if group["alert_rule_test"]:
                name = folder / f"{file.stem}-{number}.yml"
                files.append(written(name, group, small(group, groups), content["evaluation_interval"]))
        for line in promtool("test", "rules", *files).stdout.splitlines():
            pairs = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', line))
            if line.strip().startswith("Labels:"):
                found.setdefault(pairs["alertname"], [])
                latest = pairs["alertname"]
            elif line.strip().startswith("Annotations:"):
                found[latest].append(pairs)
    return found


@needs_promtool
def test_a_large_fleet_in_the_dark_fits_into_a_message(tmp_path: Path) -> None:
    """Telegram and Discord take 4,096 characters, and the links stand at the end."""
    common = 'job="neverdark",instance="a",site="s"'
    series = [{"series": f"up{{{common}}}", "values": "1x60"}]
    for number in range(150):
        stream = f'{common},stream="a-stream-with-a-long-name-{number}"'
        series += [
            {"series": f"livestream_stream_wanted{{{stream}}}", "values": "1x60"},
            {"series": f"livestream_stream_on_air{{{stream}}}", "values": "1x6 0x53"},
            {
                "series": f"livestream_stream_off_air_since_timestamp_seconds{{{stream}}}",
                "values": f"0x6 {60 + number}x53",
            },
        ]
    case = {
        "interval": "10s",
        "input_series": series,
        "alert_rule_test": [{"alertname": "FleetOffAir", "eval_time": "6m", "exp_alerts": []}],
    }
    pages = load(ROOT / "prometheus" / "rules" / "pages.yml")["groups"]
    file = written(tmp_path / "large.yml", case, small(case, pages), "10s")
    said = promtool("test", "rules", file).stdout
    notes = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', said[said.index("Annotations:") :]))
    assert notes["summary"] == "150 streams on a are off air"
    assert notes["dark_for"] == "5m 0s"
    assert "a-stream-with-a-long-name-0 (5m 0s)" in notes["description"]  # the longest dark
    assert notes["description"].count("a-stream-with") == 10
    assert " and more." in notes["description"]
    assert len(notes["description"]) < 1000


@needs_promtool
def test_every_message_can_be_read(tmp_path: Path) -> None:
    messages = rendered(tmp_path)
    assert sorted(messages) == sorted(ALERTS)
    for name, instances in messages.items():
        assert instances, name
        for notes in instances:
            assert set(notes) == set(ALERTS[name]["annotations"]), name
            for key, text in notes.items():
                where = f"{name}, {key}: {text}"
                assert text.strip() == text, where
                assert text or key == "watch_url", where  # there may be none
                for broken in ("<error", "<no value>", "%!", "{{", "  ", " .", "NaN", "..", ":."):
                    assert broken not in text, where


# --- maintenance ------------------------------------------------------------------------------------

# What is about streams. Availability is counted from seconds, and those that are excused are in no counter.
OF_STREAMS = {name for name in ALERTS if ALERTS[name]["labels"]["scope"] in {"stream", "destination", "process"}}
EXCUSED = sorted(OF_STREAMS - {"AvailabilityBurnSlow"} | {"FleetOffAir", "SiteOffline"})


def under_maintenance(group: dict[str, Any]) -> list[dict[str, str]]:
    """The series of a case, with every stream in it under maintenance all the while."""
    labels = ("job", "instance", "site", "stream")
    series = [one for one in group["input_series"] if not one["series"].startswith("livestream_stream_maintenance{")]
    named = [dict(re.findall(r'(\w+)="([^"]*)"', one["series"])) for one in series]
    streams = {tuple((label, of[label]) for label in labels if label in of) for of in named if "stream" in of}
    shown = [",".join(f'{label}="{value}"' for label, value in stream) for stream in sorted(streams)]
    return series + [{"series": f"livestream_stream_maintenance{{{stream}}}", "values": "1x20000"} for stream in shown]


@needs_promtool
@pytest.mark.parametrize("name", EXCUSED)
def test_nobody_is_told_of_streams_under_maintenance(name: str, tmp_path: Path) -> None:
    """Whatever makes an alert fire anywhere in these tests: the same under maintenance does not."""
    files = []
    for number, case in enumerate(case for case in cases() if case.alert == name and case.fires):
        content, groups = load(case.file), rule_groups(case.file)
        group = {key: value for key, value in content["tests"][case.group].items() if key != "alert_rule_test"}
        question = {
            "expr": f'ALERTS{{alertname="{name}",alertstate="firing"}}',
            "eval_time": case.at,
            "exp_samples": [],
        }
        group |= {"input_series": under_maintenance(group), "promql_expr_test": [question]}
        rules = small(group, groups)
        files.append(written(tmp_path / f"{number}.yml", group, rules, content["evaluation_interval"]))
    assert files
    said = promtool("test", "rules", *files)
    assert said.returncode == 0, said.stdout
