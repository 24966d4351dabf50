"""Every query of every dashboard against a real Prometheus: `make dashboards`, on a shorter history."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

needs_prometheus = pytest.mark.skipif(
    not (shutil.which("prometheus") and shutil.which("promtool")), reason="Prometheus and promtool are not installed"
)


def check(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "scripts.check_dashboards", "--hours", "1"],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=110,
        check=False,
    )


@needs_prometheus
def test_every_panel_finds_something() -> None:
    checked = check(ROOT)
    assert checked.returncode == 0, checked.stdout
    asked = re.search(r"(\d+) queries", checked.stdout)
    assert asked, checked.stdout
    assert int(asked[1]) > 200


@needs_prometheus
def test_a_query_that_is_refused_and_an_empty_panel_are_told(tmp_path: Path) -> None:
    """The check can fail."""
    for name in ("grafana", "scripts", "prometheus", "exporter", "supervisor", "tests"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    fleet = tmp_path / "grafana" / "dashboards" / "fleet.json"
    written = fleet.read_text(encoding="utf-8")
    refused = written.replace("histogram_quantile(0.95", "histogram_quantil(0.95", 1)
    empty = refused.replace("livestream_uplink_acked_bytes_total", "livestream_uplink_acked_bytes")
    assert written != refused != empty
    fleet.write_text(empty, encoding="utf-8")
    checked = check(tmp_path)
    assert checked.returncode == 1, checked.stdout
    assert "unknown function" in checked.stdout
    assert "fleet: What the ingests acknowledge, per stream (prometheus, .*, .*, .*): finds nothing" in checked.stdout
