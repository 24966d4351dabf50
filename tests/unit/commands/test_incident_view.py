"""What `neverdark incidents` prints."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from exporter.api.shapes import show_incidents
from supervisor import cli
from supervisor.commands import incident_view
from tests.unit.exporter.scenes import their_incidents
from tests.unit.exporter.snapshots import NOW

AT = datetime.fromtimestamp(NOW, UTC)


def told(hours: float) -> list[dict[str, Any]]:
    return incident_view.recent(show_incidents(their_incidents())["incidents"], hours * 3600, AT)


def printed(hours: float, width: int = 1000) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(incident_view.report(told(hours), hours * 3600))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_was_i_dark_last_night() -> None:
    lines = printed(24)
    assert lines[:4] == [
        "7 incidents in the last 1d, and 1 drill",
        "  garden-cam: dark for 3m23s, all its incidents together",
        "  harbour-cam to backup: dark for 6s, all its incidents together",
        "  harbour-cam: never dark",
    ]
    local = (AT - timedelta(seconds=142)).astimezone()
    assert lines[5:7] == [
        f"{local:%Y-%m-%d %H:%M:%S}  garden-cam  dark for 2m22s  goes on",
        "  the source refused us (wrong name or password, or asked too often?)",
    ]
    assert lines[8] == "  the platform's server acknowledged nothing"
    assert "harbour-cam to backup  dark for 6s" in lines[7]
    assert "  drill: our encoder: it was killed" in lines


def test_what_broke_under_maintenance_is_listed_and_not_counted() -> None:
    excused = [one | {"excused": "maintenance"} for one in told(24) if one["stream"] == "garden-cam"]
    others = [one for one in told(24) if one["stream"] != "garden-cam"]
    console = Console(file=io.StringIO(), width=1000, color_system=None)
    console.print(incident_view.report([*excused, *others], 86_400))
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    count = len(excused)
    assert lines[0] == f"{7 - count} incidents in the last 1d, and 1 drill, and {count} in maintenance"
    assert not any(line.startswith("  garden-cam: dark") for line in lines)
    assert sum("in maintenance: " in line for line in lines) == count


def test_only_what_was_open_of_late() -> None:
    assert [one["id"] for one in told(0.1)] == ["garden-cam-0"], "it goes on"
    assert len(told(8)) < len(told(24))


@pytest.mark.parametrize("width", [60, 80])
def test_nothing_is_cut(width: int) -> None:
    lines = printed(24, width)
    assert all(len(line) <= width for line in lines)
    assert "…" not in "".join(lines)
    assert "often?" in " ".join(lines)


def test_nothing_went_wrong() -> None:
    console = Console(file=io.StringIO(), width=200)
    console.print(incident_view.report([], 86_400))
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().startswith("no incident in the last 1d")


def test_a_time_that_is_none_is_wrong_usage(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["incidents", "--since", "yesterday"]) == 2
    assert capfd.readouterr().err.startswith("neverdark: --since: expected a duration")
