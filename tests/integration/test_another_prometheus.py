"""Beside a Prometheus of somebody's own: the job has a name of theirs, nothing is relabelled, nobody has set `site`."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from tests.integration.conftest import Launch
from tests.integration.harness.prometheus import Prometheus
from tests.integration.harness.recipes import Json, cam
from tests.integration.harness.waiting import SLACK, all_along, eventually, free_port

RULES = Path(__file__).parents[2] / "prometheus" / "rules"


def in_a_hurry(room: Path) -> Path:
    """The rules, with a second for each `for`."""
    shutil.copytree(RULES, room)
    for file in room.iterdir():
        file.write_text(re.sub(r"( for:) \S+", r"\1 1s", file.read_text(encoding="utf-8")), encoding="utf-8")
    return room


def test_a_neverdark_that_dies_is_told_whatever_its_job_is_called(tmp_path: Path, neverdark: Launch) -> None:
    running = neverdark({"cam": cam(str(tmp_path / "out.ts"))})
    running.wait_on_air()
    port, absent = free_port(), free_port()
    never, ours, other = f"127.0.0.1:{absent}", f"127.0.0.1:{running.port}", f"127.0.0.1:{port}"
    jobs = {"streaming": [ours, never], "else": [other]}
    config: Json = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(in_a_hurry(tmp_path / "rules") / "*.yml")],
        "scrape_configs": [
            {"job_name": name, "static_configs": [{"targets": targets}]} for name, targets in jobs.items()
        ],
    }
    with Prometheus(tmp_path / "prometheus", port, config) as prometheus:

        def firing() -> set[tuple[str, str, str]]:
            found = prometheus.ask('ALERTS{alertname=~"Neverdark.*",alertstate="firing"}')
            told = [series["metric"] for series in found]
            return {(labels["alertname"], labels["job"], labels.get("instance", "")) for labels in told}

        one = {("NeverdarkDown", "streaming", never)}
        eventually(lambda: firing() == one, 10 + SLACK, "who has never answered is told, the other is well")
        all_along(lambda: firing() == one, 3, "no page for all of them while one answers")

        running.stop()
        all_of_them = one | {("NeverdarkDown", "streaming", ours), ("NeverdarkAllDown", "streaming", "")}
        eventually(lambda: firing() == all_of_them, 5 + SLACK, "both are down, and so are all")
