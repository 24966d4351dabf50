"""Runs every query of every dashboard against a real Prometheus that holds a made-up history.

Exits 1 on a query that is refused or finds nothing, on two curves of one name in a panel, and on a panel that is empty
where Prometheus does not have our recording rules. Needs prometheus and promtool. `--serve` leaves Prometheus running,
to look at the dashboards with a Grafana of your own.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import requests
import yaml

from scripts.dashboard_history import SCRAPE, machines, write

ROOT = Path(__file__).parent.parent
DASHBOARDS = ROOT / "grafana" / "dashboards"
RULES = ROOT / "prometheus" / "rules"
READY_WITHIN = 30.0
MINUTE = 60
# What a Prometheus of the same version needs to know of the history's scrapes.
CONFIGURATION = f"global: {{scrape_interval: {SCRAPE}s}}\n"


def promtool(*arguments: str | Path) -> None:
    done = subprocess.run(
        ["promtool", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=600,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"promtool {arguments[0]} {arguments[1]}: exit code {done.returncode}\n{done.stdout}")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def prometheus(directory: Path, port: int) -> Iterator[str]:
    """A Prometheus on what `directory` holds; gives its URL."""
    configuration, log = directory / "prometheus.yml", directory / "log"
    configuration.write_text(CONFIGURATION, encoding="utf-8")
    with log.open("ab") as output:
        server = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={configuration}",
                f"--storage.tsdb.path={directory / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + READY_WITHIN
        while not _answers(f"{url}/-/ready"):
            if server.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"Prometheus does not start:\n{log.read_text(encoding='utf-8', errors='replace')}")
            time.sleep(0.05)
        yield url
    finally:
        server.terminate()
        server.wait()


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.ConnectionError:
        return False


# --- what the recording rules would have recorded ----------------------------------------------------------------


def rounds(wanted: set[str]) -> Iterator[list[dict[str, str]]]:
    """The rules that make the `wanted` records and all that these are made of, in an order that works.

    The rules of one round read only what is there before it: promtool does not show them each other's results.
    """
    rules = {
        rule["record"]: rule
        for path in sorted(RULES.glob("*.yml"))
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
        if "record" in rule
    }
    needs = {name: {other for other in rules if other in rule["expr"]} for name, rule in rules.items()}
    # One that reads its own past cannot be made up afterwards: the history brings what it needs of these.
    there = {name for name, others in needs.items() if name in others}
    missing = set(wanted)
    while more := {other for name in missing if name not in there for other in needs[name]} - missing:
        missing |= more
    missing -= there
    while missing:
        ready = {name for name in missing if not needs[name] & missing}
        yield [rules[name] for name in sorted(ready)]
        missing -= ready


def backfill(directory: Path, start: float, end: float, wanted: set[str]) -> None:
    file = directory / "rules.yml"
    for rules in rounds(wanted):
        file.write_text(yaml.safe_dump({"groups": [{"name": "history", "rules": rules}]}), encoding="utf-8")
        with prometheus(directory, free_port()) as url:
            promtool(
                *("tsdb", "create-blocks-from", "rules", f"--start={start:.0f}", f"--end={end:.0f}", f"--url={url}"),
                *(f"--eval-interval={MINUTE}s", f"--output-dir={directory / 'tsdb'}", file),
            )


# --- the dashboards' queries -------------------------------------------------------------------------------------


class Asked(NamedTuple):
    """One query of one panel."""

    dashboard: str
    panel: str
    expr: str
    legend: str | None  # None in a table, whose columns have names of their own
    instant: bool


def queries(path: Path) -> Iterator[Asked]:
    dashboard = json.loads(path.read_text(encoding="utf-8"))
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            legend = None if target.get("format") == "table" else target["legendFormat"]
            yield Asked(path.stem, panel["title"], target["expr"], legend, bool(target.get("instant")))
    for annotation in dashboard["annotations"].get("list", ()):
        yield Asked(path.stem, f"annotation {annotation['name']}", annotation["expr"], None, instant=False)


def records(paths: list[Path]) -> set[str]:
    """The recorded series that the dashboards read: level:metric:operation."""
    return {name for path in paths for asked in queries(path) for name in re.findall(r"\w+:\w+:\w+", asked.expr)}


def filled_in(text: str, values: Mapping[str, str]) -> str:
    """With Grafana's variables in their places."""
    return re.sub(r"\$\{(\w+)(?::\w+)?\}|\$(\w+)", lambda found: values[found[1] or found[2]], text)


class Examiner:
    """Asks Prometheus, and collects what is wrong."""

    def __init__(self, url: str, start: float, end: float) -> None:
        self._url, self._start, self._end = url, start, end
        self._clock = {"__rate_interval": f"{4 * SCRAPE}s", "__interval": "1m", "__range": f"{end - start:.0f}s"}
        self.problems: list[str] = []
        self.asked = 0

    def answers(
        self, path: Path, variables: Mapping[str, str]
    ) -> Iterator[tuple[Asked, str, str, list[dict[str, Any]]]]:
        """What was asked, where, in which words, and the series that this finds."""
        for asked in queries(path):
            where = f"{asked.dashboard}: {asked.panel} ({', '.join(variables.values())})"
            expr = filled_in(asked.expr, {**self._clock, **variables})
            self.asked += 1
            try:
                yield asked, where, expr, self._ask(expr, instant=asked.instant)
            except ValueError as error:
                self.problems.append(f"{where}: {error}\n    {expr}")

    def look(self, path: Path, variables: Mapping[str, str]) -> None:
        """Whether each panel shows something."""
        shown: dict[str, bool] = {}
        for asked, _, _, found in self.answers(path, variables):
            shown[asked.panel] = shown.get(asked.panel, False) or any(self._has_value(series) for series in found)
        empty = [panel for panel, something in shown.items() if not something]
        self.problems += [f"{path.stem}: {panel}: nothing without recording rules" for panel in empty]

    def examine(self, path: Path, variables: Mapping[str, str], *, may_be_empty: bool = False) -> None:
        names: dict[str, Counter[str]] = {}
        for asked, where, expr, found in self.answers(path, variables):
            if not may_be_empty and not any(self._has_value(series) for series in found):
                self.problems.append(f"{where}: finds nothing\n    {expr}")
            if asked.legend is not None:
                seen = names.setdefault(asked.panel, Counter())
                seen.update(self._named(asked.legend, series["metric"]) for series in found)
        for panel, counted in names.items():
            twice = [name for name, number in counted.items() if number > 1]
            if twice:
                self.problems.append(f"{path.stem}: {panel}: more than one curve is called {', '.join(twice)}")

    def _ask(self, expr: str, *, instant: bool) -> list[dict[str, Any]]:
        way, when = ("query", {"time": self._end})
        if not instant:
            way, when = ("query_range", {"start": self._start, "end": self._end, "step": MINUTE})
        answer = requests.post(f"{self._url}/api/v1/{way}", data={"query": expr} | when, timeout=60).json()
        if answer["status"] != "success":
            raise ValueError(answer["error"])
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    @staticmethod
    def _has_value(series: Mapping[str, Any]) -> bool:
        return any(value != "NaN" for _, value in series.get("values", [series.get("value")]))

    @staticmethod
    def _named(legend: str, labels: Mapping[str, str]) -> str:
        return re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), legend).strip()


EVERYTHING = {"datasource": "prometheus", "instance": ".*", "stream": ".*", "destination": ".*"}


def examine(url: str, start: float, end: float) -> Examiner:
    examiner = Examiner(url, start, end)
    examiner.examine(DASHBOARDS / "fleet.json", EVERYTHING)
    examiner.examine(DASHBOARDS / "neverdark.json", EVERYTHING)
    # The first stream has had every kind of trouble; where the others had none, panels say so in words.
    for number, one in enumerate(streams(end - start)):
        examiner.examine(DASHBOARDS / "stream.json", one, may_be_empty=number > 0)
    return examiner


def look(url: str, start: float, end: float) -> list[str]:
    """What is empty in a Prometheus that has only what neverdark exports."""
    examiner = Examiner(url, start, end)
    examiner.look(DASHBOARDS / "fleet.json", EVERYTHING)
    examiner.look(DASHBOARDS / "neverdark.json", EVERYTHING)
    examiner.look(DASHBOARDS / "stream.json", next(streams(end - start)))
    return examiner.problems


def streams(span: float) -> Iterator[dict[str, str]]:
    """The variables of each stream's page."""
    for machine in machines(span):
        for plan in machine.plans:
            yield EVERYTHING | {"instance": machine.instance, "stream": plan.name}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--hours", type=float, default=6, help="how long the history is (default: %(default)s)")
    parser.add_argument("--serve", type=int, metavar="PORT", help="leave Prometheus running until Ctrl-C")
    arguments = parser.parse_args()
    span = arguments.hours * 3600
    end = float(int(time.time()) // MINUTE * MINUTE)
    start = end - span
    with tempfile.TemporaryDirectory(prefix="neverdark-dashboards-") as name:
        directory = Path(name)
        history = directory / "history.om"
        with history.open("w", encoding="utf-8") as file:
            samples = write(file, span, end)
        promtool("tsdb", "create-blocks-from", "openmetrics", history, directory / "tsdb")
        history.unlink()
        with prometheus(directory, free_port()) as url:
            problems = look(url, start, end)
        backfill(directory, start, end, records(sorted(DASHBOARDS.glob("*.json"))))
        with prometheus(directory, arguments.serve or free_port()) as url:
            examiner = examine(url, start, end)
            print(f"{samples} samples, {examiner.asked} queries")
            problems += examiner.problems
            print("\n".join(problems) or "dashboards: nothing to complain about")
            if arguments.serve:
                print(f"{url} holds the history from {start:.0f} to {end:.0f}; end with Ctrl-C", flush=True)
                signal.signal(signal.SIGTERM, signal.default_int_handler)
                with suppress(KeyboardInterrupt):
                    signal.pause()
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
